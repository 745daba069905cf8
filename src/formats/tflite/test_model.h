// Builds small TFLite files in memory, for tests.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "formats/tflite/import.h"
#include "tflite/schema_generated.h"

namespace slipway::tflite {

class TestModel {
 public:
  using Builder = flatbuffers::FlatBufferBuilder;

  Builder& builder() { return builder_; }

  template <class T>
  uint32_t AddBuffer(const std::vector<T>& values) {
    builder_.ForceVectorAlignment(values.size() * sizeof(T), 1, 16);
    const auto data =
        builder_.CreateVector(reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T));
    buffers_.push_back(fb::CreateBuffer(builder_, data));
    return static_cast<uint32_t>(buffers_.size() - 1);
  }
  // Lies at these bytes of the file.
  uint32_t AddFarBuffer(uint64_t offset, uint64_t size) {
    buffers_.push_back(fb::CreateBuffer(builder_, 0, offset, size));
    return static_cast<uint32_t>(buffers_.size() - 1);
  }

  // The index of the tensor in the sub-graph under construction.
  int AddTensor(const char* name, const std::vector<int32_t>& shape,
                fb::TensorType type = fb::TensorType::FLOAT32, uint32_t buffer = 0,
                flatbuffers::Offset<fb::SparsityParameters> sparsity = 0,
                flatbuffers::Offset<fb::QuantizationParameters> quant = 0) {
    tensors_.push_back(fb::CreateTensor(builder_, builder_.CreateVector(shape), type, buffer,
                                        builder_.CreateString(name), quant, false, sparsity));
    return static_cast<int>(tensors_.size() - 1);
  }

  int AddVariable(const char* name, const std::vector<int32_t>& shape) {
    tensors_.push_back(fb::CreateTensor(builder_, builder_.CreateVector(shape), fb::TensorType::FLOAT32, 0,
                                        builder_.CreateString(name), 0, true));
    return static_cast<int>(tensors_.size() - 1);
  }

  uint32_t AddCode(fb::BuiltinOperator code, const char* custom = nullptr) {
    const auto old = static_cast<int8_t>(std::min(static_cast<int>(code), 127));
    codes_.push_back(
        fb::CreateOperatorCode(builder_, old, custom ? builder_.CreateString(custom) : 0, 1, code));
    return static_cast<uint32_t>(codes_.size() - 1);
  }
  void AddOperator(uint32_t code, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
                   fb::BuiltinOptions kind = fb::BuiltinOptions::NONE, flatbuffers::Offset<void> options = 0,
                   const std::vector<uint8_t>& custom_options = {}) {
    operators_.push_back(fb::CreateOperator(
        builder_, code, builder_.CreateVector(inputs), builder_.CreateVector(outputs), kind, options,
        custom_options.empty() ? 0 : builder_.CreateVector(custom_options)));
  }
  void EndSubGraph(const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    subgraphs_.push_back(fb::CreateSubGraph(builder_, builder_.CreateVector(tensors_),
                                            builder_.CreateVector(inputs), builder_.CreateVector(outputs),
                                            builder_.CreateVector(operators_)));
    tensors_.clear();
    operators_.clear();
  }

  std::vector<uint8_t> Finish(uint32_t version = 3) {
    const auto model = fb::CreateModel(builder_, version, builder_.CreateVector(codes_),
                                       builder_.CreateVector(subgraphs_), 0, builder_.CreateVector(buffers_));
    builder_.Finish(model, "TFL3");
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  Builder builder_;
  std::vector<flatbuffers::Offset<fb::Buffer>> buffers_{fb::CreateBuffer(builder_)};  // 0 is the empty one
  std::vector<flatbuffers::Offset<fb::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<fb::OperatorCode>> codes_;
  std::vector<flatbuffers::Offset<fb::Operator>> operators_;
  std::vector<flatbuffers::Offset<fb::SubGraph>> subgraphs_;
};

}  // namespace slipway::tflite
