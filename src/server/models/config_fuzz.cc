// libFuzzer entry: any bytes as a configuration, as text and as JSON. What is read can be written as JSON and
// read again, and is the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/models/config.h"
#include "server/models/config_json.h"

namespace {

void CheckRoundTrip(slipway::server::ModelConfig config) {
  using namespace slipway::server;  // NOLINT: the whole program
  // Batches may be named beside a limit that is not said; what is written has one, and they might not fit it.
  if (!config.max_batch_size && (!config.model_warmup.empty() || config.dynamic_batching)) return;
  config.max_batch_size = config.BatchLimit();
  const std::string text = FormatModelConfig(config, {}, {});
  const auto again = ParseModelConfigJson(text, "again");
  // Escapes make text longer: what was read may be too long to be read again.
  if (text.size() > (1u << 20)) return;
  if (!again.ok() || !(*again == config)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::server;  // NOLINT: the whole program
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto from_text = ParseModelConfig(text, "fuzz");
  if (from_text.ok()) CheckRoundTrip(*from_text);
  const auto from_json = ParseModelConfigJson(text, "fuzz");
  if (from_json.ok()) CheckRoundTrip(*from_json);
  return 0;
}
