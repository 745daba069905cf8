// Steps that run within the one behind them: what comes out is, bit for bit, what the two give one after the
// other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include "ops/builder.h"
#include "runtime/engine.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261129;

// A pointwise convolution and a depthwise one behind it, channels last.
struct Layers {
  static constexpr const char* kFirst = "expand";                // the step that may run within the next
  int64_t batch = 1, h = 44, w = 43, in_c = 24, channels = 144;  // the image between: more than 1 MiB
  int64_t kernel = 3, stride = 1;
  std::vector<int64_t> pads = {1, 1, 1, 1};
  std::string layout = "channels_last";
  int64_t pointwise_kernel = 1, dilation = 1;
  bool has_residual = false, is_seen = false;  // the value between: an output of the network, too
};

Tensor Random(Dims dims, std::mt19937& random) {
  Tensor tensor(DType::kF32, std::move(dims));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.as<float>()[i] = static_cast<float>(random()) / 2147483648.0F - 1;
  return tensor;
}

Graph GraphOf(const Layers& l) {
  std::mt19937 random(kSeed);
  Graph graph;
  GraphBuilder builder(graph);
  const bool is_last = l.layout == "channels_last";
  const auto image = [&](int64_t c) {
    return ToDimList(is_last ? Dims{l.batch, l.h, l.w, c} : Dims{l.batch, c, l.h, l.w});
  };
  const auto weights = [&](int64_t out, int64_t in, int64_t k) {
    return builder.Constant("w", Random(is_last ? Dims{out, k, k, in} : Dims{out, in, k, k}, random));
  };
  const auto bias = [&](int64_t count) { return builder.Constant("b", Random({count}, random)); };
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, image(l.in_c)));
  // A product first: in bf16 its result is stored so, as the pair's input must be.
  const ValueId first =
      *builder.Add("Conv", {x, weights(l.in_c, l.in_c, 1), bias(l.in_c)}, {{"layout", l.layout}}, "first");
  const int64_t side = l.pointwise_kernel / 2;
  const ValueId between =
      *builder.Add("Conv", {first, weights(l.channels, l.in_c, l.pointwise_kernel), bias(l.channels)},
                   {{"layout", l.layout},
                    {"pads", std::vector<int64_t>{side, side, side, side}},
                    {"activation", std::string("relu6")}},
                   "expand");
  std::vector<ValueId> inputs = {between, weights(l.channels, 1, l.kernel), bias(l.channels)};
  if (l.has_residual) inputs.push_back(builder.Input("r", Type::Of(DType::kF32, image(l.channels))));
  const ValueId y = *builder.Add("Conv", inputs,
                                 {{"layout", l.layout},
                                  {"group", l.channels},
                                  {"pads", l.pads},
                                  {"strides", std::vector<int64_t>{l.stride, l.stride}},
                                  {"dilations", std::vector<int64_t>{l.dilation, l.dilation}},
                                  {"activation", std::string("relu")}},
                                 "depthwise");
  graph.outputs = {*builder.Add("Conv", {y, weights(8, l.channels, 1), bias(8)}, {{"layout", l.layout}})};
  if (l.is_seen) graph.outputs.push_back(between);
  return graph;
}

// An image whose channels come first, its Transpose to channels last and a convolution behind that.
struct Stem {
  static constexpr const char* kFirst = "to_channels_last";
  int64_t batch = 1, h = 64, w = 64, in_c = 3, out_c = 24;
  int64_t kernel = 3, stride = 2;
  std::vector<int64_t> pads = {1, 1, 1, 1};
  std::vector<int64_t> perm = {0, 2, 3, 1};
  int64_t group = 1, dilation = 1;
  bool is_computed = false;  // the image: a step's result instead of the network's input
};

Graph GraphOf(const Stem& s) {
  std::mt19937 random(kSeed);
  Graph graph;
  GraphBuilder builder(graph);
  const Dims image = {s.batch, s.h, s.w, s.in_c};
  Dims planes(image.size());
  for (size_t i = 0; i < image.size(); ++i) planes[static_cast<size_t>(s.perm[i])] = image[i];
  ValueId x = builder.Input("x", Type::Of(DType::kF32, ToDimList(planes)));
  if (s.is_computed) x = *builder.Add("Relu", {x}, {});
  x = *builder.Add("Transpose", {x}, {{"perm", s.perm}}, "to_channels_last");
  const ValueId w = builder.Constant("w", Random({s.out_c, s.kernel, s.kernel, s.in_c / s.group}, random));
  const ValueId y = *builder.Add("Conv", {x, w, builder.Constant("b", Random({s.out_c}, random))},
                                 {{"layout", std::string("channels_last")},
                                  {"group", s.group},
                                  {"pads", s.pads},
                                  {"strides", std::vector<int64_t>{s.stride, s.stride}},
                                  {"dilations", std::vector<int64_t>{s.dilation, s.dilation}},
                                  {"activation", std::string("silu")}},
                                 "stem");
  graph.outputs = {*builder.Add("Relu", {y}, {})};
  return graph;
}

// A depthwise convolution and a pointwise one behind it.
struct Blocks {
  static constexpr const char* kFirst = "depthwise";
  int64_t batch = 1, h = 96, w = 96, channels = 32, out_c = 16;  // the image between: more than 1 MiB
  int64_t kernel = 3, stride = 1;
  std::vector<int64_t> pads = {1, 1, 1, 1};
  std::string activation = "relu6";  // of the filters
  std::string order;                 // of the residual behind the pointwise layer; empty: none
  int64_t pointwise_kernel = 1;
  bool has_residual = false;  // of the filters
};

Graph GraphOf(const Blocks& b) {
  std::mt19937 random(kSeed);
  Graph graph;
  GraphBuilder builder(graph);
  const std::string layout = "channels_last";
  const auto weights = [&](int64_t out, int64_t in, int64_t k) {
    return builder.Constant("w", Random({out, k, k, in}, random));
  };
  const auto bias = [&](int64_t count) { return builder.Constant("b", Random({count}, random)); };
  const ValueId x = builder.Input("x", Type::Of(DType::kF32, ToDimList({b.batch, b.h, b.w, b.channels})));
  // No pointwise layer that the filters would take: and in bf16 its result is stored so.
  const ValueId first =
      *builder.Add("Conv", {x, weights(b.channels, b.channels, 3), bias(b.channels)},
                   {{"layout", layout}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}}, "first");
  std::vector<ValueId> inputs = {first, weights(b.channels, 1, b.kernel), bias(b.channels)};
  const Attrs filters = {{"layout", layout},
                         {"group", b.channels},
                         {"pads", b.pads},
                         {"strides", std::vector<int64_t>{b.stride, b.stride}},
                         {"activation", b.activation}};
  if (b.has_residual) inputs.push_back(first);
  const ValueId between = *builder.Add("Conv", inputs, filters, "depthwise");
  inputs = {between, weights(b.out_c, b.channels, b.pointwise_kernel), bias(b.out_c)};
  Attrs attrs = {{"layout", layout}, {"activation", std::string("relu")}};
  if (!b.order.empty()) {
    Dims dims = KnownDims(*graph.value(between).type.shape);
    dims.back() = b.out_c;
    inputs.push_back(builder.Input("r", Type::Of(DType::kF32, ToDimList(dims))));
    attrs.Set("residual_order", b.order);
  }
  const ValueId y = *builder.Add("Conv", inputs, attrs, "project");
  graph.outputs = {*builder.Add("Conv", {y, weights(8, b.out_c, 1), bias(8)}, {{"layout", layout}})};
  return graph;
}

struct Outcome {
  Tensor y;
  bool is_pair = false;
};

// memory: SLIPWAY_MEMORY, "plain" lets every step run by itself. first: the step that is asked about.
Outcome RunGraph(Graph graph, const EngineOptions& options, const char* memory, const std::string& first) {
  ::setenv("SLIPWAY_MEMORY", memory, 1);
  std::mt19937 random(kSeed + 1);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs)
    inputs.push_back(Random(KnownDims(*graph.value(id).type.shape), random));
  const auto engine = Engine::Create(std::move(graph), options);
  EXPECT_TRUE(engine.ok()) << engine.status().ToString();
  const auto context = (*engine)->NewContext();
  Outcome outcome;
  for (int run = 0; run < 2; ++run) {
    const auto outputs = context->Run(inputs);
    EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
    outcome.y = (*outputs)[0].Clone();
  }
  for (size_t s = 0; s < (*engine)->steps().size(); ++s) {
    if ((*engine)->steps()[s].node == first) outcome.is_pair |= context->RanWithin(s).has_value();
  }
  ::unsetenv("SLIPWAY_MEMORY");
  return outcome;
}

std::vector<EngineOptions> AllOptions() {
  std::vector<EngineOptions> all;
  for (const int threads : {1, 2, 3}) {
    all.push_back({.num_threads = threads});
    if (!FindBackend("cpu")->why_no_bf16)
      all.push_back({.num_threads = threads, .precision = Precision::kBf16});
  }
  return all;
}

template <class Layers>
void ExpectSame(const Layers& layers, bool is_pair) {
  for (const EngineOptions& options : AllOptions()) {
    const Outcome apart = RunGraph(GraphOf(layers), options, "plain", Layers::kFirst);
    const Outcome together = RunGraph(GraphOf(layers), options, "poison", Layers::kFirst);
    EXPECT_FALSE(apart.is_pair);
    EXPECT_EQ(together.is_pair, is_pair) << options.num_threads << " threads";
    ASSERT_EQ(together.y.dims(), apart.y.dims());
    EXPECT_EQ(std::memcmp(together.y.data(), apart.y.data(), static_cast<size_t>(apart.y.size_bytes())), 0)
        << options.num_threads << " threads";
  }
}

TEST(Pair, GivesWhatItsStepsGive) {
  const Layers images[] = {
      {},
      {.h = 112, .w = 112, .in_c = 16, .channels = 96, .stride = 2, .pads = {0, 0, 1, 1}},
      {.h = 57, .w = 41, .in_c = 24, .channels = 150},  // the last group has 22 channels, the last panel 6
      {.h = 28, .w = 300, .in_c = 8, .channels = 70},   // a strip of a few rows
      {.h = 9, .w = 2000, .in_c = 8, .channels = 64},   // a strip that is larger than it should be
      {.batch = 2, .h = 12, .w = 12, .in_c = 320, .channels = 1920},  // threads share out the channels
      {.h = 80, .w = 80, .channels = 48, .kernel = 5, .stride = 2, .pads = {2, 1, 1, 2}},
      {.h = 66, .w = 64, .channels = 64, .kernel = 2, .stride = 3, .pads = {}},  // rows that nobody reads
      {.h = 5, .w = 5, .in_c = 8, .channels = 10560, .kernel = 7, .pads = {7, 7, 7, 7}},  // windows beside
                                                                                          // the image
  };
  for (const Layers& layers : images) {
    SCOPED_TRACE(testing::Message() << layers.batch << "x" << layers.h << "x" << layers.w << "x"
                                    << layers.in_c << " -> " << layers.channels << ", kernel "
                                    << layers.kernel);
    ExpectSame(layers, true);
  }
}

TEST(Pair, IsNotMadeOfWhatDoesNotSuit) {
  const Layers others[] = {{.h = 14, .w = 14},  // small
                           {.pointwise_kernel = 3}, {.layout = "channels_first"},
                           {.dilation = 2},         {.has_residual = true},
                           {.is_seen = true}};
  for (const Layers& layers : others) ExpectSame(layers, false);
}

TEST(Pair, MultipliesRowsAsTheyAreFiltered) {
  const Blocks images[] = {
      {},
      {.h = 112, .w = 112, .order = "before_activation"},
      {.h = 112, .w = 112, .order = "after_activation"},
      {.h = 61, .w = 113, .channels = 70, .out_c = 37, .activation = "silu"},
      {.h = 200, .w = 203, .channels = 48, .kernel = 5, .stride = 2, .pads = {2, 1, 1, 2}},
      {.batch = 3, .h = 60, .w = 60, .channels = 64, .out_c = 100},  // strips over the end of an image
      {.h = 2, .w = 4000, .channels = 64},  // a strip that is larger than it should be
      {.h = 64, .w = 64, .channels = 128, .kernel = 2, .stride = 1, .pads = {0, 0, 1, 1}},
  };
  for (const Blocks& blocks : images) {
    SCOPED_TRACE(testing::Message() << blocks.batch << "x" << blocks.h << "x" << blocks.w << "x"
                                    << blocks.channels << " -> " << blocks.out_c << ", kernel "
                                    << blocks.kernel);
    ExpectSame(blocks, true);
  }
}

TEST(Pair, MultipliesNothingElseOnTheWay) {
  const Blocks others[] = {
      {.h = 40, .w = 40},                                 // small
      {.h = 40, .w = 40, .channels = 512, .out_c = 512},  // weights that every strip reads
      {.pointwise_kernel = 3},
      {.has_residual = true}};
  for (const Blocks& blocks : others) ExpectSame(blocks, false);
}

TEST(Pair, ReadsImagesWhoseChannelsComeFirst) {
  const Stem images[] = {
      {},
      {.h = 224, .w = 224, .out_c = 32, .pads = {0, 0, 1, 1}},
      {.batch = 3, .h = 97, .w = 61, .in_c = 1, .kernel = 5},
      {.h = 50, .w = 70, .in_c = 2, .kernel = 7, .pads = {3, 3, 3, 3}},
      {.h = 50, .w = 70, .in_c = 4, .out_c = 3, .stride = 1},  // dot products: few outputs
      {.h = 40, .w = 300, .kernel = 6, .pads = {2, 2, 2, 2}},
      {.h = 33, .w = 47, .kernel = 2, .pads = {0, 0, 0, 0}},  // nothing sticks out
      {.h = 33, .w = 47, .pads = {2, 2, 2, 2}, .dilation = 2},
      {.h = 5, .w = 5, .kernel = 7, .stride = 1, .pads = {7, 7, 7, 7}},  // windows beside the image
      {.h = 48, .w = 48, .is_computed = true},
  };
  for (const Stem& stem : images) {
    SCOPED_TRACE(testing::Message() << stem.batch << "x" << stem.in_c << "x" << stem.h << "x" << stem.w
                                    << " -> " << stem.out_c << ", kernel " << stem.kernel);
    ExpectSame(stem, true);
  }
}

TEST(Pair, ReadsNoOtherTransposes) {
  const Stem others[] = {
      {.in_c = 5},                                       // many planes
      {.in_c = 4, .group = 2},                           // two convolutions
      {.perm = {0, 3, 2, 1}},                            // rows become columns
      {.h = 16, .w = 20, .perm = {0, 3, 1, 2}},          // between the others
      {.kernel = 1, .stride = 1, .pads = {0, 0, 0, 0}},  // a product on pixels where they lie
  };
  for (const Stem& stem : others) ExpectSame(stem, false);
}

}  // namespace
}  // namespace slipway
