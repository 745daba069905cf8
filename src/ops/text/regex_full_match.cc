// Strings that match a regular expression from end to end, and those parts that match replaced. ONNX defines
// the syntax as RE2's, so RE2 does the work: time linear in the text, memory bounded. Bytes that are not
// UTF-8 match nothing.
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

// The constant string that operand i is.
Result<std::string> TextOf(ImportContext& context, size_t i) {
  const Tensor* text = context.constant(context.in(i));
  if (text == nullptr || text->dtype() != DType::kString || text->count() != 1)
    return context.Unsupported("input " + std::to_string(i) + " must be a constant string");
  return *text->as<std::string>();
}

// TensorFlow's forms: the expression is an attribute of the static ones, an operand of the others.
Status ImportTensorflowMatch(ImportContext& context) {
  std::string pattern = context.attrs().String("pattern");
  if (context.num_inputs() > 1) {
    SLIPWAY_ASSIGN_OR_RETURN(pattern, TextOf(context, 1));
  }
  return context.Emit("RegexFullMatch", {context.in(0)}, {{"pattern", std::move(pattern)}});
}

Status ImportReplace(ImportContext& context) {
  std::string pattern = context.attrs().String("pattern");
  std::string rewrite = context.attrs().String("rewrite");
  if (context.num_inputs() > 2) {
    SLIPWAY_ASSIGN_OR_RETURN(pattern, TextOf(context, 1));
    SLIPWAY_ASSIGN_OR_RETURN(rewrite, TextOf(context, 2));
  }
  return context.Emit("RegexReplace", {context.in(0)},
                      {{"pattern", std::move(pattern)},
                       {"rewrite", std::move(rewrite)},
                       {"replace_global", context.attrs().Int("replace_global", 1)}});
}

Status InferReplace(InferContext& context) {
  const auto regex = Compile(context.attrs().String("pattern"));
  if (!regex.ok()) return context.Error(regex.status().message());
  std::string why;
  if (!(*regex)->CheckRewriteString(context.attrs().String("rewrite"), &why))
    return context.Error("rewrite '" + context.attrs().String("rewrite") + "': " + why);
  return InferSameAsInput(context);
}

Status RunReplace(RunContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto regex, Compile(context.attrs().String("pattern")));
  const std::string& rewrite = context.attrs().String("rewrite");
  const bool is_global = context.attrs().Int("replace_global") != 0;
  const Tensor& x = context.in(0);
  for (int64_t i = 0; i < x.count(); ++i) {
    std::string text = x.as<std::string>()[i];
    if (is_global) {
      RE2::GlobalReplace(&text, *regex, rewrite);
    } else {
      RE2::Replace(&text, *regex, rewrite);
    }
    context.out(0).as<std::string>()[i] = std::move(text);
  }
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
  op.foreign = {{Format::kOnnx, "RegexFullMatch", 20},
                {Format::kTensorflow, "StaticRegexFullMatch", 1, INT_MAX, ImportTensorflowMatch},
                {Format::kTensorflow, "RegexFullMatch", 1, INT_MAX, ImportTensorflowMatch}};
  return op;
}

OpDef MakeRegexReplace() {
  OpDef op;
  op.name = "RegexReplace";
  op.group = "text";
  op.summary = "Each string with what matches a regular expression replaced.";
  op.inputs = {{"x", {DType::kString}, "any shape"}};
  op.outputs = {{"y", {DType::kString}, "the shape of x"}};
  op.attrs = {StringAttr("pattern", "", {}, "in RE2's syntax"),
              StringAttr("rewrite", "", {}, "\\0 is what matched, \\1 to \\9 its groups"),
              IntAttr("replace_global", 1, "0: the first match only")};
  op.infer = InferReplace;
  op.reference = RunReplace;
  op.foreign = {{Format::kTensorflow, "StaticRegexReplace", 1, INT_MAX, ImportReplace},
                {Format::kTensorflow, "RegexReplace", 1, INT_MAX, ImportReplace}};
  return op;
}

}  // namespace slipway
