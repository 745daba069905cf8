#include "base/flat_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(FlatVector, ReadsElementsThatLieUnaligned) {
  struct alignas(8) {
    uint32_t length = 2;
    uint32_t words[4] = {7, 0, 0xffffffff, 0xffffffff};  // from byte 4 on: 7 and -1, 64 bits each
  } bytes;
  const auto* vector = reinterpret_cast<const flatbuffers::Vector<int64_t>*>(&bytes);
  EXPECT_THAT(ElementsOf(vector), testing::ElementsAre(7, -1));
}

TEST(FlatVector, NothingHasNoElements) { EXPECT_THAT(ElementsOf<int64_t>(nullptr), testing::IsEmpty()); }

}  // namespace
}  // namespace slipway
