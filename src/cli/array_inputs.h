// Inputs given on the command line as arrays, and random ones for the others.
#pragma once

#include <map>

#include "runtime/engine.h"

namespace slipway::cli {

// data: "NAME=file.npy", "file.npy" (in the order of the inputs) or "file.npz" (by name); for an input of
// strings or of bytes, any other file (a sound, a photo) for its content. `tensors`: one for each input of
// the engine; those that no array names are left as they are.
Status ReadInputs(const Engine& engine, const std::vector<std::string>& data, std::vector<Tensor>& tensors);

// What is still none becomes random, input i from seed + i, and is named in a note on stderr.
void FillInputs(const Engine& engine, const std::map<std::string, DimRange>& ranges, uint64_t seed,
                std::vector<Tensor>& tensors);

}  // namespace slipway::cli
