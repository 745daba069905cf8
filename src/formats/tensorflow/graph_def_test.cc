#include "formats/tensorflow/graph_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scalar.h"
#include "formats/tensorflow/test_graph.h"

namespace slipway::tensorflow {
namespace {

using protozero::pbf_writer;
using testing::AnyOf;
using testing::HasSubstr;

constexpr int kFloat = 1, kDouble = 2, kInt32 = 3, kUint8 = 4, kString = 7, kComplex64 = 8, kInt64 = 9,
              kBool = 10, kBfloat16 = 14, kHalf = 19;

std::string AttrProto(const std::string& name, const std::string& value) {
  return GraphProto({NodeProto("n", "Op", {}, {{name, value}})});
}

// The only attribute of the only node of a graph.
Result<Attr> DecodeAttr(const std::string& value) {
  SLIPWAY_ASSIGN_OR_RETURN(const TfGraph graph, DecodeText(AttrProto("a", value)));
  const Attr* attr = graph.nodes.at(0).attrs.Find("a");
  return attr == nullptr ? Result<Attr>(Status(Code::kNotFound, "left out")) : Result<Attr>(*attr);
}

std::string TensorAttr(const std::string& tensor) {
  std::string value;
  pbf_writer(value).add_message(8, tensor);
  return value;
}

// "f32[2]: 1 2" of a TensorProto, or the error.
std::string TensorText(const std::string& tensor) {
  const auto attr = DecodeAttr(TensorAttr(tensor));
  if (!attr.ok()) return attr.status().message();
  const Tensor& value = std::get<Tensor>(*attr);
  std::string text = Describe(value) + ":";
  for (int64_t i = 0; i < value.count(); ++i) {
    text += " ";
    if (value.dtype() == DType::kString) {
      text += value.as<std::string>()[i];
    } else {
      std::string number = std::to_string(LoadReal(value.dtype(), value.data(), i));
      number.erase(number.find_last_not_of('0') + 1);
      if (number.back() == '.') number.pop_back();
      text += number;
    }
  }
  return text;
}

template <class T>
std::string Content(const std::vector<T>& values) {
  std::string field;
  pbf_writer(field).add_bytes(4, reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return field;
}

TEST(GraphDef, NodesKeepNameOperatorInputsAndVersion) {
  std::string versions;
  pbf_writer(versions).add_int32(1, 27);
  std::string bytes =
      GraphProto({NodeProto("a", "Placeholder", {}, {}), NodeProto("b", "Op", {"a", "a:1", "^a"}, {})});
  pbf_writer(bytes).add_message(4, versions);
  const auto graph = DecodeText(bytes);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_EQ(graph->nodes.size(), 2U);
  EXPECT_EQ(graph->nodes[1].name, "b");
  EXPECT_EQ(graph->nodes[1].op, "Op");
  EXPECT_EQ(graph->nodes[1].inputs, (Strings{"a", "a:1", "^a"}));
  EXPECT_EQ(graph->Find("b"), &graph->nodes[1]);
  EXPECT_EQ(graph->version, 27);
}

TEST(GraphDef, ScalarAttributes) {
  std::string s, i, f, b, type;
  pbf_writer(s).add_string(2, "SAME");
  pbf_writer(i).add_int64(3, -7);
  pbf_writer(f).add_float(4, 0.5F);
  pbf_writer(b).add_bool(5, true);
  pbf_writer(type).add_enum(6, kHalf);
  EXPECT_EQ(std::get<std::string>(*DecodeAttr(s)), "SAME");
  EXPECT_EQ(std::get<int64_t>(*DecodeAttr(i)), -7);
  EXPECT_EQ(std::get<float>(*DecodeAttr(f)), 0.5F);
  EXPECT_EQ(std::get<int64_t>(*DecodeAttr(b)), 1);
  EXPECT_EQ(std::get<DType>(*DecodeAttr(type)), DType::kF16);
}

TEST(GraphDef, ShapeAndFunctionAttributes) {
  std::string shape, unknown_rank, unknown, function, called;
  pbf_writer(shape).add_message(7, ShapeProto({-1, 3}));
  pbf_writer(unknown_rank).add_bool(3, true);
  pbf_writer(unknown).add_message(7, unknown_rank);
  pbf_writer(function).add_string(1, "body_12");
  pbf_writer(called).add_message(10, function);
  EXPECT_EQ(std::get<Ints>(*DecodeAttr(shape)), (Ints{-1, 3}));
  EXPECT_EQ(DecodeAttr(unknown).status().message(), "left out");
  EXPECT_EQ(std::get<std::string>(*DecodeAttr(called)), "body_12");
}

TEST(GraphDef, ListsPackedAndUnpacked) {
  const int64_t numbers[] = {1, -2};
  const float reals[] = {0.5F, 2};
  std::string packed, unpacked, floats, strings, types, empty;
  pbf_writer(packed).add_packed_int64(3, std::begin(numbers), std::end(numbers));
  for (int64_t number : numbers) pbf_writer(unpacked).add_int64(3, number);
  pbf_writer(floats).add_packed_float(4, std::begin(reals), std::end(reals));
  for (const char* text : {"a", "bc"}) pbf_writer(strings).add_string(2, text);
  pbf_writer(types).add_enum(6, kInt64);
  const auto decode = [](const std::string& list) {
    std::string value;
    pbf_writer(value).add_message(1, list);
    return *DecodeAttr(value);
  };
  EXPECT_EQ(std::get<Ints>(decode(packed)), (Ints{1, -2}));
  EXPECT_EQ(std::get<Ints>(decode(unpacked)), (Ints{1, -2}));
  EXPECT_EQ(std::get<Floats>(decode(floats)), (Floats{0.5F, 2}));
  EXPECT_EQ(std::get<Strings>(decode(strings)), (Strings{"a", "bc"}));
  EXPECT_EQ(std::get<Ints>(decode(types)), Ints{static_cast<int64_t>(DType::kI64)});
  EXPECT_EQ(std::get<Ints>(decode(empty)), Ints{});
}

TEST(GraphDef, TensorContent) {
  EXPECT_EQ(TensorText(TensorProto(kFloat, {2, 1}, Content<float>({1.5, -2}))), "f32[2,1]: 1.5 -2");
  EXPECT_EQ(TensorText(TensorProto(kUint8, {3}, Content<uint8_t>({0, 7, 255}))), "u8[3]: 0 7 255");
  EXPECT_EQ(TensorText(TensorProto(kHalf, {2}, Content<uint16_t>({0x3c00, 0xc000}))), "f16[2]: 1 -2");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {}, Content<float>({4}))), "f32[]: 4");
}

TEST(GraphDef, LargeContentIsTheSameAligned) {
  const auto owner = std::make_shared<std::string>(AttrProto(
      "a", TensorAttr(TensorProto(kFloat, {2048}, Content<float>(std::vector<float>(2048, 0.25F))))));
  const auto graph = DecodeGraphDef({reinterpret_cast<const uint8_t*>(owner->data()), owner->size()}, owner);
  ASSERT_TRUE(graph.ok());
  const Tensor& tensor = *graph->nodes[0].attrs.TensorOf("a");
  EXPECT_EQ(std::vector<float>(tensor.as<float>(), tensor.as<float>() + 2048),
            std::vector<float>(2048, 0.25F));
}

TEST(GraphDef, TypedValuesRepeatTheLast) {
  const float reals[] = {1, 0.5F};
  const double doubles[] = {3, 0.25};
  const int32_t numbers[] = {4, -5};
  std::string floats, one_float, float64s, ints, one_int;
  pbf_writer(floats).add_packed_float(5, std::begin(reals), std::end(reals));
  pbf_writer(one_float).add_float(5, 8);
  pbf_writer(float64s).add_packed_double(6, std::begin(doubles), std::end(doubles));
  pbf_writer(ints).add_packed_int32(7, std::begin(numbers), std::end(numbers));
  pbf_writer(one_int).add_int32(7, 9);
  EXPECT_EQ(TensorText(TensorProto(kFloat, {4}, floats)), "f32[4]: 1 0.5 0.5 0.5");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {2}, one_float)), "f32[2]: 8 8");
  EXPECT_EQ(TensorText(TensorProto(kDouble, {3}, float64s)), "f64[3]: 3 0.25 0.25");
  EXPECT_EQ(TensorText(TensorProto(kInt32, {2, 2}, ints)), "i32[2,2]: 4 -5 -5 -5");
  EXPECT_EQ(TensorText(TensorProto(kInt32, {}, one_int)), "i32[]: 9");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {2}, "")), "f32[2]: 0 0");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {0}, "")), "f32[0]:");
}

TEST(GraphDef, HalvesBoolsLongsAndStrings) {
  const int32_t halves[] = {0x3c00, 0xc000};
  const int32_t bfloats[] = {0x3f80, 0xbf00};
  const int64_t longs[] = {int64_t{1} << 40};
  std::string half, bfloat, boolean, wide, strings;
  pbf_writer(half).add_packed_int32(13, std::begin(halves), std::end(halves));
  pbf_writer(bfloat).add_packed_int32(13, std::begin(bfloats), std::end(bfloats));
  pbf_writer(boolean).add_bool(11, true);
  pbf_writer(wide).add_packed_int64(10, std::begin(longs), std::end(longs));
  for (const char* text : {"cat", "dog"}) pbf_writer(strings).add_bytes(8, text);
  EXPECT_EQ(TensorText(TensorProto(kHalf, {2}, half)), "f16[2]: 1 -2");
  EXPECT_EQ(TensorText(TensorProto(kBfloat16, {2}, bfloat)), "bf16[2]: 1 -0.5");
  EXPECT_EQ(TensorText(TensorProto(kBool, {2}, boolean)), "bool[2]: 1 1");
  EXPECT_EQ(TensorText(TensorProto(kInt64, {1}, wide)), "i64[1]: 1099511627776");
  EXPECT_EQ(TensorText(TensorProto(kString, {3}, strings)), "string[3]: cat dog dog");
}

TEST(GraphDef, ComplexNumbersArePairsOfWhichTheLastRepeats) {
  const float reals[] = {1, 2, 3, -4};
  std::string values;
  pbf_writer(values).add_packed_float(9, std::begin(reals), std::end(reals));
  const auto attr = DecodeAttr(TensorAttr(TensorProto(kComplex64, {3}, values)));
  ASSERT_TRUE(attr.ok()) << attr.status().message();
  const Tensor& tensor = std::get<Tensor>(*attr);
  EXPECT_EQ(tensor.dtype(), DType::kC64);
  const float* parts = tensor.as<float>();
  EXPECT_EQ(std::vector<float>(parts, parts + 6), (std::vector<float>{1, 2, 3, -4, 3, -4}));
}

TEST(GraphDef, BadTensorsNameTheNodeAndBothSides) {
  const float reals[] = {1, 2, 3};
  std::string three, complex;
  pbf_writer(three).add_packed_float(5, std::begin(reals), std::end(reals));
  pbf_writer(complex).add_packed_float(9, std::begin(reals), std::end(reals));
  const std::string where = "Op 'n', attribute 'a': ";
  EXPECT_EQ(TensorText(TensorProto(kFloat, {3}, Content<float>({1, 2}))),
            where + "f32[3] needs 12 bytes, the file has 8");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {2}, three)), where + "constant [2] has 3 values");
  EXPECT_EQ(TensorText(TensorProto(99, {1}, "")), where + "a constant has an unknown dtype");
  EXPECT_EQ(TensorText(TensorProto(kComplex64, {2}, complex)),
            where + "constant [2] is complex, and its values are no pairs");
  EXPECT_EQ(TensorText(TensorProto(kFloat, {1 << 20, 1 << 20}, "")),
            where + "constant [1048576,1048576] is too large for the file");
  EXPECT_THAT(TensorText(TensorProto(kFloat, {-3}, "")), HasSubstr("-3"));
  EXPECT_THAT(TensorText(TensorProto(kFloat, std::vector<int64_t>(8, int64_t{1} << 40), "")),
              HasSubstr(where));
}

// Many small nodes must not ask for much memory together either.
TEST(GraphDef, RepeatedValuesHaveOneBudget) {
  const std::string big = TensorAttr(TensorProto(kUint8, {1 << 25}, ""));
  const auto graph =
      DecodeText(GraphProto({NodeProto("a", "Op", {}, {{"v", big}}), NodeProto("b", "Op", {}, {{"v", big}}),
                             NodeProto("c", "Op", {}, {{"v", big}})}));
  EXPECT_EQ(graph.status().message(), "Op 'c', attribute 'v': constant [33554432] is too large for the file");
}

TEST(GraphDef, EveryTruncationGivesAnErrorOrLess) {
  const std::string whole = GraphProto(
      {NodeProto("a", "Const", {}, {{"value", TensorAttr(TensorProto(kFloat, {2}, Content<float>({1, 2})))}}),
       NodeProto("b", "Identity", {"a"}, {})});
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto graph = DecodeText(whole.substr(0, size));
    if (graph.ok()) {
      EXPECT_LT(graph->nodes.size(), 2U) << size;
      continue;
    }
    EXPECT_EQ(graph.status().code(), Code::kInvalidModel) << size;
    EXPECT_THAT(graph.status().message(),
                AnyOf(HasSubstr("is truncated: its last"), HasSubstr("damaged or cut short")))
        << size;
  }
}

TEST(GraphDef, ANameThatStandsTwiceIsRefused) {
  const auto graph = DecodeText(GraphProto({NodeProto("a", "X", {}, {}), NodeProto("a", "Y", {}, {})}));
  EXPECT_EQ(graph.status().message(), "node name 'a' stands twice");
}

TEST(GraphDef, FirstBytesTellAGraph) {
  const auto looks = [](const std::string& bytes) {
    return LooksLikeGraphDef({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  };
  EXPECT_TRUE(looks(GraphProto({NodeProto("a", "X", {}, {})})));
  EXPECT_FALSE(looks(GraphProto({NodeProto("a", "X", {}, {})}).substr(0, 3)));
  EXPECT_FALSE(looks("<!DOCTYPE html>"));
  EXPECT_FALSE(looks(""));
}

TEST(TfGraph, InputsAreTakenApart) {
  const auto text = [](std::string_view input) {
    const TfInput parsed = ParseInput(input);
    return (parsed.is_control ? "^" : "") + parsed.node + "|" + std::to_string(parsed.index);
  };
  EXPECT_EQ(text("a/b"), "a/b|0");
  EXPECT_EQ(text("a/b:12"), "a/b|12");
  EXPECT_EQ(text("^a/b"), "^a/b|0");
  EXPECT_EQ(text("a:x"), "a:x|0");
  EXPECT_EQ(text("a:-1"), "a:-1|0");
  EXPECT_EQ(text(""), "|0");
}

TEST(TfGraph, DTypesByNumberAndName) {
  EXPECT_EQ(DTypeFromTf(101), DType::kF32);  // a reference to floats
  EXPECT_EQ(DTypeFromTf(20), DType::kNone);  // resource
  EXPECT_EQ(DTypeFromTfName("DT_BFLOAT16"), DType::kBF16);
  EXPECT_EQ(DTypeFromTfName("float"), DType::kNone);
}

}  // namespace
}  // namespace slipway::tensorflow
