// Constants of a step in the form that its kernel packed them.
//
// A kernel that rearranges a constant when it is made, and from then on reads nothing but that, asks for it
// through PackInput. A build then finds what was packed and keeps it in the .slip file; a later run hands it
// out again, nothing is packed, and the constant itself is not touched. Without either, PackInput packs, and
// the runtime learns which constants it may let go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/api/backend.h"
#include "base/packed_array.h"

namespace slipway {

// Of one step.
class PackedInputs {
 public:
  PackedInputs() = default;
  // Packed earlier, by the same tactic for the same constants.
  explicit PackedInputs(std::vector<PackedPart> given) : given_(std::move(given)) {}

  // What was given, of exactly this size; it counts as packed. nullopt: nothing was; a size that differs is
  // kept as a complaint.
  std::optional<PackedPart> Take(size_t input, int number, size_t size_bytes);
  void Keep(PackedPart part) { parts_.push_back(std::move(part)); }

  // What the kernel took and what it packed, in the order of its calls.
  const std::vector<PackedPart>& parts() const { return parts_; }
  bool Has(size_t input) const;
  // Why what was given is not used; "": it is, or nothing was given.
  const std::string& complaint() const { return complaint_; }

 private:
  std::vector<PackedPart> given_, parts_;
  std::string complaint_;
};

// `count` elements made of input `input` by `pack`(T* zeroed), or found in what was packed earlier. The
// kernel reads the input's bytes nowhere else, neither when it is made nor in Run: they may be gone; its
// shape is not. `number`: see PackedPart.
template <class T, class Pack>
PackedArray<T> PackInput(const Step& step, size_t input, int64_t count, const Pack& pack, int number = 0) {
  if (step.packed != nullptr) {
    const auto found = step.packed->Take(input, number, static_cast<size_t>(count) * sizeof(T));
    if (found) return PackedArray<T>(found->bytes, found->owner);
  }
  PackedArray<T> packed(count);
  pack(packed.mutable_data());
  if (step.packed != nullptr) step.packed->Keep({input, number, packed.bytes(), packed.owner()});
  return packed;
}

}  // namespace slipway
