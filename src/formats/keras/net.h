// A Keras model's topology: layers, and which tensors every call of a layer takes.
//
// Source: Model.get_config of Keras 2 (inbound_nodes as nested lists) and Keras 3 (args and kwargs with
// "keras_history"). A Sequential model becomes a chain of calls.
#pragma once

#include <map>
#include <vector>

#include "formats/keras/config.h"

namespace slipway::keras {

// One tensor that a call of a layer gives.
struct TensorRef {
  std::string layer;
  int64_t call = 0;    // which of the layer's calls: "node index"
  int64_t output = 0;  // which of its outputs: "tensor index"

  auto operator<=>(const TensorRef&) const = default;
};

// A tensor, or a constant that stands in a tensor's place.
struct Argument {
  std::optional<TensorRef> tensor;
  Json constant;
};
using Arguments = std::vector<Argument>;

struct Call {
  Arguments inputs;                        // the positional ones, lists flattened
  std::map<std::string, Arguments> named;  // keyword arguments that hold tensors
  Json options = Json::object();           // the other keyword arguments
};

struct Layer {
  // "Dense"; of Keras 3's operations "ops.NotEqual", of Keras 2's TFOpLambda "tf.math.not_equal"
  std::string class_name;
  std::string name;
  std::string saved_key;  // its name in weight files of Keras 3: "dense_1"
  const Json* config = nullptr;
  std::vector<Call> calls;
};

struct Net {
  std::string name;
  std::vector<Layer> layers;
  std::vector<TensorRef> inputs;   // of InputLayers
  std::vector<TensorRef> outputs;  // in order

  const Layer* Find(const std::string& name) const;
};

// Is that class a model, which holds layers?
bool IsModel(std::string_view class_name);
// Of a serialised layer: {"class_name": ..., "config": ...}; null where there is none.
std::string ClassOf(const Json& layer);
const Json* ConfigOf(const Json& layer);

// `model`: {"class_name": "Sequential", "config": ...}, which must outlive the net. Errors (kInvalidModel)
// name the layer.
Result<Net> ReadNet(const Json& model);

}  // namespace slipway::keras
