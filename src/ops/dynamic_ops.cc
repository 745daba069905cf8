#include "ops/dynamic_ops.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>

namespace slipway {
namespace {

constexpr std::string_view kCustomPrefix = "custom:";
constexpr Format kFormats[] = {Format::kOnnx, Format::kTflite, Format::kTensorflow, Format::kCaffe};

struct DynamicOp {
  OpDef def;
  std::string origin;
};

struct Records {
  std::shared_mutex mutex;
  std::map<std::string, std::unique_ptr<const DynamicOp>, std::less<>> by_name;
};

// Never destroyed: threads may still look at records while the program ends.
Records& AllRecords() {
  static auto* const records = new Records;
  return *records;
}

std::optional<int64_t> ReadVersion(std::string_view text) {
  int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  const bool is_number = error == std::errc() && end == text.data() + text.size() && version >= 0;
  return is_number ? std::optional(version) : std::nullopt;
}

OpDef MakeCustomOpRecord() {
  OpDef op;
  op.name = "custom";
  op.group = "custom";
  op.summary = "A foreign node that waits for its plugin.";
  op.inputs = {{"inputs", kAnyType, "as the source has them", Arity::kVariadic}};
  op.outputs = {{"outputs", kAnyType, "of the types that the source declares", Arity::kVariadic}};
  op.infer = [](InferContext&) { return Status::Ok(); };
  op.is_deterministic = false;
  op.has_open_attrs = true;
  return op;
}

// "version 3 of libscale.so", or "versions 2 to 3 of libscale.so", of the plugin's records; "" when there is
// none.
std::string VersionsThere(const std::string& plugin) {
  Records& records = AllRecords();
  const std::shared_lock lock(records.mutex);
  std::string origin;
  std::set<int64_t> versions;
  for (const auto& [name, record] : records.by_name) {
    const auto op = ParsePluginOp(name);
    if (!op || op->plugin != plugin) continue;
    versions.insert(op->version);
    origin = record->origin;
  }
  if (versions.empty()) return "";
  const std::string range = versions.size() == 1 ? "version " + std::to_string(*versions.begin())
                                                 : "versions " + std::to_string(*versions.begin()) + " to " +
                                                       std::to_string(*versions.rbegin());
  return range + " of " + origin;
}

std::string NodesText(const std::vector<std::string>& names) {
  constexpr size_t kMaxListed = 3;
  std::string text = names.size() == 1 ? "node " : "nodes ";
  for (size_t i = 0; i < std::min(names.size(), kMaxListed); ++i) text += (i ? ", '" : "'") + names[i] + "'";
  if (names.size() > kMaxListed) text += " and " + std::to_string(names.size() - kMaxListed) + " more";
  return text;
}

struct Missing {
  std::string library;
  std::vector<std::string> nodes;
};

// "plugin 'Scale' version 1, which node 's' needs, is not loaded"
std::string MissingText(const PluginOp& op, const Missing& missing) {
  const std::string wanted = "plugin '" + op.plugin + "' version " + std::to_string(op.version) + ", which " +
                             NodesText(missing.nodes) + (missing.nodes.size() == 1 ? " needs," : " need,");
  const std::string there = VersionsThere(op.plugin);
  return there.empty() ? wanted + " is not loaded" : wanted + " is not there: loaded is " + there;
}

std::string HintFor(const PluginOp& op, const Missing& missing) {
  const bool has_other = !VersionsThere(op.plugin).empty();
  if (missing.library.empty()) {
    return has_other ? "register that version of the plugin, or convert the model again"
                     : "give the library that holds it with --plugin, or register it before loading";
  }
  return has_other
             ? "give the " + missing.library + " of that version with --plugin, or convert the model again"
             : "give its library: --plugin " + missing.library;
}

void Collect(const Graph& graph, std::map<std::string, Missing>& missing, int depth) {
  constexpr int kMaxDepth = 64;
  for (const Node& node : graph.nodes) {
    for (const auto& [name, attr] : node.attrs) {
      const auto* sub = std::get_if<GraphRef>(&attr);
      if (sub != nullptr && *sub != nullptr && depth < kMaxDepth) Collect(**sub, missing, depth + 1);
    }
    if (FindOp(node.op) != nullptr || !ParsePluginOp(node.op)) continue;
    Missing& entry = missing[node.op];
    entry.nodes.push_back(node.name);
    if (entry.library.empty()) entry.library = node.attrs.String(kPluginLibraryAttr);
  }
}

Status ErrorOf(const std::map<std::string, Missing>& missing) {
  std::string message;
  std::string hint;
  for (const auto& [name, entry] : missing) {
    const PluginOp op = *ParsePluginOp(name);
    message += (message.empty() ? "" : "; ") + MissingText(op, entry);
    const std::string advice = HintFor(op, entry);
    if (hint.find(advice) == std::string::npos) hint += (hint.empty() ? "" : "; ") + advice;
  }
  return Status(Code::kUnsupported, std::move(message), std::move(hint));
}

}  // namespace

std::string PluginOpName(std::string_view plugin, int64_t version) {
  return std::string(plugin) + "@" + std::to_string(version);
}

std::optional<PluginOp> ParsePluginOp(std::string_view op) {
  const size_t at = op.rfind('@');
  if (at == std::string_view::npos || at == 0 || op.starts_with(kCustomPrefix)) return std::nullopt;
  const auto version = ReadVersion(op.substr(at + 1));
  if (!version) return std::nullopt;
  return PluginOp{std::string(op.substr(0, at)), *version};
}

std::string CustomOpName(const ForeignNode& node) {
  return std::string(kCustomPrefix) + std::string(FormatName(node.format)) + ":" + node.domain + ":" +
         node.op + ":" + std::to_string(node.version);
}

std::optional<CustomOp> ParseCustomOp(std::string_view op) {
  if (!op.starts_with(kCustomPrefix)) return std::nullopt;
  op.remove_prefix(kCustomPrefix.size());
  const size_t format_end = op.find(':');
  const size_t version_at = op.rfind(':');
  if (format_end == std::string_view::npos || version_at == format_end) return std::nullopt;
  const std::string_view format = op.substr(0, format_end);
  const auto found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                  [&](Format each) { return FormatName(each) == format; });
  const auto version = ReadVersion(op.substr(version_at + 1));
  const std::string_view middle = op.substr(format_end + 1, version_at - format_end - 1);
  const size_t domain_end = middle.find(':');
  if (found == std::end(kFormats) || !version || domain_end == std::string_view::npos) return std::nullopt;
  return CustomOp{*found, std::string(middle.substr(0, domain_end)),
                  std::string(middle.substr(domain_end + 1)), *version};
}

const OpDef& CustomOpRecord() {
  static const auto* const record = new OpDef(MakeCustomOpRecord());
  return *record;
}

Status AddDynamicOps(std::string_view origin, std::vector<OpDef> ops) {
  Records& records = AllRecords();
  const std::unique_lock lock(records.mutex);
  for (const OpDef& op : ops) {
    const auto found = records.by_name.find(op.name);
    if (found == records.by_name.end()) continue;
    return Status(
        Code::kUsage,
        "'" + op.name + "' of " + std::string(origin) + " is there already, from " + found->second->origin,
        "give one of them only, or raise the version of the other");
  }
  for (OpDef& op : ops) {
    std::string name = op.name;
    records.by_name.emplace(std::move(name),
                            std::make_unique<const DynamicOp>(DynamicOp{std::move(op), std::string(origin)}));
  }
  return Status::Ok();
}

const OpDef* FindDynamicOp(std::string_view name) {
  if (ParseCustomOp(name)) return &CustomOpRecord();
  Records& records = AllRecords();
  const std::shared_lock lock(records.mutex);
  const auto found = records.by_name.find(name);
  return found == records.by_name.end() ? nullptr : &found->second->def;
}

ForeignMatch FindDynamicForeign(Format format, std::string_view domain, std::string_view op,
                                int64_t version) {
  Records& records = AllRecords();
  const std::shared_lock lock(records.mutex);
  for (const auto& [name, record] : records.by_name) {
    for (const ForeignRow& row : record->def.foreign) {
      const bool is_it = row.format == format && row.domain == domain && row.op == op &&
                         row.since <= version && version <= row.until;
      if (is_it) return {&record->def, &row};
    }
  }
  return {};
}

Status UnknownOp(const Node& node) {
  if (!ParsePluginOp(node.op)) {
    return Status(Code::kUnsupported, "node '" + node.name + "': no operator is called '" + node.op + "'");
  }
  return ErrorOf({{node.op, {node.attrs.String(kPluginLibraryAttr), {node.name}}}});
}

Status UnknownOps(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (FindOp(node.op) == nullptr && !ParsePluginOp(node.op)) return UnknownOp(node);
  }
  std::map<std::string, Missing> missing;
  Collect(graph, missing, 0);
  return ErrorOf(missing);
}

}  // namespace slipway
