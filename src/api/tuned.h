// Runs a model as it was built for this machine.
#pragma once

#include "plan/slip.h"
#include "runtime/engine.h"

namespace slipway {

// The section that these options want: their machine, threads, backend, accuracy and precision.
Result<std::string> TargetOf(const EngineOptions& options);

// Fills `options` with the tactics and packed constants of the model's section for them. A model without
// sections leaves them as they are; so does one whose sections are all of other machines or do not fit, and
// `note` then says which, and how to build for this one.
Status UseTunedSection(const SlipModel& model, const std::string& path, EngineOptions& options,
                       std::string& note);

}  // namespace slipway
