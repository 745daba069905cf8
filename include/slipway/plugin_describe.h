// What a plugin says of itself: ports, attributes, claims. Part of slipway/plugin.h.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/plugin_abi.h"

namespace slipway::plugin {

enum class Presence : uint32_t {
  kRequired = SLIPWAY_REQUIRED,
  kOptional = SLIPWAY_OPTIONAL,
  kVariadic = SLIPWAY_VARIADIC,      // the last port: zero or more
  kOneOrMore = SLIPWAY_ONE_OR_MORE,  // the last port: one or more
};

enum class Layout : uint32_t {
  kAny = SLIPWAY_LAYOUT_ANY,                       // as the model has it
  kChannelsFirst = SLIPWAY_LAYOUT_CHANNELS_FIRST,  // [N,C,spatial...]
  kChannelsLast = SLIPWAY_LAYOUT_CHANNELS_LAST,    // [N,spatial...,C]
};

struct Port {
  std::string name;
  std::vector<DType> dtypes;
  std::string doc = {};
  Presence presence = Presence::kRequired;
  Layout layout = Layout::kAny;
};

enum class AttrKind : uint32_t {
  kInt = SLIPWAY_ATTR_INT,
  kFloat = SLIPWAY_ATTR_FLOAT,
  kString = SLIPWAY_ATTR_STRING,
  kInts = SLIPWAY_ATTR_INTS,
  kFloats = SLIPWAY_ATTR_FLOATS,
  kStrings = SLIPWAY_ATTR_STRINGS,
  kTensor = SLIPWAY_ATTR_TENSOR,
  kDType = SLIPWAY_ATTR_DTYPE,
};

struct Attr {
  std::string name;
  AttrKind kind = AttrKind::kInt;
  std::string doc = {};
  uint32_t presence = SLIPWAY_REQUIRED;  // SLIPWAY_OPTIONAL: may be absent; SLIPWAY_DEFAULT: the value below
  int64_t i = 0;
  float f = 0;
  std::string s = {};
  std::vector<int64_t> ints = {};
  std::vector<float> floats = {};
};

// An attribute that every node must have, or may have.
inline Attr RequiredAttr(std::string name, AttrKind kind, std::string doc = {}) {
  return {.name = std::move(name), .kind = kind, .doc = std::move(doc)};
}
inline Attr OptionalAttr(std::string name, AttrKind kind, std::string doc = {}) {
  return {.name = std::move(name), .kind = kind, .doc = std::move(doc), .presence = SLIPWAY_OPTIONAL};
}
// Attributes with defaults.
inline Attr IntAttr(std::string name, int64_t value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kInt,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .i = value};
}
inline Attr FloatAttr(std::string name, float value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kFloat,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .f = value};
}
inline Attr StringAttr(std::string name, std::string value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kString,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .s = std::move(value)};
}
inline Attr IntsAttr(std::string name, std::vector<int64_t> value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kInts,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .ints = std::move(value)};
}
inline Attr FloatsAttr(std::string name, std::vector<float> value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kFloats,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .floats = std::move(value)};
}

// A foreign operator that becomes this plugin's node where Slipway has none for it.
struct Claim {
  std::string format;
  std::string domain;
  std::string op;
  int64_t since = 1;
  int64_t until = 0;  // 0: and all later versions
};
inline Claim Onnx(std::string domain, std::string op, int64_t since = 1, int64_t until = 0) {
  return {"onnx", std::move(domain), std::move(op), since, until};
}
inline Claim Tflite(std::string custom_code) { return {"tflite", "", std::move(custom_code)}; }
inline Claim Tensorflow(std::string op) { return {"tensorflow", "", std::move(op)}; }
inline Claim Caffe(std::string layer_type) { return {"caffe", "", std::move(layer_type)}; }

struct Description {
  std::string name;             // letters, digits, '_' and '.'
  uint32_t version = 1;         // raise it when attributes, state or results change
  uint32_t oldest_version = 0;  // whose nodes and state this one still reads; 0: its own only
  std::string summary;          // one sentence
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Attr> attrs = {};
  std::vector<Claim> claims = {};
  bool is_deterministic = true;  // false: equal inputs may give unequal outputs
  bool has_open_attrs = false;   // true: takes attributes that `attrs` does not name
};

}  // namespace slipway::plugin
