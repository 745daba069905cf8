// libFuzzer entry: any bytes as an ONNX model; no crash, no hang, no runaway memory.
#include <cstddef>
#include <cstdint>

#include "formats/onnx/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)slipway::ImportOnnxBytes(bytes, {}, {});
  return 0;
}
