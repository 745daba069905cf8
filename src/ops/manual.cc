#include "ops/manual.h"

#include <map>
#include <vector>

namespace slipway {
namespace {

std::string DefaultText(const AttrDef& def) {
  if (def.is_required) return "required";
  if (!def.has_default) return "none";
  if (const auto* i = std::get_if<int64_t>(&def.default_value)) return std::to_string(*i);
  if (const auto* f = std::get_if<float>(&def.default_value)) return std::to_string(*f);
  if (const auto* s = std::get_if<std::string>(&def.default_value)) return "`" + *s + "`";
  if (const auto* ints = std::get_if<Ints>(&def.default_value)) return "`" + ToString(*ints) + "`";
  if (const auto* dtype = std::get_if<DType>(&def.default_value)) return std::string(DTypeName(*dtype));
  return "empty";
}

std::string ArityText(Arity arity) {
  switch (arity) {
    case Arity::kRequired: return "";
    case Arity::kOptional: return " (optional)";
    case Arity::kVariadic: return " (any number)";
    case Arity::kOneOrMore: return " (one or more)";
  }
  return "";
}

void AddPorts(std::string& text, const char* title, const std::vector<Port>& ports) {
  if (ports.empty()) return;
  text += std::string("\n**") + title + "**\n\n";
  for (const Port& port : ports) {
    text += "- `" + port.name + "`" + ArityText(port.arity) + ": " + port.doc + ". " +
            port.dtypes.ToString() + "\n";
  }
}

}  // namespace

std::string DescribeOp(const OpDef& op) {
  std::string text = "### " + op.name + "\n\n" + op.summary + "\n";
  if (!op.formula.empty()) text += "\n    " + op.formula + "\n";
  AddPorts(text, "Inputs", op.inputs);
  AddPorts(text, "Outputs", op.outputs);
  if (!op.attrs.empty()) {
    text += "\n**Attributes**\n\n";
    for (const AttrDef& def : op.attrs) {
      text += "- `" + def.name + "` (default " + DefaultText(def) + "): " + def.doc;
      for (size_t i = 0; i < def.choices.size(); ++i) text += (i ? ", " : "; one of ") + def.choices[i];
      text += "\n";
    }
  }
  if (op.foreign.empty()) return text;
  text += "\n**Read from**\n\n";
  for (const ForeignRow& row : op.foreign) {
    text += "- " + std::string(FormatName(row.format)) + " `" + (row.domain.empty() ? "" : row.domain + ".") +
            row.op + "`";
    if (row.format == Format::kOnnx) {
      text += row.until == INT_MAX
                  ? " since opset " + std::to_string(row.since)
                  : " opsets " + std::to_string(row.since) + " to " + std::to_string(row.until);
    }
    text += "\n";
  }
  return text;
}

std::string OperatorManual() {
  std::map<std::string, std::vector<const OpDef*>> groups;
  for (const OpDef& op : AllOps()) groups[op.group].push_back(&op);
  std::string text =
      "# Operators\n\nMade by `slipway ops --markdown` from the operator records; do not edit.\n";
  for (const auto& [group, ops] : groups) {
    text += "\n## " + group + "\n";
    for (const OpDef* op : ops) text += "\n" + DescribeOp(*op);
  }
  return text;
}

}  // namespace slipway
