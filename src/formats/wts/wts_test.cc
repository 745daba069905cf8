#include "slipway/wts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<float> Values(const Tensor& tensor) {
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

std::string ErrorOf(std::string_view text) {
  const auto weights = ParseWts(text, "w.wts");
  return weights.ok() ? "no error" : weights.status().message();
}

// 3f800000 is 1, c0000000 is -2, 3e800000 is 0.25 by IEEE 754.
TEST(Wts, ReadsNamesCountsAndWords) {
  const auto weights = ParseWts("2\nconv.weight 2  3f800000 c0000000\nconv.bias 1 3E800000\n", "w.wts");
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  EXPECT_EQ(weights->all().size(), 2u);
  EXPECT_THAT(Values(*weights->Get("conv.weight")), ElementsAre(1.0f, -2.0f));
  EXPECT_THAT(Values(*weights->Get("conv.bias")), ElementsAre(0.25f));
}

// Writers that print numbers with std::hex leave leading zeros out: 0 is +0, 1 the smallest denormal.
TEST(Wts, WordsNeedNoPadding) {
  const auto weights = ParseWts("1\nw 3 0 1 80000000", "w.wts");
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  const Tensor w = *weights->Get("w");
  uint32_t bits[3];
  std::memcpy(bits, w.data(), sizeof(bits));
  EXPECT_THAT(bits, ElementsAre(0u, 1u, 0x80000000u));
}

TEST(Wts, LineBreaksInsideAnArrayAndWindowsOnesAreRead) {
  const auto weights = ParseWts("1\r\nw 2 3f800000\r\n3f800000\r\n", "w.wts");
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  EXPECT_THAT(Values(*weights->Get("w")), ElementsAre(1.0f, 1.0f));
}

TEST(Wts, ArraysOfNothingAndNoArrays) {
  EXPECT_TRUE(ParseWts("0\n", "w.wts").ok());
  const auto weights = ParseWts("1\nempty 0\n", "w.wts");
  ASSERT_TRUE(weights.ok()) << weights.status().ToString();
  EXPECT_EQ(weights->Get("empty")->count(), 0);
}

TEST(Wts, ErrorsNameTheLine) {
  EXPECT_EQ(ErrorOf(""), "w.wts:1: the number of arrays is expected, found the end of the file");
  EXPECT_EQ(ErrorOf("two\n"), "w.wts:1: the number of arrays is expected, found 'two'");
  EXPECT_EQ(ErrorOf("-1\n"), "w.wts:1: the number of arrays is expected, found '-1'");
  EXPECT_EQ(ErrorOf("1\nw x 0"), "w.wts:2: the element count of 'w' is expected, found 'x'");
  EXPECT_EQ(ErrorOf("2\nw 1 0\n"), "w.wts:3: the file ends after 1 arrays; its first line says 2");
  EXPECT_EQ(ErrorOf("2\nw 1 0\nw 1 0\n"), "w.wts:3: a second array is called 'w'");
  EXPECT_EQ(ErrorOf("1\nw 1 0\nv 1 0\n"), "w.wts:3: 'v' follows the last of 1 arrays");
}

TEST(Wts, WordsThatAreNone) {
  EXPECT_EQ(ErrorOf("2\nw 3 0 0\nlong.name 1 0\n"),
            "w.wts:3: word 3 of the 3 of 'w' (line 2) is expected, found 'long.name'");
  EXPECT_THAT(ErrorOf("1\nw 1 123456789\n"), HasSubstr("found '123456789'"));
  EXPECT_THAT(ErrorOf("1\nw 1 0x3f800000\n"), HasSubstr("found '0x3f800000'"));
  EXPECT_THAT(ErrorOf("1\nw 2 0 \n "), HasSubstr("found the end of the file"));
}

// Must fail by arithmetic, not by asking for the memory.
TEST(Wts, CountsBeyondTheFileTakeNoMemory) {
  EXPECT_EQ(ErrorOf("1\nw 18446744073709551615 0 0\n"),
            "w.wts:2: 'w' claims 18446744073709551615 words, what is left of the file holds at most 2");
  EXPECT_THAT(ErrorOf("1\nw 18446744073709551616 0\n"), HasSubstr("element count of 'w' is expected"));
  EXPECT_THAT(ErrorOf("9999999999999999999\n"), HasSubstr("the file ends after 0 arrays"));
}

TEST(Wts, ArraysComeUnderTheShapeAskedFor) {
  const auto weights = ParseWts("1\nconv1.weight 6 0 0 0 0 0 0\n", "w.wts");
  EXPECT_EQ(weights->Get("conv1.weight", {2, 3})->dims(), (Dims{2, 3}));
  EXPECT_EQ(weights->Get("conv1.weight", {2, 2}).status().message(),
            "weights 'conv1.weight' have 6 elements, [2,2] needs 4");
  const Status missing = weights->Get("conv1.wieght").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_EQ(missing.message(),
            "the weights have no array called 'conv1.wieght' (did you mean 'conv1.weight'?)");
}

TEST(Wts, WritesWhatItReads) {
  const std::string text = "2\na 2 00000000 7fc00000\nb.c 1 3f800000\n";
  EXPECT_EQ(*FormatWts(*ParseWts(text, "w.wts")), text);
}

TEST(Wts, RefusesToWriteWhatCannotBeRead) {
  const auto error_of = [](std::string name, DType dtype) {
    return FormatWts(WtsWeights({{std::move(name), Tensor(dtype, {1})}})).status().message();
  };
  EXPECT_EQ(error_of("w", DType::kF32), "");
  EXPECT_EQ(error_of("w", DType::kF16), "weights 'w' are f16[1], a .wts file holds f32");
  EXPECT_EQ(error_of("a b", DType::kF32), "the name 'a b' cannot stand in a .wts file");
  EXPECT_EQ(error_of("", DType::kF32), "the name '' cannot stand in a .wts file");
}

TEST(Wts, AFileThatIsNotThere) { EXPECT_FALSE(ReadWts("no/such/file.wts").ok()); }

}  // namespace
}  // namespace slipway
