#include <gtest/gtest.h>

#include "formats/model.h"
#include "formats/sniff.h"

namespace slipway {
namespace {

using namespace std::string_literals;

TEST(ParseInputCut, ReadsNameAndShape) {
  const auto cut = ParseInputCut(" a/b[0] [1, N,?,224] ");
  ASSERT_TRUE(cut.ok()) << cut.status().ToString();
  EXPECT_EQ(cut->name, "a/b[0]");
  EXPECT_EQ(*cut->shape, (DimList{1, Dim::Symbol("N"), Dim(), 224}));
  EXPECT_FALSE(ParseInputCut("plain")->shape.has_value());
  EXPECT_EQ(ParseInputCut("scalar[]")->shape->size(), 0u);
  EXPECT_EQ(ParseInputCut("pixels[4]:u8")->dtype, DType::kU8);
}

TEST(ParseInputCut, RefusesBadExtents) {
  for (const char* text : {"", "[1]", "x[1,]", "x[-2]", "x[1.5]", "x[99999999999999999999]"}) {
    const auto cut = ParseInputCut(text);
    ASSERT_FALSE(cut.ok()) << text;
    EXPECT_EQ(cut.status().code(), Code::kUsage);
  }
}

TEST(Sniff, NamesWrongFiles) {
  const std::pair<std::string, FileKind> cases[] = {
      {"", FileKind::kEmpty},
      {"\n<!DOCTYPE HTML><html>", FileKind::kHtml},
      {"<!-- saved -->\n<html>", FileKind::kHtml},
      {"<!-- a note -->", FileKind::kText},
      {"<?xml version=\"1.0\"?><net/>", FileKind::kXml},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1", FileKind::kGitLfsPointer},
      {"PK\x03\x04......archive/data.pkl", FileKind::kPytorchZip},
      {"PK\x03\x04......a.txt", FileKind::kZip},
      {"\x1f\x8b\x08"s, FileKind::kGzip},
      {"\x10\0\0\0\0\0\0\0{\"a\":{}}       "s, FileKind::kSafetensors},
      {"\x89PNG\r\n\x1a\n", FileKind::kImage},
      {"\x80\x02}q", FileKind::kPickle},
      {"\x89HDF\r\n\x1a\n", FileKind::kKerasHdf5},
      {"{\"format\":\"graph-model\",\"modelTopology\":{}}", FileKind::kTfjs},
      {"{\"format\":\"layers-model\",\"modelTopology\":{}}", FileKind::kTfjsLayers},
      {"{\"a\":1}", FileKind::kJson},
      {"name: \"net\"\nlayer {\n", FileKind::kCaffePrototxt},
      {"input: 'x'\nlayers: {", FileKind::kCaffePrototxt},
      {"a layer of text", FileKind::kText},
      {"hello", FileKind::kText},
      {"2\nconv1.weight 2 3f800000 bf800000\nconv1.bias 1 0\n", FileKind::kWts},
      {"2\r\nconv1.weight 2 3f800000 bf800000\r\n", FileKind::kWts},
      {"2\npencils 3 each\n", FileKind::kText},
      {"\x14\0\0\0TFL3"s, FileKind::kTflite},
      {"\x08\x08\x12\x03one\x3a\x00"s, FileKind::kOnnx},
      {"\x0a\x08\x0a\x01x\x12\x03"
       "Add"s,
       FileKind::kGraphDef},
      {"# frozen\nnode {\n  name: \"x\"\n", FileKind::kGraphDefText},
      {"node{name:'x'", FileKind::kGraphDefText},
      {"\x08\x02\x10\x01\x42\x01x\x4a\x08\0\0\x80\x3f\0\0\0\x40"s, FileKind::kUnknown},  // a TensorProto
  };
  for (const auto& [bytes, kind] : cases) {
    const std::span<const uint8_t> span(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    EXPECT_EQ(DescribeKind(Sniff(span, "f")), DescribeKind(kind)) << bytes;
  }
}

TEST(NotReadable, SaysWhatTheFileIs) {
  const Status status = NotReadable(FileKind::kHtml, {}, "model.onnx");
  EXPECT_EQ(status.code(), Code::kInvalidModel);
  EXPECT_EQ(status.message(), "'model.onnx' is a web page (HTML)");
}

}  // namespace
}  // namespace slipway
