// Reads and verifies .slip files, manifests aside: nothing in them is trusted.
#include <algorithm>
#include <cstring>
#include <set>

#include "base/crc32.h"
#include "base/flat_vector.h"
#include "base/packed_array.h"
#include "ops/verify.h"
#include "plan/half_weights.h"
#include "plan/layout.h"
#include "plan/parts.h"
#include "plan/slip_generated.h"

namespace slipway {
namespace {

constexpr int kMaxGraphDepth = 64;
// FlatBuffers' own limits: a table in a file of this size cannot be more numerous.
constexpr int kVerifierDepth = 256;
constexpr int kVerifierTables = 10'000'000;

Status Broken(const std::string& what) {
  return Status(Code::kInvalidModel, ".slip file: " + what,
                "copy the file again, or convert the model again");
}

std::string Text(const flatbuffers::String* text) { return text ? text->str() : std::string(); }

std::vector<std::string> StringList(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* strings) {
  std::vector<std::string> result;
  if (strings == nullptr) return result;
  for (const auto* text : *strings) result.push_back(Text(text));
  return result;
}

// When a checksum is looked at, which reads the bytes.
enum class Check { kNow, kLater, kNever };

Status CheckSum(std::span<const uint8_t> bytes, uint32_t crc32) {
  if (Crc32(bytes) == crc32) return Status::Ok();
  return Broken("weights of " + std::to_string(bytes.size()) + " bytes fail their checksum");
}

class Reader {
 public:
  Reader(std::span<const uint8_t> data, std::shared_ptr<const void> owner, const SlipReadOptions& options)
      : data_(data), unclaimed_bytes_(data.size()), owner_(std::move(owner)), options_(options) {}

  Result<SlipParts> Read(const fb::Model& source) {
    SlipParts parts;
    SlipModel& model = parts.model;
    FindSection(source);
    model.producer = Text(source.producer());
    model.source_format = Text(source.source_format());
    if (source.graph() == nullptr) return Broken("has no graph");
    SLIPWAY_ASSIGN_OR_RETURN(model.graph, ReadGraph(*source.graph(), 0));
    model.has_half_weights = source.half_weights();
    SLIPWAY_RETURN_IF_ERROR(VerifyGraph(model.graph));
    parts.manifest = Text(source.manifest());
    if (source.golden() != nullptr) {
      for (const fb::Golden* golden : *source.golden()) {
        SLIPWAY_ASSIGN_OR_RETURN(GoldenVector vector, ReadGolden(*golden));
        model.golden.push_back(std::move(vector));
      }
    }
    if (source.tuned() != nullptr) {
      for (const fb::TunedSection* section : *source.tuned()) {
        SLIPWAY_ASSIGN_OR_RETURN(TunedSection read, ReadSection(*section));
        model.tuned.push_back(std::move(read));
      }
    }
    SLIPWAY_RETURN_IF_ERROR(ReadRanges(source, model));
    model.unread = std::move(left_);
    return parts;
  }

 private:
  static Status ReadRanges(const fb::Model& source, SlipModel& model) {
    if (source.ranges() == nullptr) return Status::Ok();
    const std::vector<std::string> symbols = InputSymbols(model.graph);
    for (const fb::DimRange* range : *source.ranges()) {
      const std::string symbol = Text(range->symbol());
      if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end())
        return Broken("a range is declared for '" + symbol + "', which no input has");
      if (range->low() < 0 || range->low() > range->high())
        return Broken("the range of '" + symbol + "' is empty");
      if (!model.ranges.emplace(symbol, DimRange{range->low(), range->high()}).second)
        return Broken("two ranges are declared for '" + symbol + "'");
    }
    return Status::Ok();
  }

  // The section that will be used, and what it makes needless.
  void FindSection(const fb::Model& source) {
    if (options_.target.empty() || source.tuned() == nullptr) return;
    for (const fb::TunedSection* section : *source.tuned()) {
      if (Text(section->target()) != options_.target) continue;
      used_ = section;
      const std::vector<int32_t> unread = ElementsOf(section->unread());
      unread_.insert(unread.begin(), unread.end());
      return;
    }
  }

  Result<TunedSection> ReadSection(const fb::TunedSection& source) {
    TunedSection section;
    section.target = Text(source.target());
    section.unread = ElementsOf(source.unread());
    if (source.steps() == nullptr) return section;
    const bool is_used = used_ == nullptr ? options_.target.empty() : used_ == &source;
    const Check check = is_used ? Check::kNow : Check::kNever;
    for (const fb::TunedStep* step : *source.steps()) {
      section.steps.push_back({Text(step->tactic()), {}});
      if (step->parts() == nullptr) continue;
      for (const fb::PackedPart* part : *step->parts()) {
        SLIPWAY_ASSIGN_OR_RETURN(PackedPart read, ReadPart(*part, check));
        section.steps.back().parts.push_back(std::move(read));
      }
    }
    return section;
  }

  Result<PackedPart> ReadPart(const fb::PackedPart& source, Check check) {
    if (source.data() == nullptr) return Broken("a packed constant has no data");
    SLIPWAY_ASSIGN_OR_RETURN(auto bytes, Bytes(*source.data()));
    SLIPWAY_RETURN_IF_ERROR(CheckBytes(bytes, source.crc32(), check));
    if (reinterpret_cast<uintptr_t>(bytes.data()) % kSlipAlignment != 0)
      return Broken("a packed constant is not aligned");
    return PackedPart{source.input(), source.number(), bytes, owner_};
  }

  Status CheckBytes(std::span<const uint8_t> bytes, uint32_t crc32, Check check) {
    if (check == Check::kNever || options_.skips_checksums) return Status::Ok();
    if (check == Check::kNow) return CheckSum(bytes, crc32);
    left_.push_back({bytes, crc32, owner_});
    return Status::Ok();
  }

  Result<std::span<const uint8_t>> Bytes(const fb::Extent& extent) const {
    if (extent.offset() > data_.size() || extent.size() > data_.size() - extent.offset()) {
      return Broken("data at " + std::to_string(extent.offset()) + " of " + std::to_string(extent.size()) +
                    " bytes lies outside the data section of " + std::to_string(data_.size()));
    }
    return data_.subspan(extent.offset(), extent.size());
  }

  static Result<DType> ReadDType(uint8_t number) {
    if (number >= kDTypeCount) return Broken("dtype number " + std::to_string(number) + " is unknown");
    return static_cast<DType>(number);
  }

  Result<Tensor> ReadTensor(const fb::Tensor& source, Check check = Check::kNow) {
    SLIPWAY_ASSIGN_OR_RETURN(DType dtype, ReadDType(source.dtype()));
    if (dtype == DType::kNone) return Broken("a tensor has no dtype");
    Dims dims = ElementsOf(source.dims());
    SLIPWAY_ASSIGN_OR_RETURN(int64_t count, ElementCount(dims));
    if (dtype == DType::kString) {
      const std::vector<std::string> strings = StringList(source.strings());
      if (static_cast<int64_t>(strings.size()) != count) return Broken("a string tensor lacks elements");
      return Tensor::From<std::string>(dtype, std::move(dims), strings);
    }
    if (source.data() == nullptr) return Broken("a tensor has no data");
    SLIPWAY_ASSIGN_OR_RETURN(auto bytes, Bytes(*source.data()));
    const auto stored = static_cast<DType>(source.stored());
    const bool is_half = stored == DType::kF16 && dtype == DType::kF32;
    if (stored != DType::kNone && !is_half)
      return Broken("a tensor of " + std::string(DTypeName(dtype)) + " is stored as type number " +
                    std::to_string(source.stored()));
    const int64_t needed = BytesOf(is_half ? stored : dtype, count);
    if (static_cast<int64_t>(bytes.size()) != needed) {
      return Broken("tensor " + std::string(DTypeName(dtype)) + ToString(dims) + " needs " +
                    std::to_string(needed) + " bytes, has " + std::to_string(bytes.size()));
    }
    // Every tensor has bytes of its own: copies of them all cannot take more than a few times the file.
    if (bytes.size() > unclaimed_bytes_) return Broken("tensors take more bytes than the file has for them");
    unclaimed_bytes_ -= bytes.size();
    SLIPWAY_RETURN_IF_ERROR(CheckBytes(bytes, source.crc32(), check));
    // Also of what nobody should read: where a section turns out not to fit, kernels pack these.
    if (is_half) return FromHalves(std::move(dims), bytes.data());
    if (reinterpret_cast<uintptr_t>(bytes.data()) % 16 != 0) {
      Tensor copy(dtype, std::move(dims));
      if (needed > 0) std::memcpy(copy.data(), bytes.data(), bytes.size());
      return copy;
    }
    return Tensor(dtype, std::move(dims), const_cast<uint8_t*>(bytes.data()), owner_);
  }

  static Result<Type> ReadType(const fb::Type* source) {
    Type type;
    if (source == nullptr) return type;
    if (source->kind() > static_cast<uint8_t>(TypeKind::kOptionalSequence))
      return Broken("a type has an unknown kind");
    type.kind = static_cast<TypeKind>(source->kind());
    SLIPWAY_ASSIGN_OR_RETURN(type.dtype, ReadDType(source->dtype()));
    if (!source->has_rank()) return type;
    type.shape.emplace();
    if (source->shape() == nullptr) return type;
    for (const fb::Dim* dim : *source->shape()) {
      if (dim->known() && dim->value() < 0)
        return Broken("a shape has the extent " + std::to_string(dim->value()));
      const std::string symbol = Text(dim->symbol());
      type.shape->push_back(dim->known() ? Dim(dim->value()) : symbol.empty() ? Dim() : Dim::Symbol(symbol));
    }
    return type;
  }

  Result<Value> ReadValue(const fb::Value& source, Check check) {
    Value value;
    value.name = Text(source.name());
    SLIPWAY_ASSIGN_OR_RETURN(value.type, ReadType(source.type()));
    if (const fb::Quant* quant = source.quant()) {
      value.quant = Quant{ElementsOf(quant->scales()), ElementsOf(quant->zero_points()), quant->axis()};
    }
    if (source.data() == nullptr) return value;
    SLIPWAY_ASSIGN_OR_RETURN(value.data, ReadTensor(*source.data(), check));
    value.type = Type::Of(value.data.dtype(), ToDimList(value.data.dims()));
    return value;
  }

  Result<Attr> ReadAttr(const fb::Attr& source, int depth) {
    switch (static_cast<AttrTag>(source.kind())) {
      case AttrTag::kInt: return Attr(int64_t{source.i()});
      case AttrTag::kFloat: return Attr(source.f());
      case AttrTag::kString: return Attr(Text(source.s()));
      case AttrTag::kInts: return Attr(ElementsOf(source.ints()));
      case AttrTag::kFloats: return Attr(ElementsOf(source.floats()));
      case AttrTag::kStrings: return Attr(StringList(source.strings()));
      case AttrTag::kTensor: {
        if (source.tensor() == nullptr) return Broken("a tensor attribute is empty");
        SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(*source.tensor()));
        return Attr(std::move(tensor));
      }
      case AttrTag::kGraph: {
        if (source.graph() == nullptr) return Broken("a graph attribute is empty");
        SLIPWAY_ASSIGN_OR_RETURN(Graph graph, ReadGraph(*source.graph(), depth + 1));
        return Attr(GraphRef(std::make_shared<const Graph>(std::move(graph))));
      }
      case AttrTag::kDType: {
        SLIPWAY_ASSIGN_OR_RETURN(DType dtype, ReadDType(source.dtype()));
        return Attr(dtype);
      }
    }
    return Broken("attribute kind " + std::to_string(source.kind()) + " is unknown");
  }

  Result<Node> ReadNode(const fb::Node& source, int depth) {
    Node node;
    node.op = Text(source.op());
    node.name = Text(source.name());
    node.inputs = ElementsOf(source.inputs());
    node.outputs = ElementsOf(source.outputs());
    node.sources = StringList(source.sources());
    if (source.attrs() == nullptr) return node;
    for (const fb::Attr* attr : *source.attrs()) {
      SLIPWAY_ASSIGN_OR_RETURN(Attr value, ReadAttr(*attr, depth));
      node.attrs.Set(Text(attr->name()), std::move(value));
    }
    return node;
  }

  Result<Graph> ReadGraph(const fb::Graph& source, int depth) {
    if (depth > kMaxGraphDepth) return Broken("graphs are nested too deep");
    Graph graph;
    graph.name = Text(source.name());
    if (source.values() != nullptr) {
      for (const fb::Value* each : *source.values()) {
        const bool is_unread = depth == 0 && unread_.count(static_cast<ValueId>(graph.values.size())) > 0;
        SLIPWAY_ASSIGN_OR_RETURN(Value value, ReadValue(*each, is_unread ? Check::kLater : Check::kNow));
        graph.values.push_back(std::move(value));
      }
    }
    if (source.nodes() != nullptr) {
      for (const fb::Node* each : *source.nodes()) {
        SLIPWAY_ASSIGN_OR_RETURN(Node node, ReadNode(*each, depth));
        graph.nodes.push_back(std::move(node));
      }
    }
    graph.inputs = ElementsOf(source.inputs());
    graph.outputs = ElementsOf(source.outputs());
    if (source.states() == nullptr) return graph;
    for (const fb::Tensor* state : *source.states()) {
      SLIPWAY_ASSIGN_OR_RETURN(Tensor start, ReadTensor(*state));
      graph.states.push_back(std::move(start));
    }
    return graph;
  }

  Result<GoldenVector> ReadGolden(const fb::Golden& source) {
    GoldenVector vector;
    vector.name = Text(source.name());
    vector.relative = source.relative();
    vector.absolute = source.absolute();
    const auto read_all = [&](const auto* tensors, std::vector<Tensor>& out) -> Status {
      if (tensors == nullptr) return Status::Ok();
      for (const fb::Tensor* each : *tensors) {
        SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor,
                                 ReadTensor(*each, used_ == nullptr ? Check::kNow : Check::kLater));
        out.push_back(std::move(tensor));
      }
      return Status::Ok();
    };
    SLIPWAY_RETURN_IF_ERROR(read_all(source.inputs(), vector.inputs));
    SLIPWAY_RETURN_IF_ERROR(read_all(source.outputs(), vector.outputs));
    return vector;
  }

  // Tags in the file: the order of ir/attrs.h's variant.
  enum class AttrTag : uint8_t { kInt, kFloat, kString, kInts, kFloats, kStrings, kTensor, kGraph, kDType };

  std::span<const uint8_t> data_;
  size_t unclaimed_bytes_;  // of data_, that no tensor has had yet
  std::shared_ptr<const void> owner_;
  const SlipReadOptions& options_;
  const fb::TunedSection* used_ = nullptr;
  std::set<ValueId> unread_;
  std::vector<UnreadBytes> left_;  // Check::kLater
};

Status CheckHeader(const SlipHeader& header, uint64_t file_bytes) {
  if (header.version != kSlipVersion) {
    return Status(Code::kUnsupported,
                  ".slip file: format version " + std::to_string(header.version) +
                      ", this program reads version " + std::to_string(kSlipVersion),
                  header.version > kSlipVersion ? "update slipway" : "convert the model again");
  }
  if (header.file_bytes != file_bytes) {
    return Broken("should have " + std::to_string(header.file_bytes) + " bytes, has " +
                  std::to_string(file_bytes));
  }
  if (header.reserved != 0) return Broken("a reserved field is not zero");
  const auto is_inside = [&](uint64_t offset, uint64_t size) {
    return offset >= sizeof(SlipHeader) && offset <= file_bytes && size <= file_bytes - offset;
  };
  if (header.header_bytes != sizeof(SlipHeader) || !is_inside(header.graph_offset, header.graph_bytes) ||
      !is_inside(header.data_offset, header.data_bytes) || header.graph_offset % 16 != 0) {
    return Broken("a section lies outside the file");
  }
  return Status::Ok();
}

}  // namespace

std::vector<std::string> InputSymbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (ValueId id : graph.inputs) {
    for (const Dim& dim : graph.value(id).type.shape.value_or(DimList())) {
      if (dim.IsNamed()) symbols.insert(dim.symbol());
    }
  }
  return {symbols.begin(), symbols.end()};
}

bool LooksLikeSlip(std::span<const uint8_t> bytes) {
  return bytes.size() >= kSlipMagic.size() &&
         std::memcmp(bytes.data(), kSlipMagic.data(), kSlipMagic.size()) == 0;
}

Result<SlipParts> ParseSlipParts(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                                 const SlipReadOptions& options) {
  if (!LooksLikeSlip(bytes)) return Broken("does not begin with SLIPWAY");
  if (owner == nullptr) {
    PackedArray<uint8_t> copy(static_cast<int64_t>(bytes.size()));
    std::memcpy(copy.mutable_data(), bytes.data(), bytes.size());
    return ParseSlipParts(copy.bytes(), copy.owner(), options);
  }
  if (bytes.size() < sizeof(SlipHeader)) return Broken("is truncated in its header");
  SlipHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  SLIPWAY_RETURN_IF_ERROR(CheckHeader(header, bytes.size()));
  const auto graph = bytes.subspan(header.graph_offset, header.graph_bytes);
  const auto data = bytes.subspan(header.data_offset, header.data_bytes);
  if (Crc32(graph) != header.graph_crc32) return Broken("the graph fails its checksum");
  flatbuffers::Verifier verifier(graph.data(), graph.size(), kVerifierDepth, kVerifierTables);
  if (!fb::VerifyModelBuffer(verifier)) return Broken("the graph is not a valid FlatBuffers table");
  return Reader(data, std::move(owner), options).Read(*fb::GetModel(graph.data()));
}

Status CheckUnread(std::span<const UnreadBytes> unread) {
  for (const UnreadBytes& each : unread) SLIPWAY_RETURN_IF_ERROR(CheckSum(each.bytes, each.crc32));
  return Status::Ok();
}

}  // namespace slipway
