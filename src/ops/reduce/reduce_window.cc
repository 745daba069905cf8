// A reduction under a sliding window over every axis: StableHLO's reduce_window, TFLite's REDUCE_WINDOW.
#include <cmath>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/index/reduction.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/shape/strided.h"

namespace slipway {
namespace {

constexpr int64_t kMaxExtent = int64_t{1} << 40;

// One axis of the window over x with holes and borders.
struct Axis {
  int64_t extent, window, stride, base_dilation, dilation, before, after;

  int64_t Reach() const { return (window - 1) * dilation + 1; }
  int64_t Padded() const { return (extent == 0 ? 0 : (extent - 1) * base_dilation + 1) + before + after; }
  int64_t Steps() const { return Padded() < Reach() ? 0 : (Padded() - Reach()) / stride + 1; }
  // The element of x at a tap, or -1: a hole or the border.
  int64_t At(int64_t step, int64_t tap) const {
    const int64_t place = step * stride + tap * dilation - before;
    const bool is_element = place >= 0 && place % base_dilation == 0 && place / base_dilation < extent;
    return is_element ? place / base_dilation : -1;
  }
};

int64_t EntryOr(const Ints& list, size_t i, int64_t otherwise) { return list.empty() ? otherwise : list[i]; }

bool IsInRange(const Axis& axis) {
  for (int64_t value : {axis.window, axis.stride, axis.base_dilation, axis.dilation}) {
    if (value < 1 || value > kMaxExtent) return false;
  }
  return std::abs(axis.before) <= kMaxExtent && std::abs(axis.after) <= kMaxExtent &&
         axis.extent <= kMaxExtent && axis.window <= kMaxExtent / axis.dilation &&
         axis.extent <= kMaxExtent / axis.base_dilation;
}

Axis AxisAt(const Attrs& attrs, size_t i, int64_t extent) {
  const Ints& padding = attrs.IntList("padding");
  return {extent,
          attrs.IntList("window_dimensions")[i],
          EntryOr(attrs.IntList("window_strides"), i, 1),
          EntryOr(attrs.IntList("base_dilations"), i, 1),
          EntryOr(attrs.IntList("window_dilations"), i, 1),
          EntryOr(padding, 2 * i, 0),
          EntryOr(padding, 2 * i + 1, 0)};
}

Status Infer(InferContext& context) {
  if (context.dtype(1) != context.dtype(0)) return context.Error("x and init must be of one type");
  const Attrs& attrs = context.attrs();
  const size_t rank = attrs.IntList("window_dimensions").size();
  for (const char* name : {"window_strides", "base_dilations", "window_dilations", "padding"}) {
    const size_t size = attrs.IntList(name).size();
    const size_t wanted = name == std::string_view("padding") ? 2 * rank : rank;
    if (size != 0 && size != wanted)
      return context.Error(std::string(name) + " has " + std::to_string(size) + " entries, not " +
                           std::to_string(wanted));
  }
  const auto& x = context.shape(0);
  if (x && x->size() != rank)
    return context.Error("x is " + ToString(*x) + ", the window has " + std::to_string(rank) + " axes");
  DimList shape(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Axis axis = AxisAt(attrs, i, x && (*x)[i].IsKnown() ? (*x)[i].value() : 1);
    if (!IsInRange(axis))
      return context.Error("the window along axis " + std::to_string(i) + " is out of range");
    if (x && (*x)[i].IsKnown()) shape[i] = axis.Steps();
  }
  context.SetOutput(0, context.dtype(0), std::move(shape));
  return Status::Ok();
}

double CombineReals(const std::string& reduction, double a, double b) {
  if (reduction == "add") return a + b;
  if (reduction == "mul") return a * b;
  if (std::isnan(a) || std::isnan(b)) return NAN;
  return reduction == "max" ? std::max(a, b) : std::min(a, b);
}

// Bools as 0 and 1: "and" is min, "or" is max.
uint64_t CombineInts(const std::string& reduction, DType dtype, uint64_t a, uint64_t b) {
  if (reduction == "add") return a + b;
  if (reduction == "mul") return a * b;
  const bool is_less = IsSigned(dtype) ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
  return (reduction == "max" || reduction == "or") == is_less ? b : a;
}

// Calls visit with the flat index of every element of x under the window at `step`; -1 for holes and border.
template <class F>
void ForEachTap(const std::vector<Axis>& axes, const std::vector<int64_t>& strides, const Dims& step,
                const F& visit) {
  Dims tap(axes.size(), 0);
  while (true) {
    int64_t from = 0;
    for (size_t i = 0; i < axes.size(); ++i) {
      const int64_t at = axes[i].At(step[i], tap[i]);
      from = at < 0 || from < 0 ? -1 : from + at * strides[i];
    }
    visit(from);
    size_t i = axes.size();
    while (i > 0 && ++tap[i - 1] == axes[i - 1].window) tap[--i] = 0;
    if (i == 0) return;
  }
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const Tensor& init = context.in(1);
  Tensor& y = context.out(0);
  const std::string& reduction = context.attrs().String("reduction");
  if (init.count() != 1) return context.Error("init must be one element");
  std::vector<Axis> axes;
  for (size_t i = 0; i < x.dims().size(); ++i) axes.push_back(AxisAt(context.attrs(), i, x.dims()[i]));
  const std::vector<int64_t> strides = DenseStrides(x.dims());
  const bool is_real = IsFloat(x.dtype());
  Dims step(axes.size(), 0);
  for (int64_t to = 0; to < y.count(); ++to) {
    double real = is_real ? LoadReal(init.dtype(), init.data(), 0) : 0;
    uint64_t integer = is_real ? 0 : static_cast<uint64_t>(LoadInt(init.dtype(), init.data(), 0));
    ForEachTap(axes, strides, step, [&](int64_t from) {
      const Tensor& source = from < 0 ? init : x;
      const int64_t at = std::max<int64_t>(from, 0);
      if (is_real) {
        real = CombineReals(reduction, real, LoadReal(source.dtype(), source.data(), at));
      } else {
        integer = CombineInts(reduction, x.dtype(), integer,
                              static_cast<uint64_t>(LoadInt(source.dtype(), source.data(), at)));
      }
    });
    if (is_real) StoreReal(y.dtype(), y.data(), to, real);
    if (!is_real) StoreInt(y.dtype(), y.data(), to, static_cast<int64_t>(integer));
    for (size_t i = axes.size(); i-- > 0;) {
      if (++step[i] < y.dims()[i]) break;
      step[i] = 0;
    }
  }
  return Status::Ok();
}

Status ImportTflite(ImportContext& context) {
  const std::string& name = context.attrs().String("reduce_function");
  const char* reduction = name == "ADD"       ? "add"
                          : name == "MUL"     ? "mul"
                          : name == "MAXIMUM" ? "max"
                          : name == "MINIMUM" ? "min"
                          : name == "ALL"     ? "and"
                          : name == "ANY"     ? "or"
                                              : nullptr;
  if (reduction == nullptr) return context.Unsupported("reduce function " + name + " is unknown");
  Attrs attrs = {{"reduction", std::string(reduction)}};
  const char* names[] = {"window_dimensions", "window_strides", "window_dilations"};
  for (size_t i = 0; i < 3; ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const Ints list, context.ConstantInts(i + 2));
    attrs.Set(names[i], list);
  }
  return context.Emit("ReduceWindow", {context.in(0), context.in(1)}, std::move(attrs));
}

// The one operator of the body, applied to its two parameters.
Status ImportStablehlo(ImportContext& context) {
  const GraphRef body = context.attrs().GraphOf("body");
  if (context.num_inputs() != 2) return context.Unsupported("several operands at once are not reduced");
  const std::string op = body != nullptr && body->nodes.size() == 1 ? body->nodes[0].op : "";
  const char* reduction = op == "Add"   ? "add"
                          : op == "Mul" ? "mul"
                          : op == "Max" ? "max"
                          : op == "Min" ? "min"
                          : op == "And" ? "and"
                          : op == "Or"  ? "or"
                                        : nullptr;
  if (reduction == nullptr)
    return context.Unsupported("its body must be one of add, multiply, maximum, minimum, and, or");
  return context.EmitSame({{"reduction", std::string(reduction)}});
}

}  // namespace

OpDef MakeReduceWindow() {
  const DTypeSet elements = kNumbers | kBools;
  OpDef op;
  op.name = "ReduceWindow";
  op.group = "reduce";
  op.summary = "A reduction under a window that slides over every axis; holes and borders count as init.";
  op.formula = "y[p] = init * x[p*stride - before + k*dilation] over all k";
  op.inputs = {{"x", elements, "any shape"},
               {"init", elements, "one element: what the reduction starts from"}};
  op.outputs = {{"y", elements, "the window's places"}};
  op.attrs = {Required(StringAttr("reduction", "", {"add", "mul", "max", "min", "and", "or"},
                                  "how elements combine")),
              Required(IntsAttr("window_dimensions", {}, "one entry per axis")),
              IntsAttr("window_strides", {}, "per axis; none: 1"),
              IntsAttr("base_dilations", {}, "distance of neighbours of x, per axis; none: 1"),
              IntsAttr("window_dilations", {}, "distance of neighbours of the window, per axis; none: 1"),
              IntsAttr("padding", {}, "before and after each axis, may be negative; none: 0")};
  op.infer = Infer;
  op.reference = Reference;
  op.flops = [](const InferContext& context) {
    double taps = 1;
    for (int64_t extent : context.attrs().IntList("window_dimensions")) taps *= static_cast<double>(extent);
    return taps * context.CountOfOutput(0);
  };
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* reduction : {"add", "mul", "max", "min"})
      cases.push_back({reduction,
                       {{.dims = {5, 6}, .low = 0.5, .high = 1.5}, {.dims = {}, .values = {1}}},
                       {{"reduction", std::string(reduction)},
                        {"window_dimensions", Ints{2, 3}},
                        {"window_strides", Ints{2, 1}},
                        {"base_dilations", Ints{2, 1}},
                        {"window_dilations", Ints{1, 2}},
                        {"padding", Ints{1, 0, 2, 1}}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "REDUCE_WINDOW", 1, INT_MAX, ImportTflite},
                {Format::kTflite, "STABLEHLO_REDUCE_WINDOW", 1, INT_MAX, ImportStablehlo}};
  return op;
}

}  // namespace slipway
