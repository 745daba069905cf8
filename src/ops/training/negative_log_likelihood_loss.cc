// Negative log likelihood of the right classes, and the softmax cross entropy that ends in it.
//
// Source: ONNX NegativeLogLikelihoodLoss-22 and SoftmaxCrossEntropyLoss-13. Their gradients are left out.
#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const auto& target = context.shape(1);
  if (x && x->size() < 2) return context.Error("x is " + ToString(*x) + "; it must be [N,C,...]");
  if (x && target && target->size() + 1 != x->size()) {
    return context.Error("x is " + ToString(*x) + ", target " + ToString(*target) +
                         "; target must be x without its classes");
  }
  DimList shape = target ? *target : DimList();
  for (size_t i = 0; x && target && i < shape.size(); ++i) {
    const Dim& dim = (*x)[i == 0 ? 0 : i + 1];
    if (dim.IsKnown() && shape[i].IsKnown() && dim.value() != shape[i].value()) {
      return context.Error("x is " + ToString(*x) + ", target " + ToString(*target) +
                           "; target must be x without its classes");
    }
    if (!shape[i].IsKnown()) shape[i] = dim;
  }
  if (x && context.HasInput(2) && context.shape(2)) {
    const DimList& weight = *context.shape(2);
    const bool fits = weight.size() == 1 &&
                      (!weight[0].IsKnown() || !(*x)[1].IsKnown() || weight[0].value() == (*x)[1].value());
    if (!fits)
      return context.Error("weight is " + ToString(weight) + "; x has " + (*x)[1].ToString() + " classes");
  }
  if (context.attrs().String("reduction") != "none") {
    context.SetOutput(0, context.dtype(0), DimList());
  } else if (target) {
    context.SetOutput(0, context.dtype(0), std::move(shape));
  } else {
    context.SetOutput(0, Type::OfUnknownShape(context.dtype(0)));
  }
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& target = context.in(1);
  Tensor& y = context.out(0);
  const std::string& reduction = context.attrs().String("reduction");
  const bool has_ignored = context.attrs().Has("ignore_index");
  const int64_t ignored = context.attrs().Int("ignore_index");
  const int64_t classes = x.dim(1);
  const int64_t inner = CountOf(std::span(x.dims()).subspan(2));
  double sum = 0;
  double sum_of_weights = 0;
  for (int64_t i = 0; i < target.count(); ++i) {
    const int64_t label = LoadInt(target.dtype(), target.data(), i);
    double loss = 0;
    if (!has_ignored || label != ignored) {
      if (label < 0 || label >= classes) {
        return context.Error(
            "target " + std::to_string(label) + " is none of " + std::to_string(classes) + " classes",
            "name the label to leave out in ignore_index");
      }
      const double weight =
          context.HasInput(2) ? LoadReal(context.in(2).dtype(), context.in(2).data(), label) : 1;
      const int64_t at = (i / inner * classes + label) * inner + i % inner;
      loss = -weight * LoadReal(x.dtype(), x.data(), at);
      sum_of_weights += weight;
    }
    sum += loss;
    if (reduction == "none") StoreReal(y.dtype(), y.data(), i, loss);
  }
  if (reduction == "sum") StoreReal(y.dtype(), y.data(), 0, sum);
  if (reduction == "mean") StoreReal(y.dtype(), y.data(), 0, sum / sum_of_weights);
  return Status::Ok();
}

// The loss, and the logarithms of the softmax where they are asked for.
Status ImportCrossEntropy(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId log_prob,
                           context.Add("LogSoftmax", {context.in(0)}, {{"axis", int64_t{1}}}));
  Attrs attrs;
  for (const char* name : {"reduction", "ignore_index"}) {
    if (const Attr* attr = context.attrs().Find(name)) attrs.Set(name, *attr);
  }
  std::vector<ValueId> inputs = {log_prob, context.in(1)};
  if (context.HasInput(2)) inputs.push_back(context.in(2));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId loss,
                           context.Add("NegativeLogLikelihoodLoss", std::move(inputs), std::move(attrs)));
  context.Bind(0, loss);
  if (context.node().outputs.size() > 1) context.Bind(1, log_prob);
  return Status::Ok();
}

std::vector<TestCase> Cases() {
  const TestInput x{.dims = {3, 5, 2}, .low = -4, .high = 0};
  const TestInput target{.dtype = DType::kI64, .dims = {3, 2}, .low = 0, .high = 4};
  const TestInput some_ignored{.dtype = DType::kI64, .dims = {3, 2}, .values = {-1, 2, 4, -1, 0, 1}};
  const TestInput weight{.dims = {5}, .low = 0.1, .high = 2};
  return {{"mean", {x, target}, {}},
          {"sum", {x, target}, {{"reduction", std::string("sum")}}},
          {"none", {x, target}, {{"reduction", std::string("none")}}},
          {"weighted", {x, target, weight}, {}},
          {"ignored", {x, some_ignored, weight}, {{"ignore_index", int64_t{-1}}}},
          {"matrix",
           {{.dims = {4, 7}}, {.dtype = DType::kI32, .dims = {4}, .low = 0, .high = 6}},
           {{"reduction", std::string("none")}}}};
}

}  // namespace

OpDef MakeNegativeLogLikelihoodLoss() {
  OpDef op;
  op.name = "NegativeLogLikelihoodLoss";
  op.group = "training";
  op.summary =
      "How unlikely the right classes are; with \"mean\", divided by the sum of the weights that count.";
  op.formula = "loss[n,d] = -weight[target[n,d]] * x[n, target[n,d], d]";
  op.inputs = {{"x", kFloats, "[N,C,...]: logarithms of probabilities"},
               {"target", kIndices, "[N,...]: the right class"},
               {"weight", kFloats, "[C], of each class; 1 when left out", Arity::kOptional}};
  op.outputs = {{"loss", kFloats, "a scalar; [N,...] without reduction"}};
  AttrDef ignored = IntAttr("ignore_index", 0, "a label that does not count; may lie outside the classes");
  ignored.has_default = false;
  op.attrs = {StringAttr("reduction", "mean", {"none", "sum", "mean"}, "how the losses combine"), ignored};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = Cases;
  op.foreign = {{Format::kOnnx, "NegativeLogLikelihoodLoss", 12},
                {Format::kOnnx, "SoftmaxCrossEntropyLoss", 12, INT_MAX, ImportCrossEntropy}};
  return op;
}

}  // namespace slipway
