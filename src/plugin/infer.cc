// A plugin's word on its outputs, checked.
#include "ops/infer.h"

#include <algorithm>
#include <optional>

#include "base/scalar.h"
#include "ops/dynamic_ops.h"
#include "plugin/registry.h"
#include "plugin/views.h"

namespace slipway {
namespace {

constexpr int64_t kMaxRank = 64;

// What the plugin calls back while it infers. The first thing that is wrong is kept.
class InferHost {
 public:
  InferHost(InferContext& context, DimTable& dims)
      : context_(context), dims_(dims), types_(context.num_outputs()) {}

  static void SetOutput(void* host, uint64_t index, uint32_t dtype, int64_t rank, const slipway_dim* dims) {
    auto& self = *static_cast<InferHost*>(host);
    try {
      self.Set(index, dtype, rank, dims);
    } catch (const std::exception&) {
      self.is_out_of_memory_ = true;
    }
  }

  static void Combine(void* host, uint32_t operation, const slipway_dim* a, const slipway_dim* b,
                      slipway_dim* result) {
    auto& self = *static_cast<InferHost*>(host);
    *result = {-1, 0};
    try {
      const Dim left = self.dims_.Read(*a);
      const Dim right = self.dims_.Read(*b);
      switch (operation) {
        case SLIPWAY_DIM_ADD: *result = self.dims_.View(left + right); break;
        case SLIPWAY_DIM_SUB: *result = self.dims_.View(left - right); break;
        case SLIPWAY_DIM_MUL: *result = self.dims_.View(left * right); break;
        case SLIPWAY_DIM_FLOOR_DIV: *result = self.dims_.View(FloorDiv(left, right)); break;
        case SLIPWAY_DIM_CEIL_DIV: *result = self.dims_.View(CeilDiv(left, right)); break;
        default: self.Complain("asks for the arithmetic " + std::to_string(operation) + ", which is none");
      }
    } catch (const std::exception&) {
      self.is_out_of_memory_ = true;
    }
  }

  // The outputs' types into the context, or what is wrong with them.
  Status Finish(const RegisteredPlugin& plugin) {
    if (is_out_of_memory_) return context_.Error("there is not enough memory to infer its shapes");
    for (size_t i = 0; i < types_.size() && problem_.empty(); ++i) {
      if (context_.HasOutput(i) && !types_[i]) Complain("does not say what " + NameOf(i) + " is");
    }
    if (!problem_.empty()) {
      return Status(
          Code::kUsage,
          context_.node().op + " '" + context_.node().name + "': " + Describe(plugin) + " " + problem_,
          "the plugin must be mended: see docs/plugins.md");
    }
    for (size_t i = 0; i < types_.size(); ++i) {
      if (types_[i]) context_.SetOutput(i, std::move(*types_[i]));
    }
    return Status::Ok();
  }

 private:
  void Complain(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  const Port& PortOf(size_t i) const {
    const std::vector<Port>& ports = context_.op().outputs;
    return ports[std::min(i, ports.size() - 1)];
  }
  std::string NameOf(size_t i) const { return "output " + std::to_string(i) + " ('" + PortOf(i).name + "')"; }

  void Set(uint64_t index, uint32_t dtype, int64_t rank, const slipway_dim* dims) {
    if (index >= types_.size())
      return Complain("sets output " + std::to_string(index) + " of a node that has " +
                      std::to_string(types_.size()));
    const auto i = static_cast<size_t>(index);
    if (dtype >= static_cast<uint32_t>(kDTypeCount))
      return Complain("gives " + NameOf(i) + " the dtype " + std::to_string(dtype) +
                      ", which does not exist");
    const DTypeSet& allowed = PortOf(i).dtypes;
    Type type = Type::OfUnknownShape(static_cast<DType>(dtype));
    if (type.dtype != DType::kNone && !allowed.Has(type.dtype))
      return Complain("gives " + NameOf(i) + " as " + std::string(DTypeName(type.dtype)) + "; it declares " +
                      allowed.ToString());
    if (rank < -1 || rank > kMaxRank || (rank > 0 && dims == nullptr))
      return Complain("gives " + NameOf(i) + " the rank " + std::to_string(rank));
    if (rank >= 0) type.shape.emplace();
    for (int64_t axis = 0; axis < rank; ++axis) {
      const Dim dim = dims_.Read(dims[axis]);
      if (dim.IsKnown() && dim.value() < 0)
        return Complain("gives " + NameOf(i) + " the extent " + dim.ToString() + " on axis " +
                        std::to_string(axis));
      type.shape->push_back(dim);
    }
    types_[i] = std::move(type);
  }

  InferContext& context_;
  DimTable& dims_;
  std::vector<std::optional<Type>> types_;
  std::string problem_;
  bool is_out_of_memory_ = false;
};

// A small integer input whose elements shape arithmetic knows (what a Shape computes), as a tensor; none
// else.
Tensor KnownContent(const InferContext& context, size_t i) {
  const Type& type = context.input(i);
  if (!type.IsStatic() || !IsInteger(type.dtype)) return {};
  const std::optional<Ints> elements = context.ints(i);
  if (!elements || CountOf(KnownDims(*type.shape)) != static_cast<int64_t>(elements->size())) return {};
  Tensor content(type.dtype, KnownDims(*type.shape));
  for (size_t k = 0; k < elements->size(); ++k)
    StoreInt(type.dtype, content.data(), static_cast<int64_t>(k), (*elements)[k]);
  return content;
}

// `contents` holds what is made for the call.
std::vector<OperandFacts> InputFacts(const InferContext& context, std::vector<Tensor>& contents) {
  std::vector<OperandFacts> facts(context.num_inputs());
  contents.resize(facts.size());
  for (size_t i = 0; i < facts.size(); ++i) {
    if (!context.HasInput(i)) continue;
    facts[i] = {&context.input(i), context.constant(i), context.quant(i)};
    if (facts[i].content != nullptr) continue;
    contents[i] = KnownContent(context, i);
    if (!contents[i].IsNone()) facts[i].content = &contents[i];
  }
  return facts;
}

}  // namespace

Status InferPluginNode(InferContext& context) {
  const RegisteredPlugin* plugin = FindPlugin(context.node().op);
  if (plugin == nullptr) return UnknownOp(context.node());
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    if (context.HasInput(i) && context.input(i).kind != TypeKind::kTensor)
      return context.Unsupported("input " + std::to_string(i) + " is " + ToString(context.input(i)) +
                                 "; plugins take tensors");
  }
  const Type unknown;
  std::vector<OperandFacts> outputs(context.num_outputs());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (context.HasOutput(i)) outputs[i] = {&unknown, nullptr, context.output(i).quant};
  }
  DimTable dims;
  std::vector<Tensor> contents;
  const std::vector<OperandFacts> inputs = InputFacts(context, contents);
  auto view =
      NodeView::Make(context.node(), ParsePluginOp(context.node().op)->version, inputs, outputs, dims);
  if (!view.ok()) return view.status().WithContext(context.node().op + " '" + context.node().name + "'");
  InferHost host(context, dims);
  Sink error(Sink::kMaxTextBytes);
  slipway_infer call{};
  call.size = sizeof(call);
  call.node = &(*view)->raw();
  call.host = &host;
  call.set_output = InferHost::SetOutput;
  call.combine = InferHost::Combine;
  call.error = error.raw();
  if (plugin->table.infer(plugin->table.user, &call) != 0) return context.Error(error.Words());
  return host.Finish(*plugin);
}

}  // namespace slipway
