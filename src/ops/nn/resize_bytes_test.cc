// Antialiased bytes, against onnxruntime's and Pillow's numbers.
#include "ops/testing.h"

namespace slipway {
namespace {

const Attrs kAntialiased = {{"mode", "linear"}, {"antialias", int64_t{1}}};

std::string Resized(const Dims& dims, const std::vector<double>& pixels, const std::vector<double>& scales) {
  return RunAndShow("Resize",
                    {{DType::kU8, dims, pixels},
                     {.is_absent = true},
                     {DType::kF32, {static_cast<int64_t>(scales.size())}, scales}},
                    kAntialiased);
}

// 0 1 / 0 0: rows become 1 (from 0.5) and 0, which make 1; unrounded, 0.25 would be 0.
// 0 1 / 2 1: rows become 1 and 2, which make 2; columns first would make 1.
TEST(ResizeBytes, AreRoundedAfterEachPassWidthFirst) {
  EXPECT_EQ(Resized({1, 1, 2, 2}, {0, 1, 0, 0}, {1, 1, 0.5, 0.5}), "u8[1,1,1,1]: 1");
  EXPECT_EQ(Resized({1, 1, 2, 2}, {0, 1, 2, 1}, {1, 1, 0.5, 0.5}), "u8[1,1,1,1]: 2");
}

// 1.7 is not quite 1.7 in single precision: the middle between pixels 4 and 5 is met all the same.
TEST(ResizeBytes, MeetTheMiddleOfPixels) {
  EXPECT_EQ(Resized({1, 1, 1, 6}, {0, 0, 0, 0, 0, 1}, {1, 1, 1, 1.7F}), "u8[1,1,1,10]: 0 0 0 0 0 0 0 0 1 1");
}

}  // namespace
}  // namespace slipway
