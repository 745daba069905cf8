#include "graph_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "base/scalar.h"
#include "formats/onnx/onnx.h"
#include "formats/onnx/write.h"
#include "ir/text.h"
#include "ops/verify.h"
#include "passes/pipeline.h"
#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway::fuzz {
namespace {

constexpr double kRelative = 1e-5;  // of a number's own size
constexpr double kAbsolute = 1e-6;  // of the largest of its tensor
constexpr double kOperand = 2e-6;   // shaking of operands: a few roundings of f32
constexpr int kShakes = 48;

// --- running ---

Datum Kept(const Datum& datum) {
  Datum kept = datum;
  if (!datum.tensor.IsNone()) kept.tensor = datum.tensor.Clone();
  return kept;
}

struct Setup {
  const char* backend;
  int num_threads = 1;
  int num_runs = 1;
};

bool IsSameBits(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return false;
  if (a.dtype() == DType::kString)
    return std::ranges::equal(a.values<std::string>(), b.values<std::string>());
  return a.size_bytes() == 0 || std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size_bytes())) == 0;
}

Result<std::vector<Datum>> RunEngine(Graph graph, std::span<const Datum> inputs, const Setup& setup) {
  EngineOptions options;
  options.backend = setup.backend;
  options.num_threads = setup.num_threads;
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(std::move(graph), options));
  const auto context = engine->NewContext();
  std::vector<Datum> first;
  for (int run = 0; run < setup.num_runs; ++run) {
    SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->RunData(inputs));
    std::vector<Datum> kept;
    for (const Datum& output : outputs) kept.push_back(Kept(output));
    if (run == 0) {
      first = std::move(kept);
      continue;
    }
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!IsSameBits(first[i].tensor, kept[i].tensor))
        return Status(Code::kMismatch, "output " + std::to_string(i) + " differs from run to run");
    }
  }
  return first;
}

Result<Graph> Optimized(Graph graph) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto reports, Optimize(graph, PipelineOptions::FromEnvironment()));
  (void)reports;
  return graph;
}

Result<Graph> ThroughSlip(Graph graph) {
  SlipModel model{.producer = "slipway", .source_format = "text", .graph = std::move(graph)};
  SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, FormatSlip(model));
  // Aligned as a mapped file is.
  auto copy = std::make_shared<Tensor>(DType::kU8, Dims{static_cast<int64_t>(bytes.size())});
  std::memcpy(copy->data(), bytes.data(), bytes.size());
  SLIPWAY_ASSIGN_OR_RETURN(SlipModel again, ParseSlip(copy->values<uint8_t>(), copy));
  SLIPWAY_ASSIGN_OR_RETURN(const std::string same, FormatSlip(again));
  if (same != bytes) return Status(Code::kMismatch, "a .slip that was read is written otherwise");
  return std::move(again.graph);
}

Result<Graph> ThroughText(const Graph& graph) {
  const std::string text = PrintGraph(graph);
  SLIPWAY_ASSIGN_OR_RETURN(Graph again, ParseGraph(text));
  if (PrintGraph(again) != text) return Status(Code::kMismatch, "text that was parsed prints otherwise");
  SLIPWAY_RETURN_IF_ERROR(VerifyGraph(again));
  return again;
}

// The graph itself where ONNX lacks an operator.
Result<Graph> ThroughOnnx(const Graph& graph) {
  const auto bytes = FormatOnnx(graph);
  if (!bytes.ok()) return graph;
  SLIPWAY_ASSIGN_OR_RETURN(ImportedModel model, ImportOnnxBytes(*bytes, {}, {}));
  return std::move(model.graph);
}

// --- shaking ---

// Kernels give these to the bit: they move, compare or choose.
bool IsExact(const OpDef& op) {
  static const std::set<std::string_view> kGroups = {"shape",   "index",    "logic",
                                                     "control", "sequence", "text"};
  static const std::set<std::string_view> kOps = {"Abs",     "Neg",       "Floor", "Ceil",     "Round",
                                                  "Sign",    "Relu",      "Max",   "Min",      "Clip",
                                                  "MaxPool", "ReduceMax", "Cast",  "ReduceMin"};
  return kGroups.count(op.group) || kOps.count(op.name);
}

// Half a step of the narrow floats, doubled.
double StepOf(DType dtype) {
  switch (dtype) {
    case DType::kF16: return 1.0 / 1024;
    case DType::kBF16: return 1.0 / 128;
    case DType::kF32:
    case DType::kF64: return 0;
    default: return 0.25;
  }
}

class Shaker : public GraphRunner {
 public:
  explicit Shaker(uint32_t seed) : random_(seed) {}

  Result<std::vector<Datum>> Run(const Graph& graph, std::span<const Datum> inputs) override {
    std::vector<Datum> values(graph.values.size());
    for (size_t i = 0; i < graph.values.size(); ++i) {
      if (graph.values[i].IsConstant()) values[i] = Shaken(Datum::Of(graph.values[i].data), kOperand, 0);
    }
    for (size_t i = 0; i < inputs.size(); ++i)
      values[static_cast<size_t>(graph.inputs[i])] = Shaken(inputs[i], kOperand, 0);
    for (const Node& node : graph.nodes) {
      std::vector<const Datum*> operands;
      for (ValueId id : node.inputs)
        operands.push_back(id == kNoValue ? nullptr : &values[static_cast<size_t>(id)]);
      SLIPWAY_ASSIGN_OR_RETURN(std::vector<Datum> results, RunReference(graph, node, operands, this));
      reads_bits_ |= node.op == "BitCast" && IsFloat(operands[0]->tensor.dtype()) &&
                     std::count(graph.inputs.begin(), graph.inputs.end(), node.inputs[0]) == 0;
      const OpDef& op = *FindOp(node.op);
      const double relative = IsExact(op) ? 0 : std::max(op.tolerance.relative, kOperand);
      const double absolute = IsExact(op) ? 0 : op.tolerance.absolute;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] == kNoValue) continue;
        Datum shaken = relative == 0 ? results[i] : Shaken(results[i], relative, absolute);
        ShakeIntegers(shaken, op.tolerance.integer_steps);
        if (node.op == "Equal" || node.op == "NotEqual") ShakeEquality(shaken, *operands[0], *operands[1]);
        values[static_cast<size_t>(node.outputs[i])] = std::move(shaken);
      }
    }
    std::vector<Datum> outputs;
    for (ValueId id : graph.outputs) outputs.push_back(values[static_cast<size_t>(id)]);
    return outputs;
  }

  // Were the bits of a computed float looked at? The last ones are rounding's, and may be any.
  bool reads_bits() const { return reads_bits_; }

 private:
  double Unit() { return std::uniform_real_distribution<double>(-1, 1)(random_); }

  // Whole numbers stay: exponents, and what is exact in any order of summing.
  Datum Shaken(const Datum& datum, double relative, double absolute) {
    if (datum.kind != TypeKind::kTensor || !IsFloat(datum.tensor.dtype())) return datum;
    Datum shaken = Kept(datum);
    Tensor& tensor = shaken.tensor;
    relative = std::max(relative, relative == 0 ? 0 : StepOf(tensor.dtype()));
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const double x = LoadReal(tensor.dtype(), tensor.data(), i);
      if (!std::isfinite(x) || (x == std::floor(x) && absolute == 0)) continue;
      StoreReal(tensor.dtype(), tensor.data(), i, x * (1 + relative * Unit()) + absolute * Unit());
    }
    return shaken;
  }

  void ShakeIntegers(Datum& datum, int steps) {
    if (steps == 0 || datum.kind != TypeKind::kTensor || !IsInteger(datum.tensor.dtype())) return;
    datum = Kept(datum);
    const DType dtype = datum.tensor.dtype();
    std::uniform_int_distribution<int> step(-steps, steps);
    for (int64_t i = 0; i < datum.tensor.count(); ++i) {
      const int64_t moved = LoadInt(dtype, datum.tensor.data(), i) + step(random_);
      StoreInt(dtype, datum.tensor.data(), i, std::clamp(moved, MinOfInteger(dtype), MaxOfInteger(dtype)));
    }
  }

  // Shaken numbers are never equal; close ones may have been.
  void ShakeEquality(Datum& datum, const Datum& a, const Datum& b) {
    if (!IsFloat(a.tensor.dtype())) return;
    datum = Kept(datum);
    for (int64_t i = 0; i < datum.tensor.count(); ++i) {
      const double x = LoadReal(a.tensor.dtype(), a.tensor.data(), SourceOf(a.tensor, datum.tensor, i));
      const double y = LoadReal(b.tensor.dtype(), b.tensor.data(), SourceOf(b.tensor, datum.tensor, i));
      const double reach = 4 * (std::max(kRelative, StepOf(a.tensor.dtype())) * std::fabs(y) + kAbsolute);
      if (std::fabs(x - y) <= reach && Unit() > 0) datum.tensor.as<bool>()[i] = !datum.tensor.as<bool>()[i];
    }
  }

  // The element of a broadcast operand that goes into element i of the result.
  static int64_t SourceOf(const Tensor& operand, const Tensor& result, int64_t i) {
    int64_t at = 0;
    int64_t stride = 1;
    for (int axis = 1; axis <= result.rank(); ++axis) {
      const int64_t index = i % result.dim(-axis);
      i /= result.dim(-axis);
      if (axis > operand.rank()) continue;
      if (operand.dim(-axis) > 1) at += index * stride;
      stride *= operand.dim(-axis);
    }
    return at;
  }

  std::mt19937 random_;
  bool reads_bits_ = false;
};

// --- comparing ---

std::string NumberText(const Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::kString) return "'" + tensor.as<std::string>()[i] + "'";
  char text[40];
  std::snprintf(text, sizeof(text), "%.9g", LoadReal(tensor.dtype(), tensor.data(), i));
  return text;
}

double LargestOf(const Tensor& tensor) {
  double largest = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double x = std::fabs(LoadReal(tensor.dtype(), tensor.data(), i));
    if (std::isfinite(x)) largest = std::max(largest, x);
  }
  return largest;
}

bool IsComparedAsBits(DType dtype) { return dtype == DType::kString || IsComplex(dtype); }

// Elements that are further apart than any kernel needs to be.
std::vector<int64_t> FarElements(const Tensor& got, const Tensor& want) {
  std::vector<int64_t> far;
  const double slack = IsFloat(want.dtype()) ? kAbsolute * LargestOf(want) : 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const bool is_close = IsFloat(want.dtype()) && std::fabs(a - b) <= slack + kRelative * std::fabs(b);
    if (!is_close) far.push_back(i);
  }
  return far;
}

struct Gap {
  size_t output = 0;
  int64_t element = -1;  // -1: of the whole tensor (strings, complex numbers), or of a sequence
  std::string text;
};

// A difference of kind, type or shape; or the elements that are far apart.
std::vector<Gap> Gaps(const std::vector<Datum>& got, const std::vector<Datum>& want) {
  std::vector<Gap> gaps;
  for (size_t i = 0; i < want.size(); ++i) {
    const std::string where = "output " + std::to_string(i);
    if (got[i].kind != want[i].kind || got[i].has_value != want[i].has_value) {
      gaps.push_back({i, -1, where + " is of another kind"});
      continue;
    }
    if (want[i].sequence) {
      const bool is_same =
          got[i].sequence && std::ranges::equal(*got[i].sequence, *want[i].sequence, IsSameBits);
      if (!is_same) gaps.push_back({i, -1, where + ": the sequences differ"});
      continue;
    }
    const Tensor& a = got[i].tensor;
    const Tensor& b = want[i].tensor;
    if (b.IsNone() && a.IsNone()) continue;
    if (Describe(a) != Describe(b)) {
      gaps.push_back({i, -1, where + " is " + Describe(a) + ", not " + Describe(b)});
      continue;
    }
    if (IsComparedAsBits(b.dtype())) {
      if (!IsSameBits(a, b)) gaps.push_back({i, -1, where + ": the elements differ"});
      continue;
    }
    for (int64_t element : FarElements(a, b)) {
      gaps.push_back({i, element,
                      where + ", element " + std::to_string(element) + " of " + Describe(b) + ": " +
                          NumberText(a, element) + ", not " + NumberText(b, element)});
    }
  }
  return gaps;
}

// What a value may be: found by shaking.
class Bounds {
 public:
  explicit Bounds(const Sample& sample) {
    for (uint32_t shake = 0; shake < kShakes; ++shake) {
      Shaker shaker(shake + 1);
      auto outputs = shaker.Run(sample.graph, sample.inputs);
      reads_bits_ |= shaker.reads_bits();
      if (outputs.ok()) {
        shaken_.push_back(std::move(*outputs));
      } else {
        is_refused_ = true;  // a computed operand that barely fits
      }
    }
  }

  bool Explains(const Gap& gap, const std::vector<Datum>& got, const std::vector<Datum>& want) const {
    if (is_refused_ || reads_bits_) return true;
    const Datum& wanted = want[gap.output];
    double low = INFINITY;
    double high = -INFINITY;
    for (const std::vector<Datum>& outputs : shaken_) {
      const Datum& each = outputs[gap.output];
      if (each.sequence || Describe(each.tensor) != Describe(wanted.tensor)) return true;
      if (gap.element < 0) {
        if (!IsSameBits(each.tensor, wanted.tensor)) return true;
        continue;
      }
      const double x = LoadReal(each.tensor.dtype(), each.tensor.data(), gap.element);
      if (!std::isfinite(x)) return true;
      low = std::min(low, x);
      high = std::max(high, x);
    }
    if (gap.element < 0 || Describe(got[gap.output].tensor) != Describe(wanted.tensor)) return false;
    const DType dtype = wanted.tensor.dtype();
    const double x = LoadReal(dtype, got[gap.output].tensor.data(), gap.element);
    const double y = LoadReal(dtype, wanted.tensor.data(), gap.element);
    const double width = IsFloat(dtype) ? std::max({high, y}) - std::min({low, y}) : 0;
    return x >= std::min(low, y) - width && x <= std::max(high, y) + width;
  }

 private:
  std::vector<std::vector<Datum>> shaken_;
  bool is_refused_ = false;
  bool reads_bits_ = false;
};

}  // namespace

const char* ModeName(Mode mode) {
  switch (mode) {
    case Mode::kRef: return "ref";
    case Mode::kRefOptimized: return "ref_optimized";
    case Mode::kCpu: return "cpu";
    case Mode::kCpuOptimized: return "cpu_optimized";
    case Mode::kCpuThreads: return "cpu_threads";
    case Mode::kSlip: return "slip";
    case Mode::kText: return "text";
    case Mode::kOnnx: return "onnx";
  }
  return "unknown";
}

std::optional<Mode> ParseMode(std::string_view name) {
  for (Mode mode : kAllModes) {
    if (name == ModeName(mode)) return mode;
  }
  return std::nullopt;
}

Result<std::vector<Datum>> Wanted(const Sample& sample) { return Interpret(sample.graph, sample.inputs); }

Result<std::vector<Datum>> RunAs(Mode mode, const Sample& sample) {
  Graph graph = sample.graph;
  if (mode == Mode::kText) {
    SLIPWAY_ASSIGN_OR_RETURN(graph, ThroughText(sample.graph));
  }
  if (mode == Mode::kOnnx) {
    SLIPWAY_ASSIGN_OR_RETURN(graph, ThroughOnnx(sample.graph));
  }
  if (mode != Mode::kRef && mode != Mode::kCpu && mode != Mode::kText && mode != Mode::kOnnx) {
    SLIPWAY_ASSIGN_OR_RETURN(graph, Optimized(std::move(graph)));
  }
  if (mode == Mode::kSlip) {
    SLIPWAY_ASSIGN_OR_RETURN(graph, ThroughSlip(std::move(graph)));
  }
  switch (mode) {
    case Mode::kRef:
    case Mode::kRefOptimized:
    case Mode::kText:
    case Mode::kOnnx: return RunEngine(std::move(graph), sample.inputs, {"ref"});
    case Mode::kCpuThreads: return RunEngine(std::move(graph), sample.inputs, {"cpu", 2, 2});
    default: return RunEngine(std::move(graph), sample.inputs, {"cpu"});
  }
}

std::optional<std::string> Difference(const Sample& sample, const std::vector<Datum>& want,
                                      const Result<std::vector<Datum>>& got, int* num_shaken) {
  if (!got.ok()) return "it fails: " + got.status().message();
  if (got->size() != want.size())
    return std::to_string(got->size()) + " outputs, not " + std::to_string(want.size());
  const std::vector<Gap> gaps = Gaps(*got, want);
  if (gaps.empty()) return std::nullopt;
  if (num_shaken != nullptr) ++*num_shaken;
  const Bounds bounds(sample);
  for (const Gap& gap : gaps) {
    if (!bounds.Explains(gap, *got, want)) return gap.text;
  }
  return std::nullopt;
}

std::optional<std::string> Check(Mode mode, const Sample& sample, int* num_shaken) {
  const auto want = Wanted(sample);
  if (!want.ok()) return std::nullopt;
  return Difference(sample, *want, RunAs(mode, sample), num_shaken);
}

}  // namespace slipway::fuzz
