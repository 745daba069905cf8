#include "plugin/registry.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "ops/dynamic_ops.h"
#include "slipway/plugin_library.h"

namespace slipway {
namespace {

constexpr uint32_t kMaxVersionsBack = 63;
constexpr uint64_t kMaxListed = 1024;  // ports, attributes, claims: no operator comes near
constexpr uint64_t kKnownDTypes = (uint64_t{1} << kDTypeCount) - 2;

struct Plugins {
  std::shared_mutex mutex;
  std::deque<RegisteredPlugin> all;  // addresses stay
  std::map<std::string, const RegisteredPlugin*, std::less<>> by_op;
};

// Never destroyed: see ops/dynamic_ops.cc.
Plugins& AllPlugins() {
  static auto* const plugins = new Plugins;
  return *plugins;
}

std::string TextOf(const char* text) { return text == nullptr ? std::string() : std::string(text); }

bool IsPluginName(std::string_view name) {
  return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '.';
  });
}

// Turns a table into records, or says what is wrong with it.
class TableReader {
 public:
  TableReader(const slipway_plugin& table, std::string_view origin) : table_(table), origin_(origin) {}

  Result<std::vector<OpDef>> Read() {
    SLIPWAY_RETURN_IF_ERROR(CheckItself());
    OpDef op;
    op.group = "plugin";
    op.summary = TextOf(table_.summary);
    SLIPWAY_ASSIGN_OR_RETURN(op.inputs, ReadPorts(table_.inputs, table_.num_inputs, "input"));
    SLIPWAY_ASSIGN_OR_RETURN(op.outputs, ReadPorts(table_.outputs, table_.num_outputs, "output"));
    if (op.outputs.empty()) return Wrong("it has no outputs");
    SLIPWAY_ASSIGN_OR_RETURN(op.attrs, ReadAttrs());
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<ForeignRow> rows, ReadClaims());
    op.is_deterministic = (table_.flags & SLIPWAY_NOT_DETERMINISTIC) == 0;
    op.has_open_attrs = (table_.flags & SLIPWAY_OPEN_ATTRS) != 0;
    op.infer = InferPluginNode;
    op.reference = RunPluginNode;
    std::vector<OpDef> versions;
    for (int64_t version = table_.oldest_version; version <= int64_t{table_.version}; ++version) {
      op.name = PluginOpName(table_.name, version);
      versions.push_back(op);
    }
    versions.back().foreign = rows;
    return versions;
  }

 private:
  Status Wrong(const std::string& what) const {
    const std::string name = TextOf(table_.name);
    return Status(Code::kUsage,
                  origin_ + ": " + (name.empty() ? "a plugin" : "plugin '" + name + "'") + ": " + what,
                  "the plugin must be mended: see docs/plugins.md");
  }

  Status CheckItself() const {
    if (!IsPluginName(TextOf(table_.name)))
      return Wrong("its name must be letters, digits, '_' and '.', at most 200");
    if (table_.oldest_version > table_.version)
      return Wrong("its oldest version is " + std::to_string(table_.oldest_version) + ", its version " +
                   std::to_string(table_.version));
    if (table_.version - table_.oldest_version > kMaxVersionsBack)
      return Wrong("it reads versions " + std::to_string(table_.oldest_version) + " to " +
                   std::to_string(table_.version) + "; at most " + std::to_string(kMaxVersionsBack) +
                   " back");
    if (table_.infer == nullptr || table_.create == nullptr || table_.run == nullptr ||
        table_.destroy == nullptr)
      return Wrong("one of its functions infer, create, run and destroy is missing");
    return Status::Ok();
  }

  Result<std::vector<Port>> ReadPorts(const slipway_port* ports, uint64_t count, const char* role) const {
    if (count > kMaxListed || (count > 0 && ports == nullptr))
      return Wrong("it says that it has " + std::to_string(count) + " " + role + "s and lists none");
    std::vector<Port> read;
    for (uint64_t i = 0; i < count; ++i) {
      const slipway_port& port = ports[i];
      const std::string name = TextOf(port.name);
      const std::string what = std::string(role) + " " + std::to_string(i) + " ('" + name + "')";
      if (name.empty()) return Wrong(what + " has no name");
      if (port.dtypes == 0) return Wrong(what + " takes no dtype");
      if ((port.dtypes & ~kKnownDTypes) != 0) return Wrong(what + " takes dtypes that do not exist");
      if (port.presence > SLIPWAY_ONE_OR_MORE || port.layout > SLIPWAY_LAYOUT_CHANNELS_LAST)
        return Wrong(what + " has an unknown presence or layout");
      const bool is_many = port.presence >= SLIPWAY_VARIADIC;
      if (is_many && i + 1 != count) return Wrong(what + " is variadic; only the last may be");
      DTypeSet dtypes;
      for (int dtype = 1; dtype < kDTypeCount; ++dtype) {
        if ((port.dtypes >> dtype) & 1) dtypes = dtypes | DTypeSet{static_cast<DType>(dtype)};
      }
      constexpr Arity kArities[] = {Arity::kRequired, Arity::kOptional, Arity::kVariadic, Arity::kOneOrMore};
      read.push_back({name, dtypes, TextOf(port.doc), kArities[port.presence]});
    }
    return read;
  }

  static Attr DefaultOf(const slipway_attr& value) {
    switch (value.kind) {
      case SLIPWAY_ATTR_INT: return value.i;
      case SLIPWAY_ATTR_FLOAT: return value.f;
      case SLIPWAY_ATTR_STRING:
        return value.s.size == 0
                   ? std::string()
                   : std::string(static_cast<const char*>(value.s.data), static_cast<size_t>(value.s.size));
      case SLIPWAY_ATTR_INTS: return Ints(value.ints, value.ints + value.count);
      case SLIPWAY_ATTR_FLOATS: return Floats(value.floats, value.floats + value.count);
      case SLIPWAY_ATTR_DTYPE: return static_cast<DType>(value.dtype);
      default: break;
    }
    Strings strings;
    for (uint64_t i = 0; i < value.count; ++i) {
      const slipway_bytes& text = value.strings[i];
      strings.emplace_back(static_cast<const char*>(text.data), static_cast<size_t>(text.size));
    }
    return strings;
  }

  Result<AttrDef> ReadAttr(const slipway_attr_def& source) const {
    AttrDef def;
    def.name = TextOf(source.name);
    def.doc = TextOf(source.doc);
    if (def.name.empty() || def.name.starts_with("plugin."))
      return Wrong("attribute '" + def.name + "' needs a name that does not begin with 'plugin.'");
    const bool is_kind = source.kind <= SLIPWAY_ATTR_TENSOR || source.kind == SLIPWAY_ATTR_DTYPE;
    if (!is_kind)
      return Wrong("attribute '" + def.name + "' is of kind " + std::to_string(source.kind) +
                   ", which is none");
    def.kind = static_cast<AttrKind>(source.kind);
    def.is_required = source.presence == SLIPWAY_REQUIRED;
    def.has_default = source.presence == SLIPWAY_DEFAULT;
    if (def.is_required || source.presence == SLIPWAY_OPTIONAL) return def;
    const bool is_default = def.has_default && def.kind != AttrKind::kTensor &&
                            source.value.kind == source.kind && source.value.count <= (1u << 20);
    if (!is_default) return Wrong("attribute '" + def.name + "' has no default of its kind");
    def.default_value = DefaultOf(source.value);
    return def;
  }

  Result<std::vector<AttrDef>> ReadAttrs() const {
    if (table_.num_attrs > kMaxListed || (table_.num_attrs > 0 && table_.attrs == nullptr))
      return Wrong("it says that it has " + std::to_string(table_.num_attrs) + " attributes and lists none");
    std::vector<AttrDef> attrs;
    std::set<std::string> names;
    for (uint64_t i = 0; i < table_.num_attrs; ++i) {
      SLIPWAY_ASSIGN_OR_RETURN(AttrDef def, ReadAttr(table_.attrs[i]));
      if (!names.insert(def.name).second) return Wrong("two attributes are called '" + def.name + "'");
      attrs.push_back(std::move(def));
    }
    AttrDef library = StringAttr(kPluginLibraryAttr, "", {}, "file name of the plugin's library");
    attrs.push_back(std::move(library));
    attrs.push_back(TensorAttr(kPluginStateAttr, "what the plugin serialised"));
    return attrs;
  }

  Result<std::vector<ForeignRow>> ReadClaims() const {
    if (table_.num_claims > kMaxListed || (table_.num_claims > 0 && table_.claims == nullptr))
      return Wrong("it says that it claims " + std::to_string(table_.num_claims) +
                   " operators and lists none");
    std::vector<ForeignRow> rows;
    for (uint64_t i = 0; i < table_.num_claims; ++i) {
      const slipway_claim& claim = table_.claims[i];
      ForeignRow row;
      const std::string format = TextOf(claim.format);
      constexpr Format kFormats[] = {Format::kOnnx, Format::kTflite, Format::kTensorflow, Format::kCaffe};
      const auto found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                      [&](Format each) { return FormatName(each) == format; });
      if (found == std::end(kFormats))
        return Wrong("it claims an operator of format '" + format +
                     "'; formats are onnx, tflite, tensorflow and caffe");
      row.format = *found;
      row.op = TextOf(claim.op);
      row.domain = TextOf(claim.domain) == "ai.onnx" ? "" : TextOf(claim.domain);
      if (row.op.empty()) return Wrong("it claims an operator without a name");
      row.since = static_cast<int>(std::clamp<int64_t>(claim.since, 0, INT_MAX));
      row.until = claim.until <= 0 ? INT_MAX : static_cast<int>(std::min<int64_t>(claim.until, INT_MAX));
      row.import = ImportPluginNode;
      rows.push_back(std::move(row));
    }
    return rows;
  }

  const slipway_plugin& table_;
  std::string origin_;
};

// What ends before `destroy` cannot run; what lies beyond our own last field is not ours to read.
Result<slipway_plugin> CopyTable(const slipway_plugin* table, std::string_view origin) {
  if (table == nullptr)
    return Status(Code::kUsage, std::string(origin) + ": a plugin's table is null",
                  "the plugin must be mended: see docs/plugins.md");
  slipway_plugin copy{};
  if (table->size < sizeof(copy)) {
    return Status(Code::kUsage,
                  std::string(origin) + ": a plugin's table has " + std::to_string(table->size) +
                      " bytes; those of ABI " + std::to_string(SLIPWAY_PLUGIN_ABI) + " have at least " +
                      std::to_string(sizeof(copy)),
                  "set its field 'size' to sizeof(slipway_plugin)");
  }
  std::memcpy(&copy, table, sizeof(copy));
  return copy;
}

}  // namespace

std::string Describe(const RegisteredPlugin& plugin) {
  return "plugin '" + std::string(plugin.table.name) + "' version " + std::to_string(plugin.table.version) +
         " (" + plugin.origin + ")";
}

std::string OpNameOf(const RegisteredPlugin& plugin) {
  return PluginOpName(plugin.table.name, plugin.table.version);
}

const RegisteredPlugin* FindPlugin(std::string_view op) {
  Plugins& plugins = AllPlugins();
  const std::shared_lock lock(plugins.mutex);
  const auto found = plugins.by_op.find(op);
  return found == plugins.by_op.end() ? nullptr : found->second;
}

const RegisteredPlugin* FindPluginByName(std::string_view name) {
  Plugins& plugins = AllPlugins();
  const std::shared_lock lock(plugins.mutex);
  const RegisteredPlugin* newest = nullptr;
  for (const RegisteredPlugin& plugin : plugins.all) {
    const bool is_newer = newest == nullptr || plugin.table.version > newest->table.version;
    if (plugin.table.name == name && is_newer) newest = &plugin;
  }
  return newest;
}

// The records come first: who finds one and asks for its plugin before it is there would be told that there
// is none, so the lock is held over both.
Status AddPlugin(const slipway_plugin* table, std::string_view origin, std::string_view library) {
  RegisteredPlugin plugin;
  SLIPWAY_ASSIGN_OR_RETURN(plugin.table, CopyTable(table, origin));
  plugin.origin = origin;
  plugin.library = library;
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<OpDef> records, TableReader(plugin.table, origin).Read());
  std::vector<std::string> names;
  for (const OpDef& record : records) names.push_back(record.name);
  Plugins& plugins = AllPlugins();
  const std::unique_lock lock(plugins.mutex);
  SLIPWAY_RETURN_IF_ERROR(AddDynamicOps(origin, std::move(records)));
  plugins.all.push_back(std::move(plugin));
  for (std::string& name : names) plugins.by_op.emplace(std::move(name), &plugins.all.back());
  return Status::Ok();
}

Status RegisterPlugin(const slipway_plugin* table, std::string_view origin) {
  return AddPlugin(table, origin, "");
}

Status RegisterPlugin(std::unique_ptr<const Plugin> plugin, std::string_view origin) {
  if (plugin == nullptr) return Status(Code::kUsage, std::string(origin) + " registers no plugin");
  std::string error;
  const slipway_sink sink{&error, [](void* host, const void* data, uint64_t size) {
                            static_cast<std::string*>(host)->append(static_cast<const char*>(data),
                                                                    static_cast<size_t>(size));
                          }};
  std::unique_ptr<plugin::Adapter> adapter;
  const int32_t failed =
      plugin::Adapter::Guarded(sink, [&] { adapter = std::make_unique<plugin::Adapter>(std::move(plugin)); });
  if (failed != 0)
    return Status(Code::kUsage, std::string(origin) + ": a plugin cannot be described: " + error);
  SLIPWAY_RETURN_IF_ERROR(AddPlugin(adapter->table(), origin, ""));
  adapter.release();  // the records refer to it until the program ends
  return Status::Ok();
}

std::vector<PluginInfo> LoadedPlugins() {
  std::vector<PluginInfo> infos;
  Plugins& plugins = AllPlugins();
  const std::shared_lock lock(plugins.mutex);
  for (const RegisteredPlugin& plugin : plugins.all) {
    infos.push_back({plugin.table.name, plugin.table.version, plugin.table.oldest_version,
                     TextOf(plugin.table.summary), plugin.origin});
  }
  std::sort(infos.begin(), infos.end(), [](const PluginInfo& a, const PluginInfo& b) {
    return a.name != b.name ? a.name < b.name : a.version < b.version;
  });
  return infos;
}

}  // namespace slipway
