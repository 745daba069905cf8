#include "server/protocol/datatype.h"

#include <gtest/gtest.h>

namespace slipway::server {
namespace {

TEST(DatatypeTest, EveryNameComesBack) {
  int named = 0;
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string_view name = DatatypeOf(dtype);
    if (name.empty()) continue;
    ++named;
    EXPECT_EQ(ParseDatatype(name), dtype) << name;
  }
  EXPECT_EQ(named, 14);
}

TEST(DatatypeTest, ConfigurationsCallBytesStrings) {
  EXPECT_EQ(ConfigTypeOf(DType::kF32), "TYPE_FP32");
  EXPECT_EQ(ConfigTypeOf(DType::kString), "TYPE_STRING");
  EXPECT_EQ(ConfigTypeOf(DType::kI4), "TYPE_INVALID");
}

TEST(DatatypeTest, WhatIsNoneIsRefused) {
  for (const char* name : {"", "fp32", "FP32 ", "TYPE_FP32", "STRING"})
    EXPECT_FALSE(ParseDatatype(name)) << name;
}

}  // namespace
}  // namespace slipway::server
