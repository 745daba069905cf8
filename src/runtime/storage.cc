#include "runtime/storage.h"

namespace slipway {

void StoreInBf16(std::span<const std::unique_ptr<Kernel>> kernels, const std::vector<bool>& is_static,
                 Graph& graph) {
  std::vector<bool> is_short(graph.values.size(), false);
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    const auto& outputs = graph.nodes[s].outputs;
    for (size_t o = 0; o < outputs.size(); ++o) {
      if (outputs[o] == kNoValue || !is_static[s]) continue;
      is_short[static_cast<size_t>(outputs[o])] =
          graph.value(outputs[o]).type.dtype == DType::kF32 && kernels[s]->CanWriteBf16(o);
    }
  }
  for (size_t s = 0; s < graph.nodes.size(); ++s) {
    const auto& inputs = graph.nodes[s].inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] != kNoValue && !(is_static[s] && kernels[s]->CanReadBf16(i)))
        is_short[static_cast<size_t>(inputs[i])] = false;
    }
  }
  for (ValueId id : graph.outputs) is_short[static_cast<size_t>(id)] = false;
  for (size_t v = 0; v < is_short.size(); ++v) {
    if (is_short[v]) graph.values[v].type.dtype = DType::kBF16;
  }
}

}  // namespace slipway
