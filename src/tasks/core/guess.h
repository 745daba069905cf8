// What a manifest leaves open, guessed from the model's inputs and outputs, and said aloud.
#pragma once

#include "manifest/manifest.h"
#include "runtime/engine.h"

namespace slipway::tasks {

// Fills in task, first image input and decoder where `manifest` has none, and what belongs to a decoder where
// nothing but its kind is given; every guess adds a sentence to its notes. Never changes what the manifest
// says.
Manifest CompleteManifest(Manifest manifest, const std::vector<PortInfo>& inputs,
                          const std::vector<PortInfo>& outputs);

}  // namespace slipway::tasks
