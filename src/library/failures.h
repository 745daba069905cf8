// How the C interface says that something failed: a code, and the reason kept per thread
// (slipway_runtime_error).
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>

#include "slipway/status.h"

namespace slipway {

// Keeps the reason of an error. Returns its code, 0 for none. Throws nothing.
int32_t Report(const Status& status) noexcept;

// The error of having no memory, not even for a text.
int32_t ReportNoMemory() noexcept;

// Report(call()), with what is thrown as an error, too.
template <class Call>
int32_t Guarded(const Call& call) noexcept {
  try {
    return Report(call());
  } catch (const std::bad_alloc&) {
    return ReportNoMemory();
  } catch (const std::exception& thrown) {
    return Report(Status(Code::kInternal, thrown.what()));
  }
}

// The same for what makes a handle, Result<std::unique_ptr<T>> make(): `handle` is null where that fails.
template <class T, class Make>
int32_t Give(T** handle, const Make& make) noexcept {
  *handle = nullptr;
  return Guarded([&] {
    auto made = make();
    if (!made.ok()) return made.status();
    *handle = std::move(made).value().release();
    return Status::Ok();
  });
}

}  // namespace slipway
