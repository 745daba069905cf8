// Every layer once, by numbers worked out by hand.
#include <gmock/gmock.h>

#include <cmath>

#include "network/testing.h"

namespace slipway {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

// A message of the mistake that `layer` makes on a tensor of this shape.
template <class Layer>
std::string Mistake(std::vector<Extent> shape, Layer layer) {
  NetworkBuilder net("test");
  layer(net, net.Input("x", DType::kF32, std::move(shape)));
  return net.status().message();
}

TEST(Layers, Convolution) {
  // 0..8 as 3x3; 2x2 of ones in the middle: 0+1+3+4; the corner pads nothing in.
  const Tensor y = Apply(Iota({1, 1, 3, 3}), [](NetworkBuilder& net, NetTensor x) {
    return net.Convolution(x, {.weights = F32({1, 1, 2, 2}, {1, 1, 1, 1}), .bias = F32({1}, {0.5f})});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(8.5f, 12.5f, 20.5f, 24.5f));
}

TEST(Layers, ConvolutionPadsBeforeAndAfterApart) {
  const Tensor y = Apply(F32({1, 1, 3}, {1, 2, 3}), [](NetworkBuilder& net, NetTensor x) {
    return net.Convolution(
        x, {.weights = F32({1, 1, 2}, {1, 10}), .strides = {2}, .padding = {1}, .post_padding = {0}});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(10, 32));  // (0,1), (2,3)
}

TEST(Layers, ConvolutionInGroupsWithSamePadding) {
  const Tensor y = Apply(F32({1, 2, 2}, {1, 2, 3, 4}), [](NetworkBuilder& net, NetTensor x) {
    return net.Convolution(
        x, {.weights = F32({2, 1, 2}, {1, 1, 1, -1}), .groups = 2, .padding_mode = PaddingMode::kSameUpper});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(3, 2, -1, 4));
}

TEST(Layers, Deconvolution) {
  const Tensor y = Apply(F32({1, 1, 2}, {1, 2}), [](NetworkBuilder& net, NetTensor x) {
    return net.Deconvolution(
        x, {.weights = F32({1, 1, 3}, {1, 10, 100}), .strides = {2}, .padding = {1}, .output_padding = {1}});
  });
  // 1 10 (100+2) 20 200 without its first and last, and one of output padding behind
  EXPECT_THAT(ValuesOf(y), ElementsAre(10, 102, 20, 200));
}

TEST(Layers, FullyConnected) {
  const Tensor y = Apply(F32({1, 2}, {3, 4}), [](NetworkBuilder& net, NetTensor x) {
    return net.FullyConnected(x, F32({3, 2}, {1, 0, 0, 1, 1, 1}), F32({3}, {0, 0, 10}));
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(3, 4, 17));
}

TEST(Layers, MatrixMultiply) {
  const Tensor y = Apply(F32({2, 2}, {1, 2, 3, 4}), [](NetworkBuilder& net, NetTensor x) {
    return net.MatrixMultiply(x, MatrixOperation::kTranspose, net.Constant(F32({2, 1}, {1, 10})),
                              MatrixOperation::kNone);
  });
  EXPECT_EQ(y.dims(), (Dims{2, 1}));
  EXPECT_THAT(ValuesOf(y), ElementsAre(31, 42));
}

TEST(Layers, PoolingRoundsAndCountsAsAsked) {
  const auto pool = [](PoolingType type, const PoolingLayer& layer) {
    return ValuesOf(Apply(F32({1, 1, 5}, {1, 2, 3, 4, 6}),
                          [&](NetworkBuilder& net, NetTensor x) { return net.Pooling(x, type, layer); }));
  };
  EXPECT_THAT(pool(PoolingType::kMax, {.window = {2}, .strides = {2}}), ElementsAre(2, 4));
  EXPECT_THAT(
      pool(PoolingType::kMax, {.window = {2}, .strides = {2}, .padding_mode = PaddingMode::kExplicitRoundUp}),
      ElementsAre(2, 4, 6));
  EXPECT_THAT(pool(PoolingType::kAverage, {.window = {2}, .strides = {2}, .padding = {1}}),
              ElementsAre(1, 2.5f, 5));
  EXPECT_THAT(pool(PoolingType::kAverage,
                   {.window = {2}, .strides = {2}, .padding = {1}, .average_count_excludes_padding = false}),
              ElementsAre(0.5f, 2.5f, 5));
}

TEST(Layers, Activations) {
  struct Case {
    ActivationType type;
    ActivationParams params;
    std::vector<float> want;  // of -2, 0.5, 4
  };
  const auto sigmoid = [](float x) { return 1 / (1 + std::exp(-x)); };
  const auto softplus = [](float x) { return std::log1p(std::exp(x)); };
  const auto gelu = [](float x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0f))); };
  const auto gelu_tanh = [](float x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / 3.14159265f) * (x + 0.044715f * x * x * x)));
  };
  using A = ActivationType;
  const std::vector<Case> cases = {
      {A::kRelu, {}, {0, 0.5f, 4}},
      {A::kSigmoid, {}, {sigmoid(-2), sigmoid(0.5f), sigmoid(4)}},
      {A::kTanh, {}, {std::tanh(-2.0f), std::tanh(0.5f), std::tanh(4.0f)}},
      {A::kLeakyRelu, {.alpha = 0.25f}, {-0.5f, 0.5f, 4}},
      {A::kElu, {.alpha = 2.0f}, {2 * (std::exp(-2.0f) - 1), 0.5f, 4}},
      {A::kSelu, {.alpha = 1.0f, .beta = 2.0f}, {2 * (std::exp(-2.0f) - 1), 1, 8}},
      {A::kSoftsign, {}, {-2 / 3.0f, 1 / 3.0f, 0.8f}},
      {A::kSoftplus, {}, {softplus(-2), softplus(0.5f), softplus(4)}},
      {A::kSoftplus, {.alpha = 3.0f, .beta = 0.5f}, {3 * softplus(-1), 3 * softplus(0.25f), 3 * softplus(2)}},
      {A::kClip, {.alpha = -1.0f, .beta = 2.0f}, {-1, 0.5f, 2}},
      {A::kHardSigmoid, {.alpha = 0.5f, .beta = 0.25f}, {0, 0.5f, 1}},
      {A::kScaledTanh,
       {.alpha = 2.0f, .beta = 0.5f},
       {2 * std::tanh(-1.0f), 2 * std::tanh(0.25f), 2 * std::tanh(2.0f)}},
      {A::kThresholdedRelu, {.alpha = 0.75f}, {0, 0, 4}},
      {A::kGeluErf, {}, {gelu(-2), gelu(0.5f), gelu(4)}},
      {A::kGeluTanh, {}, {gelu_tanh(-2), gelu_tanh(0.5f), gelu_tanh(4)}},
      {A::kSilu, {}, {-2 * sigmoid(-2), 0.5f * sigmoid(0.5f), 4 * sigmoid(4)}},
      {A::kHardSwish, {}, {-2 / 6.0f, 0.5f * 3.5f / 6, 4}},
      {A::kMish,
       {},
       {-2 * std::tanh(softplus(-2)), 0.5f * std::tanh(softplus(0.5f)), 4 * std::tanh(softplus(4))}},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(static_cast<int>(each.type));
    const Tensor y = Apply(F32({3}, {-2, 0.5f, 4}), [&](NetworkBuilder& net, NetTensor x) {
      return net.Activation(x, each.type, each.params);
    });
    EXPECT_THAT(ValuesOf(y), Pointwise(FloatNear(1e-6f), each.want));
  }
}

TEST(Layers, ActivationParametersThatAreNone) {
  const auto mistake = [](ActivationType type, ActivationParams params) {
    return Mistake({3}, [&](NetworkBuilder& net, NetTensor x) { net.Activation(x, type, params); });
  };
  EXPECT_THAT(mistake(ActivationType::kRelu, {.alpha = 1.0f}), HasSubstr("activation Relu has no alpha"));
  EXPECT_THAT(mistake(ActivationType::kElu, {.beta = 1.0f}), HasSubstr("activation Elu has no beta"));
  EXPECT_THAT(mistake(ActivationType::kClip, {.alpha = 1.0f}),
              HasSubstr("clip needs alpha (lowest) and beta"));
}

TEST(Layers, ParametricRelu) {
  const Tensor y = Apply(F32({1, 2, 2}, {-1, 1, -1, 1}), [](NetworkBuilder& net, NetTensor x) {
    return net.ParametricRelu(x, net.Constant(F32({1, 2, 1}, {0.5f, 0.25f})));
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(-0.5f, 1, -0.25f, 1));
}

TEST(Layers, Scale) {
  const auto scale = [](const ScaleLayer& layer) {
    return ValuesOf(Apply(F32({1, 2, 2}, {1, 2, 3, 4}),
                          [&](NetworkBuilder& net, NetTensor x) { return net.Scale(x, layer); }));
  };
  EXPECT_THAT(scale({.shift = F32({1}, {1}), .scale = F32({1}, {2}), .power = F32({1}, {2})}),
              ElementsAre(9, 25, 49, 81));
  EXPECT_THAT(scale({.mode = ScaleMode::kChannel, .shift = F32({2}, {0, 1}), .scale = F32({2}, {1, 10})}),
              ElementsAre(1, 2, 31, 41));
  EXPECT_THAT(scale({.mode = ScaleMode::kElementwise, .shift = F32({4}, {4, 3, 2, 1})}),
              ElementsAre(5, 5, 5, 5));
  const ScaleLayer three = {.mode = ScaleMode::kChannel, .scale = F32({3}, {1, 2, 3})};
  EXPECT_THAT(Mistake({1, 2, 2}, [&](NetworkBuilder& net, NetTensor x) { net.Scale(x, three); }),
              HasSubstr("scale has 3 elements, 2 are needed"));
}

TEST(Layers, Normalisations) {
  const Tensor y = Apply(F32({1, 2, 1}, {3, 5}), [](NetworkBuilder& net, NetTensor x) {
    return net.BatchNormalization(x, {.scale = F32({2}, {1, 2}),
                                      .bias = F32({2}, {0, 1}),
                                      .mean = F32({2}, {1, 1}),
                                      .variance = F32({2}, {4, 16}),
                                      .epsilon = 0});
  });
  EXPECT_THAT(ValuesOf(y), ElementsAre(1, 3));
  // One channel a window: x / (1 + 3 / 1 * x^2)^1.
  const Tensor lrn = Apply(F32({1, 2, 1, 1}, {1, 2}), [](NetworkBuilder& net, NetTensor x) {
    return net.Lrn(x, {.window = 1, .alpha = 3, .beta = 1, .k = 1});
  });
  EXPECT_THAT(ValuesOf(lrn), Pointwise(FloatNear(1e-6f), {1 / 4.0f, 2 / 13.0f}));
  const Tensor soft = Apply(F32({2, 1}, {0, std::log(3.0f)}),
                            [](NetworkBuilder& net, NetTensor x) { return net.SoftMax(x, 0); });
  EXPECT_THAT(ValuesOf(soft), Pointwise(FloatNear(1e-6f), {0.25f, 0.75f}));
}

TEST(Layers, ElementWise) {
  const auto of = [](ElementWiseOperation operation) {
    return ValuesOf(Apply(F32({2}, {7, -7}), [&](NetworkBuilder& net, NetTensor x) {
      return net.ElementWise(x, net.Number(2), operation);
    }));
  };
  using E = ElementWiseOperation;
  EXPECT_THAT(of(E::kSum), ElementsAre(9, -5));
  EXPECT_THAT(of(E::kProd), ElementsAre(14, -14));
  EXPECT_THAT(of(E::kMax), ElementsAre(7, 2));
  EXPECT_THAT(of(E::kMin), ElementsAre(2, -7));
  EXPECT_THAT(of(E::kSub), ElementsAre(5, -9));
  EXPECT_THAT(of(E::kDiv), ElementsAre(3.5f, -3.5f));
  EXPECT_THAT(of(E::kPow), ElementsAre(49, 49));
  EXPECT_THAT(of(E::kFloorDiv), ElementsAre(3, -4));
}

// Comparisons and logic: 1 where the condition holds, else 0.
TEST(Layers, ComparisonsAndLogic) {
  const auto where = [](auto condition) {
    return ValuesOf(Apply(F32({3}, {1, 2, 3}), [&](NetworkBuilder& net, NetTensor x) {
      return net.Select(condition(net, x), net.Number(1), net.Number(0));
    }));
  };
  using E = ElementWiseOperation;
  const auto both = [&](E outer) {
    return where([=](NetworkBuilder& net, NetTensor x) {
      return net.ElementWise(net.ElementWise(x, net.Number(1), E::kGreater),
                             net.ElementWise(x, net.Number(3), E::kLess), outer);
    });
  };
  EXPECT_THAT(both(E::kAnd), ElementsAre(0, 1, 0));
  EXPECT_THAT(both(E::kOr), ElementsAre(1, 1, 1));
  EXPECT_THAT(both(E::kXor), ElementsAre(1, 0, 1));
  EXPECT_THAT(where([](NetworkBuilder& net, NetTensor x) {
                return net.Unary(net.ElementWise(x, net.Number(2), E::kEqual), UnaryOperation::kNot);
              }),
              ElementsAre(1, 0, 1));
  EXPECT_THAT(where([](NetworkBuilder& net, NetTensor x) { return net.Unary(x, UnaryOperation::kIsNan); }),
              ElementsAre(0, 0, 0));
  EXPECT_THAT(where([](NetworkBuilder& net, NetTensor x) {
                return net.Unary(net.ElementWise(x, net.Number(0), E::kDiv), UnaryOperation::kIsInf);
              }),
              ElementsAre(1, 1, 1));
}

TEST(Layers, Unary) {
  struct Case {
    UnaryOperation operation;
    double (*want)(double);
  };
  using U = UnaryOperation;
  const std::vector<Case> cases = {
      {U::kExp, [](double x) { return std::exp(x); }},
      {U::kLog, [](double x) { return std::log(x); }},
      {U::kSqrt, [](double x) { return std::sqrt(x); }},
      {U::kRecip, [](double x) { return 1 / x; }},
      {U::kAbs, [](double x) { return std::abs(x); }},
      {U::kNeg, [](double x) { return -x; }},
      {U::kSin, [](double x) { return std::sin(x); }},
      {U::kCos, [](double x) { return std::cos(x); }},
      {U::kTan, [](double x) { return std::tan(x); }},
      {U::kSinh, [](double x) { return std::sinh(x); }},
      {U::kCosh, [](double x) { return std::cosh(x); }},
      {U::kAsin, [](double x) { return std::asin(x); }},
      {U::kAcos, [](double x) { return std::acos(x); }},
      {U::kAtan, [](double x) { return std::atan(x); }},
      {U::kAsinh, [](double x) { return std::asinh(x); }},
      {U::kAcosh, [](double x) { return std::acosh(x); }},
      {U::kAtanh, [](double x) { return std::atanh(x); }},
      {U::kCeil, [](double x) { return std::ceil(x); }},
      {U::kFloor, [](double x) { return std::floor(x); }},
      {U::kErf, [](double x) { return std::erf(x); }},
      {U::kSign, [](double x) { return double(x > 0) - double(x < 0); }},
      {U::kRound, [](double x) { return std::nearbyint(x); }},
  };
  const std::vector<float> xs = {0.25f, 0.5f, 0.75f};
  for (const Case& each : cases) {
    // Acosh begins at 1.
    const float shift = each.operation == U::kAcosh ? 1 : 0;
    SCOPED_TRACE(static_cast<int>(each.operation));
    std::vector<float> want;
    std::vector<float> shifted;
    for (const float x : xs) {
      shifted.push_back(x + shift);
      want.push_back(static_cast<float>(each.want(x + shift)));
    }
    const Tensor y = Apply(F32({3}, shifted),
                           [&](NetworkBuilder& net, NetTensor x) { return net.Unary(x, each.operation); });
    EXPECT_THAT(ValuesOf(y), Pointwise(FloatNear(1e-6f), want));
  }
}

TEST(Layers, Reduce) {
  const auto of = [](ReduceOperation operation) {
    return ValuesOf(Apply(F32({2, 2}, {1, 2, 3, 4}), [&](NetworkBuilder& net, NetTensor x) {
      return net.Reduce(x, operation, {.axes = {-1}});
    }));
  };
  EXPECT_THAT(of(ReduceOperation::kSum), ElementsAre(3, 7));
  EXPECT_THAT(of(ReduceOperation::kProd), ElementsAre(2, 12));
  EXPECT_THAT(of(ReduceOperation::kMax), ElementsAre(2, 4));
  EXPECT_THAT(of(ReduceOperation::kMin), ElementsAre(1, 3));
  EXPECT_THAT(of(ReduceOperation::kAvg), ElementsAre(1.5f, 3.5f));
  const Tensor kept = Apply(Iota({2, 3}), [](NetworkBuilder& net, NetTensor x) {
    return net.Reduce(x, ReduceOperation::kSum, {.keep_dimensions = true});
  });
  EXPECT_EQ(kept.dims(), (Dims{1, 1}));
  EXPECT_THAT(ValuesOf(kept), ElementsAre(15));
}

TEST(Layers, TopK) {
  NetworkBuilder net("topk");
  const NetTensor x = net.Input("x", DType::kF32, {4});
  const auto best = net.TopK(x, {.k = 2});
  net.MarkOutput(best.values, "values");
  net.MarkOutput(best.indices, "indices");
  net.MarkOutput(net.TopK(x, {.operation = TopKOperation::kMin}).values, "least");
  const auto outputs = Outputs(net, {F32({4}, {3, 9, 1, 5})});
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_THAT(ValuesOf(outputs[0]), ElementsAre(9, 5));
  EXPECT_THAT(std::vector<int64_t>(outputs[1].as<int64_t>(), outputs[1].as<int64_t>() + 2),
              ElementsAre(1, 3));
  EXPECT_THAT(ValuesOf(outputs[2]), ElementsAre(1));
}

TEST(Layers, SliceForwardsAndBackwards) {
  const auto slice = [](const SliceLayer& layer) {
    return ValuesOf(Apply(Iota({6}), [&](NetworkBuilder& net, NetTensor x) { return net.Slice(x, layer); }));
  };
  EXPECT_THAT(slice({.start = {1}, .size = {2}}), ElementsAre(1, 2));
  EXPECT_THAT(slice({.start = {1}, .size = {3}, .stride = {2}}), ElementsAre(1, 3, 5));
  EXPECT_THAT(slice({.start = {4}, .size = {3}, .stride = {-2}}), ElementsAre(4, 2, 0));
  EXPECT_THAT(slice({.start = {2}, .size = {3}, .stride = {-1}}), ElementsAre(2, 1, 0));
}

TEST(Layers, SlicesThatReachBeyondAreRefused) {
  const auto mistake = [](const SliceLayer& layer) {
    return Mistake({6}, [&](NetworkBuilder& net, NetTensor x) { net.Slice(x, layer); });
  };
  EXPECT_THAT(mistake({.start = {4}, .size = {3}}),
              HasSubstr("axis 0 has 6 elements, start 4, size 3, stride 1"));
  EXPECT_THAT(mistake({.start = {1}, .size = {3}, .stride = {-1}}), HasSubstr("reach beyond"));
  EXPECT_THAT(mistake({.start = {-1}, .size = {1}}), HasSubstr("start -1"));
  EXPECT_THAT(mistake({.start = {0}, .size = {1}, .stride = {0}}), HasSubstr("stride 0"));
  EXPECT_THAT(mistake({.start = {INT64_MAX}, .size = {INT64_MAX}, .stride = {INT64_MAX}}),
              HasSubstr("axis 0"));
  EXPECT_THAT(mistake({.start = {0, 0}, .size = {1, 1}}), HasSubstr("start has 2 entries"));
}

TEST(Layers, ConcatenationShuffleAndGather) {
  const Tensor y = Apply(Iota({2, 3}), [](NetworkBuilder& net, NetTensor x) {
    const NetTensor turned = net.Shuffle(x, {.first_transpose = {1, 0}, .reshape = {1, -1}});  // 0 3 1 4 2 5
    const NetTensor flat = net.Reshape(x, {1, 6});
    const NetTensor both = net.Concatenation({turned, flat}, 0);
    const NetTensor picks = net.Constant(Tensor::From<int64_t>(DType::kI64, {2}, std::vector<int64_t>{1, 5}));
    return net.Gather(both, picks, 1);
  });
  EXPECT_EQ(y.dims(), (Dims{2, 2}));
  EXPECT_THAT(ValuesOf(y), ElementsAre(3, 5, 1, 5));
  const Tensor last = Apply(Iota({4}), [](NetworkBuilder& net, NetTensor x) {
    return net.Shuffle(x, {.reshape = {2, 2}, .second_transpose = {1, 0}});
  });
  EXPECT_THAT(ValuesOf(last), ElementsAre(0, 2, 1, 3));
}

TEST(Layers, AScalarByReshape) {
  const Tensor y =
      Apply(F32({1, 1}, {7}), [](NetworkBuilder& net, NetTensor x) { return net.Reshape(x, {}); });
  EXPECT_EQ(y.dims(), Dims{});
}

TEST(Layers, Resize) {
  const auto resize = [](const ResizeLayer& layer) {
    return ValuesOf(
        Apply(F32({2}, {0, 4}), [&](NetworkBuilder& net, NetTensor x) { return net.Resize(x, layer); }));
  };
  EXPECT_THAT(resize({.scales = {2}}), ElementsAre(0, 0, 4, 4));
  EXPECT_THAT(
      resize(
          {.sizes = {4}, .mode = InterpolationMode::kLinear, .coordinates = ResizeCoordinates::kHalfPixel}),
      ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(resize({.sizes = {3},
                      .mode = InterpolationMode::kLinear,
                      .coordinates = ResizeCoordinates::kAlignCorners}),
              ElementsAre(0, 2, 4));
  // Positions 0, 0.5, 1, 1.5 (clamped to 1).
  EXPECT_THAT(resize({.sizes = {4}, .rounding = NearestRounding::kCeil}), ElementsAre(0, 4, 4, 4));
  EXPECT_THAT(Mistake({2}, [](NetworkBuilder& net, NetTensor x) { net.Resize(x, {}); }),
              HasSubstr("resize needs sizes or scales"));
}

TEST(Layers, Padding) {
  const auto pad = [](const PaddingLayer& layer) {
    return ValuesOf(Apply(F32({1, 3}, {1, 2, 3}),
                          [&](NetworkBuilder& net, NetTensor x) { return net.Padding(x, layer); }));
  };
  EXPECT_THAT(pad({.pre = {1}, .post = {-1}}), ElementsAre(0, 1, 2));
  EXPECT_THAT(pad({.pre = {0}, .post = {2}, .value = 9}), ElementsAre(1, 2, 3, 9, 9));
  EXPECT_THAT(pad({.pre = {2}, .post = {0}, .fill = PaddingFill::kReflect}), ElementsAre(3, 2, 1, 2, 3));
  EXPECT_THAT(pad({.pre = {2}, .post = {0}, .fill = PaddingFill::kSymmetric}), ElementsAre(2, 1, 1, 2, 3));
  EXPECT_THAT(pad({.pre = {2}, .post = {0}, .fill = PaddingFill::kEdge}), ElementsAre(1, 1, 1, 2, 3));
}

TEST(Layers, CastAndShape) {
  NetworkBuilder net("cast");
  const NetTensor x = net.Input("x", DType::kF32, {"N", 2});
  net.MarkOutput(net.Cast(x, DType::kI32), "whole");
  net.MarkOutput(net.Shape(x), "shape");
  const auto outputs = Outputs(net, {F32({1, 2}, {1.9f, -1.9f})});
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_THAT(std::vector<int32_t>(outputs[0].as<int32_t>(), outputs[0].as<int32_t>() + 2),
              ElementsAre(1, -1));
  EXPECT_THAT(std::vector<int64_t>(outputs[1].as<int64_t>(), outputs[1].as<int64_t>() + 2),
              ElementsAre(1, 2));
}

}  // namespace
}  // namespace slipway
