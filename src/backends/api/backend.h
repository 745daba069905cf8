// The boundary between the builder, the runtime and a backend.
//
// A backend is a list of tactics. A tactic is one way to run one step: it says whether it fits (and why not),
// what it costs, and makes the kernel, which holds packed weights and is immutable, shared by all contexts.
// src/backends/null is the skeleton to copy; src/backends/backends.inc lists the backends.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "ir/graph.h"
#include "ops/op.h"
#include "ops/run.h"

namespace slipway {

// A tensor whose bytes are known before the run: of static shape, and no strings.
bool HasKnownBytes(const Type& type);

class PackedInputs;  // packed_inputs.h

// A node with all that is known when its kernel is chosen.
struct Step {
  const OpDef* op = nullptr;
  const Node* node = nullptr;
  std::vector<const Value*> inputs;   // null: left out; constants carry their data
  std::vector<const Value*> outputs;  // null: left out
  // Where the kernel's packed constants come from and are noted; null: nobody asks.
  PackedInputs* packed = nullptr;

  bool HasInput(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  const Attrs& attrs() const { return node->attrs; }
};

// Operands of one call. Datums live in the context; outputs of static shape are allocated, the others are to
// be allocated by the kernel.
//
// An operand is rows of its last extent. They lie `step` elements apart: as many as the extent, unless the
// operand lies inside a larger one (a part of a Concat's result or of a Split's input) and the kernel said
// that it can read or write it there.
//
// An f32 operand may be a bf16 tensor, each element the upper half of an f32, rounded to the nearest even:
// only where bf16 was asked for, and where the kernel that writes it and all that read it said that they can.
struct KernelArgs {
  std::span<Datum* const> inputs;   // null: left out
  std::span<Datum* const> outputs;  // null: left out
  std::span<const Type> output_types;
  std::span<uint8_t> workspace;  // of at least WorkspaceBytes(), aligned to 64
  ThreadPool& pool;
  GraphRunner* runner;
  // Elements between the starts of neighbouring rows, per operand; 0: dense. Empty: all are dense.
  std::span<const int64_t> input_steps = {};
  std::span<const int64_t> output_steps = {};
  // ThreadWorkspaceBytes() for every thread of the pool, each aligned to 64.
  std::span<uint8_t> thread_workspaces = {};

  // The part of the thread that calls, within a loop of `pool`.
  std::span<uint8_t> ThreadWorkspace() const {
    const size_t size = thread_workspaces.size() / static_cast<size_t>(pool.num_threads());
    return thread_workspaces.subspan(static_cast<size_t>(ThreadPool::ThreadIndex()) * size, size);
  }
  int64_t in_step(size_t i) const { return StepOf(input_steps, i, inputs[i]->tensor); }
  int64_t out_step(size_t i) const { return StepOf(output_steps, i, outputs[i]->tensor); }
  const Tensor& in(size_t i) const { return inputs[i]->tensor; }
  bool HasInput(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  Tensor& out(size_t i) const { return outputs[i]->tensor; }

 private:
  static int64_t StepOf(std::span<const int64_t> steps, size_t i, const Tensor& tensor) {
    if (i < steps.size() && steps[i] != 0) return steps[i];
    return tensor.rank() == 0 ? 1 : tensor.dim(tensor.rank() - 1);
  }
};

// The operands of two steps of which the second is all that reads the first one's output, as its input 0.
struct PairTypes {
  std::span<const Type> first_inputs;
  std::span<const Type> inputs, outputs;  // of the second
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  // Scratch for these operand types (static), in bytes.
  virtual int64_t WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const;
  // The same for every thread that takes part.
  virtual int64_t ThreadWorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const;
  // Whether this operand may be rows with gaps: see KernelArgs. One that may not is always dense.
  virtual bool CanReadSteps(size_t input) const;
  virtual bool CanWriteSteps(size_t output) const;
  // Whether this f32 operand may be a bf16 tensor: see KernelArgs.
  virtual bool CanReadBf16(size_t input) const;
  virtual bool CanWriteBf16(size_t output) const;
  // Whether output `output` may take the place of input `input`, of equal shape, element size and step: every
  // element is read before, or as, the one at its index is written. No other operand lies there.
  virtual bool CanOverwrite(size_t input, size_t output) const;
  // Whether this kernel can run the one before it on the way: it makes a strip of `first`'s output at a time,
  // in scratch memory of its threads, so that the whole is never in memory and no thread waits for another in
  // between.
  virtual bool CanRunBehind(const Kernel& first, const PairTypes& types) const;
  // ThreadWorkspaceBytes() for that.
  virtual int64_t ThreadWorkspaceBehind(const Kernel& first, const PairTypes& types) const;
  // Both: input 0 of `args` is `first`'s. REQUIRES: CanRunBehind.
  virtual Status RunBehind(const Kernel& first, const KernelArgs& args) const;
  // Called from one thread at a time per context, from many contexts at once. Operands have been checked.
  virtual Status Run(const KernelArgs& args) const = 0;
};

// What products are computed in; sums are f32 in all.
enum class Precision { kF32, kBf16, kF16 };

class Tactic {
 public:
  virtual ~Tactic() = default;
  // "cpu/conv_f32_nhwc"
  virtual std::string name() const = 0;
  // nullopt if it can run the step, else the reason why not ("weights are not constant").
  virtual std::optional<std::string> WhyNot(const Step& step) const = 0;
  // Estimated microseconds on one thread; compared between tactics of a step only.
  virtual double EstimateUs(const Step& step) const = 0;
  // What it computes for the step, a multiply-add counted as 2, where that is not what the operator's record
  // counts: Winograd multiplies less. nullopt: as the record says. For reports: rates against a roof.
  virtual std::optional<double> Flops(const Step& step) const;
  // The largest error of an element to expect of f32 arithmetic, as a part of the largest element's size:
  // what the algorithm adds to the rounding of plain sums (kPlainError).
  static constexpr double kPlainError = 1e-6;
  // Plain sums of products whose operands are rounded to bf16: each is off by 2^-9 at most, and of sums that
  // cancel more is left.
  static constexpr double kBf16Error = 1e-2;
  // The same of f16, which has three bits more.
  static constexpr double kF16Error = kBf16Error / 8;
  virtual double RelativeError() const { return kPlainError; }
  // What its measured time counts for where it is held against others', for what running a step by itself
  // does not show: plans that are made when a network is loaded, operands that must lie densely.
  virtual double TimeFactor() const { return 1; }
  // Another than f32 is chosen only where it is asked for.
  virtual Precision precision() const { return Precision::kF32; }
  // REQUIRES: WhyNot(step) is nullopt. The step may be gone afterwards: copy what is needed.
  virtual Result<std::unique_ptr<Kernel>> Make(const Step& step) const = 0;
};

struct Backend {
  std::string name;
  std::string summary;
  std::vector<const Tactic*> tactics;  // static storage
  // Instruction set that its kernels run on here ("AVX3_DL"): what timings depend on. Empty: none.
  std::string target = {};
  // Why it multiplies nothing in these on this machine; nullopt: it can.
  std::optional<std::string> why_no_bf16 = "it has no bf16 kernels";
  std::optional<std::string> why_no_f16 = "it has no f16 kernels";

  std::optional<std::string> WhyNo(Precision precision) const {
    if (precision == Precision::kF32) return std::nullopt;
    return precision == Precision::kBf16 ? why_no_bf16 : why_no_f16;
  }
};

// In the order of backends.inc.
const std::vector<Backend>& AllBackends();
const Backend* FindBackend(std::string_view name);
// Of any of them ("cpu/conv_f32"); null: there is none.
const Tactic* FindTactic(std::string_view name);

}  // namespace slipway
