// Tactic for every element-wise function of one 8-bit operand, quantised or not: a table of 256 results,
// computed by the record's reference when the kernel is made.
#include "backends/cpu/kernels/table/table.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "backends/cpu/sample.h"
#include "backends/cpu/tactics.h"

namespace slipway::cpu {
namespace {

// Operators whose output element depends on one element of input 0 and on scalars.
constexpr std::string_view kElementwise[] = {
#define SLIPWAY_OP(name) #name,
#include "backends/cpu/table.inc"
#undef SLIPWAY_OP
};
constexpr int64_t kEntries = 256;
constexpr int64_t kGrain = 16384;  // elements per task at least

bool IsPerTensor(const Value& value) { return !value.quant || value.quant->scales.size() == 1; }

std::optional<std::string> WhyNot(const Step& step) {
  const auto* end = std::end(kElementwise);
  if (std::find(std::begin(kElementwise), end, step.op->name) == end) return "no function of single elements";
  if (step.inputs.empty() || step.inputs[0] == nullptr) return "no input";
  if (step.outputs.size() != 1 || step.outputs[0] == nullptr) return "not one output";
  const DType from = TypeOf(step.inputs[0]);
  const DType to = TypeOf(step.outputs[0]);
  if (from != DType::kI8 && from != DType::kU8) return "input is not i8 or u8";
  const bool is_whole = to != DType::kNone && to != DType::kString && !IsComplex(to) && BitsOf(to) % 8 == 0;
  if (!is_whole) return "output elements are not of 1, 2, 4 or 8 bytes";
  if (!IsPerTensor(*step.inputs[0]) || !IsPerTensor(*step.outputs[0])) return "scales differ by axis";
  if (!AreOthersConstant(step)) return "operands are not constant";
  const Type& type = step.inputs[0]->type;
  for (size_t i = 1; i < step.inputs.size(); ++i) {
    if (!step.HasInput(i)) continue;
    if (step.inputs[i]->data.count() != 1) return "operands are not scalars";
    const bool is_wider = !type.HasRank() || step.inputs[i]->data.rank() > type.rank();
    if (is_wider && step.inputs[i]->data.rank() > 0) return "the output has more axes than the input";
  }
  return std::nullopt;
}

class TableKernel : public Kernel {
 public:
  explicit TableKernel(const Step&) {}
  Status Init(const Step& step) {
    Tensor all(TypeOf(step.inputs[0]), {kEntries});
    for (int64_t i = 0; i < kEntries; ++i) all.as<uint8_t>()[i] = static_cast<uint8_t>(i);
    std::vector<StandIn> stand_ins;
    stand_ins.push_back({0, std::move(all)});
    // Scalars of whatever rank become scalars of rank 0: they fit the stand-in's shape, too.
    for (size_t i = 1; i < step.inputs.size(); ++i) {
      if (!step.HasInput(i)) continue;
      const Tensor& given = step.inputs[i]->data;
      Tensor scalar(given.dtype(), {});
      std::memcpy(scalar.data(), given.data(), static_cast<size_t>(given.size_bytes()));
      stand_ins.push_back({i, std::move(scalar)});
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results,
                             RunOnSample(step, std::move(stand_ins), SampleQuant::kKept));
    table_ = results[0].tensor;
    if (table_.count() != kEntries) return Status(Code::kInternal, "a table has not 256 entries");
    entry_bytes_ = table_.size_bytes() / kEntries;
    return Status::Ok();
  }

  Status Run(const KernelArgs& args) const override {
    const auto* x = args.in(0).as<uint8_t>();
    auto* y = args.out(0).as<uint8_t>();
    args.pool.ParallelFor(args.in(0).count(), kGrain, [&](int64_t begin, int64_t end) {
      LookUpBytes(x + begin, end - begin, table_.as<uint8_t>(), entry_bytes_, y + begin * entry_bytes_);
    });
    return Status::Ok();
  }

 private:
  Tensor table_;
  int64_t entry_bytes_ = 1;
};

}  // namespace

std::vector<const Tactic*> TableTactics() {
  static const SimpleTactic table("cpu/table_8bit", BoundByMemory(12), WhyNot, MakeKernel<TableKernel>);
  return {&table};
}

}  // namespace slipway::cpu
