// The binary NetParameter, weights only.
#include <cstring>
#include <protozero/pbf_reader.hpp>

#include "base/pages.h"
#include "base/scalar.h"
#include "formats/caffe/net.h"

namespace slipway::caffe {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

bool IsPayload(const pbf_reader& reader) { return reader.wire_type() == pbf_wire_type::length_delimited; }

// BlobShape.
void ReadShape(pbf_reader shape, Dims& dims) {
  while (shape.next()) {
    if (shape.tag() == 1 && IsPayload(shape)) {
      for (int64_t dim : shape.get_packed_int64()) dims.push_back(dim);
    } else if (shape.tag() == 1 && shape.wire_type() == pbf_wire_type::varint) {
      dims.push_back(shape.get_int64());
    } else {
      shape.skip();
    }
  }
}

struct RawBlob {
  Dims dims, legacy = {1, 1, 1, 1};
  bool is_legacy = false;
  std::vector<float> loose;                  // one element a field
  std::vector<protozero::data_view> packed;  // little-endian f32
  std::vector<protozero::data_view> doubles;
  uint64_t raw_type = 0;
  protozero::data_view raw;  // NVIDIA's fork and OpenCV's shrinkCaffeModel: elements of raw_type
};

// BlobProto.Type.
constexpr uint64_t kRawDouble = 0, kRawFloat = 1, kRawHalf = 2;

void ReadFields(pbf_reader blob, RawBlob& raw) {
  while (blob.next()) {
    const uint32_t tag = blob.tag();
    if (tag >= 1 && tag <= 4 && blob.wire_type() == pbf_wire_type::varint) {
      raw.legacy[tag - 1] = blob.get_int32();
      raw.is_legacy = true;
    } else if (tag == 5 && IsPayload(blob)) {
      raw.packed.push_back(blob.get_view());
    } else if (tag == 5 && blob.wire_type() == pbf_wire_type::fixed32) {
      raw.loose.push_back(blob.get_float());
    } else if (tag == 7 && IsPayload(blob)) {
      ReadShape(blob.get_message(), raw.dims);
    } else if (tag == 8 && IsPayload(blob)) {
      raw.doubles.push_back(blob.get_view());
    } else if (tag == 10 && blob.wire_type() == pbf_wire_type::varint) {
      raw.raw_type = blob.get_uint64();
    } else if (tag == 12 && IsPayload(blob)) {
      raw.raw = blob.get_view();
    } else {
      blob.skip();
    }
  }
}

size_t RawSize(uint64_t type) {
  return type == kRawDouble ? sizeof(double) : type == kRawFloat ? sizeof(float) : sizeof(uint16_t);
}

// Element i of type T, at any address.
template <class T>
T ElementAt(const protozero::data_view& view, size_t i) {
  T value;
  std::memcpy(&value, view.data() + i * sizeof(T), sizeof(T));
  return value;
}

float RawAt(const RawBlob& raw, size_t i) {
  if (raw.raw_type == kRawHalf) return HalfToFloat(ElementAt<uint16_t>(raw.raw, i));
  return raw.raw_type == kRawFloat ? ElementAt<float>(raw.raw, i)
                                   : static_cast<float>(ElementAt<double>(raw.raw, i));
}

Result<Tensor> ToTensor(const RawBlob& raw) {
  if (raw.raw.size() > 0 && raw.raw_type > kRawHalf)
    return Status(Code::kInvalidModel, "a blob's raw data is of type " + std::to_string(raw.raw_type) +
                                           "; read are 0 (f64), 1 (f32) and 2 (f16)");
  const Dims& dims = raw.dims.empty() && raw.is_legacy ? raw.legacy : raw.dims;
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t wanted, ElementCount(dims));
  size_t count = raw.loose.size();
  for (const auto& view : raw.packed) count += view.size() / sizeof(float);
  for (const auto& view : raw.doubles) count += view.size() / sizeof(double);
  count += raw.raw.size() / RawSize(raw.raw_type);
  // Compared before memory is taken: the count is bounded by the file.
  if (static_cast<uint64_t>(wanted) != count) {
    return Status(Code::kInvalidModel, "a blob of shape " + ToString(dims) + " has " + std::to_string(count) +
                                           " elements, needs " + std::to_string(wanted));
  }
  // Beside an extent of 0 the others may be of any size: their product need not fit.
  if (count == 0) return Tensor(DType::kF32, {0});
  Tensor tensor(DType::kF32, dims);
  float* to = tensor.as<float>();
  for (float value : raw.loose) *to++ = value;
  for (const auto& view : raw.packed) {
    const size_t size = view.size() / sizeof(float);
    if (size) std::memcpy(to, view.data(), size * sizeof(float));
    OfferPages(view.data(), view.size());  // of the mapped file: weights are not held twice
    to += size;
  }
  for (const auto& view : raw.doubles) {
    for (size_t i = 0; i < view.size() / sizeof(double); ++i)
      *to++ = static_cast<float>(ElementAt<double>(view, i));
  }
  for (size_t i = 0; i < raw.raw.size() / RawSize(raw.raw_type); ++i) *to++ = RawAt(raw, i);
  return tensor;
}

// Where the three generations of layers keep name and blobs; V1 may wrap V0.
struct LayerTags {
  uint32_t name, blobs, wrapped;  // 0: none
};
constexpr LayerTags kV0{1, 50, 0};
constexpr LayerTags kV1{4, 6, 1};
constexpr LayerTags kV2{1, 7, 0};

Status ReadLayer(pbf_reader layer, const LayerTags& tags, std::string& name, Blobs& blobs) {
  while (layer.next()) {
    if (layer.tag() == tags.name && IsPayload(layer)) {
      name = layer.get_string();
    } else if (layer.tag() == tags.blobs && IsPayload(layer)) {
      RawBlob raw;
      ReadFields(layer.get_message(), raw);
      auto tensor = ToTensor(raw);
      if (!tensor.ok()) return tensor.status().WithContext("layer '" + name + "'");
      blobs.push_back(std::move(*tensor));
    } else if (tags.wrapped != 0 && layer.tag() == tags.wrapped && IsPayload(layer)) {
      SLIPWAY_RETURN_IF_ERROR(ReadLayer(layer.get_message(), kV0, name, blobs));
    } else {
      layer.skip();
    }
  }
  return Status::Ok();
}

Status ReadAll(pbf_reader net, Weights& weights) {
  while (net.next()) {
    const bool is_v1 = net.tag() == 2 && IsPayload(net);
    if (!is_v1 && !(net.tag() == 100 && IsPayload(net))) {
      net.skip();
      continue;
    }
    std::string name;
    Blobs blobs;
    SLIPWAY_RETURN_IF_ERROR(ReadLayer(net.get_message(), is_v1 ? kV1 : kV2, name, blobs));
    if (!blobs.empty()) weights.emplace(std::move(name), std::move(blobs));
  }
  return Status::Ok();
}

}  // namespace

Result<Tensor> ReadBlob(std::span<const uint8_t> binaryproto) {
  RawBlob raw;
  try {
    ReadFields(pbf_reader(reinterpret_cast<const char*>(binaryproto.data()), binaryproto.size()), raw);
  } catch (const protozero::exception&) {
    return Status(Code::kInvalidModel, "the blob is cut off or damaged: not a binary BlobProto");
  }
  return ToTensor(raw);
}

Result<Weights> ReadWeights(std::span<const uint8_t> caffemodel) {
  Weights weights;
  try {
    const pbf_reader net(reinterpret_cast<const char*>(caffemodel.data()), caffemodel.size());
    SLIPWAY_RETURN_IF_ERROR(ReadAll(net, weights));
  } catch (const protozero::exception&) {
    return Status(Code::kInvalidModel, "the weights are cut off or damaged: not a binary NetParameter",
                  "download or export the .caffemodel again");
  }
  return weights;
}

}  // namespace slipway::caffe
