// f32 weights that take half the room in a .slip file: rounded to f16, stored as such, read as f32 again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace slipway {

struct HalfWeightsReport {
  int64_t rounded = 0;            // constants
  int64_t bytes = 0;              // of them, as f32
  std::vector<std::string> kept;  // weights that hold what f16 does not: NaN, infinities, 65520 and more
};

// Rounds the weights of convolutions, products of matrices and recurrent layers and tables that are gathered
// from to the nearest f16, half to even. Everything else that is constant (biases, anchors, scales) stays as
// it is: small, and often in need of all its bits. Types stay f32. Sub-graphs are left alone.
HalfWeightsReport RoundWeightsToHalves(Graph& graph);

// Whether the elements of a constant can be stored as f16 without loss, and whether that is worth it: f32 of
// rank 2 or more, 64 elements at least.
bool AreHalves(const Tensor& constant);
std::vector<uint16_t> ToHalves(const Tensor& constant);
Tensor FromHalves(Dims dims, const uint8_t* halves);

}  // namespace slipway
