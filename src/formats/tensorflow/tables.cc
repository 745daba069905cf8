#include "formats/tensorflow/tables.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/scalar.h"
#include "formats/tensorflow/import.h"
#include "formats/tensorflow/inline.h"
#include "ops/run.h"

namespace slipway::tensorflow {
namespace {

constexpr int64_t kWholeLine = -2;
constexpr int64_t kLineNumber = -1;
constexpr int64_t kMaxColumn = 1 << 16;
constexpr int64_t kMaxComputed = 1 << 22;  // elements of a value on the way to a table

bool IsTable(const std::string& op) {
  return op == "HashTableV2" || op == "HashTable" || op == "MutableHashTableV2" || op == "MutableHashTable";
}

bool IsFilling(const std::string& op) {
  static const std::set<std::string, std::less<>> kOps = {"InitializeTable",
                                                          "InitializeTableV2",
                                                          "InitializeTableFromTextFile",
                                                          "InitializeTableFromTextFileV2",
                                                          "LookupTableImportV2",
                                                          "LookupTableImport"};
  return kOps.count(op) > 0;
}

bool IsTextFile(const std::string& op) { return op.starts_with("InitializeTableFromTextFile"); }

// A field of a line as an element of `tensor`.
bool StoreField(std::string_view field, Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::kString) {
    tensor.as<std::string>()[i] = std::string(field);
    return true;
  }
  const char* end = field.data() + field.size();
  if (IsInteger(tensor.dtype())) {
    int64_t number = 0;
    const auto parsed = std::from_chars(field.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) return false;
    StoreInt(tensor.dtype(), tensor.data(), i, number);
    return true;
  }
  double number = 0;
  const auto parsed = std::from_chars(field.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return false;
  StoreReal(tensor.dtype(), tensor.data(), i, number);
  return true;
}

std::vector<std::string_view> Split(std::string_view line, char delimiter) {
  std::vector<std::string_view> fields;
  for (size_t begin = 0;;) {
    const size_t end = line.find(delimiter, begin);
    fields.push_back(line.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) return fields;
    begin = end + 1;
  }
}

// Lines without their ends, "\n" or "\r\n".
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with("\r")) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

class Filler {
 public:
  Filler(const TfGraph& graph, const TableSources& sources) : graph_(graph), sources_(sources) {}

  std::shared_ptr<const TfTables> Run() {
    auto tables = std::make_shared<TfTables>();
    for (const TfNode& node : graph_.nodes) {
      if (!IsFilling(node.op) || node.inputs.size() < 2) continue;
      const TfNode* table = SourceOf(node.inputs[0]).node;
      if (table == nullptr || !IsTable(table->op)) continue;
      auto filled = Fill(node, *table);
      TfTable entry = filled.ok() ? std::move(*filled) : TfTable();
      entry.broken = filled.status();
      if (const std::string& shared = table->attrs.String("shared_name"); !shared.empty())
        tables->insert_or_assign(shared, entry);
      tables->insert_or_assign(table->name, std::move(entry));
    }
    return tables;
  }

 private:
  struct Source {
    const TfNode* node = nullptr;
    int index = 0;
  };

  // The node that makes a tensor, behind what only hands it on, and behind a variable that it is assigned to.
  Source SourceOf(const std::string& input) const {
    TfInput at = ParseInput(input);
    for (int hops = 0; hops < 64; ++hops) {
      const TfNode* node = graph_.Find(at.node);
      if (node == nullptr) return {};
      const auto index = static_cast<size_t>(at.index);
      const TfNode* assigned = node->op == "VarHandleOp" ? AssignmentOf(*node) : nullptr;
      if (assigned != nullptr) {
        at = ParseInput(assigned->inputs[1]);
      } else if ((node->op == "Identity" || node->op == "IdentityN" || node->op == "ReadVariableOp") &&
                 index < node->inputs.size() && !ParseInput(node->inputs[index]).is_control) {
        at = ParseInput(node->inputs[index]);
      } else {
        return {node, at.index};
      }
    }
    return {};
  }

  const TfNode* AssignmentOf(const TfNode& variable) const {
    for (const TfNode& node : graph_.nodes) {
      if (node.op == "AssignVariableOp" && node.inputs.size() >= 2 &&
          ParseInput(node.inputs[0]).node == variable.name)
        return &node;
    }
    return nullptr;
  }

  Result<TfTable> Fill(const TfNode& node, const TfNode& table) const {
    if (IsTextFile(node.op)) {
      SLIPWAY_ASSIGN_OR_RETURN(const std::string text, TextOf(node.inputs[1]));
      return TableOfText(node, table.attrs.Type("key_dtype"), table.attrs.Type("value_dtype"), text);
    }
    if (node.inputs.size() < 3) return Status(Code::kInvalidModel, "no keys and values");
    TfTable filled;
    SLIPWAY_ASSIGN_OR_RETURN(filled.keys, ValueOf(node.inputs[1]));
    SLIPWAY_ASSIGN_OR_RETURN(filled.values, ValueOf(node.inputs[2]));
    if (filled.keys.dims() != filled.values.dims() || filled.keys.rank() != 1)
      return Status(Code::kUnsupported, "its keys are " + Describe(filled.keys) + ", its values " +
                                            Describe(filled.values) + ": one value a key is read");
    return filled;
  }

  // The content of the file that a tensor names.
  Result<std::string> TextOf(const std::string& input) const {
    const auto [node, index] = SourceOf(input);
    const auto asset = node == nullptr ? sources_.assets.end()
                                       : sources_.assets.find(node->name + ":" + std::to_string(index));
    std::string name;
    if (asset != sources_.assets.end()) {
      name = asset->second;
    } else {
      const Tensor* path = node != nullptr && node->op == "Const" ? node->attrs.TensorOf("value") : nullptr;
      if (path == nullptr || path->dtype() != DType::kString || path->count() != 1)
        return Status(Code::kUnsupported, "the name of its file is not in the model");
      name = path->as<std::string>()->substr(path->as<std::string>()->rfind('/') + 1);
    }
    if (sources_.read_asset == nullptr)
      return Status(Code::kUnsupported,
                    "it is filled from the file '" + name + "', which is not part of the model");
    return sources_.read_asset(name);
  }

  Result<Tensor> ValueOf(const std::string& input) const {
    const auto [node, index] = SourceOf(input);
    if (node == nullptr) return Status(Code::kInvalidModel, "'" + input + "' is not in the graph");
    if (node->op == "Const") {
      if (const Tensor* value = node->attrs.TensorOf("value")) return *value;
    }
    if (node->op == "RestoreV2" && sources_.checkpoint != nullptr && node->inputs.size() > 1) {
      const TfNode* names = SourceOf(node->inputs[1]).node;
      const Tensor* keys = names != nullptr ? names->attrs.TensorOf("value") : nullptr;
      if (keys != nullptr && keys->dtype() == DType::kString && index < keys->count())
        return sources_.checkpoint->ReadTensor(keys->as<std::string>()[index]);
    }
    return Computed(input);
  }

  // The part of the graph behind it runs, where it is short and ends.
  Result<Tensor> Computed(const std::string& input) const {
    if (--computed_left_ < 0) return Status(Code::kUnsupported, "too many tables are computed");
    ImportOptions options;
    options.outputs = {input};
    SLIPWAY_ASSIGN_OR_RETURN(const ImportedModel part, ImportGraph(graph_, options));
    if (!part.graph.inputs.empty()) return Status(Code::kUnsupported, "what is in it depends on inputs");
    for (const Value& value : part.graph.values) {
      const bool is_small = value.type.kind == TypeKind::kTensor && value.type.IsStatic() &&
                            slipway::CountOf(KnownDims(*value.type.shape)) <= kMaxComputed;
      if (!is_small) return Status(Code::kUnsupported, "what is in it is computed in a way that is not read");
    }
    for (const Node& node : part.graph.nodes) {
      for (const auto& [name, attr] : node.attrs) {
        if (std::holds_alternative<GraphRef>(attr))
          return Status(Code::kUnsupported, "what is in it is computed by loops or branches");
      }
    }
    SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Datum> results, Interpret(part.graph, {}));
    return results.at(0).tensor;
  }

  const TfGraph& graph_;
  const TableSources& sources_;
  mutable int computed_left_ = 64;
};

}  // namespace

Result<TfTable> TableOfText(const TfNode& node, DType keys, DType values, std::string_view text) {
  const int64_t columns[] = {node.attrs.Int("key_index"), node.attrs.Int("value_index")};
  const std::string& delimiter = node.attrs.String("delimiter");
  const char between = delimiter.empty() ? '\t' : delimiter[0];
  const int64_t wanted = node.attrs.Int("vocab_size", -1);
  const int64_t offset = node.attrs.Int("offset");
  std::vector<std::string_view> lines = Lines(text);
  if (wanted >= 0 && static_cast<int64_t>(lines.size()) > wanted) lines.resize(static_cast<size_t>(wanted));
  if (static_cast<int64_t>(lines.size()) < wanted)
    return Status(Code::kInvalidModel, "its file has " + std::to_string(lines.size()) +
                                           " lines, the graph wants " + std::to_string(wanted));
  const auto count = static_cast<int64_t>(lines.size());
  if (keys == DType::kNone || values == DType::kNone) return Status(Code::kUnsupported, "its types");
  TfTable table{Tensor(keys, {count}), Tensor(values, {count}), {}};
  Tensor* const parts[] = {&table.keys, &table.values};
  for (int64_t i = 0; i < count; ++i) {
    const std::string_view line = lines[static_cast<size_t>(i)];
    if (line.empty())
      return Status(Code::kInvalidModel, "line " + std::to_string(i + 1) + " of its file is empty");
    for (int part = 0; part < 2; ++part) {
      const int64_t column = columns[part];
      std::string_view field = line;
      const std::string number = std::to_string(i + offset);
      if (column == kLineNumber) {
        field = number;
      } else if (column != kWholeLine) {
        const std::vector<std::string_view> fields = Split(line, between);
        if (column < 0 || column > kMaxColumn || column >= static_cast<int64_t>(fields.size()))
          return Status(Code::kInvalidModel, "line " + std::to_string(i + 1) + " of its file has " +
                                                 std::to_string(fields.size()) + " fields, field " +
                                                 std::to_string(column) + " is wanted");
        field = fields[static_cast<size_t>(column)];
      }
      if (!StoreField(field, *parts[part], i))
        return Status(Code::kInvalidModel, "line " + std::to_string(i + 1) + " of its file has '" +
                                               std::string(field.substr(0, 40)) +
                                               "' where a number is wanted");
    }
  }
  return table;
}

Status FillTables(TfGraph& graph, const TfGraph& whole, const std::vector<std::string>& roots,
                  const TableSources& sources) {
  const bool has_tables = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                      [](const TfNode& node) { return IsTable(node.op); });
  if (!has_tables) return Status::Ok();
  std::vector<std::string> all = roots;
  for (const TfNode& node : whole.nodes) {
    if (IsFilling(node.op)) all.push_back(node.name);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const TfGraph filling, InlineCalls(NodesAwaited(whole, all)));
  graph.tables = Filler(filling, sources).Run();
  return Status::Ok();
}

}  // namespace slipway::tensorflow
