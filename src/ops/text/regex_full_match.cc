// Whether strings match a regular expression from end to end. ONNX defines the syntax as RE2's, so RE2 does
// the work: time linear in the text, memory bounded. Bytes that are not UTF-8 match nothing.
#include <re2/re2.h>

#include <memory>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Result<std::unique_ptr<const RE2>> Compile(const std::string& pattern) {
  auto regex = std::make_unique<const RE2>(pattern, RE2::Quiet);
  if (!regex->ok())
    return Status(Code::kInvalidModel, "pattern '" + pattern + "' is not in RE2's syntax: " + regex->error());
  return regex;
}

Status Infer(InferContext& context) {
  if (const auto regex = Compile(context.attrs().String("pattern")); !regex.ok())
    return context.Error(regex.status().message());
  Type type = context.input(0);
  type.dtype = DType::kBool;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto regex, Compile(context.attrs().String("pattern")));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  for (int64_t i = 0; i < x.count(); ++i)
    y.as<uint8_t>()[i] = RE2::FullMatch(x.as<std::string>()[i], *regex) ? 1 : 0;
  return Status::Ok();
}

}  // namespace

OpDef MakeRegexFullMatch() {
  OpDef op;
  op.name = "RegexFullMatch";
  op.group = "text";
  op.summary = "Whether each string matches a regular expression from end to end.";
  op.inputs = {{"x", {DType::kString}, "any shape"}};
  op.outputs = {{"y", kBools, "the shape of x"}};
  op.attrs = {StringAttr("pattern", "", {}, "in RE2's syntax")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "RegexFullMatch", 20}};
  return op;
}

}  // namespace slipway
