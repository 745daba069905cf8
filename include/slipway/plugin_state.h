// Writing and reading what a plugin keeps in .slip files. Part of slipway/plugin.h.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "slipway/plugin_error.h"

namespace slipway::plugin {

// Bytes for Save(): numbers in little-endian order, lists with their count.
class StateWriter {
 public:
  template <class T>
  void Write(T value) {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_ += static_cast<char>(bytes[IsLittleEndian() ? i : sizeof(T) - 1 - i]);
  }
  template <class T>
  void WriteList(std::span<const T> values) {
    Write(static_cast<uint64_t>(values.size()));
    for (const T& value : values) Write(value);
  }
  void WriteText(std::string_view text) { WriteList(std::span<const char>(text.data(), text.size())); }
  const std::string& bytes() const { return bytes_; }

  static bool IsLittleEndian() {
    const uint16_t one = 1;
    unsigned char first = 0;
    std::memcpy(&first, &one, 1);
    return first == 1;
  }

 private:
  std::string bytes_;
};

// Reads what StateWriter wrote. Bytes may come from a damaged or hostile file: each read checks that they are
// there, and takes no more memory than they are.
class StateReader {
 public:
  explicit StateReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  template <class T>
  T Read() {
    static_assert(std::is_arithmetic_v<T>);
    if (bytes_.size() - at_ < sizeof(T)) throw Error(Cut(sizeof(T)));
    unsigned char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes[StateWriter::IsLittleEndian() ? i : sizeof(T) - 1 - i] = bytes_[at_ + i];
    at_ += sizeof(T);
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
  template <class T>
  std::vector<T> ReadList() {
    const uint64_t count = Read<uint64_t>();
    if (count > (bytes_.size() - at_) / sizeof(T))
      throw Error("the state lists " + std::to_string(count) + " elements, " +
                  std::to_string(bytes_.size() - at_) + " bytes are left");
    std::vector<T> values(static_cast<size_t>(count));
    for (T& value : values) value = Read<T>();
    return values;
  }
  std::string ReadText() {
    const std::vector<char> text = ReadList<char>();
    return {text.begin(), text.end()};
  }
  // Throws where bytes are left over.
  void End() const {
    if (at_ != bytes_.size())
      throw Error("the state has " + std::to_string(bytes_.size() - at_) + " bytes too many");
  }

 private:
  std::string Cut(size_t wanted) const {
    return "the state ends at byte " + std::to_string(bytes_.size()) + ", " + std::to_string(wanted) +
           " more are needed at " + std::to_string(at_);
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace slipway::plugin
