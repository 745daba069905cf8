// A verified TFLite file: its tables, and the tensors' types, quantisation and contents.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ir/graph.h"
#include "slipway/status.h"
#include "tflite/schema_generated.h"

namespace slipway::tflite {

// Shares the file. Indices within tables (buffers, tensors) are still hostile: the accessors here check them.
class TfliteFile {
 public:
  // bytes: the whole file; `owner` keeps them alive. Errors (kInvalidModel): too short, not TFLite, damaged.
  static Result<TfliteFile> Open(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner);

  const fb::Model& model() const { return *model_; }
  std::span<const uint8_t> bytes() const { return bytes_; }

  // The content of a buffer, also of one that lies behind the tables (files beyond 2 GiB).
  Result<std::span<const uint8_t>> Buffer(uint32_t index) const;

  // Static shape as written; negative extents are errors.
  static Result<Dims> ShapeOf(const fb::Tensor& tensor);
  // The content as written, dense. none: the tensor has no content. Aliases the file where it is aligned.
  Result<Tensor> ContentOf(const fb::Tensor& tensor) const;
  // None for float tensors and where no scale is given.
  static Result<std::optional<Quant>> QuantOf(const fb::Tensor& tensor);
  // "'name'", or "tensor without a name".
  static std::string NameOf(const fb::Tensor& tensor);

 private:
  std::span<const uint8_t> bytes_;
  std::shared_ptr<const void> owner_;
  const fb::Model* model_ = nullptr;
};

}  // namespace slipway::tflite
