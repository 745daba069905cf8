// Group normalisation: groups of channels of every image by their own moments.
#include "base/scalar.h"
#include "ops/contrib/contrib.h"
#include "ops/nn/normalize.h"
#include "ops/nn/reals.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  context.SetOutput(0, context.input(0));
  const int64_t groups = context.attrs().Int("num_groups");
  if (groups < 1) return context.Error("num_groups is " + std::to_string(groups) + "; it must be 1 or more");
  if (!context.shape(0)) return Status::Ok();
  const DimList& x = *context.shape(0);
  if (x.size() < 2) return context.Error("input " + ToString(x) + " must be [N,C,...]");
  if (x[1].IsKnown() && x[1].value() % groups != 0) {
    return context.Error(x[1].ToString() + " channels do not divide into " + std::to_string(groups) +
                         " groups");
  }
  for (size_t i = 1; i < 3; ++i) {
    const bool is_per_group =
        context.shape(i) && context.shape(i)->size() == 1 && (*context.shape(i))[0] == Dim(groups);
    if (!is_per_group) SLIPWAY_RETURN_IF_ERROR(RequireVector(context, i, x[1]));
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  const std::vector<double> values = Reals(x);
  const std::vector<double> scale = Reals(context.in(1));
  const std::vector<double> offset = Reals(context.in(2));
  const double epsilon = static_cast<double>(context.attrs().Float("epsilon"));
  const int64_t groups = context.attrs().Int("num_groups");
  if (x.count() == 0) return Status::Ok();
  const int64_t channels = x.dim(1);
  const int64_t pixels = x.count() / (x.dim(0) * channels);
  const int64_t size = channels / groups * pixels;
  // One entry per group (ONNX opset 18) or per channel.
  const auto of = [&](const std::vector<double>& parameter, int64_t channel) {
    const bool is_per_group = static_cast<int64_t>(parameter.size()) == groups;
    return parameter[static_cast<size_t>(is_per_group ? channel / (channels / groups) : channel)];
  };
  for (int64_t first = 0; first < x.count(); first += size) {
    const Moments moments = MomentsOf({values.data() + first, static_cast<size_t>(size)});
    const double factor = 1 / std::sqrt(moments.variance + epsilon);
    for (int64_t i = first; i < first + size; ++i) {
      const int64_t channel = i / pixels % channels;
      const double normal = (values[static_cast<size_t>(i)] - moments.mean) * factor;
      StoreReal(y.dtype(), y.data(), i, normal * of(scale, channel) + of(offset, channel));
    }
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeGroupNormalization() {
  OpDef op;
  op.name = "GroupNormalization";
  op.group = "nn";
  op.summary = "Normalises groups of channels of every image by their own mean and variance.";
  op.formula = "y = (x - mean) / sqrt(var + epsilon) * scale + bias";
  op.inputs = {{"x", kFloats, "[N,C,...]"},
               {"scale", kFloats, "[C] or [num_groups]"},
               {"bias", kFloats, "[C] or [num_groups]"}};
  op.outputs = {{"y", kFloats, "as x"}};
  op.attrs = {FloatAttr("epsilon", 1e-5F, "keeps the variance off zero"),
              Required(IntAttr("num_groups", 1, "groups that the channels divide into")),
              IntAttr("stash_type", 1, "ONNX: precision of the moments; ours are exact")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) { return 6 * context.CountOfOutput(0); };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const auto& [dims, groups] :
         {std::pair{Dims{2, 6, 5, 7}, int64_t{3}}, {Dims{1, 32, 4, 4}, 8}, {Dims{3, 4, 9}, 1}}) {
      const TestInput parameter{.dims = {dims[1]}, .low = -1, .high = 1, .is_constant = true};
      cases.push_back({ToString(dims), {{.dims = dims}, parameter, parameter}, {{"num_groups", groups}}});
    }
    return cases;
  };
  op.tolerance = {.relative = 1e-4, .absolute = 1e-5};
  op.foreign = {{Format::kOnnx, "GroupNormalization", 18}};
  for (ForeignRow& row : ContribGroupNormalizationRows()) op.foreign.push_back(std::move(row));
  return op;
}

}  // namespace slipway
