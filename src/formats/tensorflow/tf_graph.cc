#include "formats/tensorflow/tf_graph.h"

#include <charconv>

namespace slipway::tensorflow {

TfInput ParseInput(std::string_view text) {
  TfInput input;
  if (!text.empty() && text[0] == '^') {
    input.is_control = true;
    text.remove_prefix(1);
  }
  const size_t colon = text.rfind(':');
  int index = 0;
  if (colon != std::string_view::npos) {
    const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), index);
    if (error == std::errc() && end == text.data() + text.size() && index >= 0) {
      input.index = index;
      text = text.substr(0, colon);
    }
  }
  input.node = std::string(text);
  return input;
}

const TfNode* TfGraph::Find(const std::string& name) const {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &nodes[found->second];
}

const TfFunction* TfGraph::FindFunction(const std::string& name) const {
  if (library == nullptr) return nullptr;
  const auto found = library->find(name);
  return found == library->end() ? nullptr : &found->second;
}

const std::vector<size_t>& TfGraph::ReadersOf(const std::string& name) const {
  static const std::vector<size_t> kNobody;
  const auto found = readers.find(name);
  return found == readers.end() ? kNobody : found->second;
}

Status TfGraph::Index() {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!by_name.emplace(nodes[i].name, i).second) {
      return Status(Code::kInvalidModel, "node name '" + nodes[i].name + "' stands twice");
    }
    for (const std::string& text : nodes[i].inputs) {
      const TfInput input = ParseInput(text);
      if (input.is_control) continue;
      std::vector<size_t>& of_node = readers[input.node];
      if (of_node.empty() || of_node.back() != i) of_node.push_back(i);
    }
  }
  return Status::Ok();
}

}  // namespace slipway::tensorflow
