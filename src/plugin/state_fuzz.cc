// Fuzz entry: any bytes as a plugin's state, as they come out of a damaged .slip file, to the template of
// examples/plugin: what the wrapper's StateReader lets through must run, in and between the checks.
//
// The first byte chooses attributes and shape; the rest is the state.
#include "../../examples/plugin/hard_swish_scaled.h"
#include "ops/dynamic_ops.h"
#include "plugin/instance.h"
#include "slipway/plugin_library.h"

namespace slipway {
namespace {

Node MakeNode(uint8_t choice, std::span<const uint8_t> state) {
  Node node;
  node.op = "acme.HardSwishScaled@1";
  node.name = "n";
  node.attrs = {{"alpha", 0.5F}, {"power", int64_t{choice & 3}}};
  if (choice & 4) node.attrs.Set("gains", Floats(static_cast<size_t>(choice >> 6), 1.5F));
  Tensor bytes(DType::kU8, {static_cast<int64_t>(state.size())});
  std::copy(state.begin(), state.end(), bytes.as<uint8_t>());
  node.attrs.Set(kPluginStateAttr, std::move(bytes));
  return node;
}

void Run(const Node& node, int64_t channels) {
  const Type type = Type::Of(DType::kF32, {1, channels, 5});
  const OperandFacts facts{&type, nullptr, nullptr};
  const auto instance = PluginInstance::Make(node, {&facts, 1}, {&facts, 1});
  if (!instance.ok()) return;
  Datum x = Datum::Of(Tensor(DType::kF32, {1, channels, 5}));
  Datum y = Datum::Of(Tensor(DType::kF32, {1, channels, 5}));
  Datum* const inputs[] = {&x};
  Datum* const outputs[] = {&y};
  (void)(*instance)->Run({inputs, outputs, {&type, 1}, {}, nullptr});
}

}  // namespace
}  // namespace slipway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_there = slipway::RegisterPlugin(std::make_unique<acme::HardSwishScaled>()).ok();
  if (!is_there) __builtin_trap();
  if (size == 0) return 0;
  slipway::Run(slipway::MakeNode(data[0], {data + 1, size - 1}), 1 + (data[0] >> 6));
  return 0;
}
