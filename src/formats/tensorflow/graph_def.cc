#include "formats/tensorflow/graph_def.h"

#include <protozero/pbf_reader.hpp>

#include "formats/tensorflow/function_def.h"
#include "formats/tensorflow/node_def.h"
#include "formats/wire.h"

namespace slipway::tensorflow {
namespace {

using protozero::pbf_reader;

// A value repeated to fill a tensor may be far smaller than the tensor: cap what a file may ask for that way.
constexpr int64_t kMaxRepeatedElements = int64_t{1} << 26;

int64_t DecodeProducer(pbf_reader versions) {
  int64_t producer = 0;
  while (versions.next()) {
    if (versions.tag() == 1) {
      producer = versions.get_int32();
    } else {
      versions.skip();
    }
  }
  return producer;
}

Result<TfLibrary> DecodeLibrary(pbf_reader message, const NodeSource& source,
                                const std::map<std::string, OutputDefs>& ops) {
  std::vector<RawFunction> functions;
  while (message.next()) {
    if (message.tag() != 1) {
      message.skip();
      continue;
    }
    SLIPWAY_ASSIGN_OR_RETURN(RawFunction function, DecodeFunction(message.get_message(), source));
    functions.push_back(std::move(function));
  }
  return RespellFunctions(std::move(functions), ops);
}

Result<TfGraph> Decode(pbf_reader message, const NodeSource& source,
                       const std::map<std::string, OutputDefs>& ops) {
  TfGraph graph;
  while (message.next()) {
    if (message.tag() == 1) {
      SLIPWAY_ASSIGN_OR_RETURN(TfNode node, DecodeNode(message.get_message(), source));
      graph.nodes.push_back(std::move(node));
    } else if (message.tag() == 2) {
      SLIPWAY_ASSIGN_OR_RETURN(TfLibrary library, DecodeLibrary(message.get_message(), source, ops));
      graph.library = std::make_shared<const TfLibrary>(std::move(library));
    } else if (message.tag() == 4) {
      graph.version = DecodeProducer(message.get_message());
    } else {
      message.skip();
    }
  }
  SLIPWAY_RETURN_IF_ERROR(graph.Index());
  return graph;
}

bool IsBytes(const pbf_reader& message) {
  return message.wire_type() == protozero::pbf_wire_type::length_delimited;
}

// Names the cut where the file just ends too early.
Status DamageOf(std::span<const uint8_t> bytes) {
  const auto fields = ScanWire(bytes, size_t{1} << 20);
  const char* hint = "download or export it again";
  if (!fields || fields->empty() || !fields->back().IsCutOff()) {
    return Status(Code::kInvalidModel,
                  "the GraphDef is damaged or cut short: a field reaches past the end of its message", hint);
  }
  const WireField& last = fields->back();
  return Status(Code::kInvalidModel,
                "the file is truncated: its last " + std::string(last.number == 1 ? "node" : "field") +
                    " should have " + std::to_string(last.declared_size) + " bytes, " +
                    std::to_string(last.payload.size()) + " are there",
                hint);
}

}  // namespace

Result<std::map<std::string, OutputDefs>> DecodeOpList(std::span<const uint8_t> bytes) {
  std::map<std::string, OutputDefs> ops;
  try {
    pbf_reader message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (message.next()) {
      if (message.tag() == 1) {
        ops.insert(DecodeOpDef(message.get_message()));
      } else {
        message.skip();
      }
    }
  } catch (const protozero::exception&) {
    return Status(Code::kInvalidModel, "the list of operators is damaged", "download or export it again");
  }
  return ops;
}

Result<TfGraph> DecodeGraphDef(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                               const std::map<std::string, OutputDefs>& ops) {
  try {
    int64_t repeated_left = kMaxRepeatedElements;
    const NodeSource source{std::move(owner), &repeated_left};
    return Decode(pbf_reader(reinterpret_cast<const char*>(bytes.data()), bytes.size()), source, ops);
  } catch (const protozero::exception&) {
    return DamageOf(bytes);
  }
}

bool LooksLikeGraphDef(std::span<const uint8_t> bytes) {
  try {
    pbf_reader message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!message.next() || message.tag() != 1 || !IsBytes(message)) return false;
    pbf_reader node = message.get_message();
    if (!node.next() || node.tag() != 1 || !IsBytes(node)) return false;
    node.get_view();
    return node.next() && node.tag() == 2 && IsBytes(node);
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace slipway::tensorflow
