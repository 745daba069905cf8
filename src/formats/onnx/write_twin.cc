#include "formats/onnx/write_twin.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "ops/import.h"
#include "ops/onnx_dtype.h"

namespace slipway::onnx {
namespace {

// Attributes of records that ONNX's operators of the same name lack: they must have their defaults. An empty
// record stands for all. Against onnx.defs of ONNX 1.22.
struct RecordAttribute {
  std::string_view record;
  std::string_view name;
};
constexpr auto kOwn = std::to_array<RecordAttribute>({
    {"", "activation"},        {"", "activation_alpha"},  {"", "activation_beta"},
    {"ArgMax", "dtype"},       {"ArgMin", "dtype"},       {"DeformConv", "auto_pad"},
    {"Gather", "batch_dims"},  {"Hardmax", "coerce_2d"},  {"LogSoftmax", "coerce_2d"},
    {"MatMul", "transpose_a"}, {"MatMul", "transpose_b"}, {"OneHot", "from_end"},
    {"Resize", "arithmetic"},  {"Shape", "dtype"},        {"Size", "dtype"},
    {"Softmax", "beta"},       {"Softmax", "coerce_2d"},  {"Softmax", "output_dtype"},
    {"SpaceToDepth", "mode"},  {"TopK", "index_dtype"},   {"Unique", "index_dtype"},
});
// Values of attributes that ONNX's lack.
struct RecordValue {
  std::string_view record;
  std::string_view name;
  std::string_view value;
};
constexpr auto kOwnValues = std::to_array<RecordValue>({
    {"Pad", "mode", "symmetric"},
    {"Resize", "coordinate_transformation_mode", "tf_half_pixel_for_nn"},
    {"Resize", "nearest_mode", "simple"},
});
// What the importer counts for itself.
constexpr auto kCounted = std::to_array<RecordAttribute>({
    {"Loop", "num_carried"},
    {"Scan", "num_states"},
    {"SequenceMap", "num_mapped"},
});
// Required by ONNX, with a default here.
constexpr auto kRequired = std::to_array<RecordAttribute>({
    {"Concat", "axis"},
    {"Momentum", "mode"},
    {"Momentum", "norm_coefficient"},
    {"TreeEnsemble", "leaf_targetids"},
    {"TreeEnsemble", "nodes_falseleafs"},
    {"TreeEnsemble", "nodes_falsenodeids"},
    {"TreeEnsemble", "nodes_featureids"},
    {"TreeEnsemble", "nodes_trueleafs"},
    {"TreeEnsemble", "nodes_truenodeids"},
    {"TreeEnsemble", "tree_roots"},
});

template <size_t N>
bool IsListed(const std::array<RecordAttribute, N>& list, const OpDef& op, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const RecordAttribute& each) {
    return (each.record.empty() || each.record == op.name) && each.name == name;
  });
}

// Recurrent layers have a layout that is a number; it is ONNX's.
bool IsOwn(const OpDef& op, const AttrDef& def) {
  return IsListed(kOwn, op, def.name) || (def.name == "layout" && def.kind == AttrKind::kString);
}

// Attributes that ONNX or onnxruntime insist on, where 0 says the same here: what the 0 stands for.
int64_t NumberInPlaceOfZero(const Graph& graph, const Node& node, std::string_view name) {
  if (node.op == "Split" && name == "num_outputs" && !node.HasInput(1))
    return static_cast<int64_t>(node.outputs.size());
  const bool is_recurrent = node.op == "LSTM" || node.op == "GRU" || node.op == "RNN";
  if (!is_recurrent || name != "hidden_size" || !node.HasInput(2)) return 0;
  const Type& recurrence = graph.value(node.inputs[2]).type;
  const bool is_known = recurrence.HasRank() && recurrence.rank() == 3 && recurrence.shape->back().IsKnown();
  return is_known ? recurrence.shape->back().value() : 0;
}

// Later than the operator itself: an input (by number) or an attribute unlike its default.
int64_t FirstOpsetOfUse(const Node& node) {
  if (node.op == "Attention" && node.HasInput(6)) return 24;
  if (node.op == "Cast" && node.attrs.String("round_mode") != "up") return 24;
  return 1;
}

bool IsMain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

template <class T>
bool AreSame(const T& a, const T& b) {
  return a == b;
}
bool AreSame(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return false;
  if (a.dtype() == DType::kString)
    return std::ranges::equal(a.values<std::string>(), b.values<std::string>());
  return a.size_bytes() == 0 || std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size_bytes())) == 0;
}

bool AreSameAttrs(const Attr& a, const Attr& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&](const auto& value) { return AreSame(value, std::get<std::decay_t<decltype(value)>>(b)); }, a);
}

bool AreSameAttrs(const Attrs& a, const Attrs& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
    return left.first == right.first && AreSameAttrs(left.second, right.second);
  });
}

std::vector<ValueId> WithoutTail(std::vector<ValueId> ids) {
  while (!ids.empty() && ids.back() == kNoValue) ids.pop_back();
  return ids;
}

int64_t OnnxNumber(DType dtype) {
  for (int64_t number = 1; number < kDTypeCount; ++number) {
    if (DTypeFromOnnx(number) == dtype) return number;
  }
  return 0;
}

std::string Name(const Node& node) { return node.op + " '" + node.name + "'"; }

Status NoTwin(const Node& node, std::string why, std::string hint = {}) {
  return Status(Code::kUnsupported, Name(node) + " has no twin in ONNX: " + std::move(why), std::move(hint));
}

// Inputs in front of the captures.
size_t NumFormals(const Node& node) {
  if (node.op == "If") return 1;
  if (node.op == "Loop") return 2 + static_cast<size_t>(node.attrs.Int("num_carried"));
  if (node.op == "Scan")
    return static_cast<size_t>(node.attrs.Int("num_states") + node.attrs.Int("num_scan_inputs"));
  if (node.op == "SequenceMap") return static_cast<size_t>(node.attrs.Int("num_mapped"));
  return node.inputs.size();
}

// The first version of ONNX's operator of the record's name; 1 where it stands in another domain only.
// nullopt: there is none.
std::optional<int64_t> FirstOpset(const OpDef& op) {
  std::optional<int64_t> first;
  bool is_elsewhere = false;
  for (const ForeignRow& row : op.foreign) {
    if (row.format != Format::kOnnx || row.op != op.name) continue;
    is_elsewhere |= !IsMain(row.domain);
    if (IsMain(row.domain)) first = std::min<int64_t>(first.value_or(row.since), row.since);
  }
  if (!first && is_elsewhere) first = 1;
  return first;
}

bool Has(const Graph& graph, std::string_view op) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
    return node.op == op || std::any_of(node.attrs.begin(), node.attrs.end(), [&](const auto& item) {
             const auto* sub = std::get_if<GraphRef>(&item.second);
             return sub != nullptr && Has(**sub, op);
           });
  });
}

int64_t FirstOpset(const Graph& graph) {
  int64_t first = 1;
  for (const Node& node : graph.nodes) {
    first = std::max(first, FirstOpsetOfUse(node));
    if (const OpDef* op = FindOp(node.op)) first = std::max(first, FirstOpset(*op).value_or(1));
    for (const auto& [name, attr] : node.attrs) {
      if (const auto* sub = std::get_if<GraphRef>(&attr)) first = std::max(first, FirstOpset(**sub));
    }
  }
  return first;
}

// What ONNX calls the attributes of the node; those that have their defaults are left out.
Status OnnxAttrs(const Graph& graph, const OpDef& op, const Node& node, Attrs& attrs) {
  for (const AttrDef& def : op.attrs) {
    const Attr* attr = node.attrs.Find(def.name);
    if (attr == nullptr || IsListed(kCounted, op, def.name)) continue;
    const bool is_default = def.has_default && AreSameAttrs(*attr, def.default_value);
    if (IsOwn(op, def) && !is_default) {
      return NoTwin(node, "ONNX's " + op.name + " has no attribute '" + def.name + "'",
                    "write the graph as it was before optimising");
    }
    for (const RecordValue& own : kOwnValues) {
      if (own.record == op.name && own.name == def.name && std::get<std::string>(*attr) == own.value) {
        return NoTwin(node,
                      "ONNX's " + op.name + " has no " + def.name + " '" + std::string(own.value) + "'");
      }
    }
    if (const int64_t number = NumberInPlaceOfZero(graph, node, def.name); is_default && number != 0) {
      attrs.Set(def.name, number);
      continue;
    }
    if (is_default && !IsListed(kRequired, op, def.name)) continue;
    if (const auto* dtype = std::get_if<DType>(attr)) {
      attrs.Set(def.name, OnnxNumber(*dtype));
    } else {
      attrs.Set(def.name, *attr);
    }
  }
  return Status::Ok();
}

// Goes through a graph and imports every node's candidate into a second one, which grows beside it.
class Finder {
 public:
  Finder(const Graph& graph, int64_t opset, int64_t ml_version, Twins& twins)
      : graph_(graph),
        opset_(opset),
        ml_version_(ml_version),
        twins_(twins),
        ids_(graph.values.size(), kNoValue) {}

  Result<std::vector<Twin>> Run() {
    for (ValueId id : graph_.inputs) {
      const Value& value = graph_.value(id);
      ids_[static_cast<size_t>(id)] = builder_.Input(value.name, value.type);
    }
    std::vector<Twin> found;
    Status first_error;
    int num_errors = 0;
    for (const Node& node : graph_.nodes) {
      auto twin = Find(node);
      if (twin.ok()) {
        found.push_back(std::move(*twin));
        continue;
      }
      if (num_errors++ == 0) first_error = twin.status();
      Replace(node);
    }
    if (num_errors == 0) return found;
    if (num_errors == 1) return first_error;
    return Status(first_error.code(),
                  first_error.message() + " (and " + std::to_string(num_errors - 1) + " more nodes)",
                  first_error.hint());
  }

 private:
  int64_t VersionOf(std::string_view domain) const { return domain == "ai.onnx.ml" ? ml_version_ : 1; }

  ValueId Mapped(ValueId id) {
    if (id == kNoValue) return kNoValue;
    ValueId& mapped = ids_[static_cast<size_t>(id)];
    if (mapped == kNoValue && graph_.value(id).IsConstant())
      mapped = builder_.Constant(graph_.value(id).name, graph_.value(id).data);
    return mapped;
  }

  // So that the nodes behind can be looked at, too.
  void Replace(const Node& node) {
    for (ValueId id : node.outputs) {
      if (id == kNoValue) continue;
      const Value& value = graph_.value(id);
      ids_[static_cast<size_t>(id)] = copy_.AddValue({value.name, value.type, std::nullopt, {}});
    }
  }

  Status CheckOperands(const Node& node) const {
    for (const auto* ids : {&node.inputs, &node.outputs}) {
      for (ValueId id : *ids) {
        if (id == kNoValue || !graph_.value(id).quant) continue;
        return NoTwin(
            node, "'" + graph_.value(id).name + "' carries a scale and a zero point",
            "ONNX says that by QuantizeLinear and DequantizeLinear; such a graph cannot be written");
      }
    }
    return Status::Ok();
  }

  Result<Twin> Find(const Node& node) {
    const OpDef* op = FindOp(node.op);
    if (op == nullptr) return NoTwin(node, "no operator has this name");
    if (!FirstOpset(*op)) return NoTwin(node, "ONNX has no such operator");
    SLIPWAY_RETURN_IF_ERROR(CheckOperands(node));
    Twin twin;
    twin.op = op->name;
    twin.num_formals = std::min(NumFormals(node), node.inputs.size());
    SLIPWAY_RETURN_IF_ERROR(OnnxAttrs(graph_, *op, node, twin.attrs));
    if (ml_version_ >= 5 && (node.op == "TreeEnsembleClassifier" || node.op == "TreeEnsembleRegressor"))
      return NoTwin(node, "ai.onnx.ml 5, which TreeEnsemble needs, no longer has it");
    Status why;
    for (const ForeignRow& row : op->foreign) {
      if (row.format != Format::kOnnx || row.op != op->name) continue;
      const int64_t version = IsMain(row.domain) ? opset_ : VersionOf(row.domain);
      if (version < row.since || version > row.until) continue;
      twin.domain = IsMain(row.domain) ? "" : row.domain;
      const Status status = Try(node, version, twin);
      if (status.ok()) {
        if (!twin.domain.empty()) twins_.domains[twin.domain] = version;
        return Completed(node, std::move(twin));
      }
      if (why.ok()) why = status;
    }
    if (!why.ok()) return why;
    return NoTwin(node, "ONNX has no such operator at opset " + std::to_string(opset_));
  }

  Result<Twin> Completed(const Node& node, Twin twin) {
    for (const auto& [name, attr] : twin.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub == nullptr) continue;
      auto body = Finder(**sub, opset_, ml_version_, twins_).Run();
      if (!body.ok()) return body.status().WithContext(Name(node) + ", " + name);
      twin.bodies[name] = std::move(*body);
    }
    return twin;
  }

  // Imports the twin; an error unless that gives the node.
  Status Try(const Node& node, int64_t version, const Twin& twin) {
    ForeignNode foreign;
    foreign.op = twin.op;
    foreign.domain = twin.domain;
    foreign.version = version;
    foreign.name = node.name;
    foreign.attrs = twin.attrs;
    for (size_t i = 0; i < node.inputs.size(); ++i)
      (i < twin.num_formals ? foreign.inputs : foreign.captures).push_back(Mapped(node.inputs[i]));
    for (ValueId id : node.outputs) {
      Value value;
      if (id != kNoValue) value = {graph_.value(id).name, graph_.value(id).type, std::nullopt, {}};
      foreign.outputs.push_back(std::move(value));
    }
    const size_t before = copy_.nodes.size();
    const auto results = ImportNode(foreign, builder_);
    if (!results.ok()) return NoTwin(node, results.status().message());
    if (copy_.nodes.size() != before + 1 || !IsSame(node, copy_.nodes.back())) {
      return NoTwin(node, "ONNX's " + twin.op + " at version " + std::to_string(version) +
                              " does not mean the same with these operands and attributes");
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) ids_[static_cast<size_t>(node.outputs[i])] = (*results)[i];
    }
    return Status::Ok();
  }

  bool IsSame(const Node& node, const Node& imported) {
    std::vector<ValueId> inputs = WithoutTail(node.inputs);
    std::transform(inputs.begin(), inputs.end(), inputs.begin(), [&](ValueId id) { return Mapped(id); });
    return imported.op == node.op && WithoutTail(imported.inputs) == inputs &&
           WithoutTail(imported.outputs).size() == WithoutTail(node.outputs).size() &&
           AreSameAttrs(WithZeros(imported, node), node.attrs);
  }

  // The imported attributes, 0 again where the node has it and the number that stands for it was written.
  Attrs WithZeros(const Node& imported, const Node& node) const {
    Attrs attrs = imported.attrs;
    for (const auto& [name, attr] : node.attrs) {
      const auto* number = std::get_if<int64_t>(&attr);
      if (number != nullptr && *number == 0 && NumberInPlaceOfZero(graph_, node, name) != 0)
        attrs.Set(name, int64_t{0});
    }
    return attrs;
  }

  const Graph& graph_;
  int64_t opset_;
  int64_t ml_version_;
  Twins& twins_;
  Graph copy_;
  GraphBuilder builder_{copy_};
  std::vector<ValueId> ids_;  // of graph_'s values in copy_
};

}  // namespace

Result<Twins> FindTwins(const Graph& graph, int64_t first_opset) {
  Twins twins;
  twins.opset = std::max(first_opset, FirstOpset(graph));
  // Version 5 brought one operator for trees and took the two before it away.
  const int64_t ml_version = Has(graph, "TreeEnsemble") ? 5 : 4;
  SLIPWAY_ASSIGN_OR_RETURN(twins.nodes, Finder(graph, twins.opset, ml_version, twins).Run());
  return twins;
}

}  // namespace slipway::onnx
