// .slip files: what is written comes back, and nothing broken gets in.
#include "plan/slip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/crc32.h"
#include "ops/builder.h"
#include "plan/layout.h"

namespace slipway {
namespace {

using testing::HasSubstr;

Tensor Counting(DType dtype, Dims dims) {
  Tensor tensor(dtype, std::move(dims));
  for (int64_t i = 0; i < tensor.size_bytes(); ++i) tensor.as<uint8_t>()[i] = static_cast<uint8_t>(i % 2);
  return tensor;
}

GraphRef Doubling() {
  auto graph = std::make_shared<Graph>();
  graph->name = "twice";
  GraphBuilder builder(*graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), 2}));
  graph->outputs = {*builder.Add("Add", {x, x})};
  return graph;
}

// Constants of several dtypes, strings, per-axis quantisation, a sub-graph, symbolic dimensions.
Graph RichGraph() {
  Graph graph;
  graph.name = "rich";
  GraphBuilder builder(graph);
  builder.SetSources({"Source 'here'"});
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {Dim::Symbol("N"), 2}));
  const ValueId flag = builder.Input("flag", Type::Of(DType::kBool, {}));
  Node branch{"If", "branch", {flag, x}, {}, {{"then_branch", Doubling()}, {"else_branch", Doubling()}}, {}};
  const ValueId doubled = (*builder.Add(branch, {{"doubled", {}, {}, false}}))[0];
  const ValueId weights = builder.Constant("weights", Counting(DType::kF32, {2}));
  graph.outputs = {*builder.Add("Mul", {doubled, weights})};
  const DType dtypes[] = {DType::kI8, DType::kF16, DType::kI64, DType::kI4, DType::kF8E4M3FN, DType::kC64};
  for (DType dtype : dtypes) {
    graph.outputs.push_back(*builder.Add("Identity", {builder.Constant("c", Counting(dtype, {3}))}));
  }
  const std::vector<std::string> words = {"", "cat", std::string("a\0b", 3)};
  const ValueId text = builder.Constant("words", Tensor::From<std::string>(DType::kString, {3}, words));
  graph.outputs.push_back(*builder.Add("Identity", {text}));
  const Quant quant{{0.5f, 0.25f}, {0, 3}, 0};
  const ValueId q = builder.Constant("quantized", Counting(DType::kI8, {2, 2}), quant);
  graph.outputs.push_back(
      (*builder.Add({"Dequantize", "deq", {q}, {}, {}, {}}, {{"real", {}, {}, false}}))[0]);
  return graph;
}

Graph SmallGraph() {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, {2}));
  const ValueId sum = *builder.Add("Add", {x, builder.Constant("c", Counting(DType::kF32, {2}))}, {}, "sum");
  graph.outputs = {*builder.Add("Relu", {sum}, {}, "relu")};
  return graph;
}

SlipModel ModelOf(Graph graph) {
  SlipModel model;
  model.producer = "slipway test";
  model.source_format = "onnx";
  model.graph = std::move(graph);
  return model;
}

Result<SlipModel> Parse(const std::string& file) {
  return ParseSlip({reinterpret_cast<const uint8_t*>(file.data()), file.size()}, nullptr);
}

// The message of the error, or "" when the file was read.
std::string WhyRefused(const std::string& file) {
  const auto model = Parse(file);
  return model.ok() ? "" : model.status().message();
}

std::string WhyRefused(Graph graph) { return WhyRefused(*FormatSlip(ModelOf(std::move(graph)))); }

SlipHeader HeaderOf(const std::string& file) {
  SlipHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header;
}

std::string WithHeader(std::string file, const SlipHeader& header) {
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

std::span<const uint8_t> GraphOf(const std::string& file, const SlipHeader& header) {
  return {reinterpret_cast<const uint8_t*>(file.data()) + header.graph_offset, header.graph_bytes};
}

// `count` bytes from `first` on.
PackedPart PartOf(size_t input, int number, int64_t count, uint8_t first) {
  PackedArray<uint8_t> bytes(count);
  for (int64_t i = 0; i < count; ++i) bytes.mutable_data()[i] = static_cast<uint8_t>(first + i);
  return {input, number, bytes.bytes(), bytes.owner()};
}

std::vector<uint8_t> BytesOf(const PackedPart& part) { return {part.bytes.begin(), part.bytes.end()}; }

// Of SmallGraph: its Add has packed the constant.
TunedSection SectionFor(std::string target, uint8_t first) {
  const ValueId c = SmallGraph().FindValue("c");
  return {std::move(target),
          {{"cpu/add", {PartOf(1, 0, 100, first), PartOf(1, 1, 3, 7)}}, {"cpu/relu", {}}},
          {c}};
}

TEST(Slip, WriteReadWriteIsIdentical) {
  SlipModel model = ModelOf(RichGraph());
  model.manifest = Manifest();
  model.golden.push_back({"one", {Counting(DType::kF32, {1, 2})}, {Counting(DType::kU8, {5})}, 1e-3f, 0.5f});
  model.tuned = {SectionFor("this machine", 1), SectionFor("that machine", 2)};
  model.ranges["N"] = {1, 8};
  const auto file = FormatSlip(model);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  const auto back = Parse(*file);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  const auto again = FormatSlip(*back);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(*again == *file);
}

TEST(Slip, KeepsStates) {
  Graph graph;
  GraphBuilder builder(graph);
  const ValueId x = builder.Input("x", Type::Of(DType::kI8, {3}));
  const ValueId last = builder.Input("last", Type::Of(DType::kI8, {3}));
  graph.outputs = {last, x};
  graph.states = {Counting(DType::kI8, {3})};
  const auto file = FormatSlip(ModelOf(graph));
  const auto back = Parse(*file);
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  ASSERT_EQ(back->graph.states.size(), 1U);
  EXPECT_EQ(back->graph.states[0].as<int8_t>()[2], graph.states[0].as<int8_t>()[2]);
  EXPECT_TRUE(*FormatSlip(*back) == *file);
  graph.outputs = {last};
  graph.inputs = {};
  EXPECT_THAT(WhyRefused(graph), HasSubstr("has 1 states; each needs an input and an output"));
}

TEST(Slip, RefusesRangesThatMeanNothing) {
  SlipModel model = ModelOf(RichGraph());
  model.ranges["M"] = {1, 8};
  EXPECT_THAT(WhyRefused(*FormatSlip(model)), HasSubstr("a range is declared for 'M', which no input has"));
  model.ranges = {{"N", {4, 3}}};
  EXPECT_THAT(WhyRefused(*FormatSlip(model)), HasSubstr("the range of 'N' is empty"));
}

TEST(Slip, KeepsWhatItWasGiven) {
  SlipModel model = ModelOf(RichGraph());
  model.golden.push_back({"one", {Counting(DType::kF32, {1, 2})}, {}, 1e-3f, 0.5f});
  model.tuned = {SectionFor("this machine", 1)};
  model.ranges["N"] = {1, 8};
  const auto back = Parse(*FormatSlip(model));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  const Graph& graph = back->graph;
  EXPECT_EQ(back->producer, "slipway test");
  EXPECT_EQ(back->ranges, (std::map<std::string, DimRange>{{"N", {1, 8}}}));
  EXPECT_EQ(ToString(graph.value(graph.inputs[0]).type), "f32[N,2]");
  EXPECT_EQ(graph.nodes[0].sources, std::vector<std::string>{"Source 'here'"});
  EXPECT_EQ(graph.nodes[0].attrs.GraphOf("then_branch")->name, "twice");
  const Tensor& words = graph.value(graph.FindValue("words")).data;
  EXPECT_EQ(words.values<std::string>()[2], std::string("a\0b", 3));
  EXPECT_EQ(graph.value(graph.FindValue("quantized")).quant, (Quant{{0.5f, 0.25f}, {0, 3}, 0}));
  EXPECT_EQ(back->golden.at(0).relative, 1e-3f);
  const TunedSection& section = back->tuned.at(0);
  EXPECT_EQ(section.target, "this machine");
  EXPECT_EQ(section.unread, model.tuned[0].unread);
  ASSERT_EQ(section.steps.size(), 2u);
  EXPECT_EQ(section.steps[0].tactic, "cpu/add");
  ASSERT_EQ(section.steps[0].parts.size(), 2u);
  EXPECT_EQ(section.steps[0].parts[1].input, 1u);
  EXPECT_EQ(section.steps[0].parts[1].number, 1);
  EXPECT_EQ(BytesOf(section.steps[0].parts[0]), BytesOf(model.tuned[0].steps[0].parts[0]));
}

TEST(Slip, SectionsHoldEqualPartsOnce) {
  SlipModel model = ModelOf(SmallGraph());
  model.tuned = {SectionFor("one", 1)};
  const size_t one = FormatSlip(model)->size();
  model.tuned.push_back(SectionFor("two", 1));
  EXPECT_EQ(HeaderOf(*FormatSlip(model)).data_bytes,
            HeaderOf(*FormatSlip(ModelOf(SmallGraph()))).data_bytes + 64 - 8 + 128 + 3);
  EXPECT_GT(FormatSlip(model)->size(), one);
}

// Copies of what overlaps would take more than the file can account for.
TEST(Slip, TensorsHaveBytesOfTheirOwn) {
  SlipModel model = ModelOf(SmallGraph());
  const Tensor large = Counting(DType::kF32, {1000});
  model.golden.push_back({"one", {large}, {large}});
  std::string file = *FormatSlip(model);
  ASSERT_EQ(WhyRefused(file), "");
  // The second golden tensor's extent (offset and size) becomes the first's, which has the same checksum.
  const auto extent = [](uint64_t offset) {
    const uint64_t words[] = {offset, 4000};
    return std::string(reinterpret_cast<const char*>(words), sizeof(words));
  };
  const size_t at = file.find(extent(64 + AlignSlip(4000)));
  ASSERT_NE(at, std::string::npos);
  file.replace(at, 16, extent(64));
  SlipHeader header = HeaderOf(file);
  // So does the file end behind the first one.
  header.data_bytes = 64 + 4000;
  header.file_bytes = header.data_offset + header.data_bytes;
  header.graph_crc32 =
      Crc32({reinterpret_cast<const uint8_t*>(file.data()) + header.graph_offset, header.graph_bytes});
  std::memcpy(file.data(), &header, sizeof(header));
  file.resize(header.file_bytes);
  EXPECT_THAT(WhyRefused(file), HasSubstr("tensors take more bytes than the file has for them"));
}

// What the section in use makes needless is not read: its bytes may be wrong.
TEST(Slip, ASectionInUseLeavesTheRestUnread) {
  SlipModel model = ModelOf(SmallGraph());
  model.golden.push_back({"one", {Counting(DType::kF32, {2})}, {Counting(DType::kF32, {2})}});
  model.tuned = {SectionFor("this machine", 1), SectionFor("that machine", 100)};
  const std::string file = *FormatSlip(model);
  const SlipHeader header = HeaderOf(file);
  const auto why_refused = [&](size_t at, const std::string& target) {
    std::string broken = file;
    broken[header.data_offset + at] ^= 1;
    const auto read = ParseSlip({reinterpret_cast<const uint8_t*>(broken.data()), broken.size()}, nullptr,
                                {.target = target});
    return read.ok() ? "" : read.status().message();
  };
  const auto why_refused_later = [&](size_t at) {
    std::string broken = file;
    broken[header.data_offset + at] ^= 1;
    const auto read = ParseSlip({reinterpret_cast<const uint8_t*>(broken.data()), broken.size()}, nullptr,
                                {.target = "this machine"});
    EXPECT_TRUE(read.ok());
    return CheckUnread(read->unread).message();
  };
  // Every 64 bytes: the constant, two golden tensors, 100 bytes and 3 of one section, 100 of the other.
  for (const size_t at : {0, 64, 128}) {
    EXPECT_EQ(why_refused(at, "this machine"), "") << at;
    EXPECT_THAT(why_refused(at, "a third machine"), HasSubstr("fail their checksum")) << at;
    EXPECT_THAT(why_refused(at, ""), HasSubstr("fail their checksum")) << at;
    EXPECT_THAT(why_refused_later(at), HasSubstr("fail their checksum")) << at;
  }
  EXPECT_EQ(why_refused_later(192 + 192), "");
  EXPECT_THAT(why_refused(192, "this machine"), HasSubstr("fail their checksum"));
  EXPECT_EQ(why_refused(192, "a third machine"), "");
  EXPECT_EQ(why_refused(192 + 192, "this machine"), "");
  EXPECT_THAT(why_refused(192 + 192, "that machine"), HasSubstr("fail their checksum"));
  EXPECT_THAT(why_refused(192 + 192, ""), HasSubstr("fail their checksum"));
}

// Checksums and the verifier stand between a flipped bit and the engine: only padding may change unseen.
TEST(Slip, EveryCorruptedByteIsRefusedOrHarmless) {
  SlipModel model = ModelOf(SmallGraph());
  model.tuned = {SectionFor("this machine", 1)};
  const std::string file = *FormatSlip(model);
  const SlipHeader header = HeaderOf(file);
  for (size_t i = 0; i < file.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string broken = file;
      broken[i] = static_cast<char>(broken[i] ^ flip);
      const auto read = Parse(broken);
      if (!read.ok()) continue;
      ASSERT_GE(i, header.graph_offset + header.graph_bytes) << "byte " << i;
      ASSERT_TRUE(*FormatSlip(*read) == file) << "byte " << i << " is no padding";
    }
  }
}

// With mended checksums the reader itself must stand: whatever is accepted can be written again.
TEST(Slip, EveryCorruptedByteOfTheGraphIsSurvivedBehindTheChecksum) {
  SlipModel small = ModelOf(SmallGraph());
  small.tuned = {SectionFor("this machine", 1)};
  const std::string file = *FormatSlip(small);
  SlipHeader header = HeaderOf(file);
  size_t accepted = 0;
  for (size_t i = header.graph_offset; i < header.graph_offset + header.graph_bytes; ++i) {
    for (const int flip : {0x01, 0x40, 0x80, 0xFF}) {
      std::string broken = file;
      broken[i] = static_cast<char>(broken[i] ^ flip);
      header.graph_crc32 = Crc32(GraphOf(broken, header));
      const auto model = Parse(WithHeader(broken, header));
      if (!model.ok()) continue;
      ++accepted;
      ASSERT_TRUE(FormatSlip(*model).ok()) << "byte " << i;
    }
  }
  EXPECT_GT(accepted, 0u);  // letters of names may change
}

TEST(Slip, EveryTruncationIsRefused) {
  const std::string file = *FormatSlip(ModelOf(SmallGraph()));
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_NE(WhyRefused(file.substr(0, size)), "") << size << " bytes";
  }
  EXPECT_THAT(WhyRefused(file + "x"), HasSubstr("should have"));
}

TEST(Slip, ErrorsNameWhatIsWrong) {
  const std::string file = *FormatSlip(ModelOf(SmallGraph()));
  SlipHeader header = HeaderOf(file);
  EXPECT_THAT(WhyRefused("GIF89a" + file), HasSubstr("does not begin with SLIPWAY"));
  std::string broken = file;
  broken[header.data_offset] ^= 1;
  EXPECT_THAT(WhyRefused(broken), HasSubstr("weights of 8 bytes fail their checksum"));
  broken = file;
  broken[header.graph_offset] ^= 1;
  EXPECT_THAT(WhyRefused(broken), HasSubstr("the graph fails its checksum"));
  header.version = 3;
  EXPECT_THAT(WhyRefused(WithHeader(file, header)),
              HasSubstr("format version 3, this program reads version 2"));
  EXPECT_EQ(Parse(WithHeader(file, header)).status().hint(), "update slipway");
  header = HeaderOf(file);
  header.data_bytes = UINT64_MAX;
  EXPECT_THAT(WhyRefused(WithHeader(file, header)), HasSubstr("a section lies outside the file"));
  header = HeaderOf(file);
  header.graph_offset = UINT64_MAX - 15;
  EXPECT_THAT(WhyRefused(WithHeader(file, header)), HasSubstr("a section lies outside the file"));
}

TEST(Slip, RefusesNodesInTheWrongOrder) {
  Graph graph = SmallGraph();
  std::swap(graph.nodes[0], graph.nodes[1]);
  EXPECT_THAT(WhyRefused(graph), HasSubstr("Relu 'relu' reads 'sum' before it is computed"));
}

TEST(Slip, RefusesCycles) {
  Graph graph = SmallGraph();
  graph.nodes[0].inputs[0] = graph.outputs[0];
  EXPECT_THAT(WhyRefused(graph), HasSubstr("Add 'sum' reads 'relu' before it is computed"));
}

TEST(Slip, RefusesUnknownOperators) {
  Graph graph = SmallGraph();
  graph.nodes[1].op = "Reluu";
  EXPECT_THAT(WhyRefused(graph), HasSubstr("node 'relu': no operator is called 'Reluu'"));
}

TEST(Slip, RefusesShapesThatContradictTheirOperators) {
  Graph graph = SmallGraph();
  graph.value(graph.outputs[0]).type.shape = DimList{3};
  EXPECT_THAT(WhyRefused(graph), HasSubstr("value 'relu' is declared f32[3], but is computed as f32[2]"));
}

TEST(Slip, RefusesIdsOutsideTheGraph) {
  Graph graph = SmallGraph();
  graph.nodes[1].inputs[0] = 99;
  EXPECT_THAT(WhyRefused(graph), HasSubstr("Relu 'relu' reads value 99, which does not exist"));
  graph.nodes[1].inputs[0] = -7;
  EXPECT_THAT(WhyRefused(graph), HasSubstr("Relu 'relu' reads value -7, which does not exist"));
  graph = SmallGraph();
  graph.outputs = {99};
  EXPECT_THAT(WhyRefused(graph), HasSubstr("a graph output does not exist"));
}

TEST(Slip, MissingFileNamesThePath) {
  const auto model = ReadSlip("/no/such.slip");
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.status().message(), HasSubstr("/no/such.slip"));
}

}  // namespace
}  // namespace slipway
