// Look-up tables: what is in them is known when the graph is imported, for models fill them once, before they
// serve.
//
// A table is filled by LookupTableImport, InitializeTable or InitializeTableFromTextFile, which the
// SavedModel's initialisation runs, or its restore operator for tables that are part of the checkpoint. Keys
// and values are constants, are computed from constants, or stand in the checkpoint or in a text file among
// the model's assets. Source: tensorflow/core/kernels/lookup_util.cc. Left out: tables that the graph itself
// changes.
#pragma once

#include <functional>

#include "formats/tensorflow/checkpoint/checkpoint.h"
#include "formats/tensorflow/tf_graph.h"

namespace slipway::tensorflow {

// What filling needs beside the graph.
struct TableSources {
  const Checkpoint* checkpoint = nullptr;     // null: none
  std::map<std::string, std::string> assets;  // tensors that hold file names, "node:0", to names of assets
  std::function<Result<std::string>(const std::string& asset)>
      read_asset;  // the content; null: there are none
};

// Sets the graph's tables, where it reads any, from what `whole` fills behind `roots` (nodes; control edges
// count) and by nodes of its own. A table of which that cannot be done has `broken` set. Errors: of the graph
// itself.
Status FillTables(TfGraph& graph, const TfGraph& whole, const std::vector<std::string>& roots,
                  const TableSources& sources);

// A text file as InitializeTableFromTextFile reads it; `node` has its attributes. Errors name the line.
Result<TfTable> TableOfText(const TfNode& node, DType keys, DType values, std::string_view text);

}  // namespace slipway::tensorflow
