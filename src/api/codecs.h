// Joins what operators ask for with what media can decode.
#pragma once

namespace slipway {

// Lets ImageDecoder and AudioDecoder read the formats of media. Called by LoadModel; again does no harm.
void InstallCodecs();

}  // namespace slipway
