#include "formats/tensorflow/meta_graph.h"

#include <algorithm>
#include <protozero/pbf_reader.hpp>

#include "base/nearest.h"
#include "formats/tensorflow/node_def.h"
#include "formats/tensorflow/placeholder.h"

namespace slipway::tensorflow {
namespace {

using protozero::pbf_reader;

// What exporters add to run once, before serving: no signature of the user's.
constexpr std::string_view kInitSignatures[] = {"__saved_model_init_op", "__saved_model_train_op"};

std::span<const uint8_t> BytesOf(protozero::data_view view) {
  return {reinterpret_cast<const uint8_t*>(view.data()), view.size()};
}

// TensorInfo.
Result<SignaturePort> DecodePort(std::string name, pbf_reader info) {
  SignaturePort port;
  port.name = std::move(name);
  while (info.next()) {
    switch (info.tag()) {
      case 1: port.tensor = info.get_string(); break;
      case 2: port.type.dtype = DTypeFromTf(info.get_enum()); break;
      case 3: {
        bool is_rank_unknown = false;
        SLIPWAY_ASSIGN_OR_RETURN(const Ints dims, DecodeShape(info.get_message(), &is_rank_unknown));
        if (!is_rank_unknown) port.type.shape = ToDims(dims);
        break;
      }
      default: info.skip();
    }
  }
  return port;
}

struct MapEntry {
  std::string key;
  protozero::data_view value;
};

MapEntry DecodeEntry(pbf_reader message) {
  MapEntry entry;
  while (message.next()) {
    switch (message.tag()) {
      case 1: entry.key = message.get_string(); break;
      case 2: entry.value = message.get_view(); break;
      default: message.skip();
    }
  }
  return entry;
}

Status AddPort(pbf_reader message, std::vector<SignaturePort>& ports) {
  MapEntry entry = DecodeEntry(message);
  SLIPWAY_ASSIGN_OR_RETURN(SignaturePort port, DecodePort(std::move(entry.key), pbf_reader(entry.value)));
  ports.push_back(std::move(port));
  return Status::Ok();
}

template <class T>
void SortByName(std::vector<T>& items) {
  std::sort(items.begin(), items.end(), [](const T& a, const T& b) { return a.name < b.name; });
}

// SignatureDef.
Result<Signature> DecodeSignature(std::string name, pbf_reader message) {
  Signature signature;
  signature.name = std::move(name);
  while (message.next()) {
    switch (message.tag()) {
      case 1: SLIPWAY_RETURN_IF_ERROR(AddPort(message.get_message(), signature.inputs)); break;
      case 2: SLIPWAY_RETURN_IF_ERROR(AddPort(message.get_message(), signature.outputs)); break;
      default: message.skip();
    }
  }
  SortByName(signature.inputs);
  SortByName(signature.outputs);
  return signature;
}

void DecodeMetaInfo(pbf_reader message, MetaGraph& graph) {
  while (message.next()) {
    switch (message.tag()) {
      case 2: graph.op_list = BytesOf(message.get_view()); break;
      case 4: graph.tags.push_back(message.get_string()); break;
      default: message.skip();
    }
  }
}

// SaverDef.
std::string DecodeRestoreOp(pbf_reader message) {
  std::string name;
  while (message.next()) {
    if (message.tag() == 3) {
      name = message.get_string();
    } else {
      message.skip();
    }
  }
  return name;
}

// AssetFileDef.
Status DecodeAsset(pbf_reader message, MetaGraph& graph) {
  std::string tensor, file;
  while (message.next()) {
    switch (message.tag()) {
      case 1: {
        SLIPWAY_ASSIGN_OR_RETURN(const SignaturePort port, DecodePort("", message.get_message()));
        tensor = port.tensor;
        break;
      }
      case 2: file = message.get_string(); break;
      default: message.skip();
    }
  }
  const TfInput at = ParseInput(tensor);
  graph.assets[at.node + ":" + std::to_string(at.index)] = file;
  return Status::Ok();
}

// CollectionDef: the nodes that it lists.
std::vector<std::string> DecodeNodeList(pbf_reader message) {
  std::vector<std::string> names;
  while (message.next()) {
    if (message.tag() != 1) {
      message.skip();
      continue;
    }
    pbf_reader list = message.get_message();
    while (list.next()) {
      if (list.tag() == 1) {
        names.push_back(list.get_string());
      } else {
        list.skip();
      }
    }
  }
  return names;
}

// Before 1.13 what is to be run before serving stood in collections, later in a signature as well.
bool IsInitCollection(const std::string& name) {
  return name == "saved_model_main_op" || name == "legacy_init_op" || name == "table_initializer";
}

Result<MetaGraph> DecodeMetaGraph(pbf_reader message) {
  MetaGraph graph;
  while (message.next()) {
    switch (message.tag()) {
      case 1: DecodeMetaInfo(message.get_message(), graph); break;
      case 2: graph.graph_def = BytesOf(message.get_view()); break;
      case 3: graph.restore_op = DecodeRestoreOp(message.get_message()); break;
      case 4: {
        const MapEntry entry = DecodeEntry(message.get_message());
        if (!IsInitCollection(entry.key)) break;
        for (std::string& name : DecodeNodeList(pbf_reader(entry.value)))
          graph.init_ops.push_back(std::move(name));
        break;
      }
      case 6: SLIPWAY_RETURN_IF_ERROR(DecodeAsset(message.get_message(), graph)); break;
      case 5: {
        MapEntry entry = DecodeEntry(message.get_message());
        SLIPWAY_ASSIGN_OR_RETURN(Signature signature,
                                 DecodeSignature(std::move(entry.key), pbf_reader(entry.value)));
        graph.signatures.push_back(std::move(signature));
        break;
      }
      default: message.skip();
    }
  }
  SortByName(graph.signatures);
  for (const Signature& signature : graph.signatures) {
    if (signature.name != kInitSignatures[0]) continue;
    for (const SignaturePort& port : signature.outputs) graph.init_ops.push_back(port.tensor);
  }
  return graph;
}

std::string Quoted(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

}  // namespace

Result<std::vector<MetaGraph>> DecodeSavedModel(std::span<const uint8_t> bytes) {
  std::vector<MetaGraph> graphs;
  try {
    pbf_reader message(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (message.next()) {
      if (message.tag() != 2) {
        message.skip();
        continue;
      }
      SLIPWAY_ASSIGN_OR_RETURN(MetaGraph graph, DecodeMetaGraph(message.get_message()));
      graphs.push_back(std::move(graph));
    }
  } catch (const protozero::exception&) {
    return Status(Code::kInvalidModel,
                  "the SavedModel is damaged or cut short: a field reaches past the end of its message",
                  "download or export it again");
  }
  if (graphs.empty()) return Status(Code::kInvalidModel, "the SavedModel holds no graph", "export it again");
  return graphs;
}

Result<const MetaGraph*> ChooseMetaGraph(const std::vector<MetaGraph>& graphs) {
  std::string sets;
  for (const MetaGraph& graph : graphs) {
    if (std::find(graph.tags.begin(), graph.tags.end(), "serve") != graph.tags.end()) return &graph;
    sets += (sets.empty() ? "(" : ", (") + Quoted(graph.tags) + ")";
  }
  if (graphs.size() == 1) return graphs.data();
  return Status(Code::kUnsupported,
                "the SavedModel holds " + std::to_string(graphs.size()) +
                    " graphs, none of them tagged 'serve': " + sets,
                "export it for serving");
}

Result<const Signature*> ChooseSignature(const MetaGraph& graph, const std::string& name) {
  std::vector<std::string> names;
  const Signature* chosen = nullptr;
  const std::string wanted = name.empty() ? "serving_default" : name;
  for (const Signature& signature : graph.signatures) {
    if (signature.name == wanted) chosen = &signature;
    const bool is_init = std::find(std::begin(kInitSignatures), std::end(kInitSignatures), signature.name) !=
                         std::end(kInitSignatures);
    if (!is_init) names.push_back(signature.name);
  }
  if (chosen != nullptr) return chosen;
  if (!name.empty()) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    return Status(
        Code::kUsage,
        "--signature '" + name + "': the SavedModel has none of that name" + DidYouMean(name, views),
        names.empty() ? "it has no signatures" : "it has " + Quoted(names));
  }
  if (names.empty()) return static_cast<const Signature*>(nullptr);
  for (const Signature& signature : graph.signatures) {
    if (names.size() == 1 && signature.name == names[0]) return &signature;
  }
  return Status(Code::kUsage, "the SavedModel has several signatures, none of them 'serving_default'",
                "choose one with --signature: " + Quoted(names));
}

}  // namespace slipway::tensorflow
