#include "formats/keras/config.h"

#include <cmath>

namespace slipway::keras {

const Json* Member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

const Json* Given(const Json& object, std::string_view name) {
  const Json* member = Member(object, name);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::string TextOf(const Json& object, std::string_view name) {
  const Json* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

namespace {

// Integers may be written as 2.0.
std::optional<int64_t> ToInt(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    return number <= INT64_MAX ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double real = value.get<double>();
  if (real != std::floor(real) || std::abs(real) > 9e15) return std::nullopt;
  return static_cast<int64_t>(real);
}

// NumPy scalars and arrays: {"class_name": "__numpy__", "config": {"value": ...}}.
const Json& Unwrapped(const Json& value) {
  const Json* config = Member(value, "config");
  const Json* inner = config ? Member(*config, "value") : nullptr;
  return inner ? *inner : value;
}

}  // namespace

void Config::Wrong(std::string_view name, const Json& value, const char* wanted) const {
  if (!error_->ok()) return;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  *error_ =
      Status(Code::kInvalidModel, "its '" + std::string(name) + "' is " + text + "; it must be " + wanted);
}

int64_t Config::Int(std::string_view name, int64_t otherwise) const {
  const Json* value = Find(name);
  if (value == nullptr) return otherwise;
  if (const auto number = ToInt(*value)) return *number;
  Wrong(name, *value, "an integer");
  return otherwise;
}

double Config::Real(std::string_view name, double otherwise) const {
  const Json* value = Find(name);
  if (value == nullptr) return otherwise;
  const Json& inner = Unwrapped(*value);
  if (inner.is_number()) return inner.get<double>();
  Wrong(name, *value, "a number");
  return otherwise;
}

bool Config::Bool(std::string_view name, bool otherwise) const {
  const Json* value = Find(name);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  if (const auto number = ToInt(*value)) return *number != 0;
  Wrong(name, *value, "true or false");
  return otherwise;
}

std::string Config::Text(std::string_view name, const std::string& otherwise) const {
  const Json* value = Find(name);
  if (value == nullptr) return otherwise;
  if (value->is_string()) return value->get<std::string>();
  Wrong(name, *value, "a string");
  return otherwise;
}

Ints Config::IntList(std::string_view name) const {
  const Json* value = Find(name);
  if (value == nullptr) return {};
  if (const auto number = ToInt(*value)) return {*number};
  Ints numbers;
  bool is_wrong = !value->is_array();
  for (size_t i = 0; !is_wrong && i < value->size(); ++i) {
    const auto number = ToInt((*value)[i]);
    is_wrong = !number;
    numbers.push_back(number.value_or(0));
  }
  if (!is_wrong) return numbers;
  Wrong(name, *value, "a list of integers");
  return {};
}

namespace {

bool Flatten(const Json& value, std::vector<double>& numbers, int depth) {
  if (value.is_number()) {
    numbers.push_back(value.get<double>());
    return true;
  }
  if (!value.is_array() || depth > 8) return false;
  for (const Json& each : value) {
    if (!Flatten(each, numbers, depth + 1)) return false;
  }
  return true;
}

}  // namespace

std::vector<double> Config::Reals(std::string_view name) const {
  const Json* value = Find(name);
  std::vector<double> numbers;
  if (value == nullptr || Flatten(Unwrapped(*value), numbers, 0)) return numbers;
  Wrong(name, *value, "a number or a list of numbers");
  return {};
}

}  // namespace slipway::keras
