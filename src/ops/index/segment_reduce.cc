// Slices along the first axes gathered into segments: sum, product, largest, smallest.
//
// Source: TensorFlow's SegmentSum and UnsortedSegment*, TFLite's of the same names. An empty segment holds
// what the reduction starts from.
#include <cmath>
#include <limits>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/index/reduction.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

enum Operand : size_t { kX = 0, kSegments, kNumSegments };

Status Infer(InferContext& context) {
  const DType dtype = context.dtype(kX);
  context.SetOutput(0, Type::OfUnknownShape(dtype));
  const auto& x = context.shape(kX);
  const auto& segments = context.shape(kSegments);
  if (!x || !segments) return Status::Ok();
  bool fits = !segments->empty() && segments->size() <= x->size();
  for (size_t i = 0; fits && i < segments->size(); ++i)
    fits = !(*x)[i].IsKnown() || !(*segments)[i].IsKnown() || (*x)[i].value() == (*segments)[i].value();
  if (!fits)
    return context.Error("x is " + ToString(*x) + ", the segments are " + ToString(*segments) +
                         "; they must share their first extents");
  Dim count;
  if (const auto given = context.HasInput(kNumSegments) ? context.content(kNumSegments) : std::nullopt;
      given && given->size() == 1) {
    count = (*given)[0];
    if (count.IsKnown() && count.value() < 0)
      return context.Error("there are " + count.ToString() + " segments");
  }
  DimList shape = {count};
  shape.insert(shape.end(), x->begin() + static_cast<int64_t>(segments->size()), x->end());
  context.SetOutput(0, dtype, std::move(shape));
  return Status::Ok();
}

void Fill(const std::string& reduction, Tensor& y) {
  for (int64_t i = 0; i < y.count(); ++i) {
    if (reduction == "add" || reduction == "mul") {
      StoreReal(y.dtype(), y.data(), i, reduction == "mul" ? 1 : 0);
    } else if (IsInteger(y.dtype())) {
      StoreInt(y.dtype(), y.data(), i,
               reduction == "max" ? MinOfInteger(y.dtype()) : MaxOfInteger(y.dtype()));
    } else {
      const double most = y.dtype() == DType::kF64 ? std::numeric_limits<double>::max()
                                                   : static_cast<double>(std::numeric_limits<float>::max());
      StoreReal(y.dtype(), y.data(), i, reduction == "max" ? -most : most);
    }
  }
}

// How many segments there are: as told, or one more than the last.
Result<int64_t> CountSegments(const RunContext& context, const std::vector<int64_t>& segments) {
  if (context.HasInput(kNumSegments)) {
    const std::vector<int64_t> given = IntsOf(context.in(kNumSegments));
    if (given.size() != 1 || given[0] < 0)
      return context.Error("num_segments must be one number of 0 or more");
    return given[0];
  }
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] < (i == 0 ? 0 : segments[i - 1]))
      return context.Error("segment " + std::to_string(segments[i]) + " at " + std::to_string(i) +
                           " is less than the one before; they must ascend from 0");
  }
  return segments.empty() ? 0 : segments.back() + 1;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(kX);
  const std::string& reduction = context.attrs().String("reduction");
  const std::vector<int64_t> segments = IntsOf(context.in(kSegments));
  SLIPWAY_ASSIGN_OR_RETURN(const int64_t count, CountSegments(context, segments));
  Dims dims = {count};
  dims.insert(dims.end(), x.dims().begin() + context.in(kSegments).rank(), x.dims().end());
  SLIPWAY_RETURN_IF_ERROR(ElementCount(dims).status());
  Tensor& y = context.AllocateOutput(0, dims);
  Fill(reduction, y);
  const int64_t width = CountOf(std::span<const int64_t>(dims).subspan(1));
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i] < 0) continue;  // dropped
    if (segments[i] >= count)
      return context.Error("segment " + std::to_string(segments[i]) + " is outside " + std::to_string(count));
    for (int64_t j = 0; j < width; ++j)
      ScatterElement(reduction, x.dtype(), x.data(), static_cast<int64_t>(i) * width + j, y.data(),
                     segments[i] * width + j);
  }
  return Status::Ok();
}

template <char kFirst>
Status Import(ImportContext& context) {
  const char* reduction = kFirst == 's' ? "add" : kFirst == 'p' ? "mul" : kFirst == 'x' ? "max" : "min";
  return context.Emit("SegmentReduce", context.node().inputs, {{"reduction", std::string(reduction)}});
}

}  // namespace

OpDef MakeSegmentReduce() {
  OpDef op;
  op.name = "SegmentReduce";
  op.group = "index";
  op.summary = "Slices of x gathered into segments by number; negative numbers are dropped.";
  op.formula = "y[s] = reduce over i with segments[i] = s of x[i]";
  op.inputs = {
      {"x", kNumbers, "[segments' shape...,...]"},
      {"segments", kIndices, "which segment each slice belongs to; ascending where num_segments is left out"},
      {"num_segments", kIndices, "one number; none: one more than the last", Arity::kOptional}};
  op.outputs = {{"y", kNumbers, "[num_segments,...]; empty segments: 0, 1, or the least or largest number"}};
  op.attrs = {
      Required(StringAttr("reduction", "", {"add", "mul", "max", "min"}, "how slices of a segment combine"))};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    std::vector<TestCase> cases;
    for (const char* reduction : {"add", "mul", "max", "min"})
      cases.push_back({reduction,
                       {{.dims = {5, 3}},
                        {.dtype = DType::kI32, .dims = {5}, .values = {2, 0, 2, -1, 3}},
                        {.dtype = DType::kI32, .dims = {}, .values = {5}, .is_constant = true}},
                       {{"reduction", std::string(reduction)}}});
    cases.push_back({"sorted",
                     {{.dims = {4, 2}}, {.dtype = DType::kI32, .dims = {4}, .values = {0, 0, 2, 2}}},
                     {{"reduction", std::string("add")}}});
    return cases;
  };
  op.foreign = {{Format::kTflite, "SEGMENT_SUM", 1, INT_MAX, Import<'s'>},
                {Format::kTflite, "UNSORTED_SEGMENT_SUM", 1, INT_MAX, Import<'s'>},
                {Format::kTflite, "UNSORTED_SEGMENT_PROD", 1, INT_MAX, Import<'p'>},
                {Format::kTflite, "UNSORTED_SEGMENT_MAX", 1, INT_MAX, Import<'x'>},
                {Format::kTflite, "UNSORTED_SEGMENT_MIN", 1, INT_MAX, Import<'n'>},
                {Format::kTensorflow, "SegmentSum", 1, INT_MAX, Import<'s'>},
                {Format::kTensorflow, "UnsortedSegmentSum", 1, INT_MAX, Import<'s'>},
                {Format::kTensorflow, "UnsortedSegmentProd", 1, INT_MAX, Import<'p'>},
                {Format::kTensorflow, "UnsortedSegmentMax", 1, INT_MAX, Import<'x'>},
                {Format::kTensorflow, "UnsortedSegmentMin", 1, INT_MAX, Import<'n'>}};
  return op;
}

}  // namespace slipway
