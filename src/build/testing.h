// For tests: runs a backend's tactics on a record's test case and holds them against the record's reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "backends/api/backend.h"
#include "base/round_up.h"
#include "base/scalar.h"
#include "build/choose.h"
#include "ops/activation.h"
#include "ops/case_scene.h"

namespace slipway {

inline void ExpectClose(const Tensor& got, const Tensor& want, const Tolerance& tolerance) {
  ASSERT_EQ(got.dims(), want.dims());
  for (int64_t i = 0; i < want.count(); ++i) {
    if (!IsFloat(want.dtype())) {
      const int64_t a = LoadInt(got.dtype(), got.data(), i);
      const int64_t b = LoadInt(want.dtype(), want.data(), i);
      ASSERT_LE(std::llabs(a - b), tolerance.integer_steps) << "element " << i << ": " << a << " not " << b;
      continue;
    }
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    ASSERT_TRUE(std::isfinite(b)) << "element " << i << ": " << a << " not " << b;
    ASSERT_LE(std::fabs(a - b), tolerance.absolute + tolerance.relative * std::fabs(b))
        << "element " << i << ": " << a << " not " << b;
  }
}

// The nearest bf16 or f16 of every element of an f32 operand: a scene for tactics of that precision and for
// operands that are stored so; sums must then be as good as any.
inline void RoundTo(Precision precision, Tensor& tensor) {
  if (tensor.dtype() != DType::kF32) return;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    float& value = tensor.as<float>()[i];
    value = precision == Precision::kBf16 ? BFloat16ToFloat(FloatToBFloat16(value))
                                          : HalfToFloat(FloatToHalf(value));
  }
}
inline void RoundOperands(Precision precision, CaseScene& scene) {
  for (size_t i = 0; i < scene.inputs.size(); ++i) {
    if (scene.node().inputs[i] == kNoValue) continue;
    RoundTo(precision, scene.inputs[i].tensor);
    Value& value = scene.graph.value(scene.node().inputs[i]);
    if (value.IsConstant()) RoundTo(precision, value.data);
  }
}

// A tensor whose rows lie with `gap` elements between them, filled with bytes that are no number.
class RowsApart {
 public:
  static constexpr uint8_t kFill = 0xFF;

  RowsApart(const Tensor& dense, int64_t gap)
      : row_bytes_(BytesOf(dense.dtype(), LastExtent(dense))),
        step_(LastExtent(dense) + gap),
        step_bytes_(BytesOf(dense.dtype(), step_)),
        rows_(row_bytes_ == 0 ? 0 : dense.size_bytes() / row_bytes_),
        memory_(DType::kU8, {rows_ * step_bytes_}) {
    std::fill_n(memory_.as<uint8_t>(), memory_.count(), kFill);
    for (int64_t row = 0; row < rows_; ++row)
      std::copy_n(static_cast<const uint8_t*>(dense.data()) + row * row_bytes_, row_bytes_, At(row));
    datum_ = Datum::Of(Tensor(dense.dtype(), dense.dims(), memory_.data()));
  }
  RowsApart(const RowsApart&) = delete;
  RowsApart& operator=(const RowsApart&) = delete;

  Datum* datum() { return &datum_; }
  int64_t step() const { return step_; }
  // The rows, one behind the other; a test that wrote between them fails.
  Tensor Dense() {
    Tensor dense(datum_.tensor.dtype(), datum_.tensor.dims());
    for (int64_t row = 0; row < rows_; ++row) {
      std::copy_n(At(row), row_bytes_, static_cast<uint8_t*>(dense.data()) + row * row_bytes_);
      const bool is_kept = std::all_of(At(row) + row_bytes_, At(row) + step_bytes_,
                                       [](uint8_t byte) { return byte == kFill; });
      EXPECT_TRUE(is_kept) << "written behind row " << row;
    }
    return dense;
  }

 private:
  static int64_t LastExtent(const Tensor& tensor) { return tensor.rank() == 0 ? 1 : tensor.dim(-1); }
  uint8_t* At(int64_t row) { return memory_.as<uint8_t>() + row * step_bytes_; }

  int64_t row_bytes_, step_, step_bytes_, rows_;
  Tensor memory_;
  Datum datum_;
};

// How operands lie in memory, those that the kernel allows it of.
struct Laying {
  int64_t gap = 0;  // elements between rows
  bool reads_bf16 = false, writes_bf16 = false;

  bool HasBf16() const { return reads_bf16 || writes_bf16; }
};

inline Tensor ToDType(const Tensor& tensor, DType dtype) {
  Tensor converted(dtype, tensor.dims());
  for (int64_t i = 0; i < tensor.count(); ++i)
    StoreReal(dtype, converted.data(), i, LoadReal(tensor.dtype(), tensor.data(), i));
  return converted;
}

// The outputs of the tactic's kernel on the scene; `like` has their dtypes and shapes. None where the kernel
// allows nothing of what `laying` asks for.
inline Result<std::vector<Datum>> RunTactic(const Tactic& tactic, const Step& step, CaseScene& scene,
                                            const std::vector<Datum>& like, const Laying& laying = {}) {
  const int64_t gap = laying.gap;
  SLIPWAY_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, tactic.Make(step));
  std::vector<std::unique_ptr<RowsApart>> inputs, outputs;
  std::vector<Type> input_types, output_types;
  std::vector<Datum*> in, out;
  std::vector<int64_t> in_steps, out_steps;
  bool has_gaps = false, reads_bf16 = false, writes_bf16 = false;
  const auto add = [&](const Tensor& tensor, bool can_step, auto& apart, auto& datums, auto& steps) {
    const bool is_apart = can_step && gap > 0 && tensor.rank() > 0 && tensor.count() > 0;
    apart.push_back(std::make_unique<RowsApart>(tensor, is_apart ? gap : 0));
    datums.push_back(apart.back()->datum());
    steps.push_back(is_apart ? apart.back()->step() : 0);
    has_gaps |= is_apart;
  };
  for (size_t i = 0; i < scene.inputs.size(); ++i) {
    const Tensor& tensor = scene.inputs[i].tensor;
    if (scene.node().inputs[i] == kNoValue || tensor.dtype() == DType::kString) {
      in.push_back(scene.node().inputs[i] == kNoValue ? nullptr : &scene.inputs[i]);
      in_steps.push_back(0);
      input_types.push_back(in.back() == nullptr ? Type()
                                                 : Type::Of(tensor.dtype(), ToDimList(tensor.dims())));
      continue;
    }
    const bool is_constant = scene.graph.value(scene.node().inputs[i]).IsConstant();
    const bool is_short =
        laying.reads_bf16 && !is_constant && tensor.dtype() == DType::kF32 && kernel->CanReadBf16(i);
    reads_bf16 |= is_short;
    add(is_short ? ToDType(tensor, DType::kBF16) : tensor, !is_constant && kernel->CanReadSteps(i), inputs,
        in, in_steps);
    input_types.push_back(Type::Of(in.back()->tensor.dtype(), ToDimList(tensor.dims())));
  }
  for (size_t i = 0; i < like.size(); ++i) {
    const bool is_short =
        laying.writes_bf16 && like[i].tensor.dtype() == DType::kF32 && kernel->CanWriteBf16(i);
    writes_bf16 |= is_short;
    Tensor tensor(is_short ? DType::kBF16 : like[i].tensor.dtype(), like[i].tensor.dims());
    output_types.push_back(Type::Of(tensor.dtype(), ToDimList(tensor.dims())));
    std::fill_n(static_cast<uint8_t*>(tensor.data()), tensor.size_bytes(), RowsApart::kFill);
    add(tensor, kernel->CanWriteSteps(i), outputs, out, out_steps);
  }
  if ((gap > 0 && !has_gaps) || laying.reads_bf16 != reads_bf16 || laying.writes_bf16 != writes_bf16)
    return std::vector<Datum>();
  Tensor workspace(DType::kU8, {kernel->WorkspaceBytes(input_types, output_types)});
  ThreadPool pool(2);
  Tensor threads(DType::kU8, {RoundUp(kernel->ThreadWorkspaceBytes(input_types, output_types), 64) * 2});
  const KernelArgs args{in,      out,      output_types, workspace.values<uint8_t>(), pool,
                        nullptr, in_steps, out_steps,    threads.values<uint8_t>()};
  SLIPWAY_RETURN_IF_ERROR(kernel->Run(args));
  std::vector<Datum> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    // Through reals, which do not hold every whole number.
    Tensor result = outputs[i]->Dense();
    const DType dtype = like[i].tensor.dtype();
    results.push_back(Datum::Of(result.dtype() == dtype ? std::move(result) : ToDType(result, dtype)));
  }
  return results;
}

// A case, ready to be run by tactics of one precision, and what the reference makes of it.
struct Trial {
  CaseScene scene;
  Step step;
  std::vector<Datum> want;  // empty until ExpectReference

  // Fails the test that calls it where the reference fails.
  bool ExpectReference() {
    if (!want.empty()) return true;
    auto reference = RunReference(scene.graph, scene.node(), scene.operands(), nullptr);
    EXPECT_TRUE(reference.ok()) << reference.status().message();
    if (reference.ok()) want = std::move(*reference);
    return !want.empty();
  }

  // Of output i before its activation, which may cut down all but the small ones.
  double LargestSum(size_t i) const {
    Graph sums = scene.graph;
    if (ActivationOf(step.attrs()).kind != Activation::kNone)
      sums.nodes[0].attrs.Set("activation", std::string("none"));
    const auto reference = RunReference(sums, sums.nodes[0], scene.operands(), nullptr);
    EXPECT_TRUE(reference.ok());
    const Tensor& tensor = (*reference)[i].tensor;
    double largest = 0;
    for (int64_t k = 0; k < tensor.count(); ++k)
      largest = std::max(largest, std::fabs(LoadReal(tensor.dtype(), tensor.data(), k)));
    return largest;
  }
};

// What the record allows of output i, and what the tactic's algorithm adds to it.
inline Tolerance ToleranceOf(const Tactic& tactic, const Trial& trial, size_t i) {
  Tolerance tolerance = trial.step.op->tolerance;
  // Of operands that are rounded already, plain sums are as good as any: RoundOperands.
  const bool is_rounded =
      tactic.precision() == Precision::kF16 ||
      (tactic.precision() == Precision::kBf16 && tactic.RelativeError() <= Tactic::kBf16Error);
  const bool is_plain = tactic.RelativeError() <= Tactic::kPlainError;
  if (!is_rounded && !is_plain && IsFloat(trial.want[i].tensor.dtype()))
    tolerance.absolute += tactic.RelativeError() * trial.LargestSum(i);
  return tolerance;
}

// Null: the record refuses the case.
inline std::unique_ptr<Trial> MakeTrial(const OpDef& op, const TestCase& test, uint32_t seed,
                                        Precision precision) {
  Result<CaseScene> scene = MakeCaseScene(op, test, seed);
  if (!scene.ok()) return nullptr;
  auto trial = std::make_unique<Trial>();
  trial->scene = std::move(*scene);
  if (precision != Precision::kF32) RoundOperands(precision, trial->scene);
  Result<Step> step = MakeStep(trial->scene.graph, trial->scene.node());
  EXPECT_TRUE(step.ok());
  trial->step = *step;
  return trial;
}

// Half a step of bf16.
inline constexpr double kBf16Rounding = 1.0 / 256;

// Dense, with gaps, and where it is allowed with bf16 on either side; pairs of bf16 need even gaps.
inline std::vector<Laying> Layings() {
  std::vector<Laying> layings = {{0}, {5}};
  for (const int64_t gap : {0, 5, 6}) {
    for (const auto& [reads, writes] : {std::pair(true, false), {false, true}, {true, true}})
      layings.push_back({gap, reads, writes});
  }
  return layings;
}

// Expects the reference's result of every tactic of the backend that fits the case; their names.
inline std::vector<std::string> CheckTactics(const Backend& backend, const OpDef& op, const TestCase& test,
                                             uint32_t seed) {
  std::vector<std::string> fitting;
  const auto plain = MakeTrial(op, test, seed, Precision::kF32);
  if (plain == nullptr) return fitting;  // the record's own tests speak of broken cases
  std::map<Precision, std::unique_ptr<Trial>> rounded;
  for (const Tactic* tactic : backend.tactics) {
    if (tactic->WhyNot(plain->step)) continue;
    SCOPED_TRACE(op.name + "/" + test.label + " by " + tactic->name());
    EXPECT_GE(tactic->EstimateUs(plain->step), 0);
    EXPECT_GE(tactic->Flops(plain->step).value_or(0), 0);
    for (const Laying& laying : Layings()) {
      SCOPED_TRACE("rows " + std::to_string(laying.gap) + " elements apart" +
                   (laying.reads_bf16 ? ", reads bf16" : "") + (laying.writes_bf16 ? ", writes bf16" : ""));
      const Precision precision = laying.HasBf16() ? Precision::kBf16 : tactic->precision();
      if (precision != Precision::kF32 && rounded[precision] == nullptr)
        rounded[precision] = MakeTrial(op, test, seed, precision);
      Trial& trial = precision == Precision::kF32 ? *plain : *rounded[precision];
      if (!trial.ExpectReference()) return fitting;
      auto got = RunTactic(*tactic, trial.step, trial.scene, trial.want, laying);
      EXPECT_TRUE(got.ok()) << got.status().message();
      if (!got.ok()) return fitting;
      for (size_t i = 0; i < got->size(); ++i) {
        Tolerance tolerance = ToleranceOf(*tactic, trial, i);
        if (laying.writes_bf16) tolerance.relative += kBf16Rounding;
        ExpectClose((*got)[i].tensor, trial.want[i].tensor, tolerance);
      }
    }
    fitting.push_back(tactic->name());
  }
  return fitting;
}

}  // namespace slipway
