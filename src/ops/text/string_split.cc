// Cuts strings at a delimiter.
#include <algorithm>

#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type parts = Type::OfUnknownShape(DType::kString);
  if (context.shape(0)) {
    parts.shape = *context.shape(0);
    parts.shape->emplace_back();
  }
  Type counts = context.input(0);
  counts.dtype = DType::kI64;
  context.SetOutput(0, std::move(parts));
  context.SetOutput(1, std::move(counts));
  return Status::Ok();
}

constexpr const char* kSpace = " \t\n\v\f\r";

// Runs of white space separate; none at the ends.
std::vector<std::string> SplitAtSpace(const std::string& text, int64_t most) {
  std::vector<std::string> parts;
  size_t at = text.find_first_not_of(kSpace);
  while (at != std::string::npos) {
    const size_t end = text.find_first_of(kSpace, at);
    if (static_cast<int64_t>(parts.size()) == most || end == std::string::npos) {
      const size_t last = text.find_last_not_of(kSpace);
      parts.push_back(text.substr(at, last + 1 - at));
      break;
    }
    parts.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpace, end);
  }
  return parts;
}

std::vector<std::string> SplitAt(const std::string& text, const std::string& delimiter, int64_t most) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (static_cast<int64_t>(parts.size()) < most) {
    const size_t end = text.find(delimiter, at);
    if (end == std::string::npos) break;
    parts.push_back(text.substr(at, end - at));
    at = end + delimiter.size();
  }
  parts.push_back(text.substr(at));
  return parts;
}

Status Reference(RunContext& context) {
  const Tensor& x = context.in(0);
  const std::string& delimiter = context.attrs().String("delimiter");
  const int64_t most = context.attrs().Int("maxsplit");
  std::vector<std::vector<std::string>> all;
  size_t widest = 0;
  for (const std::string& text : x.values<std::string>()) {
    all.push_back(delimiter.empty() ? SplitAtSpace(text, most) : SplitAt(text, delimiter, most));
    widest = std::max(widest, all.back().size());
  }
  Dims dims = x.dims();
  dims.push_back(static_cast<int64_t>(widest));
  if (context.HasOutput(0)) {
    Tensor& parts = context.AllocateOutput(0, dims);
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t k = 0; k < widest; ++k) {
        parts.as<std::string>()[i * widest + k] = k < all[i].size() ? all[i][k] : std::string();
      }
    }
  }
  if (!context.HasOutput(1)) return Status::Ok();
  Tensor& counts = context.AllocateOutput(1, x.dims());
  for (size_t i = 0; i < all.size(); ++i) counts.as<int64_t>()[i] = static_cast<int64_t>(all[i].size());
  return Status::Ok();
}

}  // namespace

OpDef MakeStringSplit() {
  OpDef op;
  op.name = "StringSplit";
  op.group = "text";
  op.summary =
      "The parts of each string between delimiters, filled up with empty strings, and how many there are.";
  op.inputs = {{"x", {DType::kString}, "any shape"}};
  op.outputs = {{"parts", {DType::kString}, "[shape of x..., most parts]"},
                {"counts", {DType::kI64}, "the shape of x"}};
  op.attrs = {StringAttr("delimiter", "", {}, "empty: runs of white space"),
              IntAttr("maxsplit", INT64_MAX, "at most so many cuts, from the left")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "StringSplit"}};
  return op;
}

}  // namespace slipway
