// Functions that move elements about and stand in a functional model as layers: those of keras.ops (Keras 3)
// and of TensorFlow (Keras 2's TFOpLambda and SlicingOpLambda).
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

// Keras 3 has what is no tensor in the config, Keras 2 among the call's keyword arguments.
const Config& Settings(LayerContext& context) {
  return context.IsTensorFlowFunction() ? context.options() : context.config();
}

// An error where a setting is a tensor (tf.shape(x)[0]), or missing.
Status Need(LayerContext& context, const char* name) {
  if (Settings(context).Has(name)) return Status::Ok();
  if (!context.NamedList(name).empty())
    return context.Unsupported("its " + std::string(name) + " is computed", "write it as numbers");
  return context.Error("has no " + std::string(name));
}

Result<Values> Concat(LayerContext& context) {
  Values inputs;
  for (size_t i = 0; i < context.num_inputs(); ++i) inputs.push_back(context.in(i));
  const int64_t otherwise = context.IsTensorFlowFunction() ? 0 : -1;
  return One(context.Add("Concat", inputs, {{"axis", Settings(context).Int("axis", otherwise)}}));
}

// The axis is one of the result.
Result<Values> Stack(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(Settings(context).Int("axis", 0), context.rank() + 1));
  Values parts;
  for (size_t i = 0; i < context.num_inputs(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId part,
                             context.Add("Unsqueeze", {context.in(i), context.IntsOf({axis})}));
    parts.push_back(part);
  }
  return One(context.Add("Concat", parts, {{"axis", axis}}));
}

// The whole shape, the batch included.
Result<Values> Reshape(LayerContext& context) {
  const char* name = context.IsTensorFlowFunction() ? "shape" : "newshape";
  SLIPWAY_RETURN_IF_ERROR(Need(context, name));
  const Ints shape = Settings(context).IntList(name);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  for (int64_t extent : shape) {
    if (extent < -1 || extent == 0 || extent > std::numeric_limits<int32_t>::max())
      return context.Error("its " + std::string(name) + " has the extent " + std::to_string(extent));
  }
  return One(context.Reshape(context.in(), shape));
}

Result<Values> Transpose(LayerContext& context) {
  Ints permutation = Settings(context).IntList(context.IsTensorFlowFunction() ? "perm" : "axes");
  const auto rank = static_cast<size_t>(context.rank());
  if (permutation.empty()) {
    permutation.resize(rank);
    std::iota(permutation.rbegin(), permutation.rend(), 0);
  }
  for (int64_t& axis : permutation) {
    SLIPWAY_ASSIGN_OR_RETURN(axis, context.Axis(axis, context.rank()));
  }
  Ints sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (sorted.size() != rank || sorted[i] != static_cast<int64_t>(i))
      return context.Error("its axes are no order of the input's " + std::to_string(rank));
  }
  return One(context.Transpose(context.in(), permutation));
}

Result<Values> SwapAxes(LayerContext& context) {
  Ints permutation(static_cast<size_t>(context.rank()));
  std::iota(permutation.begin(), permutation.end(), 0);
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t a, context.Axis(context.config().Int("axis1", 0), context.rank()));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t b, context.Axis(context.config().Int("axis2", 0), context.rank()));
  std::swap(permutation[static_cast<size_t>(a)], permutation[static_cast<size_t>(b)]);
  return One(context.Transpose(context.in(), permutation));
}

// Without axes: all of extent 1.
Result<Values> Squeeze(LayerContext& context) {
  Values inputs = {context.in()};
  const Ints axes = Settings(context).IntList("axis");
  if (!axes.empty()) inputs.push_back(context.IntsOf(axes));
  return One(context.Add("Squeeze", inputs));
}

Result<Values> ExpandDims(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(Need(context, "axis"));
  return One(context.Add("Unsqueeze", {context.in(), context.IntsOf(Settings(context).IntList("axis"))}));
}

Result<ValueId> Between(LayerContext& context, double low, double high) {
  GraphBuilder& builder = context.builder();
  const DType dtype = context.dtype(context.in());
  return context.Add("Clip", {context.in(), builder.Scalar(dtype, low), builder.Scalar(dtype, high)});
}

Result<Values> Clip(LayerContext& context) {
  const bool is_tf = context.IsTensorFlowFunction();
  const char *low = is_tf ? "clip_value_min" : "x_min", *high = is_tf ? "clip_value_max" : "x_max";
  SLIPWAY_RETURN_IF_ERROR(Need(context, low));
  SLIPWAY_RETURN_IF_ERROR(Need(context, high));
  return One(Between(context, Settings(context).Real(low, 0), Settings(context).Real(high, 0)));
}

Result<Values> Relu6(LayerContext& context) { return One(Between(context, 0, 6)); }

Result<Values> Cast(LayerContext& context) {
  const std::string name = Settings(context).Text("dtype", "");
  // Halves are computed in f32, as everything here.
  if (name == "float32" || name == "float16" || name == "bfloat16")
    return One(context.Add("Cast", {context.in()}, {{"to", DType::kF32}}));
  for (const auto& [known, dtype] :
       std::array{std::pair{"int32", DType::kI32}, std::pair{"int64", DType::kI64},
                  std::pair{"uint8", DType::kU8}, std::pair{"bool", DType::kBool}}) {
    if (name == known) return One(context.Add("Cast", {context.in()}, {{"to", dtype}}));
  }
  return context.Unsupported("a cast to '" + name + "'", "float32, int32, int64, uint8 and bool are read");
}

Result<Values> Softmax(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t axis,
                           context.Axis(Settings(context).Int("axis", -1), context.rank()));
  return One(context.Add("Softmax", {context.in()}, {{"axis", axis}}));
}

Result<Values> Einsum(LayerContext& context) {
  Values inputs;
  for (size_t i = 0; i < context.num_inputs(); ++i) inputs.push_back(context.in(i));
  return One(context.Add("Einsum", inputs, {{"equation", context.config().Text("subscripts", "")}}));
}

// x[key] in NumPy's way.
class Item {
 public:
  explicit Item(LayerContext& context) : context_(context) {}

  Result<Values> Take(const Json& key) {
    const bool is_list = key.is_array();
    const size_t count = is_list ? key.size() : 1;
    constexpr size_t kMostEntries = 64;
    if (count > kMostEntries) return context_.Error("its key has " + std::to_string(count) + " entries");
    for (size_t i = 0; i < count; ++i) SLIPWAY_RETURN_IF_ERROR(Entry(is_list ? key[i] : key, key, i));
    ValueId x = context_.in();
    if (!axes_.empty()) {
      SLIPWAY_ASSIGN_OR_RETURN(x, context_.Add("Slice", {x, context_.IntsOf(starts_), context_.IntsOf(ends_),
                                                         context_.IntsOf(axes_), context_.IntsOf(steps_)}));
    }
    if (!dropped_.empty()) {
      SLIPWAY_ASSIGN_OR_RETURN(x, context_.Add("Squeeze", {x, context_.IntsOf(dropped_)}));
    }
    if (!added_.empty()) return One(context_.Add("Unsqueeze", {x, context_.IntsOf(added_)}));
    if (x == context_.in()) return One(context_.Add("Identity", {x}));
    return Values{x};
  }

 private:
  static constexpr int64_t kFarthest = std::numeric_limits<int64_t>::max();

  // How many axes of x an entry takes.
  static bool IsEllipsis(const Json& entry) {
    return TextOf(entry, "class_name") == "__ellipsis__" || entry == "..." || entry == "Ellipsis";
  }

  Status Entry(const Json& entry, const Json& key, size_t i) {
    if (entry.is_null()) {
      added_.push_back(result_axis_++);
      return Status::Ok();
    }
    if (IsEllipsis(entry)) {
      int64_t behind = 0;
      for (size_t k = i + 1; k < key.size(); ++k) behind += key[k].is_null() ? 0 : 1;
      const int64_t skipped = context_.rank() - axis_ - behind;
      if (skipped < 0) return context_.Error("its key has more entries than the input has axes");
      axis_ += skipped;
      result_axis_ += skipped;
      return Status::Ok();
    }
    if (axis_ >= context_.rank()) return context_.Error("its key has more entries than the input has axes");
    if (entry.is_number_integer()) {
      const auto at = entry.get<int64_t>();
      Add(at, at == -1 ? kFarthest : at + 1, 1);
      dropped_.push_back(axis_++);
      return Status::Ok();
    }
    const Json* slice = TextOf(entry, "class_name") == "__slice__" ? Member(entry, "config") : &entry;
    if (slice == nullptr || !slice->is_object() || !slice->contains("start"))
      return context_.Unsupported("a key that is no number, slice or new axis");
    Status wrong;
    const Config config(slice, wrong);
    const int64_t step = config.Int("step", 1);
    const int64_t start = config.Int("start", step < 0 ? kFarthest : 0);
    const int64_t stop = config.Int("stop", step < 0 ? -kFarthest : kFarthest);
    if (!wrong.ok()) return context_.Unsupported("a slice whose bounds are computed");
    if (step == 0) return context_.Error("a slice of its key has the step 0");
    if (start != 0 || stop != kFarthest || step != 1) Add(start, stop, step);
    ++axis_;
    ++result_axis_;
    return Status::Ok();
  }

  void Add(int64_t start, int64_t end, int64_t step) {
    starts_.push_back(start);
    ends_.push_back(end);
    steps_.push_back(step);
    axes_.push_back(axis_);
  }

  LayerContext& context_;
  int64_t axis_ = 0, result_axis_ = 0;
  Ints starts_, ends_, axes_, steps_, dropped_, added_;
};

Result<Values> GetItem(LayerContext& context) {
  if (context.IsTensorFlowFunction()) {
    SLIPWAY_RETURN_IF_ERROR(Need(context, "slice_spec"));
    return Item(context).Take(*context.options().Find("slice_spec"));
  }
  const Arguments& arguments = context.call().inputs;
  if (arguments.size() != 2 || arguments[1].tensor)
    return context.Unsupported("a key that is computed", "index with numbers and slices");
  return Item(context).Take(arguments[1].constant);
}

constexpr size_t kMany = 1024;
constexpr std::array kLayers = {
    LayerDef{"ops.Concatenate", Concat, 1, kMany, MaskRule::kDrop},
    LayerDef{"tf.concat", Concat, 1, kMany, MaskRule::kDrop},
    LayerDef{"ops.Stack", Stack, 1, kMany, MaskRule::kDrop},
    LayerDef{"tf.stack", Stack, 1, kMany, MaskRule::kDrop},
    LayerDef{"ops.Reshape", Reshape, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.reshape", Reshape, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Transpose", Transpose, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.transpose", Transpose, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.compat.v1.transpose", Transpose, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Swapaxes", SwapAxes, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Squeeze", Squeeze, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.squeeze", Squeeze, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.compat.v1.squeeze", Squeeze, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.ExpandDims", ExpandDims, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.expand_dims", ExpandDims, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Clip", Clip, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.clip_by_value", Clip, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Relu6", Relu6, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.relu6", Relu6, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Cast", Cast, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.cast", Cast, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Softmax", Softmax, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.nn.softmax", Softmax, 1, 1, MaskRule::kDrop},
    LayerDef{"ops.Einsum", Einsum, 1, kMany, MaskRule::kDrop},
    LayerDef{"ops.GetItem", GetItem, 1, 1, MaskRule::kDrop},
    LayerDef{"tf.__operators__.getitem", GetItem, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> FunctionLayers() { return kLayers; }

}  // namespace slipway::keras
