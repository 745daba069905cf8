#include "build/dummy_step.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/round_up.h"
#include "base/scalar.h"

namespace slipway {
namespace {

// Per thread, twice the second-level cache of today's cores.
constexpr size_t kOtherLayersFloats = 2 * 1024 * 1024 / sizeof(float);
// What a layer finds of its inputs in that cache at most.
constexpr int64_t kWarmBytes = 1024 * 1024;
// Vector kernels may load a whole register behind the end, as they may in a context's arena.
constexpr int64_t kSlackBytes = 64;

Tensor WithSlack(DType dtype, Dims dims) {
  const int64_t bytes = BytesOf(dtype, CountOf(dims));
  auto memory = std::make_shared<Tensor>(DType::kU8, Dims{bytes + kSlackBytes});
  void* data = memory->data();
  return {dtype, std::move(dims), data, std::move(memory)};
}

// Floats in [-1, 1); integers 0 and 1 where they may be indices, else over their whole range.
void Fill(Tensor& tensor, uint32_t seed) {
  std::minstd_rand random(seed);
  const DType dtype = tensor.dtype();
  const int64_t count = tensor.count();
  if (dtype == DType::kF32) {
    for (float& x : tensor.values<float>()) x = static_cast<float>(random() % 2048) / 1024.0F - 1;
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<int64_t>(random());
    if (IsFloat(dtype)) {
      StoreReal(dtype, tensor.data(), i, static_cast<double>(bits % 2048) / 1024 - 1);
    } else {
      StoreInt(dtype, tensor.data(), i, BitsOf(dtype) >= 32 || dtype == DType::kBool ? bits % 2 : bits);
    }
  }
}

bool IsKnown(const Value* value) { return value == nullptr || HasKnownBytes(value->type); }

}  // namespace

bool HasKnownOperands(const Step& step) {
  return std::all_of(step.inputs.begin(), step.inputs.end(), IsKnown) &&
         std::all_of(step.outputs.begin(), step.outputs.end(), IsKnown);
}

DummyStep::DummyStep(const Step& step, ThreadPool& pool) : step_(step), pool_(pool) {
  for (const Value* value : step.inputs) {
    if (value == nullptr) {
      inputs_.emplace_back();
      input_types_.emplace_back();
      continue;
    }
    Tensor tensor = value->data;
    if (!value->IsConstant()) {
      tensor = WithSlack(value->type.dtype, KnownDims(*value->type.shape));
      Fill(tensor, static_cast<uint32_t>(inputs_.size() + 1));
    }
    inputs_.push_back(Datum::Of(std::move(tensor)));
    input_types_.push_back(value->type);
  }
  for (const Value* value : step.outputs) {
    outputs_.push_back(
        value == nullptr ? Datum() : Datum::Of(WithSlack(value->type.dtype, KnownDims(*value->type.shape))));
    output_types_.push_back(value == nullptr ? Type() : value->type);
  }
  for (size_t i = 0; i < inputs_.size(); ++i)
    input_pointers_.push_back(step.inputs[i] == nullptr ? nullptr : &inputs_[i]);
  for (size_t i = 0; i < outputs_.size(); ++i)
    output_pointers_.push_back(step.outputs[i] == nullptr ? nullptr : &outputs_[i]);
  other_layers_.assign(kOtherLayersFloats * static_cast<size_t>(pool.num_threads()), 1.0F);
}

Result<DummyStep::Candidate> DummyStep::Make(const Tactic& tactic) const {
  Candidate candidate;
  candidate.tactic = &tactic;
  SLIPWAY_ASSIGN_OR_RETURN(candidate.kernel, tactic.Make(step_));
  candidate.workspace = Tensor(DType::kU8, {candidate.kernel->WorkspaceBytes(input_types_, output_types_)});
  const int64_t each = RoundUp(candidate.kernel->ThreadWorkspaceBytes(input_types_, output_types_), 64);
  candidate.thread_workspaces = Tensor(DType::kU8, {each * pool_.num_threads()});
  return candidate;
}

void DummyStep::WarmAsInANetwork() {
  const auto count = static_cast<int64_t>(other_layers_.size());
  pool_.ParallelFor(count, count / pool_.num_threads(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 16) other_layers_[static_cast<size_t>(i)] += 1.0F;
  });
  volatile uint8_t sink = 0;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (input_pointers_[i] == nullptr || step_.inputs[i]->IsConstant()) continue;
    const Tensor& tensor = inputs_[i].tensor;
    const auto* bytes = static_cast<const uint8_t*>(tensor.data());
    const int64_t size = tensor.size_bytes();
    for (int64_t at = std::max<int64_t>(0, size - kWarmBytes); at < size; at += 64) sink = sink + bytes[at];
  }
}

Result<double> DummyStep::TimeUs(Candidate& candidate) {
  WarmAsInANetwork();
  const KernelArgs args{input_pointers_,
                        output_pointers_,
                        output_types_,
                        candidate.workspace.values<uint8_t>(),
                        pool_,
                        nullptr,
                        {},
                        {},
                        candidate.thread_workspaces.values<uint8_t>()};
  const auto start = std::chrono::steady_clock::now();
  SLIPWAY_RETURN_IF_ERROR(candidate.kernel->Run(args));
  const std::chrono::duration<double, std::micro> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count();
}

}  // namespace slipway
