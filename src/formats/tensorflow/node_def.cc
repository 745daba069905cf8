#include "formats/tensorflow/node_def.h"

#include <algorithm>
#include <cstring>

#include "base/scalar.h"
#include "formats/tensorflow/graph_def.h"

namespace slipway::tensorflow {

using protozero::data_view;
using protozero::pbf_reader;

Result<Ints> DecodeShape(pbf_reader shape, bool* is_rank_unknown) {
  Ints dims;
  *is_rank_unknown = false;
  while (shape.next()) {
    if (shape.tag() == 2) {
      pbf_reader dim = shape.get_message();
      int64_t size = 0;
      while (dim.next()) {
        if (dim.tag() == 1) {
          size = dim.get_int64();
        } else {
          dim.skip();
        }
      }
      dims.push_back(size);
      if (dims.size() > 64) return Status(Code::kInvalidModel, "a shape has more than 64 axes");
    } else if (shape.tag() == 3) {
      *is_rank_unknown = shape.get_bool();
    } else {
      shape.skip();
    }
  }
  return dims;
}

namespace {

// The typed value fields of a TensorProto, whichever the dtype uses.
struct TypedValues {
  std::vector<double> reals;
  std::vector<int64_t> integers;
  std::vector<std::string> strings;
  bool has_reals = false;  // of complex numbers both parts, one after the other
};

template <class Range>
void Append(std::vector<int64_t>& out, Range range) {
  for (auto value : range) out.push_back(static_cast<int64_t>(value));
}

template <class Range>
void AppendReals(TypedValues& out, Range range) {
  out.has_reals = true;
  for (auto value : range) out.reals.push_back(static_cast<double>(value));
}

bool IsPacked(const pbf_reader& message) {
  return message.wire_type() == protozero::pbf_wire_type::length_delimited;
}

// Reads one typed field, packed or not; false when the tag is none.
bool DecodeTyped(pbf_reader& tensor, TypedValues& values) {
  switch (tensor.tag()) {
    case 5:
    case 9:  // scomplex_val
      if (IsPacked(tensor)) {
        AppendReals(values, tensor.get_packed_float());
      } else {
        AppendReals(values, std::initializer_list<float>{tensor.get_float()});
      }
      return true;
    case 6:
    case 12:  // dcomplex_val
      if (IsPacked(tensor)) {
        AppendReals(values, tensor.get_packed_double());
      } else {
        AppendReals(values, std::initializer_list<double>{tensor.get_double()});
      }
      return true;
    case 8: values.strings.push_back(tensor.get_string()); return true;
    case 7:   // int_val: i32, i16, i8, u16, u8
    case 10:  // int64_val
    case 11:  // bool_val
    case 13:  // half_val: bits
    case 16:  // uint32_val
    case 17:  // uint64_val
      if (IsPacked(tensor)) {
        Append(values.integers, tensor.get_packed_int64());
      } else {
        values.integers.push_back(tensor.get_int64());
      }
      return true;
    default: return false;
  }
}

void StoreTyped(const TypedValues& values, Tensor& tensor, int64_t i, size_t from) {
  if (IsComplex(tensor.dtype())) {
    for (int64_t part = 0; part < 2; ++part)
      StoreReal(tensor.dtype() == DType::kC64 ? DType::kF32 : DType::kF64, tensor.data(), 2 * i + part,
                values.reals[2 * from + static_cast<size_t>(part)]);
  } else if (values.has_reals) {
    StoreReal(tensor.dtype(), tensor.data(), i, values.reals[from]);
  } else if (tensor.dtype() == DType::kF16 || tensor.dtype() == DType::kBF16) {
    tensor.as<uint16_t>()[i] = static_cast<uint16_t>(values.integers[from]);
  } else {
    StoreInt(tensor.dtype(), tensor.data(), i, values.integers[from]);
  }
}

Result<Tensor> FillTyped(DType dtype, const Dims& dims, const TypedValues& values, const NodeSource& source) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, ElementCount(dims));
  const bool is_complex = IsComplex(dtype);
  if (is_complex && (!values.integers.empty() || values.reals.size() % 2 != 0))
    return Status(Code::kInvalidModel,
                  "constant " + ToString(dims) + " is complex, and its values are no pairs");
  const size_t given = dtype == DType::kString ? values.strings.size()
                       : is_complex            ? values.reals.size() / 2
                       : values.has_reals      ? values.reals.size()
                                               : values.integers.size();
  if (given > static_cast<size_t>(count)) {
    return Status(Code::kInvalidModel,
                  "constant " + ToString(dims) + " has " + std::to_string(given) + " values");
  }
  const int64_t repeated = count - static_cast<int64_t>(given);
  if (repeated > *source.repeated_left)
    return Status(Code::kInvalidModel, "constant " + ToString(dims) + " is too large for the file");
  *source.repeated_left -= repeated;
  Tensor tensor(dtype, dims);
  if (given == 0) return tensor;  // all zero
  for (int64_t i = 0; i < count; ++i) {
    const size_t from = std::min(static_cast<size_t>(i), given - 1);  // the last value repeats
    if (dtype == DType::kString) {
      tensor.as<std::string>()[i] = values.strings[from];
    } else {
      StoreTyped(values, tensor, i, from);
    }
  }
  return tensor;
}

Result<Tensor> DecodeTensor(pbf_reader message, const NodeSource& source) {
  DType dtype = DType::kNone;
  Dims dims;
  data_view content;
  TypedValues values;
  while (message.next()) {
    if (message.tag() == 1) {
      dtype = DTypeFromTf(message.get_enum());
    } else if (message.tag() == 2) {
      bool is_rank_unknown = false;
      SLIPWAY_ASSIGN_OR_RETURN(dims, DecodeShape(message.get_message(), &is_rank_unknown));
    } else if (message.tag() == 4) {
      content = message.get_view();
    } else if (!DecodeTyped(message, values)) {
      message.skip();
    }
  }
  if (dtype == DType::kNone) return Status(Code::kUnsupported, "a constant has an unknown dtype");
  if (content.empty() || dtype == DType::kString) return FillTyped(dtype, dims, values, source);
  SLIPWAY_RETURN_IF_ERROR(CheckTensorSize(dims, dtype, content.size()));
  if (source.owner != nullptr && static_cast<int64_t>(content.size()) >= kLargeConstant) {
    return Tensor(dtype, dims, const_cast<char*>(content.data()), source.owner);
  }
  Tensor tensor(dtype, dims);
  std::memcpy(tensor.data(), content.data(), content.size());
  return tensor;
}

std::string DecodeFunctionName(pbf_reader function) {
  std::string name;
  while (function.next()) {
    if (function.tag() == 1) {
      name = function.get_string();
    } else {
      function.skip();
    }
  }
  return name;
}

Result<Attr> DecodeList(pbf_reader list) {
  Ints ints;
  Floats floats;
  Strings strings;
  while (list.next()) {
    switch (list.tag()) {
      case 2: strings.push_back(list.get_string()); break;
      case 3:
      case 5:
        if (IsPacked(list)) {
          Append(ints, list.get_packed_int64());
        } else {
          ints.push_back(list.get_int64());
        }
        break;
      case 4:
        if (IsPacked(list)) {
          for (float value : list.get_packed_float()) floats.push_back(value);
        } else {
          floats.push_back(list.get_float());
        }
        break;
      case 6:  // types: as DType numbers
        if (IsPacked(list)) {
          for (auto value : list.get_packed_enum()) ints.push_back(static_cast<int64_t>(DTypeFromTf(value)));
        } else {
          ints.push_back(static_cast<int64_t>(DTypeFromTf(list.get_enum())));
        }
        break;
      case 9: strings.push_back(DecodeFunctionName(list.get_message())); break;
      default: list.skip();
    }
  }
  if (!strings.empty()) return Attr(std::move(strings));
  if (!floats.empty()) return Attr(std::move(floats));
  return Attr(std::move(ints));
}

// Adds one attribute; those without a neutral form (a function's own attributes, unknown ranks) are left out.
Status DecodeAttr(const std::string& name, pbf_reader value, const NodeSource& source, Attrs& attrs) {
  while (value.next()) {
    switch (value.tag()) {
      case 1: {
        SLIPWAY_ASSIGN_OR_RETURN(Attr list, DecodeList(value.get_message()));
        attrs.Set(name, std::move(list));
        break;
      }
      case 2: attrs.Set(name, value.get_string()); break;
      case 3: attrs.Set(name, int64_t{value.get_int64()}); break;
      case 4: attrs.Set(name, value.get_float()); break;
      case 5: attrs.Set(name, int64_t{value.get_bool() ? 1 : 0}); break;
      case 6: attrs.Set(name, DTypeFromTf(value.get_enum())); break;
      case 7: {
        bool is_rank_unknown = false;
        SLIPWAY_ASSIGN_OR_RETURN(Ints dims, DecodeShape(value.get_message(), &is_rank_unknown));
        if (!is_rank_unknown) attrs.Set(name, std::move(dims));
        break;
      }
      case 8: {
        SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, DecodeTensor(value.get_message(), source));
        attrs.Set(name, std::move(tensor));
        break;
      }
      case 10: attrs.Set(name, DecodeFunctionName(value.get_message())); break;
      default: value.skip();
    }
  }
  return Status::Ok();
}

// Operators read their attributes as they are: only a Const may lie where no element of its dtype may.
void AlignTensors(Attrs& attrs) {
  std::vector<std::string> tensors;
  for (const auto& [name, attr] : attrs) {
    if (std::holds_alternative<Tensor>(attr)) tensors.push_back(name);
  }
  for (const std::string& name : tensors) attrs.Set(name, attrs.TensorOf(name)->Clone());
}

}  // namespace

Result<TfNode> DecodeNode(pbf_reader message, const NodeSource& source) {
  TfNode node;
  while (message.next()) {
    switch (message.tag()) {
      case 1: node.name = message.get_string(); break;
      case 2: node.op = message.get_string(); break;
      case 3: node.inputs.push_back(message.get_string()); break;
      case 5: {
        pbf_reader entry = message.get_message();
        std::string key;
        data_view value;
        while (entry.next()) {
          if (entry.tag() == 1) {
            key = entry.get_string();
          } else if (entry.tag() == 2) {
            value = entry.get_view();
          } else {
            entry.skip();
          }
        }
        if (Status status = DecodeAttr(key, pbf_reader(value), source, node.attrs); !status.ok()) {
          return status.WithContext(node.op + " '" + node.name + "', attribute '" + key + "'");
        }
        break;
      }
      default: message.skip();
    }
  }
  if (node.op != "Const") AlignTensors(node.attrs);
  return node;
}

Status CheckTensorSize(const Dims& dims, DType dtype, size_t bytes_at_hand) {
  SLIPWAY_ASSIGN_OR_RETURN(int64_t count, ElementCount(dims));
  const auto needed = static_cast<size_t>(BytesOf(dtype, count));
  if (needed == bytes_at_hand) return Status::Ok();
  return Status(Code::kInvalidModel, std::string(DTypeName(dtype)) + ToString(dims) + " needs " +
                                         std::to_string(needed) + " bytes, the file has " +
                                         std::to_string(bytes_at_hand));
}

}  // namespace slipway::tensorflow
