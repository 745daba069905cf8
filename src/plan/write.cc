// Writes .slip files.
#include <cstring>
#include <deque>

#include "base/crc32.h"
#include "base/file_writer.h"
#include "plan/half_weights.h"
#include "plan/layout.h"
#include "plan/slip.h"
#include "plan/slip_generated.h"

namespace slipway {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

std::span<const uint8_t> SpanOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class Writer {
 public:
  // REQUIRES: the model stays as it is until the last Emit: its tensors are not copied.
  explicit Writer(const SlipModel& model) : has_half_weights_(model.has_half_weights) {
    const auto graph = WriteGraph(model.graph);
    std::vector<Offset<fb::Golden>> golden;
    for (const GoldenVector& vector : model.golden) golden.push_back(WriteGolden(vector));
    std::vector<Offset<fb::TunedSection>> tuned;
    for (const TunedSection& section : model.tuned) tuned.push_back(WriteSection(section));
    std::vector<Offset<fb::DimRange>> ranges;
    for (const auto& [symbol, range] : model.ranges) {
      ranges.push_back(fb::CreateDimRange(builder_, builder_.CreateString(symbol), range.low, range.high));
    }
    const auto all_ranges = ranges.empty() ? 0 : builder_.CreateVector(ranges);
    const std::string manifest = model.manifest ? ToJson(*model.manifest) : std::string();
    builder_.Finish(fb::CreateModel(builder_, builder_.CreateString(model.producer),
                                    builder_.CreateString(model.source_format), graph,
                                    builder_.CreateString(manifest), builder_.CreateVector(golden),
                                    builder_.CreateVector(tuned), all_ranges, has_half_weights_));
  }

  uint64_t FileBytes() const { return Header().file_bytes; }

  // The file in pieces, in order, to `put`: Status(std::string_view).
  template <class Put>
  Status Emit(const Put& put) const {
    const SlipHeader header = Header();
    SLIPWAY_RETURN_IF_ERROR(put(std::string_view(reinterpret_cast<const char*>(&header), sizeof(header))));
    SLIPWAY_RETURN_IF_ERROR(put(GraphBytes()));
    const uint64_t padding = header.data_offset - header.graph_offset - header.graph_bytes;
    SLIPWAY_RETURN_IF_ERROR(put(std::string_view(kZeros, padding)));
    return EmitData(put);
  }

 private:
  // Bytes of the data section, where the model has them.
  struct Piece {
    uint64_t offset = 0;
    std::string_view bytes;
  };
  static constexpr char kZeros[kSlipAlignment] = {};

  std::string_view GraphBytes() const {
    return {reinterpret_cast<const char*>(builder_.GetBufferPointer()), builder_.GetSize()};
  }

  SlipHeader Header() const {
    SlipHeader header{};
    std::memcpy(header.magic, kSlipMagic.data(), kSlipMagic.size());
    header.version = kSlipVersion;
    header.header_bytes = sizeof(SlipHeader);
    header.graph_offset = sizeof(SlipHeader);
    header.graph_bytes = builder_.GetSize();
    header.data_offset = AlignSlip(header.graph_offset + header.graph_bytes);
    header.data_bytes = data_bytes_;
    header.graph_crc32 = Crc32(SpanOf(GraphBytes()));
    header.file_bytes = header.data_offset + header.data_bytes;
    return header;
  }

  template <class Put>
  Status EmitData(const Put& put) const {
    uint64_t at = 0;
    for (const Piece& piece : pieces_) {
      SLIPWAY_RETURN_IF_ERROR(put(std::string_view(kZeros, piece.offset - at)));
      SLIPWAY_RETURN_IF_ERROR(put(piece.bytes));
      at = piece.offset + piece.bytes.size();
    }
    return Status::Ok();
  }

  fb::Extent PutData(const void* bytes, size_t size) {
    const uint64_t offset = AlignSlip(data_bytes_);
    pieces_.push_back({offset, {static_cast<const char*>(bytes), size}});
    data_bytes_ = offset + size;
    return fb::Extent(offset, size);
  }

  // The same for parts, which sections of one machine have in common: those are written once.
  fb::Extent PutPart(const PackedPart& part, uint32_t crc32) {
    const std::string_view bytes(reinterpret_cast<const char*>(part.bytes.data()), part.bytes.size());
    for (auto [at, end] = parts_.equal_range(crc32); at != end; ++at) {
      if (at->second.bytes == bytes) return fb::Extent(at->second.offset, bytes.size());
    }
    const fb::Extent extent = PutData(bytes.data(), bytes.size());
    parts_.emplace(crc32, pieces_.back());
    return extent;
  }

  Offset<fb::TunedSection> WriteSection(const TunedSection& section) {
    std::vector<Offset<fb::TunedStep>> steps;
    for (const TunedSection::Step& step : section.steps) {
      std::vector<Offset<fb::PackedPart>> parts;
      for (const PackedPart& part : step.parts) {
        const uint32_t crc32 = Crc32(part.bytes);
        const fb::Extent extent = PutPart(part, crc32);
        parts.push_back(fb::CreatePackedPart(builder_, static_cast<uint16_t>(part.input),
                                             static_cast<uint16_t>(part.number), &extent, crc32));
      }
      const auto all_parts = parts.empty() ? 0 : builder_.CreateVector(parts);
      steps.push_back(fb::CreateTunedStep(builder_, builder_.CreateSharedString(step.tactic), all_parts));
    }
    return fb::CreateTunedSection(builder_, builder_.CreateString(section.target),
                                  builder_.CreateVector(steps), builder_.CreateVector(section.unread));
  }

  template <class T>
  Offset<flatbuffers::Vector<T>> Numbers(const std::vector<T>& values) {
    return builder_.CreateVector(values);
  }

  Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> StringList(
      const std::vector<std::string>& strings) {
    return builder_.CreateVectorOfStrings(strings);
  }

  Offset<fb::Tensor> WriteTensor(const Tensor& tensor) {
    const auto dims = Numbers(tensor.dims());
    const auto dtype = static_cast<uint8_t>(tensor.dtype());
    if (tensor.dtype() == DType::kString) {
      const auto values = tensor.values<std::string>();
      const auto strings = StringList({values.begin(), values.end()});
      return fb::CreateTensor(builder_, dtype, dims, nullptr, strings);
    }
    const fb::Extent extent = PutData(tensor.bytes(), static_cast<size_t>(tensor.size_bytes()));
    return fb::CreateTensor(builder_, dtype, dims, &extent, 0, Crc32(SpanOf(pieces_.back().bytes)));
  }

  Offset<fb::Tensor> WriteHalves(const Tensor& tensor) {
    const auto dims = Numbers(tensor.dims());
    const std::vector<uint16_t>& halves = halves_.emplace_back(ToHalves(tensor));
    const fb::Extent extent = PutData(halves.data(), halves.size() * sizeof(uint16_t));
    return fb::CreateTensor(builder_, static_cast<uint8_t>(tensor.dtype()), dims, &extent, 0,
                            Crc32(SpanOf(pieces_.back().bytes)), static_cast<uint8_t>(DType::kF16));
  }

  Offset<fb::Type> WriteType(const Type& type) {
    std::vector<Offset<fb::Dim>> dims;
    if (type.shape) {
      for (const Dim& dim : *type.shape) {
        const auto symbol = builder_.CreateString(dim.IsKnown() ? std::string() : dim.symbol());
        dims.push_back(fb::CreateDim(builder_, dim.IsKnown(), dim.IsKnown() ? dim.value() : 0, symbol));
      }
    }
    return fb::CreateType(builder_, static_cast<uint8_t>(type.kind), static_cast<uint8_t>(type.dtype),
                          type.HasRank(), builder_.CreateVector(dims));
  }

  Offset<fb::Value> WriteValue(const Value& value) {
    const auto name = builder_.CreateString(value.name);
    const auto type = WriteType(value.type);
    Offset<fb::Quant> quant;
    if (value.quant) {
      quant = fb::CreateQuant(builder_, Numbers(value.quant->scales), Numbers(value.quant->zero_points),
                              value.quant->axis);
    }
    Offset<fb::Tensor> data;
    const bool is_half = has_half_weights_ && value.IsConstant() && AreHalves(value.data);
    if (value.IsConstant()) data = is_half ? WriteHalves(value.data) : WriteTensor(value.data);
    return fb::CreateValue(builder_, name, type, quant, data);
  }

  Offset<fb::Attr> WriteAttr(const std::string& name, const Attr& attr) {
    Offset<flatbuffers::String> s;
    Offset<flatbuffers::Vector<int64_t>> ints;
    Offset<flatbuffers::Vector<float>> floats;
    Offset<flatbuffers::Vector<Offset<flatbuffers::String>>> strings;
    Offset<fb::Tensor> tensor;
    Offset<fb::Graph> graph;
    const auto label = builder_.CreateString(name);
    if (const auto* text = std::get_if<std::string>(&attr)) s = builder_.CreateString(*text);
    if (const auto* list = std::get_if<Ints>(&attr)) ints = Numbers(*list);
    if (const auto* list = std::get_if<Floats>(&attr)) floats = Numbers(*list);
    if (const auto* list = std::get_if<Strings>(&attr)) strings = StringList(*list);
    if (const auto* value = std::get_if<Tensor>(&attr)) tensor = WriteTensor(*value);
    if (const auto* sub = std::get_if<GraphRef>(&attr); sub && *sub) graph = WriteGraph(**sub);
    fb::AttrBuilder out(builder_);
    out.add_name(label);
    out.add_kind(static_cast<uint8_t>(attr.index()));
    if (const auto* i = std::get_if<int64_t>(&attr)) out.add_i(*i);
    if (const auto* f = std::get_if<float>(&attr)) out.add_f(*f);
    if (const auto* dtype = std::get_if<DType>(&attr)) out.add_dtype(static_cast<uint8_t>(*dtype));
    out.add_s(s);
    out.add_ints(ints);
    out.add_floats(floats);
    out.add_strings(strings);
    out.add_tensor(tensor);
    out.add_graph(graph);
    return out.Finish();
  }

  Offset<fb::Node> WriteNode(const Node& node) {
    std::vector<Offset<fb::Attr>> attrs;
    for (const auto& [name, attr] : node.attrs) attrs.push_back(WriteAttr(name, attr));
    return fb::CreateNode(builder_, builder_.CreateString(node.op), builder_.CreateString(node.name),
                          Numbers(node.inputs), Numbers(node.outputs), builder_.CreateVector(attrs),
                          StringList(node.sources));
  }

  Offset<fb::Graph> WriteGraph(const Graph& graph) {
    std::vector<Offset<fb::Value>> values;
    for (const Value& value : graph.values) values.push_back(WriteValue(value));
    std::vector<Offset<fb::Node>> nodes;
    for (const Node& node : graph.nodes) nodes.push_back(WriteNode(node));
    std::vector<Offset<fb::Tensor>> states;
    for (const Tensor& state : graph.states) states.push_back(WriteTensor(state));
    const auto all_states = states.empty() ? 0 : builder_.CreateVector(states);
    return fb::CreateGraph(builder_, builder_.CreateString(graph.name), builder_.CreateVector(values),
                           builder_.CreateVector(nodes), Numbers(graph.inputs), Numbers(graph.outputs),
                           all_states);
  }

  Offset<fb::Golden> WriteGolden(const GoldenVector& vector) {
    std::vector<Offset<fb::Tensor>> inputs;
    for (const Tensor& tensor : vector.inputs) inputs.push_back(WriteTensor(tensor));
    std::vector<Offset<fb::Tensor>> outputs;
    for (const Tensor& tensor : vector.outputs) outputs.push_back(WriteTensor(tensor));
    return fb::CreateGolden(builder_, builder_.CreateString(vector.name), builder_.CreateVector(inputs),
                            builder_.CreateVector(outputs), vector.relative, vector.absolute);
  }

  const bool has_half_weights_;
  FlatBufferBuilder builder_;
  std::deque<std::vector<uint16_t>> halves_;  // what pieces of them point to
  std::vector<Piece> pieces_;
  std::multimap<uint32_t, Piece> parts_;  // packed constants, by checksum
  uint64_t data_bytes_ = 0;
};

}  // namespace

Result<std::string> FormatSlip(const SlipModel& model) {
  const Writer writer(model);
  std::string file;
  file.reserve(writer.FileBytes());
  SLIPWAY_RETURN_IF_ERROR(writer.Emit([&](std::string_view bytes) {
    file += bytes;
    return Status::Ok();
  }));
  return file;
}

// Piece by piece: weights may be larger than the memory that is left.
Status WriteSlip(const std::string& path, const SlipModel& model) {
  const Writer writer(model);
  SLIPWAY_ASSIGN_OR_RETURN(FileWriter file, FileWriter::Open(path));
  SLIPWAY_RETURN_IF_ERROR(writer.Emit([&](std::string_view bytes) { return file.Append(bytes); }));
  return file.Commit();
}

}  // namespace slipway
