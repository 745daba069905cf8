// Everything about a run that follows from the shapes of the inputs: types, buffers, who reads and writes
// which.
#pragma once

#include <memory>
#include <new>
#include <span>
#include <vector>

#include "backends/api/backend.h"
#include "runtime/memory_plan.h"

namespace slipway {

// The scratch of one step: what the kernel asks for, then as much as it asks per thread, each part aligned.
struct ScratchSizes {
  int64_t shared_bytes = 0;
  int64_t per_thread_bytes = 0;
  int num_threads = 1;

  static ScratchSizes Of(const Kernel& kernel, std::span<const Type> inputs, std::span<const Type> outputs,
                         int num_threads);
  // Of `kernel` when it runs `first` on the way.
  static ScratchSizes OfPair(const Kernel& first, const Kernel& kernel, const PairTypes& types,
                             int num_threads);
  int64_t total_bytes() const { return threads_begin() + per_thread_bytes * num_threads; }
  // `scratch`: of total_bytes().
  std::span<uint8_t> Shared(std::span<uint8_t> scratch) const;
  std::span<uint8_t> Threads(std::span<uint8_t> scratch) const;

 private:
  int64_t threads_begin() const;
};

struct ShapePlan {
  struct Step {
    std::vector<Datum*> inputs;   // null: left out
    std::vector<Datum*> outputs;  // null: left out
    std::vector<Type> output_types;
    std::vector<int64_t> input_steps;  // see KernelArgs
    std::vector<int64_t> output_steps;
    std::span<uint8_t> workspace;
    std::span<uint8_t> thread_workspaces;
    // All operands are tensors of known shape: outputs and workspace lie in the arena. Otherwise both are
    // made when the step runs.
    bool is_static = true;
    // Nothing is left to do: its results lie where they belong before it runs.
    bool is_skipped = false;
    // The step that runs within this one, which is skipped (Kernel::CanRunBehind); -1: none. Input 0 is that
    // one's.
    int behind = -1;
  };
  // Bytes that nobody needs any more once a step has run.
  struct Freed {
    size_t step;
    std::span<uint8_t> bytes;
  };
  std::vector<Dims> input_dims;  // the key
  // Constants share their storage with the engine's graph. Values that are stored in bf16 have that dtype.
  Graph types;
  std::vector<Datum> values;  // by ValueId
  std::vector<Step> steps;    // one per node
  std::vector<Freed> freed;   // in order of their steps; only where MemoryMode::kPoison asks for it
  std::shared_ptr<uint8_t> arena;
  int64_t arena_bytes = 0;
  int num_threads = 1;
};

// How values are laid into memory. SLIPWAY_MEMORY=plain|poison in the environment chooses one.
enum class MemoryMode {
  kShared,  // values share storage where they can: see sharing.h
  kPoison,  // the same, and bytes nobody needs any more are overwritten: to find who reads them all the same
  kPlain,   // every value in a buffer of its own, every copy made
};
MemoryMode MemoryModeFromEnvironment();

// An error where a result of this static type is larger than the machine's memory.
Status CheckMemoryFor(const Node& node, const Type& type);

struct PlanOptions {
  MemoryMode mode = MemoryMode::kShared;
  int num_threads = 1;
  Precision precision = Precision::kF32;  // kBf16: values may be stored so, see storage.h
};

// `kernels`: one per node of `graph`. An error when the input shapes do not fit the graph.
Result<std::unique_ptr<ShapePlan>> MakeShapePlan(const Graph& graph,
                                                 std::span<const std::unique_ptr<Kernel>> kernels,
                                                 std::span<const Datum> inputs, const PlanOptions& options);

}  // namespace slipway
