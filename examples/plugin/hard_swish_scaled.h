// HardSwishScaled: y[n,c,...] = factor[c] * x * clip(x / 6 + 1 / 2, 0, 1), factor[c] = alpha * gains[c] ^
// power.
//
// A template: copy the folder, rename, and change what the operator is. It has what most operators have:
// attributes with and without defaults, a layout, shapes that may be open, a state that the .slip file keeps,
// a loop on all threads.
#pragma once

#include <algorithm>
#include <cmath>

#include "slipway/plugin.h"

namespace acme {

using slipway::DType;
namespace plugin = slipway::plugin;

// What Save() writes and Create() reads: the version of its own form, then the factors.
struct HardSwishState {
  static constexpr uint32_t kForm = 1;
  static constexpr size_t kMaxChannels = 1 << 20;

  std::vector<float> factors;  // one per channel, or one for all

  std::string Write() const {
    plugin::StateWriter writer;
    writer.Write(kForm);
    writer.WriteList(std::span<const float>(factors));
    return writer.bytes();
  }

  // The bytes may come from a damaged file: everything is checked.
  static HardSwishState Read(std::span<const uint8_t> bytes) {
    plugin::StateReader reader(bytes);
    const auto form = reader.Read<uint32_t>();
    if (form != kForm)
      throw plugin::Error("the state has form " + std::to_string(form) + ", form " + std::to_string(kForm) +
                          " is read");
    HardSwishState state{reader.ReadList<float>()};
    reader.End();
    if (state.factors.empty() || state.factors.size() > kMaxChannels)
      throw plugin::Error("the state has " + std::to_string(state.factors.size()) + " factors");
    return state;
  }
};

class HardSwishScaledKernel : public slipway::PluginKernel {
 public:
  explicit HardSwishScaledKernel(HardSwishState state) : factors_(std::move(state.factors)) {}

  // Called from several threads at once: nothing of the kernel changes.
  void Run(plugin::RunCall& call) const override {
    const plugin::TensorView x = call.in(0);
    const auto from = x.values<const float>();
    const auto to = call.out(0).values<float>();
    const int64_t channels = x.rank() > 1 ? x.dim(1) : 1;
    if (factors_.size() != 1 && static_cast<int64_t>(factors_.size()) != channels)
      throw plugin::Error("x has " + std::to_string(channels) + " channels, gains has " +
                          std::to_string(factors_.size()));
    if (from.empty()) return;
    const int64_t planes = x.rank() > 1 ? x.dim(0) * channels : 1;
    const int64_t plane = x.count() / planes;
    call.ParallelFor(planes, std::max<int64_t>(1, 8192 / plane), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const float factor = factors_.size() == 1 ? factors_[0] : factors_[static_cast<size_t>(p % channels)];
        for (int64_t i = p * plane; i < (p + 1) * plane; ++i) {
          const float value = from[static_cast<size_t>(i)];
          to[static_cast<size_t>(i)] = factor * value * std::clamp(value / 6 + 0.5F, 0.0F, 1.0F);
        }
      }
    });
  }

 private:
  std::vector<float> factors_;
};

class HardSwishScaled : public slipway::Plugin {
 public:
  plugin::Description Describe() const override {
    plugin::Description description;
    description.name = "acme.HardSwishScaled";
    description.version = 1;
    description.summary = "Hard swish times a factor per channel.";
    description.inputs = {
        {.name = "x", .dtypes = {DType::kF32}, .doc = "[N,C,...]", .layout = plugin::Layout::kChannelsFirst}};
    description.outputs = {
        {.name = "y", .dtypes = {DType::kF32}, .doc = "as x", .layout = plugin::Layout::kChannelsFirst}};
    description.attrs = {plugin::FloatAttr("alpha", 1.0F, "the factor of all channels"),
                         plugin::OptionalAttr("gains", plugin::AttrKind::kFloats,
                                              "[C], the factor of each; all 1 when absent"),
                         plugin::IntAttr("power", 1, "that gains are raised to")};
    description.claims = {plugin::Onnx("com.acme", "HardSwishScaled"), plugin::Tflite("AcmeHardSwishScaled"),
                          plugin::Tensorflow("AcmeHardSwishScaled"), plugin::Caffe("HardSwishScaled")};
    return description;
  }

  // Extents may be open here. What is known to be wrong is refused now, before anything runs.
  void Infer(plugin::InferCall& call) const override {
    const plugin::Operand x = call.input(0);
    const bool has_gains = call.node().HasAttr("gains");
    if (has_gains && x.HasRank()) {
      const auto gains = static_cast<int64_t>(call.node().Floats("gains").size());
      if (x.rank() < 2)
        throw plugin::Error("x needs an axis of channels, it has " + std::to_string(x.rank()));
      if (x.dim(1).Differs(gains))
        throw plugin::Error("x has " + std::to_string(x.dim(1).value()) + " channels, gains has " +
                            std::to_string(gains));
    }
    call.SetOutput(0, x);
  }

  std::string Save(const plugin::Node& node) const override { return StateOf(node).Write(); }

  std::unique_ptr<slipway::PluginKernel> Create(const plugin::Node& node) const override {
    return std::make_unique<HardSwishScaledKernel>(node.state().empty() ? StateOf(node)
                                                                        : HardSwishState::Read(node.state()));
  }

 private:
  static HardSwishState StateOf(const plugin::Node& node) {
    const float alpha = node.Float("alpha");
    const auto power = static_cast<float>(node.Int("power"));
    HardSwishState state;
    if (!node.HasAttr("gains")) {
      state.factors = {alpha};
      return state;
    }
    for (float gain : node.Floats("gains")) state.factors.push_back(alpha * std::pow(gain, power));
    if (state.factors.empty()) throw plugin::Error("gains is empty");
    return state;
  }
};

}  // namespace acme
