// slipway inspect --support
#include "cli/support.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "cli/console.h"
#include "cli/find_models.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ModelReport {
  std::string path;
  std::string format;  // empty: it could not be read far enough to say
  SupportReport support;
  std::vector<std::string> notes;  // what was assumed or left out
  Status status;

  bool IsUnsupported() const { return !support.unsupported.empty(); }
};

ModelReport ReportOn(const std::string& path, const LoadOptions& options) {
  ModelReport report;
  report.path = path;
  LoadOptions with_report = options;
  with_report.import.support = &report.support;
  const auto loaded = LoadModel(path, with_report);
  report.status = loaded.status();
  if (report.IsUnsupported()) report.format = FormatName(report.support.unsupported[0].format);
  if (!loaded.ok()) return report;
  report.format = loaded->model.source_format;
  report.notes = loaded->notes;
  // What is converted already is counted as it stands.
  if (loaded->was_slip) report.support.num_nodes = static_cast<int64_t>(loaded->model.graph.nodes.size());
  return report;
}

// Options of custom operators are bytes.
Json TextOf(const std::string& text) {
  const bool is_text =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 32 || c == '\n'; });
  return is_text ? text : fmt::format("{} bytes", text.size());
}

Json TextOf(const Tensor& tensor) {
  constexpr int64_t kShown = 16;  // longer ones are told by their type
  if (tensor.count() > kShown || tensor.dtype() != DType::kI64) return Describe(tensor);
  const auto values = tensor.values<int64_t>();
  return Ints(values.begin(), values.end());
}

Json JsonOf(const Attr& attr) {
  return std::visit(
      [](const auto& value) -> Json {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Tensor> || std::is_same_v<T, std::string>) {
          return TextOf(value);
        } else if constexpr (std::is_same_v<T, GraphRef>) {
          return fmt::format("graph of {} nodes", value->nodes.size());
        } else if constexpr (std::is_same_v<T, DType>) {
          return std::string(DTypeName(value));
        } else {
          return value;
        }
      },
      attr);
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string AttrsText(const Attrs& attrs) {
  std::string text;
  for (const auto& [name, attr] : attrs) {
    constexpr size_t kShown = 120;  // of the thousands that a tree ensemble has
    std::string value = Dump(JsonOf(attr));
    if (value.size() > kShown) value = value.substr(0, kShown) + "...";
    text += (text.empty() ? "" : ", ") + name + " = " + value;
  }
  return text;
}

std::string OperandsText(const std::vector<UnsupportedNode::Operand>& operands) {
  std::string text;
  for (const auto& operand : operands) {
    if (!text.empty()) text += ", ";
    text += operand.name.empty() || operand.name == "?" ? ToString(operand)
                                                        : operand.name + ": " + ToString(operand);
  }
  return text;
}

// "supported", "2 of 105 nodes unsupported", "broken", "unsupported"
std::string StateText(const ModelReport& report) {
  if (report.status.ok()) return "supported";
  if (report.IsUnsupported())
    return fmt::format("{} of {} nodes unsupported", report.support.unsupported.size(),
                       report.support.num_nodes);
  return report.status.code() == Code::kUnsupported ? "unsupported" : "broken";
}

const char* StateWord(const ModelReport& report) {
  if (report.status.ok()) return "supported";
  return report.status.code() == Code::kUnsupported ? "unsupported" : "broken";
}

Json OperandsJson(const std::vector<UnsupportedNode::Operand>& operands) {
  Json json = Json::array();
  for (const auto& operand : operands) json.push_back({{"name", operand.name}, {"type", ToString(operand)}});
  return json;
}

Json ModelJson(const ModelReport& report) {
  Json json = {{"file", report.path},
               {"state", StateWord(report)},
               {"format", report.format},
               {"nodes", report.support.num_nodes}};
  json["unsupported"] = Json::array();
  for (const UnsupportedNode& node : report.support.unsupported) json["unsupported"].push_back(ToJson(node));
  json["notes"] = report.notes;
  if (!report.status.ok())
    json["error"] = {{"code", static_cast<int>(report.status.code())},
                     {"message", report.status.message()},
                     {"hint", report.status.hint()}};
  return json;
}

void PrintNode(const UnsupportedNode& node) {
  fmt::print("\n{} '{}'\n", node.OpText(), node.name);
  const auto line = [](const char* title, const std::string& text) {
    if (!text.empty()) fmt::print("  {:<11}{}\n", title, text);
  };
  line("reason", node.reason);
  line("inputs", OperandsText(node.inputs));
  line("outputs", OperandsText(node.outputs));
  line("attributes", AttrsText(node.attrs));
  line("hint", node.hint);
}

void PrintOne(const ModelReport& report) {
  if (report.status.ok()) {
    fmt::print("{}: supported, {} nodes\n", report.path, report.support.num_nodes);
    for (const std::string& note : report.notes) fmt::print("  note: {}\n", note);
  } else if (report.IsUnsupported()) {
    fmt::print("{}: {}\n", report.path, StateText(report));
    for (const UnsupportedNode& node : report.support.unsupported) PrintNode(node);
  }
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void PrintModels(const std::vector<ModelReport>& reports) {
  Table table({"model", "format", ">nodes", "state", "error"});
  for (const ModelReport& report : reports) {
    const bool is_told = report.status.ok() || report.IsUnsupported();
    table.Row({report.path, report.format,
               report.support.num_nodes ? std::to_string(report.support.num_nodes) : "", StateText(report),
               is_told ? "" : FirstLine(report.status.message())});
  }
  fmt::print("{}", table.ToString());
}

// Every operator that some model lacks, the most wanted first.
void PrintLacking(const std::vector<ModelReport>& reports) {
  struct Lack {
    size_t num_nodes = 0;
    std::set<std::string> models;
    std::string hint;
  };
  std::map<std::string, Lack> lacks;
  for (const ModelReport& report : reports) {
    for (const UnsupportedNode& node : report.support.unsupported) {
      Lack& lack = lacks[std::string(FormatName(node.format)) + " " + node.OpText()];
      ++lack.num_nodes;
      lack.models.insert(report.path);
      if (lack.hint.empty()) lack.hint = node.hint;
    }
  }
  if (lacks.empty()) return;
  std::vector<std::pair<std::string, Lack>> sorted(lacks.begin(), lacks.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.models.size() > b.second.models.size();
  });
  Table table({"unsupported operator", ">models", ">nodes", "hint"});
  for (const auto& [op, lack] : sorted)
    table.Row({op, std::to_string(lack.models.size()), std::to_string(lack.num_nodes), lack.hint});
  fmt::print("\n{}", table.ToString());
}

Status Verdict(const std::vector<ModelReport>& reports) {
  size_t num_unsupported = 0, num_broken = 0;
  const Status* first = nullptr;
  for (const ModelReport& report : reports) {
    if (report.status.ok()) continue;
    if (first == nullptr) first = &report.status;
    ++(report.status.code() == Code::kUnsupported ? num_unsupported : num_broken);
  }
  if (first == nullptr) return Status::Ok();
  if (reports.size() == 1 && !reports[0].IsUnsupported()) return *first;
  if (reports.size() == 1)
    return Status(Code::kUnsupported, fmt::format("'{}': {}", reports[0].path, StateText(reports[0])));
  return Status(first->code(),
                fmt::format("{} of {} models do not convert: {} unsupported, {} broken",
                            num_unsupported + num_broken, reports.size(), num_unsupported, num_broken));
}

}  // namespace

Json ToJson(const UnsupportedNode& node) {
  Json json = {
      {"name", node.name}, {"operator", node.op}, {"domain", node.domain}, {"version", node.version}};
  json["attributes"] = Json::object();
  for (const auto& [name, attr] : node.attrs) json["attributes"][name] = JsonOf(attr);
  json["inputs"] = OperandsJson(node.inputs);
  json["outputs"] = OperandsJson(node.outputs);
  json["reason"] = node.reason.empty() ? "no operator of Slipway reads it" : node.reason;
  json["hint"] = node.hint;
  return json;
}

Status ReportSupport(const ModelFlags& flags, const std::vector<std::string>& more, bool is_json) {
  std::vector<std::string> paths = {flags.model};
  paths.insert(paths.end(), more.begin(), more.end());
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<std::string> models, FindModels(paths));
  SLIPWAY_ASSIGN_OR_RETURN(const LoadOptions options, flags.ToLoadOptions());
  std::vector<ModelReport> reports;
  Progress progress("models", models.size());
  for (const std::string& model : models) {
    reports.push_back(ReportOn(model, options));
    progress.Advance();
  }
  progress.Clear();
  if (is_json) {
    Json json = {{"models", Json::array()}};
    for (const ModelReport& report : reports) json["models"].push_back(ModelJson(report));
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
  } else if (reports.size() == 1) {
    PrintOne(reports[0]);
  } else {
    PrintModels(reports);
    PrintLacking(reports);
  }
  std::fflush(stdout);  // the report first, then the error
  return Verdict(reports);
}

}  // namespace slipway::cli
