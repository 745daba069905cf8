// What a NetworkBuilder holds.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/builder.h"
#include "slipway/network_builder.h"

namespace slipway {

struct NetworkBuilder::State {
  struct MarkedOutput {
    ValueId id = kNoValue;
    std::string name;
    Where where;
  };

  State() : graph(std::make_shared<Graph>()), builder(*graph) {}

  // Null once the builder is spent.
  std::shared_ptr<Graph> graph;
  GraphBuilder builder;
  Status first_mistake;
  std::vector<MarkedOutput> outputs;
  std::map<std::string, int, std::less<>> uses_of_names;  // for "convolution_2"
};

}  // namespace slipway
