// TensorProto, SparseTensorProto, SequenceProto and OptionalProto to tensors.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "ops/run.h"

namespace slipway::onnx {

// Where tensors come from. Used by one thread at a time.
struct TensorSource {
  std::shared_ptr<const void> owner;  // keeps the bytes alive; null: tensors always copy
  bool is_mapped = false;             // the bytes are a read-only mapping of a file: its pages may be dropped
  std::string directory;              // of external data; empty: external data is refused
  std::map<std::string, MappedFile> external_files;
};

// Raw data that is aligned, or large (Tensor::AtAnyAddress), stays where it lies: the tensor holds
// `source.owner` alive. Everything is checked before memory is taken. Errors (kInvalidModel) name the tensor;
// external data must lie below source.directory.
Result<Tensor> ReadTensorProto(std::string_view bytes, TensorSource& source);
// The dense tensor.
Result<Tensor> ReadSparseTensorProto(std::string_view bytes, TensorSource& source);
// Of tensors only.
Result<Datum> ReadSequenceProto(std::string_view bytes, TensorSource& source);
// Of a tensor or a sequence of tensors; an optional without a value takes its kind from elem_type.
Result<Datum> ReadOptionalProto(std::string_view bytes, TensorSource& source);

// The bytes that an external_data entry names. location: relative to source.directory, without "..".
// length < 0: up to the end.
Result<std::string_view> ReadExternal(TensorSource& source, const std::string& location, int64_t offset,
                                      int64_t length, std::shared_ptr<const void>* owner);

}  // namespace slipway::onnx
