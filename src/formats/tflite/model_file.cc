#include "formats/tflite/model_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/flat_vector.h"
#include "formats/tflite/dtypes.h"
#include "formats/tflite/sparse.h"

namespace slipway::tflite {
namespace {

constexpr uint32_t kVersion = 3;
constexpr size_t kMaxRank = 16;
// Offsets within a FlatBuffer are signed 32-bit; what lies behind is reached by Buffer.offset only.
constexpr size_t kMaxTableBytes = (size_t{1} << 31) - 16;
constexpr char kDamaged[] = "the file is damaged or cut short: download or export it again";

Status Invalid(std::string message, std::string hint = kDamaged) {
  return Status(Code::kInvalidModel, std::move(message), std::move(hint));
}

bool IsAligned(const void* data, int bits) {
  const auto bytes = static_cast<uintptr_t>(bits <= 8 ? 1 : bits / 8);
  return reinterpret_cast<uintptr_t>(data) % bytes == 0;
}

int32_t LoadI32(std::span<const uint8_t> bytes, size_t offset) {
  int32_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

// Count, then count + 1 offsets from the start of the buffer, then the characters.
Result<Tensor> StringsOf(const std::string& name, const Dims& dims, int64_t count,
                         std::span<const uint8_t> bytes) {
  const Status broken = Invalid("tensor " + name + ": its strings are damaged");
  if (bytes.size() < 4 || LoadI32(bytes, 0) != count) return broken;
  if ((static_cast<uint64_t>(count) + 2) * 4 > bytes.size()) return broken;
  Tensor tensor(DType::kString, dims);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = LoadI32(bytes, static_cast<size_t>(4 + 4 * i));
    const int64_t end = LoadI32(bytes, static_cast<size_t>(8 + 4 * i));
    if (begin < 0 || begin > end || end > static_cast<int64_t>(bytes.size())) return broken;
    tensor.as<std::string>()[i].assign(reinterpret_cast<const char*>(bytes.data()) + begin,
                                       static_cast<size_t>(end - begin));
  }
  return tensor;
}

}  // namespace

Result<TfliteFile> TfliteFile::Open(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner) {
  TfliteFile file;
  if (bytes.size() < 16) return Invalid("a TFLite file of " + std::to_string(bytes.size()) + " bytes");
  if (!fb::ModelBufferHasIdentifier(bytes.data())) {
    return Invalid("not a TFLite file: it lacks the mark 'TFL3'", "");
  }
  if (!IsAligned(bytes.data(), 128)) {
    auto copy = std::make_shared<std::vector<uint64_t>>((bytes.size() + 7) / 8);
    std::memcpy(copy->data(), bytes.data(), bytes.size());
    bytes = {reinterpret_cast<const uint8_t*>(copy->data()), bytes.size()};
    owner = std::move(copy);
  }
  flatbuffers::Verifier::Options limits;
  limits.max_depth = 64;
  limits.max_tables = 4000000;
  flatbuffers::Verifier verifier(bytes.data(), std::min(bytes.size(), kMaxTableBytes), limits);
  if (!fb::VerifyModelBuffer(verifier)) {
    return Invalid("a TFLite file of " + std::to_string(bytes.size()) +
                   " bytes whose tables point outside of it");
  }
  file.bytes_ = bytes;
  file.owner_ = std::move(owner);
  file.model_ = fb::GetModel(bytes.data());
  if (file.model_->version() != kVersion) {
    return Invalid("a TFLite file of schema version " + std::to_string(file.model_->version()) +
                       "; version " + std::to_string(kVersion) + " is read",
                   "convert it again with a current converter");
  }
  return file;
}

Result<std::span<const uint8_t>> TfliteFile::Buffer(uint32_t index) const {
  const auto* buffers = model_->buffers();
  if (buffers == nullptr || index >= buffers->size()) {
    return Invalid("buffer " + std::to_string(index) + " is missing: the file has " +
                   std::to_string(buffers ? buffers->size() : 0));
  }
  const fb::Buffer* buffer = buffers->Get(index);
  if (buffer == nullptr) return std::span<const uint8_t>();
  if (buffer->offset() > 1) {  // 0 and 1 stand for "not used"
    if (buffer->offset() > bytes_.size() || buffer->size() > bytes_.size() - buffer->offset()) {
      return Invalid("buffer " + std::to_string(index) + " lies at bytes " +
                     std::to_string(buffer->offset()) + " to " +
                     std::to_string(buffer->offset() + buffer->size()) + " of a file of " +
                     std::to_string(bytes_.size()));
    }
    return bytes_.subspan(buffer->offset(), buffer->size());
  }
  if (buffer->data() == nullptr) return std::span<const uint8_t>();
  return std::span<const uint8_t>(buffer->data()->data(), buffer->data()->size());
}

std::string TfliteFile::NameOf(const fb::Tensor& tensor) {
  const auto* name = tensor.name();
  return name && name->size() > 0 ? "'" + name->str() + "'" : "without a name";
}

Result<Dims> TfliteFile::ShapeOf(const fb::Tensor& tensor) {
  Dims dims;
  if (const auto* shape = tensor.shape()) dims.assign(shape->begin(), shape->end());
  if (dims.size() > kMaxRank) {
    return Invalid("tensor " + NameOf(tensor) + " has rank " + std::to_string(dims.size()) + "; at most " +
                   std::to_string(kMaxRank) + " is read");
  }
  if (auto count = ElementCount(dims); !count.ok()) {
    return count.status().WithContext("tensor " + NameOf(tensor)).WithHint(kDamaged);
  }
  return dims;
}

Result<Tensor> TfliteFile::ContentOf(const fb::Tensor& tensor) const {
  if (tensor.external_buffer() != 0) {
    return Status(Code::kUnsupported, "tensor " + NameOf(tensor) + " lies in another file",
                  "export the model with its weights inside");
  }
  if (tensor.buffer() == 0) return Tensor();  // by convention the empty one
  SLIPWAY_ASSIGN_OR_RETURN(const std::span<const uint8_t> bytes, Buffer(tensor.buffer()));
  if (bytes.empty()) return Tensor();
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, ShapeOf(tensor));
  const DType dtype = DTypeOf(tensor.type());
  if (dtype == DType::kNone) {
    return Status(Code::kUnsupported, "tensor " + NameOf(tensor) + " holds " + TypeName(tensor.type()));
  }
  const int64_t count = CountOf(dims);
  if (dtype == DType::kString) return StringsOf(NameOf(tensor), dims, count, bytes);
  if (tensor.sparsity() != nullptr) {
    // A dense tensor may be at most this many times larger than what is stored of it: guards against a few
    // bytes that ask for gigabytes.
    constexpr int64_t kMaxExpansion = 4096;
    if (BytesOf(dtype, count) / kMaxExpansion > static_cast<int64_t>(bytes.size())) {
      return Invalid("tensor " + NameOf(tensor) + " stores " + std::to_string(bytes.size()) + " bytes of " +
                     ToString(dims));
    }
    auto dense = Densify(*tensor.sparsity(), dtype, dims, bytes);
    return dense.ok() ? std::move(dense) : dense.status().WithContext("tensor " + NameOf(tensor));
  }
  if (BytesOf(dtype, count) > static_cast<int64_t>(bytes.size())) {
    return Invalid("tensor " + NameOf(tensor) + " of " + std::string(DTypeName(dtype)) + ToString(dims) +
                   " needs " + std::to_string(BytesOf(dtype, count)) + " bytes, its buffer has " +
                   std::to_string(bytes.size()));
  }
  if (IsAligned(bytes.data(), BitsOf(dtype))) {
    return Tensor(dtype, dims, const_cast<uint8_t*>(bytes.data()), owner_);
  }
  Tensor copy(dtype, dims);
  std::memcpy(copy.data(), bytes.data(), static_cast<size_t>(copy.size_bytes()));
  return copy;
}

Result<std::optional<Quant>> TfliteFile::QuantOf(const fb::Tensor& tensor) {
  const fb::QuantizationParameters* source = tensor.quantization();
  const DType dtype = DTypeOf(tensor.type());
  if (source == nullptr || !IsInteger(dtype)) return std::optional<Quant>();
  if (source->details_type() == fb::QuantizationDetails::BlockwiseQuantization ||
      source->details_type() == fb::QuantizationDetails::MultiAxisQuantization) {
    return Status(Code::kUnsupported, "tensor " + NameOf(tensor) + " is quantised in blocks",
                  "quantise per tensor or per channel");
  }
  const auto* scales = source->scale();
  if (scales == nullptr || scales->size() == 0) return std::optional<Quant>();
  Quant quant;
  quant.scales.assign(scales->begin(), scales->end());
  for (float scale : quant.scales) {
    if (!std::isfinite(scale) || scale < 0)
      return Invalid("tensor " + NameOf(tensor) + " has a quantisation scale of " + std::to_string(scale));
  }
  const std::vector<int64_t> zeros = ElementsOf(source->zero_point());
  const size_t num_zeros = zeros.size();
  if (num_zeros > 1 && num_zeros != quant.scales.size()) {
    return Invalid("tensor " + NameOf(tensor) + " has " + std::to_string(quant.scales.size()) +
                   " scales and " + std::to_string(num_zeros) + " zero points");
  }
  for (size_t i = 0; i < quant.scales.size(); ++i) {
    quant.zero_points.push_back(num_zeros == 0 ? 0 : zeros[num_zeros == 1 ? 0 : i]);
  }
  // Unused tensors carry a scale of 0: they stand for nothing.
  const auto is_zero = [](float scale) { return scale == 0; };
  if (std::all_of(quant.scales.begin(), quant.scales.end(), is_zero)) return std::optional<Quant>();
  if (quant.scales.size() == 1) return std::optional<Quant>(std::move(quant));
  SLIPWAY_ASSIGN_OR_RETURN(const Dims dims, ShapeOf(tensor));
  // Old converters give a bias of rank 1 its filter's axis.
  const int axis = dims.size() == 1 ? 0 : source->quantized_dimension();
  if (axis < 0 || axis >= static_cast<int>(dims.size()) ||
      dims[static_cast<size_t>(axis)] != static_cast<int64_t>(quant.scales.size())) {
    return Invalid("tensor " + NameOf(tensor) + " of shape " + ToString(dims) + " has " +
                   std::to_string(quant.scales.size()) + " quantisation scales along axis " +
                   std::to_string(axis));
  }
  quant.axis = axis;
  return std::optional<Quant>(std::move(quant));
}

}  // namespace slipway::tflite
