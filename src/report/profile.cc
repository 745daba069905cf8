#include "report/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/timing.h"
#include "build/choose.h"
#include "ops/cost.h"

namespace slipway {
namespace {

bool HasOpenType(const Value* value) {
  return value != nullptr && (value->type.kind != TypeKind::kTensor || !value->type.IsStatic());
}

// Operators that only move elements read as many as they write, however large what they choose from is.
bool OnlyMoves(const OpDef& op) { return op.group == "shape" || op.group == "index"; }

// 0 where they are not known.
double BytesOfValue(const Value* value) {
  if (value == nullptr || !HasKnownBytes(value->type)) return 0;
  return static_cast<double>(BytesOf(value->type.dtype, CountOf(KnownDims(*value->type.shape))));
}

double BytesMoved(const Step& step, const Cost& cost, const Tactic* tactic) {
  double bytes = 0;
  if (OnlyMoves(*step.op)) {
    for (const Value* output : step.outputs) bytes += BytesOfValue(output);
    return 2 * bytes;
  }
  if (tactic == nullptr || tactic->precision() == Precision::kF32) return cost.bytes;
  // Kernels of 16 bits pack their weights so.
  for (const Value* input : step.inputs) {
    if (input != nullptr && input->IsConstant() && input->type.dtype == DType::kF32)
      bytes += BytesOfValue(input) / 2;
  }
  return cost.bytes - bytes;
}

// Counts and roofs that follow from the operands' types.
void Count(const Step& step, StepProfile& profile) {
  if (!step.outputs.empty() && step.outputs[0] != nullptr) profile.shape = ToString(step.outputs[0]->type);
  profile.layout = step.attrs().String("layout");
  const Tactic* tactic = FindTactic(profile.tactic);  // null: a plugin's
  if (!step.inputs.empty() && step.inputs[0] != nullptr) {
    const DType dtype = step.inputs[0]->type.dtype;
    if (dtype == DType::kI8 || dtype == DType::kU8) profile.arithmetic = "int8";
  }
  if (tactic != nullptr && tactic->precision() != Precision::kF32)
    profile.arithmetic = NameOf(tactic->precision());
  if (std::ranges::any_of(step.inputs, HasOpenType) || std::ranges::any_of(step.outputs, HasOpenType)) return;
  const Cost cost = CostOf(*step.op, *step.node, step.inputs, step.outputs);
  profile.defined_flops = OnlyMoves(*step.op) ? 0 : cost.flops;
  profile.flops = profile.defined_flops;
  if (tactic != nullptr) profile.flops = tactic->Flops(step).value_or(*profile.flops);
  profile.bytes = BytesMoved(step, cost, tactic);
}

double RoofOf(const Peak& peak, const std::string& arithmetic) {
  if (arithmetic == "int8") return peak.int8_gops;
  return arithmetic == "bf16" && peak.bf16_gflops > 0 ? peak.bf16_gflops : peak.f32_gflops;
}

// Each core has near caches of its own.
bool Fits(double bytes, const Peak& peak, const MemoryLevel& level) {
  if (level.bytes == 0) return true;
  return bytes / (level.name == "L3" ? 1 : peak.num_threads) <= static_cast<double>(level.bytes);
}

// The level that the operands fit; where the step is faster than that, a nearer one.
NearestRoof MemoryRoof(const Peak& peak, double bytes, double gbytes) {
  size_t i = 0;
  while (i + 1 < peak.levels.size() && !Fits(bytes, peak, peak.levels[i])) ++i;
  while (i > 0 && gbytes > peak.levels[i].gbytes) --i;
  return {peak.levels[i].name, gbytes / peak.levels[i].gbytes};
}

// `step` does the work of `first` on the way: what they compute together, without the value between.
void CountTogether(double bytes_between, StepProfile& first, StepProfile& step) {
  const auto add = [](std::optional<double>& to, std::optional<double>& from) {
    to = to && from ? std::optional(*to + *from) : std::nullopt;
    from = 0;
  };
  if (first.flops > step.flops) step.arithmetic = first.arithmetic;
  add(step.flops, first.flops);
  add(step.defined_flops, first.defined_flops);
  add(step.bytes, first.bytes);
  if (step.bytes) *step.bytes -= 2 * bytes_between;
}

Result<std::vector<double>> TimeRuns(Context& context, std::span<const Tensor> inputs,
                                     const ProfileOptions& options) {
  std::vector<double> times;
  const auto start = SteadyClock::now();
  while (static_cast<int>(times.size()) < options.runs &&
         (times.size() < 3 || MillisecondsSince(start) < options.seconds * 500)) {
    const auto run_start = SteadyClock::now();
    SLIPWAY_RETURN_IF_ERROR(context.Run(inputs).status());
    times.push_back(MillisecondsSince(run_start));
  }
  return times;
}

Status Trace(Context& context, std::span<const Tensor> inputs, Tracer& tracer) {
  context.SetThreadObserver(&tracer);
  context.SetObserver([&](size_t step, double us) { tracer.OnStep(step, us); });
  const Status status = context.Run(inputs).status();
  context.SetThreadObserver(nullptr);
  context.SetObserver({});
  return status;
}

std::vector<Alternative> AlternativesOf(const Choice& choice) {
  std::vector<Choice::Candidate> candidates = choice.candidates;
  std::stable_sort(candidates.begin(), candidates.end(), IsBetter);
  std::vector<Alternative> alternatives;
  for (const Choice::Candidate& candidate : candidates)
    alternatives.push_back({candidate.tactic->name(), candidate.estimate_us, candidate.time_us});
  return alternatives;
}

}  // namespace

double Profile::steps_us() const {
  return std::accumulate(steps.begin(), steps.end(), 0.0,
                         [](double sum, const StepProfile& step) { return sum + step.us; });
}

double Profile::ShareOf(const StepProfile& step) const {
  const double sum = steps_us();
  return sum > 0 ? step.us / sum : 0;
}

double Profile::flops() const {
  return std::accumulate(steps.begin(), steps.end(), 0.0, [](double sum, const StepProfile& step) {
    return sum + step.defined_flops.value_or(0);
  });
}

std::vector<size_t> Profile::SlowestFirst() const {
  std::vector<size_t> order(steps.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return steps[a].us > steps[b].us; });
  return order;
}

void CompareWithRoofs(const Peak& peak, StepProfile& step) {
  step.roof.reset();
  step.error.clear();
  if (step.moves_nothing) return;
  if (const auto gbytes = step.gbytes(); gbytes && !peak.levels.empty()) {
    step.roof = MemoryRoof(peak, *step.bytes, *gbytes);
    if (step.roof->fraction > kRoofSlack) {
      step.error = fmt::format("{:.0f} GB/s, where the first-level cache gives {:.0f} at most", *gbytes,
                               peak.load_gbytes());
    }
  }
  const auto gflops = step.gflops();
  if (!gflops) return;
  const double limit = RoofOf(peak, step.arithmetic);
  const double fraction = *gflops / limit;
  if (!step.roof || fraction > step.roof->fraction) step.roof = NearestRoof{step.arithmetic, fraction};
  if (fraction > kRoofSlack) {
    step.error = fmt::format("{:.0f} GFLOP/s in {}, where this machine does {:.0f} at most", *gflops,
                             step.arithmetic, limit);
  }
}

Result<Profile> MeasureProfile(const Engine& engine, Context& context, std::span<const Tensor> inputs,
                               const ProfileOptions& options) {
  Profile profile;
  profile.threads = engine.num_threads();
  profile.machine = FindMachineFacts();
  SLIPWAY_RETURN_IF_ERROR(context.Run(inputs).status());
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<double> whole, TimeRuns(context, inputs, options));
  profile.median_ms = Median(whole);
  std::vector<std::vector<double>> times(engine.steps().size());
  context.SetObserver([&](size_t step, double us) { times[step].push_back(us); });
  const auto watched = TimeRuns(context, inputs, options);
  context.SetObserver({});
  SLIPWAY_RETURN_IF_ERROR(watched.status());
  profile.runs = static_cast<int>(watched->size());
  profile.arena_bytes = context.arena_bytes();
  profile.weight_bytes = ConstantBytes(engine.graph());
  profile.peak = MeasurePeak(profile.threads);
  const Graph& graph = *context.last_types();
  for (size_t i = 0; i < engine.steps().size(); ++i) {
    const StepInfo& info = engine.steps()[i];
    StepProfile step;
    step.node = info.node;
    step.op = info.op;
    step.tactic = info.tactic;
    step.sources = info.sources;
    step.rejected = info.rejected;
    step.estimate_us = info.estimate_us;
    step.moves_nothing = context.WasSkipped(i);
    step.within = context.RanWithin(i);
    step.us = step.moves_nothing ? 0 : Median(std::move(times[i]));
    SLIPWAY_ASSIGN_OR_RETURN(const Step operands, MakeStep(graph, graph.nodes[i]));
    Count(operands, step);
    if (!profile.steps.empty() && profile.steps.back().within == i)
      CountTogether(BytesOfValue(operands.inputs[0]), profile.steps.back(), step);
    if (i < options.choices.size()) step.alternatives = AlternativesOf(options.choices[i]);
    CompareWithRoofs(profile.peak, step);
    // A result that takes its operand's place: nothing was copied.
    if (!step.error.empty() && OnlyMoves(*operands.op)) {
      step.moves_nothing = true;
      CompareWithRoofs(profile.peak, step);
    }
    profile.steps.push_back(std::move(step));
  }
  if (options.tracer != nullptr) SLIPWAY_RETURN_IF_ERROR(Trace(context, inputs, *options.tracer));
  return profile;
}

}  // namespace slipway
