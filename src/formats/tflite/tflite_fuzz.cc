// Any bytes: imported or refused, nothing else.
#include "formats/tflite/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)slipway::ImportTflite({data, size}, nullptr, {});
  return 0;
}
