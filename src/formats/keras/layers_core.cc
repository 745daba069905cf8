// Dense, EinsumDense, Embedding, Masking, and what does nothing at inference.
#include <array>

#include "formats/keras/layer_parts.h"
#include "formats/keras/layers.h"

namespace slipway::keras {
namespace {

Result<Values> Dense(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 8));
  const ValueId x = context.in();
  const int64_t units = context.config().Int("units", 0);
  const bool has_bias = context.config().Bool("use_bias", true);
  if (context.config().Has("lora_rank"))
    return context.Unsupported("LoRA weights", "merge them before saving");
  SLIPWAY_ASSIGN_OR_RETURN(Tensor kernel,
                           context.Weight("kernel", 0, {ExtentOrAny(context, x, context.rank() - 1), units}));
  Values inputs = {x, context.Const(std::move(kernel))};
  if (has_bias) {
    SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Weight("bias", 1, {units}));
    inputs.push_back(context.Const(std::move(bias)));
  }
  ValueId y = kNoValue;
  if (context.rank() == 2) {
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Gemm", inputs));
  } else {
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("MatMul", {x, inputs[1]}));
    if (has_bias) {
      SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Add", {y, inputs[2]}));
    }
  }
  return One(context.Activate(y, "activation"));
}

// The equation is that of einsum; '...' stands for leading axes.
Result<Values> EinsumDense(LayerContext& context) {
  const std::string equation = context.config().Text("equation", "");
  const size_t comma = equation.find(','), arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || arrow < comma)
    return context.Error("its equation '" + equation + "' must be of the form 'ab,bc->ac'");
  const std::string term = equation.substr(comma + 1, arrow - comma - 1);
  const std::string result = equation.substr(arrow + 2);
  SLIPWAY_ASSIGN_OR_RETURN(Tensor kernel, context.Weight("kernel", 0, Dims(term.size(), kAny)));
  const Dims extents = kernel.dims();
  SLIPWAY_ASSIGN_OR_RETURN(ValueId y, context.Add("Einsum", {context.in(), context.Const(std::move(kernel))},
                                                  {{"equation", equation}}));
  const std::string bias_axes = context.config().Text("bias_axes", "");
  if (!bias_axes.empty()) {
    // The bias has the result's axes from the first that it names on; those that it doesn't name are 1.
    Dims dims;
    for (size_t at = result.find_first_of(bias_axes); at < result.size(); ++at) {
      const size_t axis = term.find(result[at]);
      const bool is_named = bias_axes.find(result[at]) != std::string::npos;
      dims.push_back(!is_named ? 1 : axis == std::string::npos ? kAny : extents[axis]);
    }
    SLIPWAY_ASSIGN_OR_RETURN(Tensor bias, context.Weight("bias", 1, dims));
    SLIPWAY_ASSIGN_OR_RETURN(y, context.Add("Add", {y, context.Const(std::move(bias))}));
  }
  return One(context.Activate(y, "activation"));
}

Result<Values> Embedding(LayerContext& context) {
  const int64_t rows = context.config().Int("input_dim", 0), width = context.config().Int("output_dim", 0);
  SLIPWAY_ASSIGN_OR_RETURN(Tensor table, context.Weight("embeddings", 0, {rows, width}));
  ValueId x = context.in();
  // Keras 2 declares the inputs of embeddings as floats.
  if (context.dtype(x) != DType::kI32 && context.dtype(x) != DType::kI64) {
    SLIPWAY_ASSIGN_OR_RETURN(x, context.Add("Cast", {x}, {{"to", DType::kI32}}));
  }
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Gather", {context.Const(std::move(table)), x}));
  if (context.config().Bool("mask_zero", false)) {
    SLIPWAY_ASSIGN_OR_RETURN(const ValueId mask,
                             context.Add("NotEqual", {x, context.builder().Scalar(context.dtype(x), 0)}));
    context.SetMask(y, mask);
  }
  return Values{y};
}

// Steps whose elements all are mask_value become 0 and are masked.
Result<Values> Masking(LayerContext& context) {
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(2, 8));
  const ValueId x = context.in();
  SLIPWAY_ASSIGN_OR_RETURN(
      const ValueId differs,
      context.Add("NotEqual", {x, context.Number(context.config().Real("mask_value", 0))}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId kept, context.Add("ReduceAny", {differs, context.IntsOf({-1})},
                                                           {{"keepdims", int64_t{1}}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId factor, context.Add("Cast", {kept}, {{"to", DType::kF32}}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId y, context.Add("Mul", {x, factor}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId mask, context.Add("Squeeze", {kept, context.IntsOf({-1})}));
  context.SetMask(y, mask);
  return Values{y};
}

// Training only: the input goes through.
Result<Values> Nothing(LayerContext& context) {
  if (context.options().Bool("training", false))
    return context.Unsupported("is called with training=True: its result is drawn at random",
                               "build the model without that argument");
  context.Note("the layer '" + context.FullName() + "' (" + context.class_name() +
               ") is left out: it does nothing at inference");
  return Values{context.in()};
}

// Keras 3 saves training=True with every call of these, and yet says at inference that it is none.
Result<Values> Augmentation(LayerContext& context) {
  if (!context.IsKeras3()) return Nothing(context);
  context.Note("the layer '" + context.FullName() + "' (" + context.class_name() +
               ") is left out: it does nothing at inference");
  return Values{context.in()};
}

Result<Values> Identity(LayerContext& context) { return Values{context.in()}; }

constexpr std::array kLayers = {
    LayerDef{"Dense", Dense},
    LayerDef{"EinsumDense", EinsumDense, 1, 1, MaskRule::kDrop},
    LayerDef{"Embedding", Embedding, 1, 1, MaskRule::kOwn},
    LayerDef{"Masking", Masking, 1, 1, MaskRule::kOwn},
    LayerDef{"Identity", Identity},
    LayerDef{"ActivityRegularization", Identity},
    LayerDef{"Dropout", Nothing},
    LayerDef{"SpatialDropout1D", Nothing},
    LayerDef{"SpatialDropout2D", Nothing},
    LayerDef{"SpatialDropout3D", Nothing},
    LayerDef{"AlphaDropout", Nothing},
    LayerDef{"GaussianDropout", Nothing},
    LayerDef{"GaussianNoise", Nothing},
    LayerDef{"RandomFlip", Augmentation},
    LayerDef{"RandomRotation", Augmentation},
    LayerDef{"RandomZoom", Augmentation},
    LayerDef{"RandomTranslation", Augmentation},
    LayerDef{"RandomContrast", Augmentation},
    LayerDef{"RandomBrightness", Augmentation},
    LayerDef{"AugMix", Augmentation},
    LayerDef{"CutMix", Augmentation},
    LayerDef{"MixUp", Augmentation},
    LayerDef{"RandAugment", Augmentation},
    LayerDef{"RandomColorDegeneration", Augmentation},
    LayerDef{"RandomColorJitter", Augmentation},
    LayerDef{"RandomElasticTransform", Augmentation},
    LayerDef{"RandomErasing", Augmentation},
    LayerDef{"RandomGaussianBlur", Augmentation},
    LayerDef{"RandomGrayscale", Augmentation},
    LayerDef{"RandomHue", Augmentation},
    LayerDef{"RandomInvert", Augmentation},
    LayerDef{"RandomPerspective", Augmentation},
    LayerDef{"RandomPosterization", Augmentation},
    LayerDef{"RandomSaturation", Augmentation},
    LayerDef{"RandomSharpness", Augmentation},
    LayerDef{"RandomShear", Augmentation},
    LayerDef{"Solarization", Augmentation},
};

}  // namespace

std::span<const LayerDef> CoreLayers() { return kLayers; }

}  // namespace slipway::keras
