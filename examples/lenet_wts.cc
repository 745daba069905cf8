// LeNet-5 written as code, its weights read from tensorrtx's lenet5.wts.
//
// usage: slipway_example_lenet_wts lenet5.wts
//
// Runs an image of ones, as tensorrtx's own example does, and prints the ten probabilities.
// Network: LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, with ReLU.
#include <cstdio>
#include <string>

#include "passes/pipeline.h"
#include "runtime/engine.h"
#include "slipway/network_builder.h"
#include "slipway/wts.h"

namespace {

using namespace slipway;

constexpr int64_t kSide = 32;

Result<std::shared_ptr<Graph>> BuildLenet(const WtsWeights& weights) {
  NetworkBuilder net("lenet5");
  Status missing;
  const auto array = [&](const std::string& name, Dims dims) {
    const Result<Tensor> found = weights.Get(name, std::move(dims));
    if (found.ok()) return *found;
    if (missing.ok()) missing = found.status();
    return Tensor(DType::kF32, {0});
  };
  const auto convolution = [&](NetTensor x, const std::string& name, int64_t in, int64_t out) {
    const NetTensor y = net.Convolution(
        x, {.weights = array(name + ".weight", {out, in, 5, 5}), .bias = array(name + ".bias", {out})});
    return net.Pooling(net.Activation(y, ActivationType::kRelu), PoolingType::kAverage,
                       {.window = {2, 2}, .strides = {2, 2}});
  };
  const auto fully_connected = [&](NetTensor x, const std::string& name, int64_t in, int64_t out) {
    return net.FullyConnected(x, array(name + ".weight", {out, in}), array(name + ".bias", {out}));
  };

  const NetTensor image = net.Input("data", DType::kF32, {1, 1, kSide, kSide});
  const NetTensor maps = convolution(convolution(image, "conv1", 1, 6), "conv2", 6, 16);
  NetTensor y = net.Reshape(maps, {0, 16 * 5 * 5});
  y = net.Activation(fully_connected(y, "fc1", 400, 120), ActivationType::kRelu);
  y = net.Activation(fully_connected(y, "fc2", 120, 84), ActivationType::kRelu);
  net.MarkOutput(net.SoftMax(fully_connected(y, "fc3", 84, 10), 1), "prob");
  SLIPWAY_RETURN_IF_ERROR(missing);
  return net.Finish();
}

Status Run(const std::string& path) {
  SLIPWAY_ASSIGN_OR_RETURN(const WtsWeights weights, ReadWts(path));
  SLIPWAY_ASSIGN_OR_RETURN(const std::shared_ptr<Graph> graph, BuildLenet(weights));
  SLIPWAY_RETURN_IF_ERROR(Optimize(*graph, PipelineOptions::FromEnvironment()).status());
  SLIPWAY_ASSIGN_OR_RETURN(const auto engine, Engine::Create(std::move(*graph), {}));
  const auto context = engine->NewContext();
  Tensor ones(DType::kF32, {1, 1, kSide, kSide});
  for (float& pixel : ones.values<float>()) pixel = 1;
  SLIPWAY_ASSIGN_OR_RETURN(const auto outputs, context->Run({&ones, 1}));
  for (const float probability : outputs[0].values<float>()) std::printf("%.7g\n", probability);
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s lenet5.wts\n", argv[0]);
    return static_cast<int>(Code::kUsage);
  }
  const Status status = Run(argv[1]);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return static_cast<int>(status.code());
}
