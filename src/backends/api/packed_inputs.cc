#include "backends/api/packed_inputs.h"

#include <algorithm>

namespace slipway {

std::optional<PackedPart> PackedInputs::Take(size_t input, int number, size_t size_bytes) {
  if (given_.empty()) return std::nullopt;
  const std::string name = "part " + std::to_string(number) + " of input " + std::to_string(input);
  const auto found = std::find_if(given_.begin(), given_.end(), [&](const PackedPart& part) {
    return part.input == input && part.number == number;
  });
  if (found == given_.end()) {
    complaint_ = "it lacks " + name;
    return std::nullopt;
  }
  if (found->bytes.size() != size_bytes) {
    complaint_ = name + " has " + std::to_string(found->bytes.size()) + " bytes, the kernel needs " +
                 std::to_string(size_bytes);
    return std::nullopt;
  }
  parts_.push_back(*found);
  return *found;
}

bool PackedInputs::Has(size_t input) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const PackedPart& part) { return part.input == input; });
}

}  // namespace slipway
