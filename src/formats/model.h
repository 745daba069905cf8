// What every importer takes and gives: a mapped file and options in, a graph with its manifest out.
//
// A format is a folder src/formats/<name>/ with one function of type ImportFileFn per FileKind that it reads,
// and a line each in src/formats/registry/formats.inc. Use formats/registry/import_model.h to import any
// file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "ir/graph.h"
#include "manifest/manifest.h"

namespace slipway {

struct SupportReport;  // formats/support.h

// An input named by the user: any value of the source; where it is computed, the graph is cut there.
struct InputCut {
  std::string name;
  std::optional<DimList> shape;  // replaces the source's; "?" and names are symbolic
  std::optional<DType> dtype;    // of a computed value whose type the source does not declare
};

struct ImportOptions {
  std::vector<InputCut> inputs;         // empty: the source's own
  std::vector<std::string> outputs;     // empty: the source's own; otherwise any values, in this order
  std::map<std::string, int64_t> dims;  // extents for symbolic dimensions, by name
  std::string signature;                // SavedModel: which; empty: "serving_default", or the only one
  std::string prototxt;       // Caffe: path of the net's description; empty: it lies beside the weights
  bool allow_custom = false;  // keep nodes that no record reads, for a plugin given later (ops/dynamic_ops.h)
  SupportReport* support = nullptr;  // not null: filled, whether the import succeeds or not
};

struct ImportedModel {
  Graph graph;                       // sorted, types inferred
  std::optional<Manifest> manifest;  // what the file itself says; none: nothing
  std::vector<std::string> notes;    // for people: what was assumed or left out, one sentence each
  std::string format;                // "onnx", "tflite", "graphdef", "savedmodel", "tfjs", "keras", "caffe"
};

// The file under import. Constants may alias `file`; they hold it alive.
struct ModelFile {
  std::string path;  // for messages, and to find side files (external data, weight shards)
  MappedFile file;

  std::string_view text() const {
    return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
  }
};

using ImportFileFn = Result<ImportedModel> (*)(const ModelFile& file, const ImportOptions& options);

// "NAME", "NAME[1,3,224,224]", "NAME[N,3,?,?]" or "NAME[1,224,224,3]:u8". The brackets at the very end are
// the shape, so names may hold brackets themselves if a shape follows. Errors (kUsage): no name, a bad or
// negative extent.
Result<InputCut> ParseInputCut(std::string_view text);

// `dims` with the symbols named in `extents` replaced by their numbers (expressions over symbols are not
// evaluated).
DimList SubstituteDims(DimList dims, const std::map<std::string, int64_t>& extents);

// An error when an option names a symbol that no input of the model has: `known` are those it has.
Status CheckDimNames(const ImportOptions& options, const std::vector<std::string>& known);

}  // namespace slipway
