// A step with operands of its own: made-up inputs, room for the outputs.
#pragma once

#include <memory>
#include <vector>

#include "backends/api/backend.h"

namespace slipway {

// Whether every operand is a tensor of known shape and no string: only such a step can be run alone.
bool HasKnownOperands(const Step& step);

// REQUIRES: HasKnownOperands(step); the step outlives it.
class DummyStep {
 public:
  DummyStep(const Step& step, ThreadPool& pool);

  struct Candidate {
    const Tactic* tactic = nullptr;
    std::unique_ptr<Kernel> kernel;
    Tensor workspace, thread_workspaces;
  };
  Result<Candidate> Make(const Tactic& tactic) const;

  // Microseconds of one run, on data that lie where a network would have them.
  Result<double> TimeUs(Candidate& candidate);

 private:
  void WarmAsInANetwork();

  const Step& step_;
  ThreadPool& pool_;
  std::vector<Datum> inputs_, outputs_;
  std::vector<Datum*> input_pointers_, output_pointers_;
  std::vector<Type> input_types_, output_types_;
  std::vector<float> other_layers_;  // stands for what they touch between two runs of this one
};

}  // namespace slipway
