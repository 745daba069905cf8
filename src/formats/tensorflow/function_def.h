// Decodes functions of a GraphDef's library, and respells their bodies as graphs.
//
// In a function an input is written "argument", or "node:output:k" with the name of one of the node's
// outputs; in a graph it is "node:k" with all outputs numbered through.
#pragma once

#include <map>
#include <string>

#include "formats/tensorflow/graph_def.h"
#include "formats/tensorflow/node_def.h"

namespace slipway::tensorflow {

// OpDef, by its own name.
std::pair<std::string, OutputDefs> DecodeOpDef(protozero::pbf_reader message);

// A FunctionDef as the file has it.
struct RawFunction {
  TfFunction function;  // inputs of its nodes still as in the file; no results yet
  OutputDefs outputs;
  std::map<std::string, std::string> results;  // output name to input text
};
Result<RawFunction> DecodeFunction(protozero::pbf_reader message, const NodeSource& source);

// The library with every input as graphs write it. A function of which that cannot be done (an input that
// names nothing, an operator of several outputs whose names are not known) is marked broken: it may never be
// called. Error: two functions of one name.
Result<TfLibrary> RespellFunctions(std::vector<RawFunction> functions,
                                   const std::map<std::string, OutputDefs>& ops);

}  // namespace slipway::tensorflow
