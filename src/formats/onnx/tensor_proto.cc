#include "formats/onnx/tensor_proto.h"

#include <charconv>
#include <cstring>

#include "base/scalar.h"
#include "formats/onnx/wire_reader.h"
#include "ops/onnx_dtype.h"

namespace slipway::onnx {
namespace {

// TensorProto without its elements.
struct Header {
  std::string_view name;
  Dims dims;
  int64_t data_type = 0;
  bool has_raw = false;
  bool has_segment = false;
  bool is_external = false;
  std::string_view raw;
  std::string location;
  int64_t offset = 0;
  int64_t length = -1;
};

int64_t ParseNumber(std::string_view text) {
  int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw DecodeError("external data has the offset or length '" + std::string(text) + "'");
  return value;
}

void ReadExternalEntry(std::string_view bytes, Header& header) {
  std::string_view key;
  std::string_view value;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): key = View(reader); break;
      case Payload(2): value = View(reader); break;
      default: reader.skip();
    }
  }
  if (key == "location") header.location = std::string(value);
  if (key == "offset") header.offset = ParseNumber(value);
  if (key == "length") header.length = ParseNumber(value);
}

void AddDim(Dims& dims, int64_t extent) {
  constexpr size_t kMaxRank = 64;
  if (dims.size() >= kMaxRank) throw DecodeError("has more than 64 dimensions");
  dims.push_back(extent);
}

void ReadDims(Reader& reader, Dims& dims) {
  if (reader.wire_type() == protozero::pbf_wire_type::varint) {
    AddDim(dims, reader.get_int64());
    return;
  }
  for (int64_t extent : reader.get_packed_int64()) AddDim(dims, extent);
}

Header ReadHeader(std::string_view bytes) {
  Header header;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(1):
      case Payload(1): ReadDims(reader, header.dims); break;
      case Varint(2): header.data_type = reader.get_int32(); break;
      case Payload(3):
        header.has_segment = true;
        reader.skip();
        break;
      case Payload(8): header.name = View(reader); break;
      case Payload(9):
        header.raw = View(reader);
        header.has_raw = true;
        break;
      case Payload(13): ReadExternalEntry(View(reader), header); break;
      case Varint(14): header.is_external = reader.get_int32() == 1; break;
      default: reader.skip();
    }
  }
  return header;
}

// The typed field that holds elements of a dtype, and how many elements one entry holds.
enum class Field { kFloat = 4, kInt32 = 5, kString = 6, kInt64 = 7, kDouble = 10, kUint64 = 11 };

Field FieldOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kC64: return Field::kFloat;
    case DType::kF64:
    case DType::kC128: return Field::kDouble;
    case DType::kI64: return Field::kInt64;
    case DType::kU32:
    case DType::kU64: return Field::kUint64;
    case DType::kString: return Field::kString;
    default: return Field::kInt32;
  }
}

// Writes entries of a typed field, in order, as bytes of the tensor.
class Filler {
 public:
  explicit Filler(Tensor& tensor)
      : tensor_(tensor), left_(tensor.dtype() == DType::kString ? tensor.count() : tensor.size_bytes()) {}

  void PutString(std::string_view text) {
    if (--left_ < 0) throw DecodeError("has more strings than its shape holds");
    tensor_.as<std::string>()[tensor_.count() - 1 - left_] = std::string(text);
  }
  template <class T>
  void Put(T value) {
    constexpr auto kSize = static_cast<int64_t>(sizeof(T));
    left_ -= kSize;
    if (left_ < 0) throw DecodeError("has more values than its shape holds");
    std::memcpy(tensor_.as<char>() + tensor_.size_bytes() - left_ - kSize, &value, sizeof(T));
  }
  // Entries of int32_data: the low bytes hold the element (or several of less than a byte).
  void PutInt32(int32_t value) {
    switch (BitsOf(tensor_.dtype())) {
      case 32: return Put(value);
      case 16: return Put(static_cast<uint16_t>(value));
      default: return Put(static_cast<uint8_t>(value));
    }
  }
  void PutUint64(uint64_t value) {
    if (tensor_.dtype() == DType::kU32) return Put(static_cast<uint32_t>(value));
    Put(value);
  }
  bool IsFull() const { return left_ == 0; }

 private:
  Tensor& tensor_;
  int64_t left_;  // bytes, or strings
};

void FillFromFields(std::string_view bytes, Field field, Filler& filler) {
  const auto tag = static_cast<uint32_t>(field);
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag() != tag) {
      reader.skip();
      continue;
    }
    switch (reader.tag_and_type()) {
      case Fixed32(4): filler.Put(reader.get_float()); break;
      case Payload(4):
        for (float value : reader.get_packed_float()) filler.Put(value);
        break;
      case Varint(5): filler.PutInt32(reader.get_int32()); break;
      case Payload(5):
        for (int32_t value : reader.get_packed_int32()) filler.PutInt32(value);
        break;
      case Payload(6): filler.PutString(View(reader)); break;
      case Varint(7): filler.Put(reader.get_int64()); break;
      case Payload(7):
        for (int64_t value : reader.get_packed_int64()) filler.Put(value);
        break;
      case Fixed64(10): filler.Put(reader.get_double()); break;
      case Payload(10):
        for (double value : reader.get_packed_double()) filler.Put(value);
        break;
      case Varint(11): filler.PutUint64(reader.get_uint64()); break;
      case Payload(11):
        for (uint64_t value : reader.get_packed_uint64()) filler.PutUint64(value);
        break;
      default: reader.skip();
    }
  }
}

std::string NameOf(const Header& header) { return "tensor '" + std::string(header.name) + "'"; }

// Unaligned tensors of so many bytes may be tables that are read here and there. Smaller ones are copied in
// the order of the file, which moves through memory once.
constexpr int64_t kLargeBytes = int64_t{8} << 20;

bool IsAligned(const char* data, DType dtype) {
  const int bits = BitsOf(dtype);
  const int bytes = bits < 8 ? 1 : std::min(bits / 8, 8);
  return reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(bytes) == 0;
}

// Anything but 0 and 1 in a bool is a trap for code that reads it as one.
bool HasOnlyBools(std::string_view raw) {
  for (char c : raw) {
    if (static_cast<uint8_t>(c) > 1) return false;
  }
  return true;
}

Result<Tensor> FromRaw(const Header& header, DType dtype, std::string_view raw,
                       const std::shared_ptr<const void>& owner, const TensorSource& source) {
  if (dtype == DType::kString) return Status(Code::kInvalidModel, NameOf(header) + ": strings in raw data");
  const int64_t wanted = BytesOf(dtype, CountOf(header.dims));
  if (static_cast<int64_t>(raw.size()) != wanted) {
    return Status(Code::kInvalidModel, NameOf(header) + ": " + std::string(DTypeName(dtype)) +
                                           ToString(header.dims) + " needs " + std::to_string(wanted) +
                                           " bytes, " + std::to_string(raw.size()) + " are there");
  }
  const bool is_plain = dtype != DType::kBool || HasOnlyBools(raw);
  const bool can_stay = owner != nullptr && is_plain && wanted > 0;
  if (can_stay && IsAligned(raw.data(), dtype))
    return Tensor(dtype, header.dims, const_cast<char*>(raw.data()), owner);
  if (can_stay && wanted >= kLargeBytes) {
    const auto drop = [raw] { DropMappedPages(raw); };  // most readers want them once
    return Tensor::AtAnyAddress(dtype, header.dims, raw.data(), owner,
                                source.is_mapped ? std::function<void()>(drop) : nullptr);
  }
  Tensor tensor(dtype, header.dims);
  if (wanted > 0) std::memcpy(tensor.data(), raw.data(), raw.size());
  if (!is_plain) {
    for (uint8_t& value : tensor.values<uint8_t>()) value = value != 0;
  }
  if (owner != nullptr && source.is_mapped) DropMappedPages(raw);
  return tensor;
}

Result<Tensor> FromFields(const Header& header, DType dtype, std::string_view bytes) {
  const int64_t count = CountOf(header.dims);
  // An entry takes at least one byte and holds at most four elements: no shape may ask for more than the
  // message can hold.
  if (count > static_cast<int64_t>(bytes.size()) * 4) {
    return Status(Code::kInvalidModel, NameOf(header) + ": " + std::string(DTypeName(dtype)) +
                                           ToString(header.dims) + " has too few values or none");
  }
  Tensor tensor(dtype, header.dims);
  Filler filler(tensor);
  FillFromFields(bytes, FieldOf(dtype), filler);
  if (!filler.IsFull()) {
    return Status(Code::kInvalidModel, NameOf(header) + ": " + Describe(tensor) + " has too few values");
  }
  if (dtype == DType::kBool) {
    for (uint8_t& value : tensor.values<uint8_t>()) value = value != 0;
  }
  return tensor;
}

Result<Tensor> ReadTensor(std::string_view bytes, TensorSource& source) {
  const Header header = ReadHeader(bytes);
  const auto dtype = DTypeFromOnnx(header.data_type);
  if (!dtype) {
    return Status(Code::kInvalidModel,
                  NameOf(header) + ": unknown data type " + std::to_string(header.data_type));
  }
  if (header.has_segment) return Status(Code::kUnsupported, NameOf(header) + " is stored in segments");
  const auto count = ElementCount(header.dims);
  if (!count.ok()) return count.status().WithContext(NameOf(header));
  if (header.is_external) {
    std::shared_ptr<const void> owner;
    auto raw = ReadExternal(source, header.location, header.offset, header.length, &owner);
    if (!raw.ok()) return raw.status().WithContext(NameOf(header));
    return FromRaw(header, *dtype, *raw, owner, source);
  }
  if (header.has_raw && (*count == 0 || !header.raw.empty()))
    return FromRaw(header, *dtype, header.raw, source.owner, source);
  return FromFields(header, *dtype, bytes);
}

Status ScatterSparse(const Tensor& values, const Tensor& indices, Tensor& dense) {
  const int64_t count = values.count();
  const int rank = dense.rank();
  const bool is_linear = indices.rank() == 1;
  if (indices.dtype() != DType::kI64 || indices.count() != (is_linear ? count : count * rank)) {
    return Status(Code::kInvalidModel, "sparse tensor: indices " + Describe(indices) + " do not fit " +
                                           Describe(values) + " in " + Describe(dense));
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = is_linear ? indices.as<int64_t>()[i] : 0;
    for (int axis = 0; !is_linear && axis < rank; ++axis) {
      const int64_t index = indices.as<int64_t>()[i * rank + axis];
      if (index < 0 || index >= dense.dim(axis))
        return Status(Code::kInvalidModel, "sparse tensor: index out of range");
      at = at * dense.dim(axis) + index;
    }
    if (at < 0 || at >= dense.count())
      return Status(Code::kInvalidModel, "sparse tensor: index out of range");
    CopyElement(dense.dtype(), values.data(), i, dense.data(), at);
  }
  return Status::Ok();
}

Result<Tensor> ReadSparse(std::string_view bytes, TensorSource& source) {
  std::string_view values_bytes;
  std::string_view indices_bytes;
  Dims dims;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): values_bytes = View(reader); break;
      case Payload(2): indices_bytes = View(reader); break;
      case Varint(3):
      case Payload(3): ReadDims(reader, dims); break;
      default: reader.skip();
    }
  }
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor values, ReadTensor(values_bytes, source));
  SLIPWAY_ASSIGN_OR_RETURN(const Tensor indices, ReadTensor(indices_bytes, source));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(dims));
  constexpr int64_t kMaxDense = int64_t{1} << 28;  // a few bytes of file must not ask for all memory
  if (count > kMaxDense) {
    return Status(Code::kInvalidModel, "sparse tensor " + ToString(dims) + " is too large to be made dense");
  }
  Tensor dense(values.dtype(), dims);
  SLIPWAY_RETURN_IF_ERROR(ScatterSparse(values, indices, dense));
  return dense;
}

Result<Datum> ReadSequence(std::string_view bytes, TensorSource& source) {
  std::vector<Tensor> tensors;
  int64_t kind = 1;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(2): kind = reader.get_int32(); break;
      case Payload(3): {
        SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(View(reader), source));
        tensors.push_back(std::move(tensor));
        break;
      }
      default: reader.skip();
    }
  }
  if (kind > 1) return Status(Code::kUnsupported, "only sequences of tensors are read");
  return Datum::Of(std::move(tensors));
}

Result<Datum> ReadOptional(std::string_view bytes, TensorSource& source) {
  constexpr int64_t kSequence = 3;
  Datum datum;
  datum.kind = TypeKind::kOptionalTensor;
  datum.has_value = false;
  int64_t kind = 1;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(2): kind = reader.get_int32(); break;
      case Payload(3): {
        SLIPWAY_ASSIGN_OR_RETURN(datum.tensor, ReadTensor(View(reader), source));
        datum.has_value = true;
        break;
      }
      case Payload(5): {
        SLIPWAY_ASSIGN_OR_RETURN(datum, ReadSequence(View(reader), source));
        datum.has_value = true;
        break;
      }
      default: reader.skip();
    }
  }
  datum.kind = kind == kSequence ? TypeKind::kOptionalSequence : TypeKind::kOptionalTensor;
  return datum;
}

// Runs a reader that may throw.
template <class Read>
auto Guard(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const DecodeError& error) {
    return Status(Code::kInvalidModel, std::string("a tensor ") + error.what());
  } catch (const std::exception&) {
    return Status(Code::kInvalidModel, "a tensor is damaged: a field reaches past its end");
  }
}

}  // namespace

Result<Tensor> ReadTensorProto(std::string_view bytes, TensorSource& source) {
  return Guard([&] { return ReadTensor(bytes, source); });
}
Result<Tensor> ReadSparseTensorProto(std::string_view bytes, TensorSource& source) {
  return Guard([&] { return ReadSparse(bytes, source); });
}
Result<Datum> ReadSequenceProto(std::string_view bytes, TensorSource& source) {
  return Guard([&] { return ReadSequence(bytes, source); });
}
Result<Datum> ReadOptionalProto(std::string_view bytes, TensorSource& source) {
  return Guard([&] { return ReadOptional(bytes, source); });
}

}  // namespace slipway::onnx
