// The roofline chart (Williams, Waterman, Patterson 2009): arithmetic rate over arithmetic per byte, both
// logarithmic. A step is a dot, its area the time it takes; roofs are what the machine was measured to do.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/profile.h"

namespace slipway {

// What a dot's colour says.
enum class StepKind { kConvolution, kProduct, kElementwise, kMove, kReference };
StepKind KindOf(const StepProfile& step);
struct KindLook {
  const char* name;   // "convolutions"
  const char* color;  // "#3f7fc1": of dots and bars, on white and on black
};
KindLook LookOf(StepKind kind);

// An <svg> element of its own width and height; `numbered` are steps whose number stands in their dot, 1 the
// first. Steps without a rate are left out.
std::string RooflineSvg(const Profile& profile, std::span<const size_t> numbered);

}  // namespace slipway
