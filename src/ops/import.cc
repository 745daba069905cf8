#include "ops/import.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/dynamic_ops.h"
#include "ops/transpose_tensor.h"

namespace slipway {
namespace {

std::string Where(const ForeignNode& node) {
  std::string text = node.op + " '" + node.name + "' (" + std::string(FormatName(node.format));
  if (!node.domain.empty()) text += " " + node.domain;
  if (node.format == Format::kOnnx) text += " opset " + std::to_string(node.version);
  if (node.format == Format::kTflite) text += " version " + std::to_string(node.version);
  return text + ")";
}

// "versions 1 to 12" of every row for that operator, or "" when there is none.
std::string KnownVersions(const ForeignNode& node) {
  std::string text;
  for (const OpDef& op : AllOps()) {
    for (const ForeignRow& row : op.foreign) {
      if (row.format != node.format || row.op != node.op) continue;
      if (!text.empty()) text += ", ";
      text += std::to_string(row.since) +
              (row.until == INT_MAX ? " and later" : " to " + std::to_string(row.until));
    }
  }
  return text;
}

std::optional<Quant> TransposedQuant(const std::optional<Quant>& quant, const Ints& permutation) {
  if (!quant || !quant->IsPerAxis()) return quant;
  Quant result = *quant;
  result.axis =
      static_cast<int>(std::find(permutation.begin(), permutation.end(), quant->axis) - permutation.begin());
  return result;
}

bool IsPermutation(const Ints& permutation, int rank) {
  if (static_cast<int>(permutation.size()) != rank) return false;
  std::vector<bool> seen(permutation.size(), false);
  for (int64_t axis : permutation) {
    if (axis < 0 || axis >= rank || seen[static_cast<size_t>(axis)]) return false;
    seen[static_cast<size_t>(axis)] = true;
  }
  return true;
}

}  // namespace

Result<Ints> ImportContext::ConstantInts(size_t i) const {
  const Tensor* tensor = constant(in(i));
  if (tensor == nullptr) {
    return Unsupported("input " + std::to_string(i) + " must be a constant",
                       "fold constants in the exporter, or export with fixed shapes");
  }
  return IntsOf(*tensor);
}

Result<double> ImportContext::ConstantScalar(size_t i, double otherwise) const {
  if (!HasInput(i)) return otherwise;
  const Tensor* tensor = constant(in(i));
  if (tensor == nullptr) return Unsupported("input " + std::to_string(i) + " must be a constant");
  if (tensor->count() != 1 || tensor->dtype() == DType::kString) {
    return Error("input " + std::to_string(i) + " is " + Describe(*tensor) + "; it must be one number");
  }
  return LoadReal(tensor->dtype(), tensor->data(), 0);
}

Result<ValueId> ImportContext::Add(std::string op, std::vector<ValueId> inputs, Attrs attrs) {
  std::string name = node_.name + "/" + op;
  return builder_.Add(std::move(op), std::move(inputs), std::move(attrs), std::move(name));
}

Result<ValueId> ImportContext::Transposed(ValueId value, const Ints& permutation) {
  if (const Tensor* tensor = constant(value)) {
    if (!IsPermutation(permutation, tensor->rank())) {
      return Error("input " + Describe(*tensor) + " must have rank " + std::to_string(permutation.size()));
    }
    const Value& source = builder_.graph().value(value);
    Tensor transposed = TransposeTensor(*tensor, permutation);
    return builder_.Constant(source.name + "/transposed", std::move(transposed),
                             TransposedQuant(source.quant, permutation));
  }
  return Add("Transpose", {value}, {{"perm", permutation}});
}

Status ImportContext::Emit(std::string op, std::vector<ValueId> inputs, Attrs attrs) {
  Node node;
  node.op = std::move(op);
  node.name = node_.name;
  node.inputs = std::move(inputs);
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
  node.attrs = std::move(attrs);
  std::vector<GraphBuilder::Output> outputs;
  for (const Value& output : node_.outputs) {
    outputs.push_back({output.name, output.quant, output.type, output.name.empty()});
  }
  while (!outputs.empty() && outputs.back().is_left_out) outputs.pop_back();
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<ValueId> ids, builder_.Add(std::move(node), std::move(outputs)));
  std::copy_n(ids.begin(), std::min(ids.size(), bound_.size()), bound_.begin());
  return Status::Ok();
}

Status ImportContext::EmitSame(Attrs extra) {
  for (const AttrDef& def : op_.attrs) {
    const Attr* attr = node_.attrs.Find(def.name);
    if (attr != nullptr && !extra.Has(def.name)) extra.Set(def.name, *attr);
  }
  return Emit(op_.name, node_.inputs, std::move(extra));
}

Status ImportContext::Error(std::string message, std::string hint) const {
  return Status(Code::kInvalidModel, Where(node_) + ": " + std::move(message), std::move(hint));
}

Status ImportContext::Unsupported(std::string message, std::string hint) const {
  return Status(Code::kUnsupported, Where(node_) + ": " + std::move(message), std::move(hint));
}

Result<std::vector<ValueId>> ImportNode(const ForeignNode& node, GraphBuilder& builder) {
  const ForeignMatch match = FindForeign(node.format, node.domain, node.op, node.version);
  if (match.op == nullptr) {
    const std::string versions = KnownVersions(node);
    return Status(Code::kUnsupported,
                  Where(node) + ": not supported" +
                      (versions.empty() ? "" : " in this version; known are " + versions));
  }
  builder.SetSources({node.op + " '" + node.name + "'"});
  ImportContext context(*match.op, node, builder);
  if (node.outputs.empty() && !match.op->outputs.empty()) return context.Error("it has no output");
  SLIPWAY_RETURN_IF_ERROR(match.row->import ? match.row->import(context) : context.EmitSame());
  return context.bound();
}

Result<std::vector<ValueId>> ImportCustom(const ForeignNode& node, GraphBuilder& builder) {
  builder.SetSources({node.op + " '" + node.name + "'"});
  ImportContext context(CustomOpRecord(), node, builder);
  for (const auto& [name, attr] : node.attrs) {
    if (std::holds_alternative<GraphRef>(attr))
      return context.Unsupported("attribute '" + name + "' is a sub-graph, which plugins do not take");
  }
  if (node.outputs.empty()) return context.Error("it has no output");
  SLIPWAY_RETURN_IF_ERROR(context.Emit(CustomOpName(node), node.inputs, node.attrs));
  return context.bound();
}

}  // namespace slipway
