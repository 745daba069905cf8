// Which of a model's weights belongs to which layer: the names in TF.js's weightsManifest say it, in several
// dialects.
//
//   dense/kernel                      TF.js itself and Keras 2
//   lstm/lstm_cell/kernel             Keras 2 from TensorFlow 2.2, Keras 3: the cell stands between
//   bidirectional/forward_lstm/...    wrappers and layers made of layers
//   dense/0                           the converter's, from Keras 3 files: numbers in the layer's order
//   layers/dense_1/vars/0             the same, classes counted instead of layers named
#pragma once

#include <span>

#include "formats/tfjs_weights.h"
#include "ir/attrs.h"

namespace slipway::keras {

// Where a layer stands.
struct LayerPath {
  std::vector<std::string> outer;  // names of the models around it, outermost first, the root left out
  std::string name;
  std::string saved_key;                // see Layer::saved_key
  std::vector<std::string> outer_keys;  // of the models around it, as `outer`
  // Layers inside of it, each as alternatives split by '|', '*' at the end for any rest: "query*".
  std::vector<std::string> inner;
};

class WeightStore {
 public:
  explicit WeightStore(const TfjsWeights& weights);

  // The weight `leaf` ("kernel", or alternatives split by '|') of the layer, the `number`th of its own. Null:
  // there is none. Errors (kInvalidModel): several fit equally well.
  Result<const Tensor*> Find(const LayerPath& path, const std::string& leaf, int64_t number) const;
  // Names that hold the layer's name, "kernel, bias", for messages; "none" where there are none.
  std::string NamesFor(const LayerPath& path) const;

 private:
  struct Entry {
    const std::string* name;
    std::vector<std::string> tokens;  // of the path, the leaf left out
    std::string leaf;
    bool is_numbered = false;  // the leaf is a number
    bool has_keys = false;     // "layers/.../vars/0": names of classes
    const Tensor* tensor;
  };

  std::vector<Entry> entries_;
};

}  // namespace slipway::keras
