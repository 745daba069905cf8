#include "formats/caffe/foreign_layer.h"

#include <algorithm>
#include <array>
#include <map>

namespace slipway::caffe {
namespace {

// LayerParameter's own fields.
bool IsOfEveryLayer(const std::string& field) {
  constexpr std::array kFields = {"name",           "type",     "bottom",      "top",     "phase",
                                  "loss_weight",    "param",    "blobs",       "include", "exclude",
                                  "propagate_down", "blobs_lr", "weight_decay"};
  return std::find(kFields.begin(), kFields.end(), field) != kFields.end();
}

using Texts = std::map<std::string, Strings>;

// Nesting is bounded by the parser.
void Gather(const Message& message, const std::string& prefix, Texts& texts) {
  for (const Field& field : message.fields) {
    if (field.is_message) {
      Gather(field.message, prefix + field.name + ".", texts);
    } else {
      texts[prefix + field.name].push_back(field.text);
    }
  }
}

}  // namespace

ForeignNode ForeignLayer(const Layer& layer) {
  ForeignNode node;
  node.format = Format::kCaffe;
  node.op = layer.type;
  node.name = layer.name;
  Texts texts;
  for (const Field& field : layer.message.fields) {
    if (IsOfEveryLayer(field.name)) continue;
    if (field.is_message) {
      Gather(field.message, "", texts);
    } else {
      texts[field.name].push_back(field.text);
    }
  }
  for (auto& [name, list] : texts) {
    if (list.size() == 1) {
      node.attrs.Set(name, std::move(list[0]));
    } else {
      node.attrs.Set(name, std::move(list));
    }
  }
  return node;
}

}  // namespace slipway::caffe
