#include "base/pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace slipway {

void OfferPages([[maybe_unused]] const void* bytes, [[maybe_unused]] size_t size_bytes) {
#ifdef MADV_PAGEOUT
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  // The system keeps files in pages of up to 2 MiB and gives them up as a whole or not at all. One that
  // begins before these bytes goes with them: what lies there is most often offered already, and comes back
  // if not.
  constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes) + page - 1) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(bytes) + size_bytes) / page * page;
  if (begin >= end) return;
  const uintptr_t first = begin > kLargePage ? begin - kLargePage : begin;
  ::madvise(reinterpret_cast<void*>(first), end - first, MADV_PAGEOUT);
#endif
}

std::shared_ptr<void> AllocatePages(size_t size_bytes) {
  void* memory = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return {memory, [size_bytes](void* p) { ::munmap(p, size_bytes); }};
}

std::shared_ptr<void> AllocateLargePages(size_t size_bytes) {
  constexpr size_t kLine = 64, kLargePage = size_t{2} << 20;
  if (size_bytes < kLargePage / 2) {
    void* memory = ::operator new(size_bytes, std::align_val_t(kLine));
    std::memset(memory, 0, size_bytes);
    return {memory, [](void* p) { ::operator delete(p, std::align_val_t(kLine)); }};
  }
  std::shared_ptr<void> pages = AllocatePages(size_bytes + kLargePage);
  const uintptr_t begin =
      (reinterpret_cast<uintptr_t>(pages.get()) + kLargePage - 1) / kLargePage * kLargePage;
  auto* memory = reinterpret_cast<void*>(begin);
#ifdef MADV_HUGEPAGE
  ::madvise(memory, size_bytes, MADV_HUGEPAGE);
#endif
  return {pages, memory};
}

int64_t MachineMemoryBytes() {
  // Asked once: every step whose shape the data decide is held against it, and the system opens a file for
  // it.
  static const int64_t bytes = [] {
    const int64_t pages = ::sysconf(_SC_PHYS_PAGES);
    const int64_t page = ::sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? pages * page : INT64_MAX;
  }();
  return bytes;
}

}  // namespace slipway
