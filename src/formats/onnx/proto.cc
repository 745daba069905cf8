#include "formats/onnx/proto.h"

#include <protozero/pbf_reader.hpp>

#include "formats/onnx/wire_reader.h"
#include "formats/wire.h"
#include "ops/onnx_dtype.h"

namespace slipway::onnx {
namespace {

std::string_view MainDomain(std::string_view domain) { return domain == "ai.onnx" ? "" : domain; }

Dim DecodeDim(std::string_view bytes) {
  Dim dim;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(1): {
        const int64_t extent = reader.get_int64();
        if (extent >= 0) dim = Dim(extent);
        break;
      }
      case Payload(2): {
        const std::string_view name = View(reader);
        // "?" is what some exporters write for an extent that is just unknown.
        if (!name.empty() && name != "?") dim = Dim::Symbol(std::string(name));
        break;
      }
      default: reader.skip();
    }
  }
  return dim;
}

DimList DecodeShape(std::string_view bytes) {
  DimList dims;
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag_and_type() == Payload(1)) {
      dims.push_back(DecodeDim(View(reader)));
    } else {
      reader.skip();
    }
  }
  return dims;
}

// TypeProto.Tensor
Type DecodeTensorType(std::string_view bytes) {
  Type type;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(1): type.dtype = DTypeFromOnnx(reader.get_int32()).value_or(DType::kNone); break;
      case Payload(2): type.shape = DecodeShape(View(reader)); break;
      default: reader.skip();
    }
  }
  return type;
}

Type DecodeTypeProto(std::string_view bytes, int depth);

// The elem_type of TypeProto.Sequence and TypeProto.Optional.
Type DecodeElement(std::string_view bytes, int depth) {
  Type type;
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag_and_type() == Payload(1)) {
      type = DecodeTypeProto(View(reader), depth + 1);
    } else {
      reader.skip();
    }
  }
  return type;
}

Type DecodeTypeProto(std::string_view bytes, int depth) {
  if (depth > 3) throw DecodeError("a type is nested too deep");
  Type type;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): type = DecodeTensorType(View(reader)); break;
      case Payload(4):
        type = DecodeElement(View(reader), depth);
        type.kind = TypeKind::kSequence;
        break;
      case Payload(9):
        type = DecodeElement(View(reader), depth);
        type.kind =
            type.kind == TypeKind::kSequence ? TypeKind::kOptionalSequence : TypeKind::kOptionalTensor;
        break;
      default: reader.skip();
    }
  }
  return type;
}

ValueInfoProto DecodeValueInfo(std::string_view bytes) {
  ValueInfoProto info;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): info.name = View(reader); break;
      case Payload(2): info.type = DecodeTypeProto(View(reader), 0); break;
      default: reader.skip();
    }
  }
  return info;
}

std::string_view NameOfTensor(std::string_view bytes) {
  std::string_view name;
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag_and_type() == Payload(8)) {
      name = View(reader);
    } else {
      reader.skip();
    }
  }
  return name;
}

// A sparse initializer is called what its values are called.
std::string_view NameOfSparseTensor(std::string_view bytes) {
  std::string_view name;
  for (Reader reader(bytes); reader.next();) {
    if (reader.tag_and_type() == Payload(1)) {
      name = NameOfTensor(View(reader));
    } else {
      reader.skip();
    }
  }
  return name;
}

GraphProto DecodeGraph(std::string_view bytes, int depth);

// IR version 1 had no `type` field: the kind of the value that is there.
class KindGuess {
 public:
  void See(AttributeKind kind) {
    if (kind_ == AttributeKind::kUndefined) kind_ = kind;
  }
  AttributeKind kind() const { return kind_; }

 private:
  AttributeKind kind_ = AttributeKind::kUndefined;
};

AttributeProto DecodeAttribute(std::string_view bytes, int depth) {
  AttributeProto attribute;
  KindGuess guess;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): attribute.name = View(reader); break;
      case Payload(21): attribute.ref_name = View(reader); break;
      case Varint(20): attribute.kind = static_cast<AttributeKind>(reader.get_int32()); break;
      case Fixed32(2):
        attribute.f = reader.get_float();
        guess.See(AttributeKind::kFloat);
        break;
      case Varint(3):
        attribute.i = reader.get_int64();
        guess.See(AttributeKind::kInt);
        break;
      case Payload(4):
        attribute.s = View(reader);
        guess.See(AttributeKind::kString);
        break;
      case Payload(5):
        attribute.tensor = View(reader);
        guess.See(AttributeKind::kTensor);
        break;
      case Payload(6):
        attribute.graph = std::make_shared<GraphProto>(DecodeGraph(View(reader), depth + 1));
        guess.See(AttributeKind::kGraph);
        break;
      case Fixed32(7):
        attribute.floats.push_back(reader.get_float());
        guess.See(AttributeKind::kFloats);
        break;
      case Payload(7):
        for (float value : reader.get_packed_float()) attribute.floats.push_back(value);
        guess.See(AttributeKind::kFloats);
        break;
      case Varint(8):
        attribute.ints.push_back(reader.get_int64());
        guess.See(AttributeKind::kInts);
        break;
      case Payload(8):
        for (int64_t value : reader.get_packed_int64()) attribute.ints.push_back(value);
        guess.See(AttributeKind::kInts);
        break;
      case Payload(9):
        attribute.strings.push_back(View(reader));
        guess.See(AttributeKind::kStrings);
        break;
      case Payload(14):
        attribute.type = DecodeTypeProto(View(reader), 0);
        guess.See(AttributeKind::kTypeProto);
        break;
      case Payload(22):
        attribute.sparse_tensor = View(reader);
        guess.See(AttributeKind::kSparseTensor);
        break;
      default: reader.skip();
    }
  }
  if (attribute.kind == AttributeKind::kUndefined) attribute.kind = guess.kind();
  return attribute;
}

NodeProto DecodeNode(std::string_view bytes, int depth) {
  NodeProto node;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): node.inputs.push_back(View(reader)); break;
      case Payload(2): node.outputs.push_back(View(reader)); break;
      case Payload(3): node.name = View(reader); break;
      case Payload(4): node.op_type = View(reader); break;
      case Payload(5): node.attributes.push_back(DecodeAttribute(View(reader), depth)); break;
      case Payload(7): node.domain = MainDomain(View(reader)); break;
      case Payload(8): node.overload = View(reader); break;
      default: reader.skip();
    }
  }
  return node;
}

GraphProto DecodeGraph(std::string_view bytes, int depth) {
  if (depth > kMaxDepth) throw DecodeError("sub-graphs are nested more than 32 deep");
  GraphProto graph;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): graph.nodes.push_back(DecodeNode(View(reader), depth)); break;
      case Payload(2): graph.name = View(reader); break;
      case Payload(5): {
        const std::string_view tensor = View(reader);
        graph.initializers.push_back({NameOfTensor(tensor), tensor, false});
        break;
      }
      case Payload(15): {
        const std::string_view tensor = View(reader);
        graph.initializers.push_back({NameOfSparseTensor(tensor), tensor, true});
        break;
      }
      case Payload(11): graph.inputs.push_back(DecodeValueInfo(View(reader))); break;
      case Payload(12): graph.outputs.push_back(DecodeValueInfo(View(reader))); break;
      case Payload(13): graph.value_infos.push_back(DecodeValueInfo(View(reader))); break;
      default: reader.skip();
    }
  }
  return graph;
}

OpsetProto DecodeOpset(std::string_view bytes) {
  OpsetProto opset;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): opset.domain = MainDomain(View(reader)); break;
      case Varint(2): opset.version = reader.get_int64(); break;
      default: reader.skip();
    }
  }
  return opset;
}

FunctionProto DecodeFunction(std::string_view bytes) {
  FunctionProto function;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): function.name = View(reader); break;
      case Payload(4): function.inputs.push_back(View(reader)); break;
      case Payload(5): function.outputs.push_back(View(reader)); break;
      case Payload(7): function.nodes.push_back(DecodeNode(View(reader), 1)); break;
      case Payload(9): function.opsets.push_back(DecodeOpset(View(reader))); break;
      case Payload(10): function.domain = MainDomain(View(reader)); break;
      case Payload(11): function.default_attributes.push_back(DecodeAttribute(View(reader), 1)); break;
      case Payload(12): function.value_infos.push_back(DecodeValueInfo(View(reader))); break;
      case Payload(13): function.overload = View(reader); break;
      default: reader.skip();
    }
  }
  return function;
}

std::pair<std::string_view, std::string_view> DecodeEntry(std::string_view bytes) {
  std::pair<std::string_view, std::string_view> entry;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Payload(1): entry.first = View(reader); break;
      case Payload(2): entry.second = View(reader); break;
      default: reader.skip();
    }
  }
  return entry;
}

ModelProto DecodeModelProto(std::string_view bytes) {
  ModelProto model;
  for (Reader reader(bytes); reader.next();) {
    switch (reader.tag_and_type()) {
      case Varint(1): model.ir_version = reader.get_int64(); break;
      case Payload(2): model.producer_name = View(reader); break;
      case Payload(3): model.producer_version = View(reader); break;
      case Payload(7): model.graph = DecodeGraph(View(reader), 0); break;
      case Payload(8): model.opsets.push_back(DecodeOpset(View(reader))); break;
      case Payload(14): model.metadata.push_back(DecodeEntry(View(reader))); break;
      case Payload(20):
        model.has_training_info = true;
        reader.skip();
        break;
      case Payload(25): model.functions.push_back(DecodeFunction(View(reader))); break;
      default: reader.skip();
    }
  }
  return model;
}

// Names the cut where the file just ends too early.
Status DamageOf(std::string_view bytes) {
  const auto fields =
      ScanWire({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, size_t{1} << 20);
  if (fields && !fields->empty() && fields->back().IsCutOff()) {
    const WireField& last = fields->back();
    return Status(Code::kInvalidModel,
                  "the file is truncated: its " + std::string(last.number == 7 ? "graph" : "last field") +
                      " should have " + std::to_string(last.declared_size) + " bytes, " +
                      std::to_string(last.payload.size()) + " are there",
                  "download or export it again");
  }
  return Status(Code::kInvalidModel, "the ONNX file is damaged: a field reaches past the end of its message",
                "download or export it again");
}

}  // namespace

Result<ModelProto> DecodeModel(std::string_view bytes) {
  try {
    return DecodeModelProto(bytes);
  } catch (const DecodeError& error) {
    return Status(Code::kInvalidModel, error.what());
  } catch (const std::exception&) {
    return DamageOf(bytes);
  }
}

Result<Type> DecodeType(std::string_view bytes) {
  try {
    return DecodeTypeProto(bytes, 0);
  } catch (const std::exception& error) {
    return Status(Code::kInvalidModel, std::string("broken type: ") + error.what());
  }
}

}  // namespace slipway::onnx
