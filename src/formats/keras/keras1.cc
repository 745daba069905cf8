#include "formats/keras/keras1.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "formats/keras/net.h"

namespace slipway::keras {
namespace {

constexpr int kMaxDepth = 16;

struct Word {
  std::string_view old, now;
};

constexpr std::array kConfigWords = {
    Word{"nb_filter", "filters"},
    Word{"border_mode", "padding"},
    Word{"subsample", "strides"},
    Word{"subsample_length", "strides"},
    Word{"filter_length", "kernel_size"},
    Word{"pool_length", "pool_size"},
    Word{"stride", "strides"},
    Word{"length", "size"},
    Word{"atrous_rate", "dilation_rate"},
    Word{"bias", "use_bias"},
    Word{"p", "rate"},
    Word{"inner_activation", "recurrent_activation"},
    Word{"input_dtype", "dtype"},
};

constexpr std::array kClasses = {
    Word{"AtrousConvolution1D", "Convolution1D"},
    Word{"AtrousConvolution2D", "Convolution2D"},
    Word{"TimeDistributedDense", "Dense"},
};

// Ends of weights' names, behind the layer's.
constexpr std::array kWeightWords = {
    Word{"W", "kernel"},
    Word{"U", "recurrent_kernel"},
    Word{"b", "bias"},
    Word{"gamma", "gamma"},
    Word{"beta", "beta"},
    Word{"running_mean", "moving_mean"},
    Word{"running_std", "moving_variance"},  // the variance, whatever it is called
    Word{"depthwise_kernel", "depthwise_kernel"},
    Word{"pointwise_kernel", "pointwise_kernel"},
    Word{"alphas", "alpha"},
};

bool IsOneOf(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsRecurrent(const std::string& class_name) { return IsOneOf(class_name, {"LSTM", "GRU", "SimpleRNN"}); }

void Rename(Json& config, std::string_view old, std::string_view now) {
  const auto found = config.find(old);
  if (found == config.end()) return;
  Json value = *found;
  config.erase(found);
  config[std::string(now)] = std::move(value);
}

// Several numbers of their own as one list.
void Gather(Json& config, const std::vector<const char*>& names, const char* list) {
  Json values = Json::array();
  for (const char* name : names) {
    if (!config.contains(name)) return;
    values.push_back(config[name]);
  }
  config[list] = std::move(values);
}

// [top,bottom,left,right] and its kin as pairs.
void PairMargins(Json& config) {
  for (const char* name : {"padding", "cropping"}) {
    const auto found = config.find(name);
    if (found == config.end() || !found->is_array() || (found->size() != 4 && found->size() != 6)) continue;
    Json pairs = Json::array();
    for (size_t i = 0; i < found->size(); i += 2)
      pairs.push_back(Json::array({(*found)[i], (*found)[i + 1]}));
    *found = std::move(pairs);
  }
}

void SetDataFormat(Json& config) {
  const std::string ordering = TextOf(config, "dim_ordering");
  if (ordering == "th") config["data_format"] = "channels_first";
  if (ordering == "tf") config["data_format"] = "channels_last";
}

// "Merge" by its mode; one that Keras 2 has no layer for keeps its name.
std::string MergeClass(const Json& config) {
  static constexpr std::array kModes = {
      Word{"sum", "Add"},     Word{"mul", "Multiply"},       Word{"ave", "Average"},
      Word{"max", "Maximum"}, Word{"concat", "Concatenate"}, Word{"dot", "Dot"}};
  const bool is_plain = !config.contains("layers") && TextOf(config, "mode_type") != "lambda" &&
                        TextOf(config, "mode_type") != "function";
  for (const Word& mode : kModes) {
    if (is_plain && TextOf(config, "mode") == mode.old) return std::string(mode.now);
  }
  return "Merge";
}

// The layer's words.
void UpgradeConfig(Json& layer) {
  Json& config = layer["config"];
  std::string name = layer["class_name"].get<std::string>();
  if (name == "Merge") {
    name = MergeClass(config);
    if (name == "Concatenate") Rename(config, "concat_axis", "axis");
    if (name == "Dot") Rename(config, "dot_axes", "axes");
  } else if (name == "BatchNormalization") {
    const Json* mode = Given(config, "mode");
    if (mode != nullptr && *mode != 0) name += " (mode " + mode->dump().substr(0, 20) + ")";
  } else {
    for (const Word& word : kClasses) {
      if (name == word.old) name = word.now;
    }
    Gather(config, {"nb_row", "nb_col"}, "kernel_size");
    Gather(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"}, "kernel_size");
    for (const Word& word : kConfigWords) Rename(config, word.old, word.now);
    if (name == "Dense" || IsRecurrent(name)) Rename(config, "output_dim", "units");
    if (name == "GRU") config["reset_after"] = false;
    PairMargins(config);
  }
  SetDataFormat(config);
  layer["class_name"] = name;
}

// [O,I,spatial...] to [spatial...,I,O]; Theano's kernels are mirrored.
Tensor Kernel(const Tensor& old, bool is_first, bool is_mirrored) {
  const auto axes = static_cast<size_t>(old.rank()) - 2;
  const size_t from = is_first ? 2 : 0;  // the first spatial axis
  Dims dims(old.dims().begin() + static_cast<std::ptrdiff_t>(from),
            old.dims().begin() + static_cast<std::ptrdiff_t>(from + axes));
  dims.push_back(old.dims()[is_first ? 1 : axes]);
  dims.push_back(old.dims()[is_first ? 0 : axes + 1]);
  Tensor now(DType::kF32, dims);
  std::vector<int64_t> at(dims.size(), 0);  // in `now`
  for (int64_t i = 0; i < now.count(); ++i) {
    std::vector<int64_t> source(dims.size());
    for (size_t k = 0; k < axes; ++k) source[from + k] = is_mirrored ? dims[k] - 1 - at[k] : at[k];
    source[is_first ? 1 : axes] = at[axes];
    source[is_first ? 0 : axes + 1] = at[axes + 1];
    int64_t offset = 0;
    for (size_t k = 0; k < source.size(); ++k) offset = offset * old.dims()[k] + source[k];
    now.as<float>()[i] = old.as<float>()[offset];
    for (size_t k = dims.size(); k-- > 0 && ++at[k] == dims[k];) at[k] = 0;
  }
  return now;
}

// Joined along the last axis. REQUIRES: f32 of equal rank and equal other extents.
Tensor JoinedGates(const std::vector<const Tensor*>& parts) {
  Dims dims = parts[0]->dims();
  int64_t columns = 0;
  for (const Tensor* part : parts) columns += part->dims().back();
  dims.back() = columns;
  Tensor joined(DType::kF32, dims);
  const int64_t rows = columns == 0 ? 0 : joined.count() / columns;
  float* to = joined.as<float>();
  for (int64_t row = 0; row < rows; ++row) {
    for (const Tensor* part : parts) {
      const int64_t width = part->dims().back();
      to = std::copy_n(part->as<float>() + row * width, width, to);
    }
  }
  return joined;
}

class Upgrader {
 public:
  Upgrader(bool is_theano, TfjsWeights& weights) : is_theano_(is_theano), weights_(weights) {
    for (const auto& [name, tensor] : weights) {
      std::string path = name;
      if (path.ends_with(":0")) path.resize(path.size() - 2);
      old_[path.substr(path.rfind('/') + 1)] = name;
    }
  }

  Status Model(Json& model, int depth) {
    const auto config = model.find("config");
    if (config == model.end() || depth > kMaxDepth) return Status::Ok();
    Json* layers = config->is_array() ? &*config : nullptr;
    if (config->is_object() && config->contains("layers")) layers = &(*config)["layers"];
    if (layers == nullptr || !layers->is_array()) return Status::Ok();
    for (Json& layer : *layers) {
      if (!IsLayer(layer)) continue;
      const std::string name = TextOf(layer, "name");
      const std::string own = TextOf(layer["config"], "name");
      SLIPWAY_RETURN_IF_ERROR(Layer(layer, name.empty() ? own : name, depth));
    }
    return Status::Ok();
  }

 private:
  static bool IsLayer(const Json& layer) {
    const Json* config = Member(layer, "config");
    return !TextOf(layer, "class_name").empty() && config != nullptr &&
           (config->is_object() || config->is_array());
  }

  // path: what its weights are called from now on.
  Status Layer(Json& layer, const std::string& path, int depth) {
    if (IsModel(TextOf(layer, "class_name"))) return Model(layer, depth + 1);
    if (!layer["config"].is_object()) return Status::Ok();
    SLIPWAY_RETURN_IF_ERROR(Inner(layer, path, depth));
    UpgradeConfig(layer);
    const std::string name = TextOf(layer["config"], "name");
    SLIPWAY_RETURN_IF_ERROR(Weights(layer, name, path));
    return Status::Ok();
  }

  // Wrappers: weights of the layer inside go by its own name.
  Status Inner(Json& layer, const std::string& path, int depth) {
    const auto inner = layer["config"].find("layer");
    if (inner == layer["config"].end() || !IsLayer(*inner) || depth >= kMaxDepth) return Status::Ok();
    if (TextOf(layer, "class_name") != "Bidirectional") return Layer(*inner, path, depth + 1);
    // Each has two, and none stands in another.
    if (is_in_bidirectional_) return Status::Ok();
    is_in_bidirectional_ = true;
    Json backward = *inner;
    const std::string name = TextOf((*inner)["config"], "name");
    for (const auto& [each, direction] :
         {std::pair{&*inner, "forward_"}, std::pair{&backward, "backward_"}}) {
      (*each)["config"]["name"] = direction + name;
      SLIPWAY_RETURN_IF_ERROR(Layer(*each, path + "/" + direction + name, depth + 1));
    }
    is_in_bidirectional_ = false;
    return Status::Ok();
  }

  // The old weight "<layer>_<end>", or null.
  const Tensor* Find(const std::string& layer, const std::string& end) const {
    const auto found = old_.find(layer + "_" + end);
    if (found == old_.end()) return nullptr;
    const auto weight = weights_.find(found->second);
    return weight == weights_.end() ? nullptr : &weight->second;
  }

  Status Weights(const Json& layer, const std::string& name, const std::string& path) {
    const std::string class_name = TextOf(layer, "class_name");
    std::vector<std::pair<std::string, Tensor>> made;
    if (IsRecurrent(class_name)) SLIPWAY_RETURN_IF_ERROR(Gates(class_name, name, made));
    for (const Word& word : kWeightWords) {
      const Tensor* old = Find(name, std::string(word.old));
      if (old == nullptr) continue;
      const bool is_table = class_name == "Embedding" && word.old == "W";
      made.emplace_back(is_table ? "embeddings" : std::string(word.now), *old);
    }
    for (auto& [end, tensor] : made) {
      if (end == "kernel") SLIPWAY_RETURN_IF_ERROR(ConvolutionKernel(layer, name, tensor));
      weights_.insert_or_assign(path + "/" + end, std::move(tensor));
    }
    return Status::Ok();
  }

  Status Gates(const std::string& class_name, const std::string& name,
               std::vector<std::pair<std::string, Tensor>>& made) const {
    // In Keras 2's order.
    const std::vector<const char*> gates = class_name == "LSTM"  ? std::vector{"i", "f", "c", "o"}
                                           : class_name == "GRU" ? std::vector{"z", "r", "h"}
                                                                 : std::vector<const char*>{};
    for (const Word& word : {Word{"W", "kernel"}, Word{"U", "recurrent_kernel"}, Word{"b", "bias"}}) {
      std::vector<const Tensor*> parts;
      for (const char* gate : gates) {
        const Tensor* part = Find(name, std::string(word.old) + "_" + gate);
        if (part == nullptr) break;
        const bool fits = part->dtype() == DType::kF32 && part->rank() >= 1 && part->count() > 0 &&
                          (parts.empty() || part->dims() == parts[0]->dims());
        if (!fits)
          return Status(Code::kInvalidModel, class_name + " '" + name + "': its weights '" +
                                                 std::string(word.old) + "_*' have different shapes");
        parts.push_back(part);
      }
      if (!gates.empty() && parts.size() == gates.size())
        made.emplace_back(std::string(word.now), JoinedGates(parts));
    }
    return Status::Ok();
  }

  Status ConvolutionKernel(const Json& layer, const std::string& name, Tensor& kernel) const {
    const std::string class_name = TextOf(layer, "class_name");
    const bool is_1d = IsOneOf(class_name, {"Conv1D", "Convolution1D"});
    const bool is_3d = IsOneOf(class_name, {"Conv3D", "Convolution3D"});
    if (!is_1d && !is_3d && !IsOneOf(class_name, {"Conv2D", "Convolution2D"})) return Status::Ok();
    const Json& config = layer["config"];
    const int rank = is_3d ? 5 : 4;
    if (kernel.rank() != rank || kernel.dtype() != DType::kF32)
      return Status(Code::kInvalidModel, class_name + " '" + name + "': its weight is " + Describe(kernel) +
                                             "; Keras 1 gave it " + std::to_string(rank) + " axes of f32");
    bool is_first = TextOf(config, "data_format") == "channels_first";
    if (is_1d) {
      // [length,1,in,out], before Keras 1.1 [out,in,length,1].
      Status wrong;
      const Config read(&config, wrong);
      is_first = kernel.dim(1) != 1 || kernel.dim(0) != read.Int("kernel_size", 0) ||
                 kernel.dim(3) != read.Int("filters", 0);
    }
    kernel = Kernel(kernel, is_first, is_theano_);
    if (is_1d && kernel.dim(1) == 1) kernel = kernel.Reshaped({kernel.dim(0), kernel.dim(2), kernel.dim(3)});
    return Status::Ok();
  }

  const bool is_theano_;
  bool is_in_bidirectional_ = false;
  TfjsWeights& weights_;
  std::map<std::string, std::string> old_;  // last part of a name to the whole
};

bool HasOldWords(const Json& model, int depth) {
  if (depth > kMaxDepth || !model.is_object()) return false;
  const Json* config = Member(model, "config");
  if (config == nullptr) return false;
  const Json* layers = config->is_array() ? config : Member(*config, "layers");
  if (layers == nullptr || !layers->is_array()) {
    return std::any_of(kConfigWords.begin(), kConfigWords.begin() + 2,
                       [&](const Word& word) { return Member(*config, word.old) != nullptr; }) ||
           Member(*config, "dim_ordering") != nullptr || Member(*config, "inner_activation") != nullptr;
  }
  return std::any_of(layers->begin(), layers->end(),
                     [&](const Json& layer) { return HasOldWords(layer, depth + 1); });
}

const Json* ModelOf(const Json& topology) {
  const Json* model = Member(topology, "model_config");
  return model == nullptr ? &topology : model;
}

}  // namespace

bool IsKeras1(const Json& topology) {
  const std::string version = TextOf(topology, "keras_version");
  if (!version.empty()) return version.starts_with("1.");
  return HasOldWords(*ModelOf(topology), 0);
}

Status UpgradeKeras1(Json& topology, TfjsWeights& weights) {
  const bool is_theano = TextOf(topology, "backend") == "theano";
  Upgrader upgrader(is_theano, weights);
  const bool is_wrapped = topology.is_object() && topology.contains("model_config");
  return upgrader.Model(is_wrapped ? topology["model_config"] : topology, 0);
}

}  // namespace slipway::keras
