// Foreign rows and test cases of Resize.
#include "base/scalar.h"
#include "ops/nn/foreign.h"
#include "ops/nn/resize.h"

namespace slipway {
namespace {

// Before opset 11: asymmetric coordinates, and a rounding of its own.
Status EmitOld(ImportContext& context, ValueId scales) {
  const std::string& mode = context.attrs().String("mode");
  if (!mode.empty() && mode != "nearest" && mode != "linear" && mode != "bilinear") {
    return context.Unsupported("mode '" + mode + "' is unknown");
  }
  return context.Emit("Resize", {context.in(0), kNoValue, scales},
                      {{"mode", std::string(mode.empty() || mode == "nearest" ? "nearest" : "linear")},
                       {"coordinate_transformation_mode", std::string("asymmetric")},
                       {"nearest_mode", std::string("simple")}});
}

}  // namespace

Status ImportOnnxResize10(ImportContext& context) { return EmitOld(context, context.in(1)); }

Status ImportOnnxUpsample7(ImportContext& context) {
  const Floats& scales = context.attrs().FloatList("scales");
  if (scales.empty()) return context.Error("attribute scales is missing");
  return EmitOld(context, context.Const(Tensor::From<float>(DType::kF32,
                                                            {static_cast<int64_t>(scales.size())}, scales)));
}

Status ImportOnnxResize(ImportContext& context) {
  const auto given = [&context](size_t i) {
    if (!context.HasInput(i)) return kNoValue;
    const Tensor* tensor = context.constant(context.in(i));
    return tensor != nullptr && tensor->count() == 0 ? kNoValue : context.in(i);
  };
  Attrs attrs;
  for (const AttrDef& def : context.op().attrs) {
    const Attr* attr = context.attrs().Find(def.name);
    if (attr != nullptr) attrs.Set(def.name, *attr);
  }
  return context.Emit("Resize", {context.in(0), given(1), given(2), given(3)}, std::move(attrs));
}

namespace {

Status EmitTflite(ImportContext& context, const char* mode) {
  const bool is_aligned = context.attrs().Int("align_corners") != 0;
  const bool is_centered = context.attrs().Int("half_pixel_centers") != 0;
  const char* coordinates = is_aligned ? "align_corners" : is_centered ? "half_pixel" : "asymmetric";
  ValueId image = context.in(0);
  // TensorFlow's bilinear gives f32 whatever it is given.
  const bool casts = context.node().format == Format::kTensorflow && std::string_view(mode) == "linear" &&
                     context.type(image).dtype != DType::kF32;
  if (casts) {
    SLIPWAY_ASSIGN_OR_RETURN(image, context.Add("Cast", {image}, {{"to", DType::kF32}}));
  }
  return context.Emit("Resize", {image, kNoValue, kNoValue, context.in(1)},
                      {{"mode", std::string(mode)},
                       {"coordinate_transformation_mode", std::string(coordinates)},
                       {"axes", Ints{1, 2}},
                       {"arithmetic", std::string("tflite")}});
}

}  // namespace

Status ImportBilinear(ImportContext& context) { return EmitTflite(context, "linear"); }
Status ImportNearest(ImportContext& context) { return EmitTflite(context, "nearest"); }

namespace {

TestInput SizesInput(const Ints& sizes) {
  return {.dtype = DType::kI64,
          .dims = {static_cast<int64_t>(sizes.size())},
          .values = std::vector<double>(sizes.begin(), sizes.end()),
          .is_constant = true};
}

void AddOnnxCases(std::vector<TestCase>& cases) {
  const TestInput none{.is_absent = true};
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinates :
         {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"}) {
      const Attrs attrs = {{"mode", std::string(mode)},
                           {"coordinate_transformation_mode", std::string(coordinates)}};
      const std::string label = std::string(mode) + "_" + coordinates;
      cases.push_back(
          {label + "_up", {{.dims = {1, 3, 5, 7}}, none, none, SizesInput({1, 3, 13, 16})}, attrs});
      cases.push_back(
          {label + "_down", {{.dims = {2, 2, 11, 9}}, none, none, SizesInput({2, 2, 4, 5})}, attrs});
      const TestInput scales{.dims = {4}, .values = {1, 1, 2, 2}, .is_constant = true};
      cases.push_back({label + "_twice", {{.dims = {1, 19, 6, 6}}, none, scales}, attrs});
    }
  }
  for (const char* rounding : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"}) {
    cases.push_back({std::string("nearest_") + rounding,
                     {{.dims = {1, 2, 7, 8}}, none, none, SizesInput({1, 2, 10, 5})},
                     {{"nearest_mode", std::string(rounding)}}});
  }
  for (const char* mode : {"linear", "cubic"}) {
    cases.push_back({std::string("antialias_") + mode,
                     {{.dims = {1, 2, 16, 17}}, none, none, SizesInput({1, 2, 5, 6})},
                     {{"mode", std::string(mode)}, {"antialias", int64_t{1}}}});
    cases.push_back({std::string("exclude_outside_") + mode,
                     {{.dims = {1, 2, 6, 7}}, none, none, SizesInput({1, 2, 9, 4})},
                     {{"mode", std::string(mode)}, {"exclude_outside", int64_t{1}}}});
  }
  cases.push_back({"crop",
                   {{.dims = {1, 1, 6, 6}},
                    {.dims = {8}, .values = {0, 0, 0.4, -0.2, 1, 1, 0.6, 1.2}, .is_constant = true},
                    none,
                    SizesInput({1, 1, 3, 5})},
                   {{"mode", std::string("linear")},
                    {"coordinate_transformation_mode", std::string("tf_crop_and_resize")},
                    {"extrapolation_value", 10.0F}}});
  cases.push_back({"axes",
                   {{.dims = {1, 4, 5, 3}}, none, none, SizesInput({9, 7})},
                   {{"mode", std::string("linear")}, {"axes", Ints{1, 2}}}});
}

void AddTfliteCases(std::vector<TestCase>& cases) {
  const TestInput none{.is_absent = true};
  for (const char* mode : {"nearest", "linear"}) {
    for (const char* coordinates : {"half_pixel", "align_corners", "asymmetric"}) {
      for (const DType dtype : {DType::kF32, DType::kI8, DType::kU8, DType::kI16}) {
        TestInput image{.dtype = dtype, .dims = {1, 7, 6, 5}};
        const Quant quant{{0.1F}, {dtype == DType::kU8 ? 128 : 0}, -1};
        if (dtype != DType::kF32) {
          image.low = static_cast<double>(MinOfInteger(dtype));
          image.high = static_cast<double>(MaxOfInteger(dtype));
          image.quant = quant;
        }
        TestCase test{std::string("tflite_") + mode + "_" + coordinates + "_" + std::string(DTypeName(dtype)),
                      {image, none, none, SizesInput({13, 4})},
                      {{"mode", std::string(mode)},
                       {"coordinate_transformation_mode", std::string(coordinates)},
                       {"axes", Ints{1, 2}},
                       {"arithmetic", std::string("tflite")}}};
        if (dtype != DType::kF32) test.outputs_quant = {quant};
        cases.push_back(std::move(test));
      }
    }
  }
}

}  // namespace

std::vector<TestCase> ResizeCases() {
  std::vector<TestCase> cases;
  AddOnnxCases(cases);
  AddTfliteCases(cases);
  return cases;
}

}  // namespace slipway
