// The list of records and the look-ups over it.
#include <algorithm>

#include "ops/dynamic_ops.h"
#include "ops/makers.h"

namespace slipway {
namespace {

std::vector<OpDef> MakeAll() {
  std::vector<OpDef> ops;
#define SLIPWAY_OP(name) ops.push_back(Make##name());
#include "ops/ops.inc"
#undef SLIPWAY_OP
  std::sort(ops.begin(), ops.end(), [](const OpDef& a, const OpDef& b) { return a.name < b.name; });
  return ops;
}

AttrDef MakeAttr(std::string name, AttrKind kind, Attr default_value, Doc doc) {
  AttrDef def;
  def.name = std::move(name);
  def.kind = kind;
  def.default_value = std::move(default_value);
  def.has_default = true;
  def.doc = std::move(doc);
  return def;
}

bool IsKind(const Attr& attr, AttrKind kind) { return attr.index() == static_cast<size_t>(kind); }

Status NodeError(const Node& node, std::string message, std::string hint = {}) {
  return Status(Code::kInvalidModel, node.op + " '" + node.name + "': " + std::move(message),
                std::move(hint));
}

Status CheckAttr(const AttrDef& def, const Node& node, const Attr& attr) {
  if (!IsKind(attr, def.kind)) {
    return NodeError(node,
                     "attribute '" + def.name + "' has the wrong kind: " + std::string(AttrKindName(attr)));
  }
  if (def.choices.empty()) return Status::Ok();
  const std::string& value = std::get<std::string>(attr);
  if (std::find(def.choices.begin(), def.choices.end(), value) != def.choices.end()) return Status::Ok();
  std::string allowed;
  for (const std::string& choice : def.choices) allowed += (allowed.empty() ? "'" : ", '") + choice + "'";
  return NodeError(node, "attribute '" + def.name + "' is '" + value + "'; allowed are " + allowed);
}

}  // namespace

std::string DTypeSet::ToString() const {
  std::string text;
  for (int i = 1; i < kDTypeCount; ++i) {
    if (!Has(static_cast<DType>(i))) continue;
    if (!text.empty()) text += ", ";
    text += DTypeName(static_cast<DType>(i));
  }
  return text;
}

AttrDef IntAttr(std::string name, int64_t value, Doc doc) {
  return MakeAttr(std::move(name), AttrKind::kInt, value, std::move(doc));
}
AttrDef FloatAttr(std::string name, float value, Doc doc) {
  return MakeAttr(std::move(name), AttrKind::kFloat, value, std::move(doc));
}
AttrDef StringAttr(std::string name, std::string value, std::vector<std::string> choices, Doc doc) {
  AttrDef def = MakeAttr(std::move(name), AttrKind::kString, std::move(value), std::move(doc));
  def.choices = std::move(choices);
  return def;
}
AttrDef IntsAttr(std::string name, Ints value, Doc doc) {
  return MakeAttr(std::move(name), AttrKind::kInts, std::move(value), std::move(doc));
}
AttrDef FloatsAttr(std::string name, Floats value, Doc doc) {
  return MakeAttr(std::move(name), AttrKind::kFloats, std::move(value), std::move(doc));
}
AttrDef StringsAttr(std::string name, Strings value, Doc doc) {
  return MakeAttr(std::move(name), AttrKind::kStrings, std::move(value), std::move(doc));
}
AttrDef DTypeAttr(std::string name, DType value, Doc doc) {
  AttrDef def = MakeAttr(std::move(name), AttrKind::kDType, value, std::move(doc));
  def.has_default = value != DType::kNone;
  return def;
}
AttrDef TensorAttr(std::string name, Doc doc) {
  AttrDef def = MakeAttr(std::move(name), AttrKind::kTensor, Tensor(), std::move(doc));
  def.has_default = false;
  return def;
}
AttrDef GraphAttr(std::string name, Doc doc) {
  return Required(MakeAttr(std::move(name), AttrKind::kGraph, GraphRef(), std::move(doc)));
}
AttrDef Required(AttrDef def) {
  def.is_required = true;
  def.has_default = false;
  return def;
}

const std::vector<OpDef>& AllOps() {
  static const std::vector<OpDef> ops = MakeAll();
  return ops;
}

const OpDef* FindOp(std::string_view name) {
  const auto& ops = AllOps();
  const auto found =
      std::lower_bound(ops.begin(), ops.end(), name,
                       [](const OpDef& op, std::string_view wanted) { return op.name < wanted; });
  return found != ops.end() && found->name == name ? &*found : FindDynamicOp(name);
}

Status CompleteAttrs(const OpDef& op, Node& node) {
  for (const AttrDef& def : op.attrs) {
    const Attr* attr = node.attrs.Find(def.name);
    if (attr == nullptr) {
      if (def.is_required) return NodeError(node, "attribute '" + def.name + "' is missing");
      if (def.has_default) node.attrs.Set(def.name, def.default_value);
      continue;
    }
    SLIPWAY_RETURN_IF_ERROR(CheckAttr(def, node, *attr));
  }
  if (op.has_open_attrs) return Status::Ok();
  for (const auto& [name, value] : node.attrs) {
    const bool is_known = std::any_of(op.attrs.begin(), op.attrs.end(),
                                      [&name = name](const AttrDef& def) { return def.name == name; });
    if (!is_known) return NodeError(node, "attribute '" + name + "' is unknown to " + op.name);
  }
  return Status::Ok();
}

}  // namespace slipway
