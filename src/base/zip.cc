#include "base/zip.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace slipway {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr size_t kEndSize = 22;
constexpr size_t kCentralSize = 46;
constexpr size_t kLocalSize = 30;
constexpr size_t kMaxComment = 65535;

template <class T>
T Get(std::span<const uint8_t> bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <class T>
void Put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

Status Broken(const std::string& what) { return Status(Code::kInvalidModel, "zip archive: " + what); }

// Offset of the end-of-directory record; npos when there is none.
size_t FindEnd(std::span<const uint8_t> bytes) {
  if (bytes.size() < kEndSize) return std::string::npos;
  const size_t lowest = bytes.size() > kEndSize + kMaxComment ? bytes.size() - kEndSize - kMaxComment : 0;
  for (size_t at = bytes.size() - kEndSize;; --at) {
    const bool is_end = Get<uint32_t>(bytes, at) == kEndOfDirectory &&
                        at + kEndSize + Get<uint16_t>(bytes, at + 20) == bytes.size();
    if (is_end) return at;
    if (at == lowest) return std::string::npos;
  }
}

}  // namespace

bool HasZip(std::span<const uint8_t> bytes) { return FindEnd(bytes) != std::string::npos; }

Result<std::vector<ZipEntry>> ReadZipDirectory(std::span<const uint8_t> bytes) {
  const size_t end = FindEnd(bytes);
  if (end == std::string::npos) return Broken("no end-of-directory record");
  const size_t count = Get<uint16_t>(bytes, end + 10);
  const uint64_t directory_bytes = Get<uint32_t>(bytes, end + 12);
  const uint64_t directory_offset = Get<uint32_t>(bytes, end + 16);
  if (directory_bytes > end) return Broken("the directory is larger than the file");
  // Where data stands before the archive, offsets count from the archive's start.
  const uint64_t directory = end - directory_bytes;
  if (directory_offset > directory) return Broken("the directory's offset is outside the file");
  const uint64_t base = directory - directory_offset;
  std::vector<ZipEntry> entries;
  size_t at = directory;
  for (size_t i = 0; i < count; ++i) {
    if (at + kCentralSize > end || Get<uint32_t>(bytes, at) != kCentralHeader)
      return Broken("the directory is truncated");
    ZipEntry entry;
    const uint16_t flags = Get<uint16_t>(bytes, at + 8);
    entry.method = Get<uint16_t>(bytes, at + 10);
    entry.crc32 = Get<uint32_t>(bytes, at + 16);
    entry.compressed_bytes = Get<uint32_t>(bytes, at + 20);
    entry.size_bytes = Get<uint32_t>(bytes, at + 24);
    const size_t name_bytes = Get<uint16_t>(bytes, at + 28);
    const size_t extra_bytes = Get<uint16_t>(bytes, at + 30);
    const size_t comment_bytes = Get<uint16_t>(bytes, at + 32);
    const uint64_t local = base + Get<uint32_t>(bytes, at + 42);
    if (at + kCentralSize + name_bytes > end) return Broken("a name runs past the directory");
    entry.name.assign(reinterpret_cast<const char*>(bytes.data()) + at + kCentralSize, name_bytes);
    if (flags & 1) return Broken("'" + entry.name + "' is encrypted");
    if (local + kLocalSize > directory || Get<uint32_t>(bytes, local) != kLocalHeader) {
      return Broken("'" + entry.name + "' lies outside the file");
    }
    entry.data_offset =
        local + kLocalSize + Get<uint16_t>(bytes, local + 26) + Get<uint16_t>(bytes, local + 28);
    if (entry.data_offset + entry.compressed_bytes > directory)
      return Broken("'" + entry.name + "' is truncated");
    entries.push_back(std::move(entry));
    at += kCentralSize + name_bytes + extra_bytes + comment_bytes;
  }
  return entries;
}

Result<std::string> ReadZipEntry(std::span<const uint8_t> bytes, const ZipEntry& entry, uint64_t max_bytes) {
  if (entry.size_bytes > max_bytes) {
    return Broken("'" + entry.name + "' has " + std::to_string(entry.size_bytes) + " bytes, more than the " +
                  std::to_string(max_bytes) + " allowed");
  }
  const auto* data = bytes.data() + entry.data_offset;
  std::string content;
  if (entry.method == 0) {
    if (entry.compressed_bytes != entry.size_bytes) return Broken("'" + entry.name + "' has two sizes");
    content.assign(reinterpret_cast<const char*>(data), entry.size_bytes);
  } else if (entry.method == 8) {
    content.resize(entry.size_bytes);
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Status(Code::kInternal, "zlib cannot start");
    stream.next_in = const_cast<Bytef*>(data);
    stream.avail_in = static_cast<uInt>(entry.compressed_bytes);
    stream.next_out = reinterpret_cast<Bytef*>(content.data());
    stream.avail_out = static_cast<uInt>(content.size());
    const int result = inflate(&stream, Z_FINISH);
    const bool is_whole = result == Z_STREAM_END && stream.total_out == entry.size_bytes;
    inflateEnd(&stream);
    if (!is_whole) return Broken("'" + entry.name + "' does not inflate to its size");
  } else {
    return Broken("'" + entry.name + "' uses compression method " + std::to_string(entry.method) +
                  "; stored and deflated are read");
  }
  const auto crc = static_cast<uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
  if (crc != entry.crc32) return Broken("'" + entry.name + "' fails its checksum");
  return content;
}

std::string WriteZip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string archive;
  std::string directory;
  // A fixed date (1980-01-01): equal contents give equal archives.
  constexpr uint16_t kTime = 0;
  constexpr uint16_t kDate = 0x21;
  for (const auto& [name, content] : files) {
    const auto offset = static_cast<uint32_t>(archive.size());
    const auto size = static_cast<uint32_t>(content.size());
    const auto crc = static_cast<uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
    const auto put_common = [&, &name = name](std::string& out) {
      Put<uint16_t>(out, 0);  // flags
      Put<uint16_t>(out, 0);  // stored
      Put(out, kTime);
      Put(out, kDate);
      Put(out, crc);
      Put(out, size);
      Put(out, size);
      Put(out, static_cast<uint16_t>(name.size()));
      Put<uint16_t>(out, 0);  // extra
    };
    Put(archive, kLocalHeader);
    Put<uint16_t>(archive, 20);  // version needed: 2.0
    put_common(archive);
    archive += name;
    archive += content;
    Put(directory, kCentralHeader);
    Put<uint16_t>(directory, 20);
    Put<uint16_t>(directory, 20);
    put_common(directory);
    Put<uint16_t>(directory, 0);  // comment
    Put<uint16_t>(directory, 0);  // disk
    Put<uint16_t>(directory, 0);  // internal attributes
    Put<uint32_t>(directory, 0);  // external attributes
    Put(directory, offset);
    directory += name;
  }
  const auto offset = static_cast<uint32_t>(archive.size());
  archive += directory;
  Put(archive, kEndOfDirectory);
  Put<uint16_t>(archive, 0);
  Put<uint16_t>(archive, 0);
  Put(archive, static_cast<uint16_t>(files.size()));
  Put(archive, static_cast<uint16_t>(files.size()));
  Put(archive, static_cast<uint32_t>(directory.size()));
  Put(archive, offset);
  Put<uint16_t>(archive, 0);
  return archive;
}

}  // namespace slipway
