// Operators of other formats, for tests/e2e/plugin_formats.py: options as bytes, quantised tensors, blobs as
// inputs, a liar, and the operators on texts of TFLite-Support's test models.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>

#include "slipway/plugin.h"

#ifndef OPS_VERSION
#define OPS_VERSION 1
#endif

namespace {

using slipway::DType;
using slipway::PluginKernel;
namespace plugin = slipway::plugin;

class FunctionKernel : public PluginKernel {
 public:
  explicit FunctionKernel(std::function<void(plugin::RunCall&)> run) : run_(std::move(run)) {}
  void Run(plugin::RunCall& call) const override { run_(call); }

 private:
  std::function<void(plugin::RunCall&)> run_;
};

std::unique_ptr<PluginKernel> KernelOf(std::function<void(plugin::RunCall&)> run) {
  return std::make_unique<FunctionKernel>(std::move(run));
}

// y = factor * x; the factor is a little-endian f32 in the operator's opaque options.
class Opaque : public slipway::Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.Opaque",
            .version = OPS_VERSION,
            .summary = "x times a number.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
            .outputs = {{.name = "y", .dtypes = {DType::kF32}}},
            .attrs = {plugin::RequiredAttr("custom_options", plugin::AttrKind::kString)},
            .claims = {plugin::Tflite("AcmeOpaque")}};
  }
  void Infer(plugin::InferCall& call) const override { call.SetOutput(0, call.input(0)); }
  std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
    const std::string_view bytes = node.String("custom_options");
    if (bytes.size() != 4)
      throw plugin::Error("the options have " + std::to_string(bytes.size()) + " bytes, 4 are wanted");
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i)
      word |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
    return KernelOf([factor = std::bit_cast<float>(word)](plugin::RunCall& call) {
      const auto x = call.in(0).values<const float>();
      for (size_t i = 0; i < x.size(); ++i) call.out(0).values<float>()[i] = factor * x[i];
    });
  }
};

// y = x * factor of the channel, both in integers with scales of their own.
class QuantScale : public slipway::Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.QuantScale",
            .version = OPS_VERSION,
            .summary = "x times a number per channel, in 8 bits.",
            .inputs = {{.name = "x", .dtypes = {DType::kI8}, .layout = plugin::Layout::kChannelsFirst}},
            .outputs = {{.name = "y", .dtypes = {DType::kI8}, .layout = plugin::Layout::kChannelsFirst}},
            .attrs = {plugin::RequiredAttr("factors", plugin::AttrKind::kFloats)},
            .claims = {plugin::Tflite("AcmeQuantScale")}};
  }
  void Infer(plugin::InferCall& call) const override {
    if (!call.input(0).quant() || !call.node().output(0).quant())
      throw plugin::Error("x and y must be quantised");
    call.SetOutput(0, call.input(0));
  }
  std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
    const auto factors = node.Floats("factors");
    return KernelOf([factors = std::vector<float>(factors.begin(), factors.end())](plugin::RunCall& call) {
      const plugin::TensorView x = call.in(0);
      const auto from = x.quant(), to = call.out(0).quant();
      const int64_t plane = x.dim(2) * x.dim(3);
      for (int64_t i = 0; i < x.count(); ++i) {
        const auto channel = static_cast<size_t>(i / plane % x.dim(1));
        const auto q = x.values<const int8_t>()[static_cast<size_t>(i)];
        const double real = double{from->scales()[0]} * (q - static_cast<double>(from->zero_points()[0]));
        const double scaled = real * double{factors[channel]} / double{to->scales()[0]};
        const double y = std::nearbyint(scaled) + static_cast<double>(to->zero_points()[0]);
        call.out(0).values<int8_t>()[static_cast<size_t>(i)] =
            static_cast<int8_t>(std::clamp(y, -128.0, 127.0));
      }
    });
  }
};

// y[n,c,...] = blobs[0][c] * x * factor + blobs[1][c], and the sum of `shift` over all elements.
class Blobs : public slipway::Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.Blobs",
            .version = OPS_VERSION,
            .summary = "An affine map per channel.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}},
                       {.name = "blobs", .dtypes = {DType::kF32}, .presence = plugin::Presence::kOneOrMore}},
            .outputs = {{.name = "y", .dtypes = {DType::kF32}}},
            .attrs = {plugin::FloatAttr("factor", 1), plugin::IntAttr("negate", 0),
                      plugin::OptionalAttr("mode", plugin::AttrKind::kString),
                      plugin::OptionalAttr("axes", plugin::AttrKind::kInts), plugin::FloatsAttr("shift", {}),
                      plugin::IntAttr("inner.mask", 0)},
            .claims = {plugin::Caffe("AcmeBlobs")}};
  }
  void Infer(plugin::InferCall& call) const override {
    if (call.node().num_inputs() != 3)
      throw plugin::Error("takes 2 blobs, the layer has " + std::to_string(call.node().num_inputs() - 1));
    call.SetOutput(0, call.input(0));
  }
  std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
    if (node.HasAttr("mode") && node.String("mode") != "FAST") throw plugin::Error("mode must be FAST");
    if (node.HasAttr("axes") && node.Ints("axes").size() != 1) throw plugin::Error("axes must be one");
    float factor = node.Float("factor") * (node.Int("negate") != 0 ? -1.0F : 1.0F);
    if (node.Int("inner.mask") == 0x1f) factor *= 2;
    float shift = 0;
    for (float each : node.Floats("shift")) shift += each;
    return KernelOf([factor, shift](plugin::RunCall& call) {
      const plugin::TensorView x = call.in(0);
      const int64_t plane = x.count() / (x.dim(0) * x.dim(1));
      for (int64_t i = 0; i < x.count(); ++i) {
        const auto c = static_cast<size_t>(i / plane % x.dim(1));
        const auto at = static_cast<size_t>(i);
        call.out(0).values<float>()[at] =
            call.in(1).values<const float>()[c] * x.values<const float>()[at] * factor +
            call.in(2).values<const float>()[c] + shift;
      }
    });
  }
};

// Promises two columns and gives three.
class Liar : public slipway::Plugin {
 public:
  plugin::Description Describe() const override {
    return {.name = "test.Liar",
            .version = OPS_VERSION,
            .summary = "Breaks its word.",
            .inputs = {{.name = "x", .dtypes = {DType::kF32}}},
            .outputs = {{.name = "y", .dtypes = {DType::kF32}}},
            .claims = {plugin::Tflite("AcmeLiar"), plugin::Tensorflow("AcmeLiar"), plugin::Caffe("AcmeLiar")},
            .has_open_attrs = true};
  }
  void Infer(plugin::InferCall& call) const override {
    call.SetOutput(0, DType::kF32, {plugin::Dim(), plugin::Dim(2)});
  }
  std::unique_ptr<PluginKernel> Create(const plugin::Node&) const override {
    return KernelOf([](plugin::RunCall& call) {
      call.Allocate(0, std::array<int64_t, 2>{call.in(0).dim(0), 3});
    });
  }
};

// What TFLite-Support's tests define for their models: three answers to "hello", an error to all else.
template <class T>
class Hello : public slipway::Plugin {
 public:
  Hello(const char* name, DType dtype, std::array<T, 3> answer)
      : name_(name), dtype_(dtype), answer_(answer) {}
  plugin::Description Describe() const override {
    return {.name = std::string("test.") + name_,
            .version = OPS_VERSION,
            .summary = "Three answers to one text.",
            .inputs = {{.name = "text", .dtypes = {DType::kString}}},
            .outputs = {{.name = "answer", .dtypes = {dtype_}}},
            .claims = {plugin::Tflite(name_)},
            .has_open_attrs = true};
  }
  void Infer(plugin::InferCall& call) const override { call.SetOutput(0, dtype_, {plugin::Dim(3)}); }
  std::unique_ptr<PluginKernel> Create(const plugin::Node&) const override {
    return KernelOf([answer = answer_](plugin::RunCall& call) {
      const plugin::TensorView text = call.in(0);
      if (text.count() < 1 || text.String(0) != "hello") throw plugin::Error("the text must be 'hello'");
      for (size_t i = 0; i < 3; ++i) {
        if constexpr (std::is_same_v<T, std::string_view>) {
          call.SetString(0, static_cast<int64_t>(i), answer[i]);
        } else {
          call.out(0).values<T>()[i] = answer[i];
        }
      }
    });
  }

 private:
  const char* name_;
  DType dtype_;
  std::array<T, 3> answer_;
};

struct Floats : Hello<float> {
  Floats() : Hello("CUSTOM_OP_STRING_TO_FLOATS", DType::kF32, {255, 510, 765}) {}
};
struct Doubles : Hello<double> {
  Doubles() : Hello("CUSTOM_OP_STRING_TO_DOUBLES", DType::kF64, {255, 510, 765}) {}
};
struct Bools : Hello<bool> {
  Bools() : Hello("CUSTOM_OP_STRING_TO_BOOLS", DType::kBool, {true, true, false}) {}
};
struct Labels : Hello<std::string_view> {
  Labels() : Hello("CUSTOM_OP_GENERATE_LABELS", DType::kString, {"label0", "label1", "label2"}) {}
};

}  // namespace

SLIPWAY_PLUGIN_LIBRARY(Opaque, QuantScale, Blobs, Liar, Floats, Doubles, Bools, Labels)
