#include "ir/attrs.h"

#include <array>

namespace slipway {
namespace {

template <class T>
const T& EmptyOf() {
  static const T empty{};
  return empty;
}

}  // namespace

std::string_view AttrKindName(const Attr& attr) {
  static constexpr std::array<std::string_view, 9> kNames = {"int",     "float",  "string", "ints", "floats",
                                                             "strings", "tensor", "graph",  "dtype"};
  return kNames[attr.index()];
}

const Attr* Attrs::Find(std::string_view name) const {
  const auto found = items_.find(name);
  return found == items_.end() ? nullptr : &found->second;
}

void Attrs::Remove(std::string_view name) {
  if (const auto found = items_.find(name); found != items_.end()) items_.erase(found);
}

template <class T>
const T* Attrs::Get(std::string_view name) const {
  const Attr* attr = Find(name);
  return attr ? std::get_if<T>(attr) : nullptr;
}

int64_t Attrs::Int(std::string_view name, int64_t otherwise) const {
  const auto* value = Get<int64_t>(name);
  return value ? *value : otherwise;
}

float Attrs::Float(std::string_view name, float otherwise) const {
  const auto* value = Get<float>(name);
  return value ? *value : otherwise;
}

const std::string& Attrs::String(std::string_view name) const {
  const auto* value = Get<std::string>(name);
  return value ? *value : EmptyOf<std::string>();
}

const Ints& Attrs::IntList(std::string_view name) const {
  const auto* value = Get<Ints>(name);
  return value ? *value : EmptyOf<Ints>();
}

const Floats& Attrs::FloatList(std::string_view name) const {
  const auto* value = Get<Floats>(name);
  return value ? *value : EmptyOf<Floats>();
}

const Strings& Attrs::StringList(std::string_view name) const {
  const auto* value = Get<Strings>(name);
  return value ? *value : EmptyOf<Strings>();
}

DType Attrs::Type(std::string_view name, DType otherwise) const {
  const auto* value = Get<DType>(name);
  return value ? *value : otherwise;
}

const Tensor* Attrs::TensorOf(std::string_view name) const { return Get<Tensor>(name); }

GraphRef Attrs::GraphOf(std::string_view name) const {
  const auto* value = Get<GraphRef>(name);
  return value ? *value : nullptr;
}

}  // namespace slipway
