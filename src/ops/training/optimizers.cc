// One step of an optimiser over any number of tensors: Adagrad, Adam, Momentum.
//
// Source: ONNX's ai.onnx.preview.training, version 1. Inputs: the learning rate, the count of steps so far,
// then all values, all gradients and all of each state; outputs: the new values and the new states, in that
// order.
#include <cmath>

#include "base/scalar.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

struct Step {
  double rate = 0;
  int64_t count = 0;  // of steps so far
};

// One element: its value and states are replaced.
using UpdateFn = void (*)(const Attrs& attrs, const Step& step, double gradient, double& value,
                          double* states);

// Tensors per value besides its gradient: the value and its states.
constexpr size_t GroupsOf(size_t num_states) { return 1 + num_states; }

template <size_t kStates>
Status Infer(InferContext& context) {
  const size_t per_value = GroupsOf(kStates) + 1;
  const size_t n = context.num_inputs() < 2 ? 0 : (context.num_inputs() - 2) / per_value;
  if (n == 0 || context.num_inputs() != 2 + n * per_value) {
    return context.Error("has " + std::to_string(context.num_inputs()) + " inputs; it takes 2 and " +
                         std::to_string(per_value) + " for each value");
  }
  for (size_t i = 2; i < context.num_inputs(); ++i) {
    const Type& type = context.input(i);
    const Type& value = context.input(2 + (i - 2) % n);
    if (type.dtype != value.dtype || (type.IsStatic() && value.IsStatic() && type.shape != value.shape)) {
      return context.Error("input " + std::to_string(i) + " is " + ToString(type) + ", its value " +
                           ToString(value) + "; they must be alike");
    }
  }
  for (size_t i = 0; i < context.num_outputs(); ++i) context.SetOutput(i, context.input(2 + i % n));
  return Status::Ok();
}

template <size_t kStates, UpdateFn kUpdate>
Status Reference(RunContext& context) {
  const size_t n = (context.num_inputs() - 2) / (GroupsOf(kStates) + 1);
  if (context.in(0).count() != 1 || context.in(1).count() != 1)
    return context.Error("the learning rate and the count of steps must be one number each");
  const Step step{LoadReal(context.in(0).dtype(), context.in(0).data(), 0),
                  LoadInt(context.in(1).dtype(), context.in(1).data(), 0)};
  for (size_t k = 0; k < n; ++k) {
    const Tensor& x = context.in(2 + k);
    // Of each group the tensor of value k; group 1 of the inputs is the gradient.
    const auto input = [&](size_t group) -> const Tensor& { return context.in(2 + group * n + k); };
    Tensor* outputs[GroupsOf(kStates)] = {};
    for (size_t group = 0; group < GroupsOf(kStates); ++group) {
      const size_t at = group * n + k;
      if (context.HasOutput(at)) outputs[group] = &context.AllocateOutput(at, x.dims());
    }
    for (int64_t i = 0; i < x.count(); ++i) {
      double value = LoadReal(x.dtype(), x.data(), i);
      double states[kStates];
      for (size_t s = 0; s < kStates; ++s) states[s] = LoadReal(x.dtype(), input(2 + s).data(), i);
      kUpdate(context.attrs(), step, LoadReal(x.dtype(), input(1).data(), i), value, states);
      if (outputs[0] != nullptr) StoreReal(x.dtype(), outputs[0]->data(), i, value);
      for (size_t s = 0; s < kStates; ++s) {
        if (outputs[1 + s] != nullptr) StoreReal(x.dtype(), outputs[1 + s]->data(), i, states[s]);
      }
    }
  }
  return Status::Ok();
}

double Real(const Attrs& attrs, const char* name) { return static_cast<double>(attrs.Float(name)); }

double Regularised(const Attrs& attrs, double gradient, double value) {
  return Real(attrs, "norm_coefficient") * value + gradient;
}

void UpdateAdagrad(const Attrs& attrs, const Step& step, double gradient, double& value, double* states) {
  const double rate = step.rate / (1 + static_cast<double>(step.count) * Real(attrs, "decay_factor"));
  gradient = Regularised(attrs, gradient, value);
  states[0] += gradient * gradient;
  value -= rate * gradient / (std::sqrt(states[0]) + Real(attrs, "epsilon"));
}

void UpdateAdam(const Attrs& attrs, const Step& step, double gradient, double& value, double* states) {
  const double alpha = Real(attrs, "alpha");
  const double beta = Real(attrs, "beta");
  gradient = Regularised(attrs, gradient, value);
  states[0] = alpha * states[0] + (1 - alpha) * gradient;
  states[1] = beta * states[1] + (1 - beta) * gradient * gradient;
  double rate = step.rate;
  if (step.count > 0) {
    const auto count = static_cast<double>(step.count);
    rate *= std::sqrt(1 - std::pow(beta, count)) / (1 - std::pow(alpha, count));
  }
  value -= rate * states[0] / (std::sqrt(states[1]) + Real(attrs, "epsilon"));
  value *= 1 - Real(attrs, "norm_coefficient_post");
}

void UpdateMomentum(const Attrs& attrs, const Step& step, double gradient, double& value, double* states) {
  const double alpha = Real(attrs, "alpha");
  const double beta = step.count > 0 ? Real(attrs, "beta") : 1;
  gradient = Regularised(attrs, gradient, value);
  states[0] = alpha * states[0] + beta * gradient;
  value -= step.rate * (attrs.String("mode") == "nesterov" ? gradient + alpha * states[0] : states[0]);
}

template <size_t kStates, UpdateFn kUpdate>
OpDef OptimizerOp(const char* name, const char* summary) {
  OpDef op;
  op.name = name;
  op.group = "training";
  op.summary = summary;
  op.inputs = {{"rate", {DType::kF32, DType::kF64}, "one number: the learning rate"},
               {"count", {DType::kI64}, "one number: steps made so far"},
               {"tensors",
                {DType::kF32, DType::kF64},
                "the values, their gradients, each of their states",
                Arity::kVariadic}};
  op.outputs = {{"results",
                 {DType::kF32, DType::kF64},
                 "the new values, then each of their new states",
                 Arity::kVariadic}};
  op.attrs = {FloatAttr("norm_coefficient", 0, "weight of the values' squares in what is minimised")};
  op.infer = Infer<kStates>;
  op.reference = Reference<kStates, kUpdate>;
  op.foreign = {{Format::kOnnx, name, 1, INT_MAX, nullptr, "ai.onnx.preview.training"}};
  return op;
}

// Two values of different shapes; the states of these optimisers are not negative where a root is taken.
template <size_t kStates>
std::vector<TestCase> Cases(Attrs attrs) {
  TestCase test{"two_values",
                {{.dims = {}, .values = {0.1}}, {.dtype = DType::kI64, .dims = {}, .values = {3}}},
                std::move(attrs),
                2 * (1 + static_cast<int>(kStates))};
  for (size_t group = 0; group < 2 + kStates; ++group) {
    test.inputs.push_back({.dims = {5}, .low = group < 2 ? -1.0 : 0.5, .high = 2});
    test.inputs.push_back({.dims = {2, 3}, .low = group < 2 ? -1.0 : 0.5, .high = 2});
  }
  return {test};
}

}  // namespace

OpDef MakeAdagrad() {
  OpDef op = OptimizerOp<1, UpdateAdagrad>("Adagrad",
                                           "A step of stochastic gradient descent with a rate per element, "
                                           "by the sum of its squared gradients.");
  op.formula = "g += norm x; h += g g; x -= rate / (1 + count decay_factor) g / (sqrt(h) + epsilon)";
  op.attrs.push_back(FloatAttr("decay_factor", 0, "how the rate falls with the steps"));
  op.attrs.push_back(FloatAttr("epsilon", 1e-6F, "keeps the divisor from 0"));
  op.cases = [] { return Cases<1>({{"decay_factor", 0.1F}, {"norm_coefficient", 0.01F}}); };
  return op;
}

OpDef MakeAdam() {
  OpDef op = OptimizerOp<2, UpdateAdam>(
      "Adam", "A step of stochastic gradient descent with running means of the gradient and of its square.");
  op.formula =
      "g += norm x; v = alpha v + (1 - alpha) g; h = beta h + (1 - beta) g g; x -= rate v / (sqrt(h) + "
      "epsilon)";
  op.attrs.push_back(FloatAttr("alpha", 0.9F, "share of the old mean gradient"));
  op.attrs.push_back(FloatAttr("beta", 0.999F, "share of the old mean square"));
  op.attrs.push_back(FloatAttr("epsilon", 1e-6F, "keeps the divisor from 0"));
  op.attrs.push_back(FloatAttr("norm_coefficient_post", 0, "share by which the new values shrink"));
  op.cases = [] { return Cases<2>({{"norm_coefficient_post", 0.01F}}); };
  return op;
}

OpDef MakeMomentum() {
  OpDef op =
      OptimizerOp<1, UpdateMomentum>("Momentum", "A step of stochastic gradient descent with momentum.");
  op.formula = "g += norm x; v = alpha v + beta g; x -= rate v";
  op.attrs.push_back(Required(FloatAttr("alpha", 0, "share of the old momentum")));
  op.attrs.push_back(Required(FloatAttr("beta", 0, "share of the gradient; 1 in the first step")));
  op.attrs.push_back(StringAttr("mode", "standard", {"standard", "nesterov"},
                                "nesterov looks a step ahead: x -= rate (g + alpha v)"));
  op.cases = [] { return Cases<1>({{"alpha", 0.95F}, {"beta", 0.9F}, {"mode", std::string("nesterov")}}); };
  return op;
}

}  // namespace slipway
