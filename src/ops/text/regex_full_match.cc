// Whether strings match a regular expression from end to end.
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/text/regex.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  if (auto regex = Regex::Parse(context.attrs().String("pattern")); !regex.ok()) {
    const std::string& message = regex.status().message();
    return regex.status().code() == Code::kUnsupported ? context.Unsupported(message)
                                                       : context.Error(message);
  }
  Type type = context.input(0);
  type.dtype = DType::kBool;
  context.SetOutput(0, std::move(type));
  return Status::Ok();
}

Status Reference(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const Regex regex, Regex::Parse(context.attrs().String("pattern")));
  const Tensor& x = context.in(0);
  Tensor& y = context.out(0);
  for (int64_t i = 0; i < x.count(); ++i)
    y.as<uint8_t>()[i] = regex.MatchesAll(x.as<std::string>()[i]) ? 1 : 0;
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
  op.attrs = {StringAttr("pattern", "", {}, "in RE2's syntax, without Unicode classes and \\C")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = {{Format::kOnnx, "RegexFullMatch", 20}};
  return op;
}

}  // namespace slipway
