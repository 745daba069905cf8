// Attributes of a node: a small ordered map from names to typed constants.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "slipway/tensor.h"

namespace slipway {

struct Graph;

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Strings = std::vector<std::string>;
// Sub-graphs are shared and immutable once they hang in an attribute; passes replace, never edit in place.
using GraphRef = std::shared_ptr<const Graph>;

// Order is the tag in .slip files: never renumber.
using Attr = std::variant<int64_t, float, std::string, Ints, Floats, Strings, Tensor, GraphRef, DType>;

// "int", "float", "string", "ints", ...
std::string_view AttrKindName(const Attr& attr);

class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<const std::string, Attr>> items) : items_(items) {}

  bool Has(std::string_view name) const { return items_.find(name) != items_.end(); }
  const Attr* Find(std::string_view name) const;
  void Set(std::string name, Attr value) { items_[std::move(name)] = std::move(value); }
  void Remove(std::string_view name);

  // The value if present and of that kind, else `otherwise`. A node in a verified graph has every attribute
  // of its record, so kernels may leave `otherwise` out.
  int64_t Int(std::string_view name, int64_t otherwise = 0) const;
  float Float(std::string_view name, float otherwise = 0) const;
  const std::string& String(std::string_view name) const;  // empty when absent
  const Ints& IntList(std::string_view name) const;        // empty when absent
  const Floats& FloatList(std::string_view name) const;
  const Strings& StringList(std::string_view name) const;
  DType Type(std::string_view name, DType otherwise = DType::kNone) const;
  const Tensor* TensorOf(std::string_view name) const;  // null when absent
  GraphRef GraphOf(std::string_view name) const;        // null when absent

  bool IsEmpty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  template <class T>
  const T* Get(std::string_view name) const;

  std::map<std::string, Attr, std::less<>> items_;
};

}  // namespace slipway
