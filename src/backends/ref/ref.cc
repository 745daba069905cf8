// The `ref` backend: every operator by the reference implementation of its record. Slow, obvious, the
// yardstick.
#include "backends/api/backend.h"

namespace slipway {
namespace {

class RefKernel : public Kernel {
 public:
  explicit RefKernel(const Step& step) : op_(*step.op), node_(*step.node) {
    for (const Value* value : step.inputs) input_quants_.push_back(value ? value->quant : std::nullopt);
    for (const Value* value : step.outputs) output_quants_.push_back(value ? value->quant : std::nullopt);
  }

  Status Run(const KernelArgs& args) const override {
    // Enough for nearly every operator without touching the heap.
    constexpr size_t kInline = 16;
    RunContext::Operand inputs_inline[kInline];
    RunContext::Operand outputs_inline[kInline];
    std::vector<RunContext::Operand> inputs_heap;
    std::vector<RunContext::Operand> outputs_heap;
    const auto inputs = Fill(args.inputs, input_quants_, {}, inputs_inline, inputs_heap);
    const auto outputs = Fill(args.outputs, output_quants_, args.output_types, outputs_inline, outputs_heap);
    RunContext context(node_, inputs, outputs, args.runner);
    return op_.reference(context);
  }

 private:
  using Operands = std::span<RunContext::Operand>;

  static Operands Fill(std::span<Datum* const> data, const std::vector<std::optional<Quant>>& quants,
                       std::span<const Type> types, Operands inline_storage,
                       std::vector<RunContext::Operand>& heap) {
    Operands operands = inline_storage.subspan(0, std::min(inline_storage.size(), data.size()));
    if (data.size() > inline_storage.size()) {
      heap.resize(data.size());
      operands = heap;
    }
    for (size_t i = 0; i < data.size(); ++i) {
      operands[i].datum = data[i];
      operands[i].quant = i < quants.size() && quants[i] ? &*quants[i] : nullptr;
      if (i < types.size()) operands[i].type = &types[i];
    }
    return operands;
  }

  const OpDef& op_;
  Node node_;
  std::vector<std::optional<Quant>> input_quants_;
  std::vector<std::optional<Quant>> output_quants_;
};

class RefTactic : public Tactic {
 public:
  std::string name() const override { return "ref/reference"; }

  std::optional<std::string> WhyNot(const Step& step) const override {
    if (step.op->reference == nullptr) return step.op->name + " has no reference implementation";
    return std::nullopt;
  }

  double EstimateUs(const Step&) const override { return 1e12; }  // whatever else fits is faster

  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override {
    return std::unique_ptr<Kernel>(std::make_unique<RefKernel>(step));
  }
};

}  // namespace

Backend MakeRefBackend() {
  static const RefTactic tactic;
  return {"ref", "reference implementations: slow and obvious", {&tactic}};
}

}  // namespace slipway
