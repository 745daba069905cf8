#include "formats/keras/unique_names.h"

#include <map>
#include <set>

namespace slipway::keras {
namespace {

class Names {
 public:
  void Keep(const std::string& name) { taken_.insert(name); }
  void MakeUnique(std::string& name) {
    if (taken_.insert(name).second) return;
    int& count = counts_[name];
    std::string candidate;
    do {
      candidate = name + "~" + std::to_string(++count + 1);
    } while (!taken_.insert(candidate).second);
    name = std::move(candidate);
  }

 private:
  std::set<std::string> taken_;
  std::map<std::string, int> counts_;
};

}  // namespace

void MakeNamesUnique(Graph& graph) {
  Names names;
  std::set<ValueId> kept(graph.inputs.begin(), graph.inputs.end());
  kept.insert(graph.outputs.begin(), graph.outputs.end());
  for (ValueId id : kept) names.Keep(graph.value(id).name);
  for (size_t id = 0; id < graph.values.size(); ++id) {
    if (!kept.count(static_cast<ValueId>(id))) names.MakeUnique(graph.values[id].name);
  }
  Names nodes;
  for (Node& node : graph.nodes) nodes.MakeUnique(node.name);
}

}  // namespace slipway::keras
