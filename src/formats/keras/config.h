// A layer's "config" as Keras writes it: members of known kinds, read with their defaults.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ir/attrs.h"
#include "slipway/status.h"

namespace slipway::keras {

using Json = nlohmann::json;

// Null where `object` is no object or has no such member.
const Json* Member(const Json& object, std::string_view name);
// The same, null also where the member is JSON's null.
const Json* Given(const Json& object, std::string_view name);
// The member if it is a string, else "".
std::string TextOf(const Json& object, std::string_view name);

// What is absent or null has its default. A member of the wrong kind is noted in `error`, the first one only,
// and reads as its default: callers look at `error` once, before they use what they have read.
class Config {
 public:
  Config(const Json* json, Status& error) : json_(json), error_(&error) {}

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  const Json* Find(std::string_view name) const { return json_ ? Given(*json_, name) : nullptr; }
  int64_t Int(std::string_view name, int64_t otherwise) const;
  double Real(std::string_view name, double otherwise) const;
  bool Bool(std::string_view name, bool otherwise) const;
  std::string Text(std::string_view name, const std::string& otherwise) const;
  // A list of integers; one integer stands for a list of one. Empty when absent.
  Ints IntList(std::string_view name) const;
  // The same of real numbers.
  std::vector<double> Reals(std::string_view name) const;

 private:
  void Wrong(std::string_view name, const Json& value, const char* wanted) const;

  const Json* json_;
  Status* error_;
};

}  // namespace slipway::keras
