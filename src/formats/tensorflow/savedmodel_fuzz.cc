// Fuzz entry: any bytes as saved_model.pb, of a model without variables.
#include "formats/tensorflow/saved_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)slipway::tensorflow::ImportSavedModel({data, size}, nullptr, nullptr, {});
  return 0;
}
