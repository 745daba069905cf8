// YOLOv5n written as code, its weights read from a .wts file under PyTorch's names.
//
// usage: slipway_example_yolov5_wts WEIGHTS.wts IMAGE.npy OUT.npy
//
// IMAGE: f32[1,3,H,W], RGB in [0, 1], H and W multiples of 32. OUT: f32[1,25200 * H * W / 640^2,85], a row
// per box: centre x, y, width, height in pixels, objectness, 80 classes. Where the weights have
// "<layer>.bn.weight", that layer's batch normalisation is part of the network; else it has been folded and
// "<layer>.conv.bias" is read.
//
// Network: ultralytics/yolov5 v6, models/yolov5n.yaml (depth 0.33, width 0.25), and the decoding of its
// Detect layer. Left out: non-maximum suppression.
#include <array>
#include <cstdio>
#include <string>

#include "base/npy.h"
#include "passes/pipeline.h"
#include "runtime/engine.h"
#include "slipway/network_builder.h"
#include "slipway/wts.h"

namespace {

using namespace slipway;

constexpr int64_t kBoxFields = 85;  // x, y, w, h, objectness, 80 classes
constexpr int64_t kAnchors = 3;
constexpr float kBatchNormEpsilon = 1e-3f;  // ultralytics/yolov5 sets it, PyTorch's own default is 1e-5

// One of Detect's three scales: width and height in pixels of its anchors, from yolov5n.yaml.
struct DetectScale {
  int64_t stride;
  std::array<float, 2 * kAnchors> anchors;
};
constexpr std::array<DetectScale, 3> kScales = {
    {{8, {10, 13, 16, 30, 33, 23}}, {16, {30, 61, 62, 45, 59, 119}}, {32, {116, 90, 156, 198, 373, 326}}}};

class Yolov5n {
 public:
  explicit Yolov5n(const WtsWeights& weights) : weights_(weights) {}

  Result<std::shared_ptr<Graph>> Build(int64_t height, int64_t width) {
    const NetTensor image = net_.Input("images", DType::kF32, {1, 3, height, width});
    NetTensor x = ConvBlock(image, "model.0", 16, {.kernel = 6, .stride = 2, .padding = 2});
    x = C3(Halve(x, "model.1", 32), "model.2", 32, 1);
    const NetTensor p3 = C3(Halve(x, "model.3", 64), "model.4", 64, 2);
    const NetTensor p4 = C3(Halve(p3, "model.5", 128), "model.6", 128, 3);
    x = C3(Halve(p4, "model.7", 256), "model.8", 256, 1);
    x = Sppf(x, "model.9", 256);

    const NetTensor top = ConvBlock(x, "model.10", 128, {});
    x = C3(Join(Upsample(top), p4), "model.13", 128, 1, Shortcut::kNo);
    const NetTensor middle = ConvBlock(x, "model.14", 64, {});
    const NetTensor n3 = C3(Join(Upsample(middle), p3), "model.17", 64, 1, Shortcut::kNo);
    const NetTensor n4 = C3(Join(Halve(n3, "model.18", 64), middle), "model.20", 128, 1, Shortcut::kNo);
    const NetTensor n5 = C3(Join(Halve(n4, "model.21", 128), top), "model.23", 256, 1, Shortcut::kNo);

    const std::array<NetTensor, 3> maps = {n3, n4, n5};
    std::vector<NetTensor> boxes;
    for (size_t i = 0; i < maps.size(); ++i)
      boxes.push_back(Detect(maps[i], "model.24.m." + std::to_string(i), kScales[i]));
    net_.MarkOutput(net_.Concatenation(boxes, 1), "boxes");
    SLIPWAY_RETURN_IF_ERROR(missing_);
    return net_.Finish();
  }

 private:
  enum class Shortcut { kNo, kYes };
  struct ConvShape {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t padding = 0;
  };

  int64_t Channels(NetTensor x) const { return net_.dims(x) ? (*net_.dims(x))[1] : 0; }

  // The first array that is not there, or has another size, is what Build reports.
  Tensor Array(const std::string& name, Dims dims) {
    const Result<Tensor> found = weights_.Get(name, std::move(dims));
    if (found.ok()) return *found;
    if (missing_.ok()) missing_ = found.status();
    return Tensor(DType::kF32, {0});
  }

  // Convolution, batch normalisation, SiLU.
  NetTensor ConvBlock(NetTensor x, const std::string& name, int64_t out, ConvShape shape) {
    const bool has_norm = weights_.Has(name + ".bn.weight");
    ConvolutionLayer layer;
    layer.weights = Array(name + ".conv.weight", {out, Channels(x), shape.kernel, shape.kernel});
    if (!has_norm) layer.bias = Array(name + ".conv.bias", {out});
    layer.strides = {shape.stride, shape.stride};
    layer.padding = {shape.padding, shape.padding};
    NetTensor y = net_.Convolution(x, layer);
    if (has_norm)
      y = net_.BatchNormalization(y, {.scale = Array(name + ".bn.weight", {out}),
                                      .bias = Array(name + ".bn.bias", {out}),
                                      .mean = Array(name + ".bn.running_mean", {out}),
                                      .variance = Array(name + ".bn.running_var", {out}),
                                      .epsilon = kBatchNormEpsilon});
    return net_.Activation(y, ActivationType::kSilu);
  }

  NetTensor Halve(NetTensor x, const std::string& name, int64_t out) {
    return ConvBlock(x, name, out, {.kernel = 3, .stride = 2, .padding = 1});
  }

  NetTensor C3(NetTensor x, const std::string& name, int64_t out, int depth,
               Shortcut shortcut = Shortcut::kYes) {
    const int64_t hidden = out / 2;
    NetTensor y = ConvBlock(x, name + ".cv1", hidden, {});
    for (int i = 0; i < depth; ++i) {
      const std::string block = name + ".m." + std::to_string(i);
      const NetTensor narrow = ConvBlock(y, block + ".cv1", hidden, {});
      const NetTensor wide = ConvBlock(narrow, block + ".cv2", hidden, {.kernel = 3, .padding = 1});
      y = shortcut == Shortcut::kYes ? net_.ElementWise(y, wide, ElementWiseOperation::kSum) : wide;
    }
    return ConvBlock(Join(y, ConvBlock(x, name + ".cv2", hidden, {})), name + ".cv3", out, {});
  }

  NetTensor Sppf(NetTensor x, const std::string& name, int64_t out) {
    std::vector<NetTensor> levels = {ConvBlock(x, name + ".cv1", out / 2, {})};
    for (int i = 0; i < 3; ++i)
      levels.push_back(net_.Pooling(levels.back(), PoolingType::kMax, {.window = {5, 5}, .padding = {2, 2}}));
    return ConvBlock(net_.Concatenation(levels, 1), name + ".cv2", out, {});
  }

  NetTensor Upsample(NetTensor x) { return net_.Resize(x, {.scales = {1, 1, 2, 2}}); }
  NetTensor Join(NetTensor a, NetTensor b) { return net_.Concatenation({a, b}, 1); }

  // Boxes of one scale: [1, anchors * h * w, 85].
  NetTensor Detect(NetTensor x, const std::string& name, const DetectScale& scale) {
    const NetTensor raw =
        net_.Convolution(x, {.weights = Array(name + ".weight", {kAnchors * kBoxFields, Channels(x), 1, 1}),
                             .bias = Array(name + ".bias", {kAnchors * kBoxFields})});
    const std::optional<Dims> dims = net_.dims(raw);
    if (!dims) return raw;  // an earlier layer was refused
    const int64_t height = (*dims)[2];
    const int64_t width = (*dims)[3];
    const int64_t cells = height * width;
    NetTensor y = net_.Activation(raw, ActivationType::kSigmoid);
    y = net_.Shuffle(y, {.reshape = {1, kAnchors, kBoxFields, cells}, .second_transpose = {0, 1, 3, 2}});
    const auto fields = [&](int64_t first, int64_t count) {
      return net_.Slice(y, {.start = {0, 0, 0, first}, .size = {1, kAnchors, cells, count}});
    };
    const auto by = [&](NetTensor a, NetTensor b) {
      return net_.ElementWise(a, b, ElementWiseOperation::kProd);
    };
    // centre = (2 s - 0.5 + cell) * stride; size = (2 s)^2 * anchor
    const NetTensor two = net_.Number(2);
    NetTensor centre =
        net_.ElementWise(by(fields(0, 2), two), CellOffsets(height, width), ElementWiseOperation::kSum);
    centre = by(centre, net_.Number(static_cast<float>(scale.stride)));
    NetTensor size = net_.ElementWise(by(fields(2, 2), two), two, ElementWiseOperation::kPow);
    size = by(size, net_.Constant(Tensor::From<float>(DType::kF32, {1, kAnchors, 1, 2}, scale.anchors)));
    const NetTensor boxes = net_.Concatenation({centre, size, fields(4, kBoxFields - 4)}, 3);
    return net_.Reshape(boxes, {1, kAnchors * cells, kBoxFields});
  }

  // x - 0.5, y - 0.5 of every cell, row by row: [1,1,cells,2].
  NetTensor CellOffsets(int64_t height, int64_t width) {
    Tensor offsets(DType::kF32, {1, 1, height * width, 2});
    for (int64_t i = 0; i < height * width; ++i) {
      offsets.as<float>()[2 * i] = static_cast<float>(i % width) - 0.5f;
      offsets.as<float>()[2 * i + 1] = static_cast<float>(i / width) - 0.5f;
    }
    return net_.Constant(offsets);
  }

  const WtsWeights& weights_;
  NetworkBuilder net_{"yolov5n"};
  Status missing_;
};

Status Run(const std::string& weights_path, const std::string& image_path, const std::string& out_path) {
  SLIPWAY_ASSIGN_OR_RETURN(const WtsWeights weights, ReadWts(weights_path));
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor image, ReadNpy(image_path));
  if (image.rank() != 4 || image.dim(2) % 32 != 0 || image.dim(3) % 32 != 0)
    return Status(
        Code::kInvalidInput,
        image_path + ": f32[1,3,H,W] with H and W multiples of 32 is expected, found " + Describe(image));
  SLIPWAY_ASSIGN_OR_RETURN(const std::shared_ptr<Graph> graph,
                           Yolov5n(weights).Build(image.dim(2), image.dim(3)));
  SLIPWAY_RETURN_IF_ERROR(Optimize(*graph, PipelineOptions::FromEnvironment()).status());
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(std::move(*graph), {}));
  const auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run({&image, 1}));
  return WriteNpy(out_path, outputs[0]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s WEIGHTS.wts IMAGE.npy OUT.npy\n", argv[0]);
    return static_cast<int>(Code::kUsage);
  }
  const Status status = Run(argv[1], argv[2], argv[3]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return static_cast<int>(status.code());
}
