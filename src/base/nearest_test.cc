#include "base/nearest.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Nearest, DistanceCountsEditsAndSwaps) {
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("thresohld", "threshold"), 1);
  EXPECT_EQ(EditDistance("RGB", "rgb"), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
}

TEST(Nearest, GuessesOnlyWhatIsNear) {
  const std::string_view words[] = {"score", "iou", "cross_class_iou"};
  EXPECT_EQ(Nearest("scroe", words), "score");
  EXPECT_EQ(Nearest("cross_clas_iou", words), "cross_class_iou");
  EXPECT_EQ(Nearest("banana", words), "");
  EXPECT_EQ(DidYouMean("scores", words), " (did you mean 'score'?)");
  EXPECT_EQ(DidYouMean("banana", words), "");
  EXPECT_EQ(Nearest("x", {}), "");
}

}  // namespace
}  // namespace slipway
