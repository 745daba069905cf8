// Pools, of windows and of everything.
#include <array>

#include "formats/keras/layer_parts.h"

namespace slipway::keras {
namespace {

constexpr char kMaxPool[] = "MaxPool", kAveragePool[] = "AveragePool", kReduceMax[] = "ReduceMax",
               kReduceMean[] = "ReduceMean";

template <size_t axes, const char* op>
Result<Values> Pool(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, axes));
  // Keras 2 may write pool_size of one axis as a number or as "pool_length" of long ago; the default is 2.
  SLIPWAY_ASSIGN_OR_RETURN(const Ints kernel, PerAxis(context, "pool_size", axes, Ints(axes, 2)));
  SLIPWAY_ASSIGN_OR_RETURN(const Ints strides, PerAxis(context, "strides", axes, kernel));
  const std::string padding = context.config().Text("padding", "valid");
  if (padding != "valid" && padding != "same")
    return context.Error("its padding is '" + padding + "'; it must be valid or same");
  return One(context.Add(op, {context.in()},
                         {{"kernel_shape", kernel},
                          {"strides", strides},
                          {"layout", format.layout},
                          {"auto_pad", std::string(padding == "same" ? "SAME_UPPER" : "VALID")}}));
}

// Steps that are masked do not count.
Result<Values> MaskedMean(LayerContext& context, ValueId mask, bool keeps_dims) {
  SLIPWAY_ASSIGN_OR_RETURN(ValueId weights, context.Add("Cast", {mask}, {{"to", DType::kF32}}));
  SLIPWAY_ASSIGN_OR_RETURN(weights, context.Add("Unsqueeze", {weights, context.IntsOf({2})}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId kept, context.Add("Mul", {context.in(), weights}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId sum, Reduce(context, "ReduceSum", kept, {1}, keeps_dims));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId count, Reduce(context, "ReduceSum", weights, {1}, keeps_dims));
  return One(context.Add("Div", {sum, count}));
}

template <size_t axes, const char* op>
Result<Values> GlobalPool(LayerContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const DataFormat format, ReadDataFormat(context, axes));
  const bool keeps_dims = context.config().Bool("keepdims", false);
  const ValueId given = context.named("mask");
  const ValueId mask = given != kNoValue ? given : context.MaskOf(context.in());
  if (axes == 1 && op == kReduceMean && mask != kNoValue && !format.is_first)
    return MaskedMean(context, mask, keeps_dims);
  if (axes == 1 && op == kReduceMean && mask != kNoValue)
    return context.Unsupported("a masked input with channels first", "use data_format channels_last");
  return One(Reduce(context, op, context.in(), format.spatial_axes, keeps_dims));
}

constexpr std::array kLayers = {
    LayerDef{"MaxPooling1D", Pool<1, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"MaxPooling2D", Pool<2, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"MaxPooling3D", Pool<3, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AveragePooling1D", Pool<1, kAveragePool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AveragePooling2D", Pool<2, kAveragePool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AveragePooling3D", Pool<3, kAveragePool>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalMaxPooling1D", GlobalPool<1, kReduceMax>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalMaxPooling2D", GlobalPool<2, kReduceMax>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalMaxPooling3D", GlobalPool<3, kReduceMax>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalAveragePooling1D", GlobalPool<1, kReduceMean>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalAveragePooling2D", GlobalPool<2, kReduceMean>, 1, 1, MaskRule::kDrop},
    LayerDef{"GlobalAveragePooling3D", GlobalPool<3, kReduceMean>, 1, 1, MaskRule::kDrop},
    LayerDef{"MaxPool1D", Pool<1, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"MaxPool2D", Pool<2, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"MaxPool3D", Pool<3, kMaxPool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AvgPool1D", Pool<1, kAveragePool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AvgPool2D", Pool<2, kAveragePool>, 1, 1, MaskRule::kDrop},
    LayerDef{"AvgPool3D", Pool<3, kAveragePool>, 1, 1, MaskRule::kDrop},
};

}  // namespace

std::span<const LayerDef> PoolingLayers() { return kLayers; }

}  // namespace slipway::keras
