#include "formats/caffe/net.h"

#include <algorithm>
#include <array>
#include <set>

namespace slipway::caffe {
namespace {

constexpr std::string_view kPadding = "padding";  // V0's layer

struct Renamed {
  std::string_view from, to;
};

// V1LayerParameter.LayerType, and the types of V0 in lower case.
constexpr std::array kTypes = {
    Renamed{"ABSVAL", "AbsVal"},
    Renamed{"ACCURACY", "Accuracy"},
    Renamed{"ARGMAX", "ArgMax"},
    Renamed{"BNLL", "BNLL"},
    Renamed{"CONCAT", "Concat"},
    Renamed{"CONTRASTIVE_LOSS", "ContrastiveLoss"},
    Renamed{"CONVOLUTION", "Convolution"},
    Renamed{"DATA", "Data"},
    Renamed{"DECONVOLUTION", "Deconvolution"},
    Renamed{"DROPOUT", "Dropout"},
    Renamed{"DUMMY_DATA", "DummyData"},
    Renamed{"ELTWISE", "Eltwise"},
    Renamed{"EUCLIDEAN_LOSS", "EuclideanLoss"},
    Renamed{"EXP", "Exp"},
    Renamed{"FLATTEN", "Flatten"},
    Renamed{"HDF5_DATA", "HDF5Data"},
    Renamed{"HDF5_OUTPUT", "HDF5Output"},
    Renamed{"HINGE_LOSS", "HingeLoss"},
    Renamed{"IM2COL", "Im2col"},
    Renamed{"IMAGE_DATA", "ImageData"},
    Renamed{"INFOGAIN_LOSS", "InfogainLoss"},
    Renamed{"INNER_PRODUCT", "InnerProduct"},
    Renamed{"LRN", "LRN"},
    Renamed{"MEMORY_DATA", "MemoryData"},
    Renamed{"MULTINOMIAL_LOGISTIC_LOSS", "MultinomialLogisticLoss"},
    Renamed{"MVN", "MVN"},
    Renamed{"POOLING", "Pooling"},
    Renamed{"POWER", "Power"},
    Renamed{"RELU", "ReLU"},
    Renamed{"SIGMOID", "Sigmoid"},
    Renamed{"SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss"},
    Renamed{"SILENCE", "Silence"},
    Renamed{"SLICE", "Slice"},
    Renamed{"SOFTMAX", "Softmax"},
    Renamed{"SOFTMAX_LOSS", "SoftmaxWithLoss"},
    Renamed{"SPLIT", "Split"},
    Renamed{"TANH", "TanH"},
    Renamed{"THRESHOLD", "Threshold"},
    Renamed{"WINDOW_DATA", "WindowData"},
    Renamed{"accuracy", "Accuracy"},
    Renamed{"bnll", "BNLL"},
    Renamed{"concat", "Concat"},
    Renamed{"conv", "Convolution"},
    Renamed{"data", "Data"},
    Renamed{"dropout", "Dropout"},
    Renamed{"euclidean_loss", "EuclideanLoss"},
    Renamed{"flatten", "Flatten"},
    Renamed{"hdf5_data", "HDF5Data"},
    Renamed{"hdf5_output", "HDF5Output"},
    Renamed{"im2col", "Im2col"},
    Renamed{"images", "ImageData"},
    Renamed{"infogain_loss", "InfogainLoss"},
    Renamed{"innerproduct", "InnerProduct"},
    Renamed{"lrn", "LRN"},
    Renamed{"multinomial_logistic_loss", "MultinomialLogisticLoss"},
    Renamed{"pool", "Pooling"},
    Renamed{"relu", "ReLU"},
    Renamed{"sigmoid", "Sigmoid"},
    Renamed{"softmax", "Softmax"},
    Renamed{"softmax_loss", "SoftmaxWithLoss"},
    Renamed{"split", "Split"},
    Renamed{"tanh", "TanH"},
    Renamed{"window_data", "WindowData"},
};

// Parameters that V0 layers held themselves.
struct V0Field {
  std::string_view type, from, message, to;
};
constexpr std::array kV0Fields = {
    V0Field{"Convolution", "num_output", "convolution_param", "num_output"},
    V0Field{"Convolution", "biasterm", "convolution_param", "bias_term"},
    V0Field{"Convolution", "pad", "convolution_param", "pad"},
    V0Field{"Convolution", "kernelsize", "convolution_param", "kernel_size"},
    V0Field{"Convolution", "group", "convolution_param", "group"},
    V0Field{"Convolution", "stride", "convolution_param", "stride"},
    V0Field{"InnerProduct", "num_output", "inner_product_param", "num_output"},
    V0Field{"InnerProduct", "biasterm", "inner_product_param", "bias_term"},
    V0Field{"Pooling", "pool", "pooling_param", "pool"},
    V0Field{"Pooling", "kernelsize", "pooling_param", "kernel_size"},
    V0Field{"Pooling", "stride", "pooling_param", "stride"},
    V0Field{"Pooling", "pad", "pooling_param", "pad"},
    V0Field{"LRN", "local_size", "lrn_param", "local_size"},
    V0Field{"LRN", "alpha", "lrn_param", "alpha"},
    V0Field{"LRN", "beta", "lrn_param", "beta"},
    V0Field{"LRN", "k", "lrn_param", "k"},
    V0Field{"Concat", "concat_dim", "concat_param", "concat_dim"},
    V0Field{"Data", "scale", "transform_param", "scale"},
    V0Field{"Data", "meanfile", "transform_param", "mean_file"},
    V0Field{"Data", "cropsize", "transform_param", "crop_size"},
    V0Field{"ImageData", "scale", "transform_param", "scale"},
    V0Field{"ImageData", "meanfile", "transform_param", "mean_file"},
    V0Field{"ImageData", "cropsize", "transform_param", "crop_size"},
    V0Field{"ImageData", "new_height", "image_data_param", "new_height"},
    V0Field{"ImageData", "new_width", "image_data_param", "new_width"},
};

std::string UpgradedType(const std::string& type) {
  for (const Renamed& known : kTypes) {
    if (type == known.from) return std::string(known.to);
  }
  return type;
}

Field& ChildOf(Message& message, std::string_view name) {
  for (Field& field : message.fields) {
    if (field.name == name) return field;
  }
  Field& field = message.fields.emplace_back();
  field.name = name;
  field.is_message = true;
  return field;
}

// Moves a V0 layer's parameters to where later versions have them.
void UpgradeV0(Layer& layer, const Message& old) {
  for (const Field& field : old.fields) {
    for (const V0Field& known : kV0Fields) {
      if (known.type != layer.type || known.from != field.name) continue;
      Field moved = field;
      moved.name = known.to;
      ChildOf(layer.message, known.message).message.fields.push_back(std::move(moved));
    }
  }
  if (layer.type == kPadding) layer.message = old;
}

bool Names(const Message& rule, std::string_view phase) {
  const std::string text = rule.Text("phase");
  return text == phase || text == (phase == "TEST" ? "1" : "0");
}

// Caffe's include and exclude rules, for the test phase. Levels and stages are taken as never met.
bool IsForTest(const Message& layer) {
  const auto includes = layer.All("include");
  for (const Field* rule : layer.All("exclude")) {
    if (Names(rule->message, "TEST")) return false;
  }
  if (includes.empty()) return true;
  return std::any_of(includes.begin(), includes.end(), [](const Field* rule) {
    return !Names(rule->message, "TRAIN") && rule->message.All("stage").empty();
  });
}

Layer ReadLayer(const Field& field) {
  Layer layer;
  layer.line = field.line;
  const Message& message = field.message;
  const Message* v0 = message.Child("layer");
  const Message& named = v0 ? *v0 : message;
  layer.name = named.Text("name");
  layer.type = UpgradedType(named.Text("type"));
  layer.bottoms = message.Texts("bottom");
  layer.tops = message.Texts("top");
  if (v0) {
    UpgradeV0(layer, *v0);
  } else {
    layer.message = message;
  }
  return layer;
}

// Takes V0's padding layers into the convolutions and pools behind them: zeros around the image are not what
// a pool's own padding is (no maximum, and other windows). Those that nobody reads any more are dropped.
void MergePadding(std::vector<Layer>& layers) {
  std::map<std::string, const Layer*> writers;
  for (Layer& layer : layers) {
    const bool is_window = layer.type == "Convolution" || layer.type == "Pooling";
    const auto writer = layer.bottoms.empty() ? writers.end() : writers.find(layer.bottoms[0]);
    const bool is_padded = writer != writers.end() && writer->second->type == kPadding && is_window &&
                           layer.bottoms.size() == 1 && writer->second->bottoms.size() == 1;
    if (is_padded) {
      const Field* pad = writer->second->message.Find("pad");
      const std::string name = layer.type == "Pooling" ? "pooling_param" : "convolution_param";
      if (pad != nullptr) ChildOf(layer.message, name).message.fields.push_back(*pad);
      layer.bottoms = writer->second->bottoms;
    }
    for (const std::string& top : layer.tops) writers[top] = &layer;
  }
  std::set<std::string> read;
  for (const Layer& layer : layers) read.insert(layer.bottoms.begin(), layer.bottoms.end());
  std::erase_if(layers, [&](const Layer& layer) {
    return layer.type == kPadding && layer.tops.size() == 1 && !read.count(layer.tops[0]);
  });
}

Status ReadInputs(const Message& root, Net& net) {
  Status error;
  const Params params(&root, error);
  const std::vector<std::string> names = root.Texts("input");
  const auto shapes = root.All("input_shape");
  const std::vector<int64_t> dims = params.Ints("input_dim");
  for (size_t i = 0; i < names.size(); ++i) {
    NetInput input{names[i], {}};
    if (i < shapes.size()) {
      input.dims = Params(&shapes[i]->message, error).Ints("dim");
    } else if (4 * i + 4 <= dims.size()) {
      const auto first = dims.begin() + static_cast<int64_t>(4 * i);
      input.dims.assign(first, first + 4);
    }
    net.inputs.push_back(std::move(input));
  }
  return error;
}

}  // namespace

Result<Net> ReadNet(std::string_view prototxt) {
  SLIPWAY_ASSIGN_OR_RETURN(const Message root, ParseText(prototxt));
  Net net;
  net.name = root.Text("name");
  SLIPWAY_RETURN_IF_ERROR(ReadInputs(root, net));
  for (const Field& field : root.fields) {
    if (field.name != "layer" && field.name != "layers") continue;
    if (!field.is_message) {
      return Status(Code::kInvalidModel, "line " + std::to_string(field.line) + ": a layer is '" +
                                             field.text.substr(0, 40) +
                                             "'; it must be a message, layer { ... }");
    }
    if (IsForTest(field.message)) net.layers.push_back(ReadLayer(field));
  }
  MergePadding(net.layers);
  if (net.layers.empty()) return Status(Code::kInvalidModel, "the network description has no layers");
  return net;
}

}  // namespace slipway::caffe
