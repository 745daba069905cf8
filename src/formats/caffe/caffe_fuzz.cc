// Fuzz entry: any bytes as a description and weights of one net. Up to the first zero byte stands the text;
// the rest is the binary NetParameter.
#include <cstring>

#include "formats/caffe/import.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const void* zero = size ? std::memchr(data, 0, size) : nullptr;
  const size_t text_size = zero ? static_cast<size_t>(static_cast<const uint8_t*>(zero) - data) : size;
  const std::string_view text(reinterpret_cast<const char*>(data), text_size);
  const std::span<const uint8_t> rest(data + text_size, size - text_size);
  const auto net = slipway::caffe::ReadNet(text);
  const auto weights = slipway::caffe::ReadWeights(rest.empty() ? rest : rest.subspan(1));
  // Weights alone, too: most bytes are no text.
  (void)slipway::caffe::ReadWeights({data, size});
  (void)slipway::caffe::ReadBlob({data, size});
  const slipway::caffe::Weights none;
  if (net.ok()) (void)slipway::caffe::ImportNet(*net, weights.ok() ? *weights : none, {});
  return 0;
}
