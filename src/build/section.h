// Tuned sections of a .slip file (plan/slip.h): made from choices, and held against the graph before use.
#pragma once

#include "build/choose.h"
#include "plan/slip.h"

namespace slipway {

// The machine and the options that choices hold for: MachineFingerprint and the backend, accuracy and
// precision they were made with.
std::string SectionTarget(const std::vector<const Backend*>& backends, int num_threads, Accuracy accuracy,
                          Precision precision);

// Makes every chosen kernel once, to keep what it packs. The section owns its bytes.
Result<TunedSection> MakeSection(const Graph& graph, const std::vector<Choice>& choices, std::string target);

// An error where the section cannot be of this graph: other steps, a tactic that is unknown or does not fit.
// Sizes of packed constants are held against what the kernels ask for when these are made (PackedInputs).
Status CheckSection(const TunedSection& section, const Graph& graph,
                    const std::vector<const Backend*>& backends, ChooseOptions options);

// Puts it in the place of the model's section of the same target, or adds it.
void PutSection(TunedSection section, SlipModel& model);
const TunedSection* FindSection(const SlipModel& model, const std::string& target);

}  // namespace slipway
