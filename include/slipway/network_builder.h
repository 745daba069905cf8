// NetworkBuilder: a model written as code, in the vocabulary of TensorRT's network definition.
//
//   NetworkBuilder net("tiny");
//   const NetTensor x = net.Input("x", DType::kF32, {"N", 3, 32, 32});
//   const NetTensor y = net.Convolution(x, {.weights = w, .bias = b, .padding = {1, 1}});
//   net.MarkOutput(net.Activation(y, ActivationType::kRelu), "y");
//   SLIPWAY_ASSIGN_OR_RETURN(std::shared_ptr<Graph> graph, net.Finish());
//
// Shapes and types are inferred as each layer is added. The first mistake is kept with the file and line of
// the call that made it; from there on every layer gives a handle that holds nothing, so a network is written
// without a check at every line, and Finish() (or status()) says what went wrong.
//
// Layers that TensorRT has and this header has not are one Add() away: every operator of docs/operators.md.
// Operators of your own are plugins: AddPlugin(). Left out: loops and conditions, quantisation. Sizes are all
// explicit: there is no implicit batch.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "slipway/tensor.h"

namespace slipway {

struct Graph;  // ir/graph.h

// A dimension of an input: an extent, or the name of one that is only known when the network runs.
class Extent {
 public:
  Extent(int64_t value) : value_(value) {}                                // NOLINT: a number is an extent
  Extent(int value) : value_(value) {}                                    // NOLINT
  Extent(const char* symbol) : value_(-1), symbol_(symbol) {}             // NOLINT: so is a name
  Extent(std::string symbol) : value_(-1), symbol_(std::move(symbol)) {}  // NOLINT
  bool IsKnown() const { return symbol_.empty(); }
  int64_t value() const { return value_; }
  const std::string& symbol() const { return symbol_; }

 private:
  int64_t value_;
  std::string symbol_;
};

// A tensor of one network: what a layer gives and takes. Cheap to copy; of no use with another builder.
class NetTensor {
 public:
  NetTensor() = default;
  // An optional operand that is left out; for Add().
  static NetTensor LeftOut();
  // False: default-made, left out, or the result of a layer that was refused.
  bool HoldsTensor() const { return id_ >= 0; }

 private:
  friend class NetworkBuilder;
  NetTensor(const void* network, int32_t id) : network_(network), id_(id) {}

  const void* network_ = nullptr;
  int32_t id_ = -1;
};

enum class PaddingMode {
  kExplicit,         // as given; a window that does not fit whole is dropped
  kExplicitRoundUp,  // pooling only: it is kept
  kSameUpper,        // output extent = ceil(input / stride), the odd row after
  kSameLower,        // the odd row before
};

// Spatial lists (strides, padding ...) have an entry per spatial axis; empty: ones (padding: zeros).
struct ConvolutionLayer {
  Tensor weights;  // [O,I/groups,spatial...]
  Tensor bias;     // [O]; none: zeros
  Dims strides;
  Dims padding;       // before each axis, and after it too unless post_padding says otherwise
  Dims post_padding;  // empty: as padding
  Dims dilations;
  int64_t groups = 1;
  PaddingMode padding_mode = PaddingMode::kExplicit;
};

struct DeconvolutionLayer {
  Tensor weights;  // [I,O/groups,spatial...]
  Tensor bias;     // [O]; none: zeros
  Dims strides;
  Dims padding;       // cropped before each axis, and after it too unless post_padding says otherwise
  Dims post_padding;  // empty: as padding
  Dims dilations;
  Dims output_padding;  // added after each axis
  int64_t groups = 1;
};

enum class PoolingType { kMax, kAverage };
struct PoolingLayer {
  Dims window;
  Dims strides;       // empty: ones
  Dims padding;       // before each axis, and after it too unless post_padding says otherwise
  Dims post_padding;  // empty: as padding
  PaddingMode padding_mode = PaddingMode::kExplicit;
  bool average_count_excludes_padding = true;
};

enum class ActivationType {
  kRelu,
  kSigmoid,
  kTanh,
  kLeakyRelu,        // alpha: slope
  kElu,              // alpha
  kSelu,             // alpha, beta: gamma
  kSoftsign,         // x / (1 + |x|)
  kSoftplus,         // alpha * ln(1 + e^(beta x)); both 1 unless given
  kClip,             // to [alpha, beta]; both must be given
  kHardSigmoid,      // max(0, min(1, alpha x + beta))
  kScaledTanh,       // alpha * tanh(beta x); both 1 unless given
  kThresholdedRelu,  // x > alpha ? x : 0
  kGeluErf,
  kGeluTanh,
  kSilu,  // x * sigmoid(x)
  kHardSwish,
  kMish,
};
// What is not given is the operator's default; what the kind has no use for is an error.
struct ActivationParams {
  std::optional<float> alpha;
  std::optional<float> beta;
};

enum class ScaleMode { kUniform, kChannel, kElementwise };
// (x * scale + shift) ^ power; a tensor that is none is left out. kUniform: one element each; kChannel: one
// per extent of channel_axis; kElementwise: the shape of x without axis 0.
struct ScaleLayer {
  ScaleMode mode = ScaleMode::kUniform;
  Tensor shift;
  Tensor scale;
  Tensor power;
  int channel_axis = 1;
};

// Channel axis 1, each [C].
struct BatchNormalizationLayer {
  Tensor scale;
  Tensor bias;
  Tensor mean;
  Tensor variance;
  float epsilon = 1e-5f;
};

// x / (k + alpha / window * sum of squares over the window of channels) ^ beta
struct LrnLayer {
  int64_t window = 0;
  float alpha = 1e-4f;
  float beta = 0.75f;
  float k = 1;
};

// Shapes broadcast as numpy's.
enum class ElementWiseOperation {
  kSum,
  kProd,
  kMax,
  kMin,
  kSub,
  kDiv,
  kPow,
  kFloorDiv,
  kAnd,
  kOr,
  kXor,
  kEqual,
  kGreater,
  kLess,
};

enum class UnaryOperation {
  kExp,
  kLog,
  kSqrt,
  kRecip,
  kAbs,
  kNeg,
  kSin,
  kCos,
  kTan,
  kSinh,
  kCosh,
  kAsin,
  kAcos,
  kAtan,
  kAsinh,
  kAcosh,
  kAtanh,
  kCeil,
  kFloor,
  kErf,
  kNot,
  kSign,
  kRound,
  kIsInf,
  kIsNan,
};

enum class ReduceOperation { kSum, kProd, kMax, kMin, kAvg };
struct ReduceLayer {
  Dims axes;  // negative counts from the end; empty: all
  bool keep_dimensions = false;
};

enum class MatrixOperation { kNone, kTranspose };  // of the last two axes

// size[i] elements from start[i], stride[i] apart, of every axis; all of them must lie inside.
struct SliceLayer {
  Dims start;
  Dims size;
  Dims stride;  // empty: ones; negative walks backwards
};

// Transpose, then reshape, then transpose; each is left out when empty.
struct ShuffleLayer {
  Dims first_transpose;
  Dims reshape;  // one -1 is inferred, 0 copies the extent of that axis
  Dims second_transpose;
};

enum class TopKOperation { kMax, kMin };
struct TopKLayer {
  TopKOperation operation = TopKOperation::kMax;
  int64_t k = 1;
  int axis = -1;
};

enum class InterpolationMode { kNearest, kLinear, kCubic };
enum class ResizeCoordinates { kAsymmetric, kHalfPixel, kAlignCorners };
enum class NearestRounding { kFloor, kCeil, kHalfDown, kHalfUp };
// One of sizes and scales, an entry per axis.
struct ResizeLayer {
  Dims sizes;
  std::vector<float> scales;
  InterpolationMode mode = InterpolationMode::kNearest;
  ResizeCoordinates coordinates = ResizeCoordinates::kAsymmetric;
  NearestRounding rounding = NearestRounding::kFloor;
};

enum class PaddingFill { kConstant, kReflect, kSymmetric, kEdge };
// Of the last pre.size() axes; negative amounts crop.
struct PaddingLayer {
  Dims pre;
  Dims post;
  PaddingFill fill = PaddingFill::kConstant;
  float value = 0;
};

// Attributes of Add(), as docs/operators.md lists them.
using LayerAttr = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor, DType>;
using LayerAttrs = std::map<std::string, LayerAttr>;

// A line of the caller's code: std::source_location for compilers that lack it (clang before 16).
class SourceLine {
 public:
  static constexpr SourceLine current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return SourceLine(file, line);
  }
  constexpr const char* file_name() const { return file_; }
  constexpr int line() const { return line_; }

 private:
  constexpr SourceLine(const char* file, int line) : file_(file), line_(line) {}
  const char* file_;
  int line_;
};

// Used by one thread at a time. Tensors given as weights share their storage with the graph.
class NetworkBuilder {
 public:
  using Where = SourceLine;

  explicit NetworkBuilder(std::string name);
  ~NetworkBuilder();
  NetworkBuilder(const NetworkBuilder&) = delete;
  NetworkBuilder& operator=(const NetworkBuilder&) = delete;

  NetTensor Input(std::string name, DType dtype, std::vector<Extent> shape, Where where = Where::current());
  NetTensor Constant(Tensor data, Where where = Where::current());
  // One f32 number, of rank 0.
  NetTensor Number(float value, Where where = Where::current());

  NetTensor Convolution(NetTensor x, const ConvolutionLayer& layer, Where where = Where::current());
  NetTensor Deconvolution(NetTensor x, const DeconvolutionLayer& layer, Where where = Where::current());
  // x is taken as rows of I elements. weights: [O,I]; bias: [O] or none; the result is [rows,O].
  NetTensor FullyConnected(NetTensor x, Tensor weights, Tensor bias, Where where = Where::current());
  NetTensor MatrixMultiply(NetTensor a, MatrixOperation op_a, NetTensor b, MatrixOperation op_b,
                           Where where = Where::current());
  NetTensor Pooling(NetTensor x, PoolingType type, const PoolingLayer& layer, Where where = Where::current());
  NetTensor Activation(NetTensor x, ActivationType type, ActivationParams params = {},
                       Where where = Where::current());
  NetTensor ParametricRelu(NetTensor x, NetTensor slopes, Where where = Where::current());
  NetTensor Scale(NetTensor x, const ScaleLayer& layer, Where where = Where::current());
  NetTensor BatchNormalization(NetTensor x, const BatchNormalizationLayer& layer,
                               Where where = Where::current());
  NetTensor Lrn(NetTensor x, const LrnLayer& layer, Where where = Where::current());
  NetTensor SoftMax(NetTensor x, int axis, Where where = Where::current());

  NetTensor ElementWise(NetTensor a, NetTensor b, ElementWiseOperation operation,
                        Where where = Where::current());
  NetTensor Unary(NetTensor x, UnaryOperation operation, Where where = Where::current());
  NetTensor Select(NetTensor condition, NetTensor then, NetTensor otherwise, Where where = Where::current());
  NetTensor Reduce(NetTensor x, ReduceOperation operation, const ReduceLayer& layer,
                   Where where = Where::current());
  struct TopKResult {
    NetTensor values;
    NetTensor indices;  // i64
  };
  TopKResult TopK(NetTensor x, const TopKLayer& layer, Where where = Where::current());

  NetTensor Concatenation(const std::vector<NetTensor>& inputs, int axis, Where where = Where::current());
  NetTensor Slice(NetTensor x, const SliceLayer& layer, Where where = Where::current());
  NetTensor Gather(NetTensor x, NetTensor indices, int axis, Where where = Where::current());
  NetTensor Shuffle(NetTensor x, const ShuffleLayer& layer, Where where = Where::current());
  NetTensor Reshape(NetTensor x, Dims dims, Where where = Where::current());
  NetTensor Transpose(NetTensor x, Dims permutation, Where where = Where::current());
  NetTensor Resize(NetTensor x, const ResizeLayer& layer, Where where = Where::current());
  NetTensor Padding(NetTensor x, const PaddingLayer& layer, Where where = Where::current());
  NetTensor Cast(NetTensor x, DType dtype, Where where = Where::current());
  NetTensor Shape(NetTensor x, Where where = Where::current());

  // Any operator of docs/operators.md, with its inputs in order.
  std::vector<NetTensor> Add(const std::string& op, const std::vector<NetTensor>& inputs,
                             const LayerAttrs& attrs, int num_outputs, Where where = Where::current());
  NetTensor Add(const std::string& op, const std::vector<NetTensor>& inputs, const LayerAttrs& attrs = {},
                Where where = Where::current());

  // A plugin that has been loaded or registered (slipway/plugin_library.h), in its newest version.
  std::vector<NetTensor> AddPlugin(const std::string& plugin, const std::vector<NetTensor>& inputs,
                                   const LayerAttrs& attrs, int num_outputs, Where where = Where::current());
  NetTensor AddPlugin(const std::string& plugin, const std::vector<NetTensor>& inputs,
                      const LayerAttrs& attrs = {}, Where where = Where::current());

  // kNone for a handle that holds nothing.
  DType dtype(NetTensor tensor) const;
  // -1: known only at run time; nullopt: not even the rank, or a handle that holds nothing.
  std::optional<Dims> dims(NetTensor tensor) const;

  // The tensor becomes an output under this name. Outputs keep the order of these calls.
  void MarkOutput(NetTensor tensor, std::string name, Where where = Where::current());

  // The first mistake so far: "lenet.cc:42: Conv 'convolution_1': weight has 3 input channels, input has 1".
  const Status& status() const;
  // The verified graph, for Optimize() and Engine::Create(). The builder is spent: later calls are mistakes.
  Result<std::shared_ptr<Graph>> Finish();

 private:
  struct State;

  // One output of `op`; `layer` is its name in messages and reports.
  NetTensor One(const char* layer, const std::string& op, const std::vector<NetTensor>& inputs,
                const LayerAttrs& attrs, Where where);
  // A constant of integers, i64[n]; left out when there are none.
  NetTensor Integers(const Dims& values);
  // One number of x's type, of rank 0.
  NetTensor ScalarLike(NetTensor x, double value);
  NetTensor AddConstant(Tensor data);
  // `data` under the shape that broadcasts over x as the mode says.
  Result<Tensor> ScaleOperand(NetTensor x, const ScaleLayer& layer, const Tensor& data,
                              const char* role) const;
  std::vector<NetTensor> Many(const char* layer, const std::string& op, const std::vector<NetTensor>& inputs,
                              const LayerAttrs& attrs, int num_outputs, Where where);
  NetTensor Fail(Where where, const Status& status);
  // What a layer gives after a mistake.
  NetTensor Refused() const;

  std::unique_ptr<State> state_;
};

}  // namespace slipway
