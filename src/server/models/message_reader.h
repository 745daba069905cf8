// Reads the fields of one message, by name, into C++ values, and reports the ones that nobody asked for.
//
// Ask for every field, then call Finish(): it has the first error, in the order of the calls. Errors
// (kInvalidModel, kUnsupported) say where: "config.pbtxt:4:3: 'input[0].data_type' is ...".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "server/models/pbtxt.h"
#include "slipway/status.h"

namespace slipway::server {

// Both ends included.
struct IntegerRange {
  int64_t low = 0;
  int64_t high = INT64_MAX;
};

class MessageReader {
 public:
  // file: for errors. path: of the message within the file, "" for the outermost. Both and the message
  // outlive the reader.
  MessageReader(std::string_view file, const pbtxt::Message& message, std::string_view path)
      : file_(file), message_(message), path_(path) {}

  // Single values; what is absent stays as it was. A second one of the same name is an error, as in protobuf.
  void Read(std::string_view name, std::string& value);  // UTF-8
  void Read(std::string_view name, bool& value);
  void Read(std::string_view name, int64_t& value, IntegerRange range);
  void Read(std::string_view name, std::optional<int64_t>& value, IntegerRange range);
  // names: of the enum's values 0, 1, ...
  template <class E>
  void ReadEnum(std::string_view name, E& value, std::span<const std::string_view> names) {
    if (const std::optional<size_t> index = ReadWord(name, names)) value = static_cast<E>(*index);
  }

  // Repeated values, appended.
  void ReadList(std::string_view name, std::vector<int64_t>& values, IntegerRange range);

  // Calls `read` with the reader of the message of that name, if there is one, and finishes it.
  void ReadChild(std::string_view name, FunctionRef<void(MessageReader&)> read);
  // The same for every message of that name, in order.
  void ReadEach(std::string_view name, FunctionRef<void(MessageReader&)> read);

  // Keys that Slipway lacks: an error where they ask for something (RefuseUnlessDefault: Triton's own answer
  // of a configuration spells defaults out, which are fine), or where they are there at all (Refuse).
  void RefuseUnlessDefault(std::initializer_list<std::string_view> names);
  void Refuse(std::initializer_list<std::string_view> names);
  // The same of a key that Slipway has, and a value that it lacks. why: what there is instead.
  void RefuseValue(std::string_view name, const std::string& why);
  // Keys that change nothing here.
  void Ignore(std::initializer_list<std::string_view> names);

  bool Has(std::string_view name) const;
  // Keeps an error about the field of that name, which need not be there.
  void Fail(std::string_view name, const std::string& what);

  Status Finish();

 private:
  // The only field of that name, or null; marks the name as known.
  const pbtxt::Field* FindOnly(std::string_view name);
  std::optional<int64_t> ReadInteger(const pbtxt::Field& field, IntegerRange range);
  std::optional<size_t> ReadWord(std::string_view name, std::span<const std::string_view> names);
  void ReadMessage(const pbtxt::Field& field, const std::string& path,
                   FunctionRef<void(MessageReader&)> read);

  std::string PathOf(std::string_view name) const;
  std::string Where(const pbtxt::Field* field) const;
  void Keep(Status status);
  void Fail(const pbtxt::Field& field, const std::string& what);
  void FailAsUnsupported(const pbtxt::Field& field);

  std::string_view file_;
  const pbtxt::Message& message_;
  const pbtxt::Field* self_ = nullptr;  // whose message it is; null for the outermost
  std::string path_;
  std::vector<std::string_view> known_;    // that were asked for: worth suggesting
  std::vector<std::string_view> ignored_;  // and those that were only looked at
  Status status_;
};

}  // namespace slipway::server
