// A recursive-descent parser of the text form. Recursion is only into sub-graphs, and bounded.
#include <cctype>
#include <charconv>

#include "base/scalar.h"
#include "ir/text.h"

namespace slipway {
namespace {

constexpr int kMaxDepth = 32;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Graph> Run() {
    SLIPWAY_ASSIGN_OR_RETURN(Graph graph, ReadGraph(0));
    Skip();
    if (at_ != text_.size()) return Expected("the end");
    return graph;
  }

 private:
  using Names = std::map<std::string, ValueId, std::less<>>;

  Status Expected(std::string_view what) const {
    size_t line = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) line += text_[i] == '\n';
    const std::string found = at_ < text_.size() ? "'" + std::string(text_.substr(at_, 12)) + "'" : "the end";
    return Status(Code::kInvalidModel, "graph text, line " + std::to_string(line) + ": expected " +
                                           std::string(what) + ", found " + found);
  }

  void Skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  // Takes `token` if it is next; a word must end there.
  bool Take(std::string_view token) {
    Skip();
    if (text_.substr(at_, token.size()) != token) return false;
    const size_t end = at_ + token.size();
    const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    if (is_letter(token.back()) && end < text_.size() && is_letter(text_[end])) return false;
    at_ = end;
    return true;
  }

  Status Need(std::string_view token) {
    return Take(token) ? Status::Ok() : Expected("'" + std::string(token) + "'");
  }

  Result<std::string> ReadWord() {
    Skip();
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    if (at_ == start) return Expected("a word");
    return std::string(text_.substr(start, at_ - start));
  }

  Result<std::string> ReadString() {
    SLIPWAY_RETURN_IF_ERROR(Need("\""));
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'x') {
          const int high = at_ + 1 < text_.size() ? HexDigit(text_[at_]) : -1;
          const int low = high < 0 ? -1 : HexDigit(text_[at_ + 1]);
          if (low < 0) return Expected("two hex digits");
          c = static_cast<char>(high * 16 + low);
          at_ += 2;
        }
      }
      value += c;
    }
    if (at_ == text_.size()) return Expected("'\"'");
    ++at_;
    return value;
  }

  // A word; names that are none stand in quotes.
  Result<std::string> ReadOp() {
    Skip();
    return at_ < text_.size() && text_[at_] == '"' ? ReadString() : ReadWord();
  }

  template <class T>
  Result<T> ReadNumber() {
    Skip();
    T value{};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return Expected("a number");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  // "[" items separated by commas "]"
  template <class T, class Read>
  Result<std::vector<T>> ReadList(const Read& read) {
    SLIPWAY_RETURN_IF_ERROR(Need("["));
    std::vector<T> items;
    while (!Take("]")) {
      if (!items.empty()) SLIPWAY_RETURN_IF_ERROR(Need(","));
      SLIPWAY_ASSIGN_OR_RETURN(T item, read());
      items.push_back(std::move(item));
    }
    return items;
  }

  Result<Ints> ReadInts() {
    return ReadList<int64_t>([&] { return ReadNumber<int64_t>(); });
  }
  Result<Floats> ReadFloats() {
    return ReadList<float>([&] { return ReadNumber<float>(); });
  }
  Result<Strings> ReadStrings() {
    return ReadList<std::string>([&] { return ReadString(); });
  }

  Result<Dim> ReadDim() {
    if (Take("?")) return Dim();
    Skip();
    if (at_ < text_.size() && text_[at_] == '"') {
      SLIPWAY_ASSIGN_OR_RETURN(std::string symbol, ReadString());
      return Dim::Symbol(std::move(symbol));
    }
    SLIPWAY_ASSIGN_OR_RETURN(int64_t value, ReadNumber<int64_t>());
    if (value < 0) return Expected("an extent that is not negative");
    return Dim(value);
  }

  Result<Type> ReadType() {
    Type type;
    if (Take("sequence")) type.kind = TypeKind::kSequence;
    if (Take("optional")) type.kind = TypeKind::kOptionalTensor;
    if (Take("optional_sequence")) type.kind = TypeKind::kOptionalSequence;
    SLIPWAY_ASSIGN_OR_RETURN(std::string name, ReadWord());
    const auto dtype = ParseDType(name);
    if (!dtype && name != "none") return Expected("a dtype before this");
    type.dtype = dtype.value_or(DType::kNone);
    const size_t before = at_;
    if (Take("[") && Take("*")) {
      SLIPWAY_RETURN_IF_ERROR(Need("]"));
      return type;
    }
    at_ = before;
    SLIPWAY_ASSIGN_OR_RETURN(type.shape, ReadList<Dim>([&] { return ReadDim(); }));
    return type;
  }

  Result<std::optional<Quant>> ReadQuant() {
    std::optional<Quant> quant;
    if (!Take("quant")) return quant;
    quant.emplace();
    SLIPWAY_RETURN_IF_ERROR(Need("scales"));
    SLIPWAY_ASSIGN_OR_RETURN(quant->scales, ReadFloats());
    SLIPWAY_RETURN_IF_ERROR(Need("zero_points"));
    SLIPWAY_ASSIGN_OR_RETURN(quant->zero_points, ReadInts());
    SLIPWAY_RETURN_IF_ERROR(Need("axis"));
    SLIPWAY_ASSIGN_OR_RETURN(quant->axis, ReadNumber<int>());
    return quant;
  }

  Result<Tensor> ReadContent(const Type& type) {
    if (!type.IsStatic() || type.dtype == DType::kNone)
      return Expected("a type without unknowns before this");
    const Dims dims = KnownDims(*type.shape);
    SLIPWAY_ASSIGN_OR_RETURN(int64_t count, ElementCount(dims));
    // An element takes at least two characters of text: no allocation beyond what stands there.
    const auto limit = static_cast<int64_t>(text_.size() - at_) * 4;
    if (count > limit) return Expected("as many elements as the type says");
    if (Take("hex")) return ReadHex(type.dtype, dims);
    Tensor tensor(type.dtype, dims);
    const auto check = [&](size_t given) {
      return static_cast<int64_t>(given) == count ? Status::Ok()
                                                  : Expected(std::to_string(count) + " elements before this");
    };
    if (type.dtype == DType::kString) {
      SLIPWAY_ASSIGN_OR_RETURN(Strings strings, ReadStrings());
      SLIPWAY_RETURN_IF_ERROR(check(strings.size()));
      for (size_t i = 0; i < strings.size(); ++i) tensor.as<std::string>()[i] = std::move(strings[i]);
    } else if (IsFloat(type.dtype)) {
      SLIPWAY_ASSIGN_OR_RETURN(Floats floats, ReadFloats());
      SLIPWAY_RETURN_IF_ERROR(check(floats.size()));
      for (size_t i = 0; i < floats.size(); ++i)
        StoreReal(type.dtype, tensor.data(), static_cast<int64_t>(i), floats[i]);
    } else {
      SLIPWAY_ASSIGN_OR_RETURN(Ints ints, ReadInts());
      SLIPWAY_RETURN_IF_ERROR(check(ints.size()));
      for (size_t i = 0; i < ints.size(); ++i)
        StoreInt(type.dtype, tensor.data(), static_cast<int64_t>(i), ints[i]);
    }
    return tensor;
  }

  Result<Tensor> ReadHex(DType dtype, const Dims& dims) {
    SLIPWAY_ASSIGN_OR_RETURN(std::string hex, ReadString());
    const int64_t bytes = dtype == DType::kString ? -1 : BytesOf(dtype, CountOf(dims));
    if (static_cast<int64_t>(hex.size()) != 2 * bytes)
      return Expected(std::to_string(bytes) + " bytes before this");
    Tensor tensor(dtype, dims);
    for (int64_t i = 0; i < bytes; ++i) {
      const int high = HexDigit(hex[static_cast<size_t>(2 * i)]);
      const int low = HexDigit(hex[static_cast<size_t>(2 * i + 1)]);
      if (high < 0 || low < 0) return Expected("hex digits before this");
      tensor.as<uint8_t>()[i] = static_cast<uint8_t>(high * 16 + low);
    }
    return tensor;
  }

  Result<Attr> ReadAttr(int depth) {
    Skip();
    if (at_ < text_.size() && text_[at_] == '"') {
      SLIPWAY_ASSIGN_OR_RETURN(std::string value, ReadString());
      return Attr(std::move(value));
    }
    if (Take("float")) {
      SLIPWAY_ASSIGN_OR_RETURN(float value, ReadNumber<float>());
      return Attr(value);
    }
    if (Take("ints")) {
      SLIPWAY_ASSIGN_OR_RETURN(Ints value, ReadInts());
      return Attr(std::move(value));
    }
    if (Take("floats")) {
      SLIPWAY_ASSIGN_OR_RETURN(Floats value, ReadFloats());
      return Attr(std::move(value));
    }
    if (Take("strings")) {
      SLIPWAY_ASSIGN_OR_RETURN(Strings value, ReadStrings());
      return Attr(std::move(value));
    }
    if (Take("dtype")) {
      SLIPWAY_ASSIGN_OR_RETURN(std::string name, ReadWord());
      const auto dtype = ParseDType(name);
      if (!dtype && name != "none") return Expected("a dtype before this");
      return Attr(dtype.value_or(DType::kNone));
    }
    if (Take("no_tensor")) return Attr(Tensor());
    if (Take("no_graph")) return Attr(GraphRef());
    if (Take("tensor")) {
      SLIPWAY_ASSIGN_OR_RETURN(Type type, ReadType());
      SLIPWAY_RETURN_IF_ERROR(Need("="));
      SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, ReadContent(type));
      return Attr(std::move(tensor));
    }
    if (text_.substr(at_, 5) == "graph") {
      SLIPWAY_ASSIGN_OR_RETURN(Graph graph, ReadGraph(depth + 1));
      return Attr(GraphRef(std::make_shared<const Graph>(std::move(graph))));
    }
    SLIPWAY_ASSIGN_OR_RETURN(int64_t value, ReadNumber<int64_t>());
    return Attr(value);
  }

  Result<ValueId> AddValue(Graph& graph, Names& names, Value value) {
    const std::string name = value.name;
    const auto id = static_cast<ValueId>(graph.values.size());
    if (name.empty() || !names.emplace(name, id).second) return Expected("a new name before this");
    graph.values.push_back(std::move(value));
    return id;
  }

  Result<ValueId> ReadKnown(const Names& names) {
    if (Take("_")) return kNoValue;
    SLIPWAY_ASSIGN_OR_RETURN(std::string name, ReadString());
    const auto found = names.find(name);
    if (found == names.end()) return Expected("the name of a value defined above, before this");
    return found->second;
  }

  // Name, type and quantisation.
  Result<Value> ReadDeclared() {
    Value value;
    SLIPWAY_ASSIGN_OR_RETURN(value.name, ReadString());
    SLIPWAY_RETURN_IF_ERROR(Need(":"));
    SLIPWAY_ASSIGN_OR_RETURN(value.type, ReadType());
    SLIPWAY_ASSIGN_OR_RETURN(value.quant, ReadQuant());
    return value;
  }

  Status ReadNode(Graph& graph, Names& names, int depth) {
    Node node;
    SLIPWAY_ASSIGN_OR_RETURN(node.op, ReadOp());
    SLIPWAY_ASSIGN_OR_RETURN(node.name, ReadString());
    SLIPWAY_ASSIGN_OR_RETURN(node.inputs, ReadList<ValueId>([&] { return ReadKnown(names); }));
    SLIPWAY_RETURN_IF_ERROR(Need("->"));
    const auto read_output = [&]() -> Result<ValueId> {
      if (Take("_")) return kNoValue;
      SLIPWAY_ASSIGN_OR_RETURN(Value value, ReadDeclared());
      return AddValue(graph, names, std::move(value));
    };
    SLIPWAY_ASSIGN_OR_RETURN(node.outputs, ReadList<ValueId>(read_output));
    if (Take("{")) {
      while (!Take("}")) {
        if (!node.attrs.IsEmpty()) SLIPWAY_RETURN_IF_ERROR(Need(","));
        SLIPWAY_ASSIGN_OR_RETURN(std::string name, ReadString());
        SLIPWAY_RETURN_IF_ERROR(Need("="));
        SLIPWAY_ASSIGN_OR_RETURN(Attr attr, ReadAttr(depth));
        node.attrs.Set(std::move(name), std::move(attr));
      }
    }
    if (Take("from")) {
      SLIPWAY_ASSIGN_OR_RETURN(node.sources, ReadStrings());
    }
    graph.nodes.push_back(std::move(node));
    return Status::Ok();
  }

  Result<Graph> ReadGraph(int depth) {
    if (depth > kMaxDepth) return Expected("graphs nested less deep");
    Graph graph;
    Names names;
    SLIPWAY_RETURN_IF_ERROR(Need("graph"));
    SLIPWAY_ASSIGN_OR_RETURN(graph.name, ReadString());
    SLIPWAY_RETURN_IF_ERROR(Need("{"));
    while (!Take("}")) {
      if (Take("input")) {
        SLIPWAY_ASSIGN_OR_RETURN(Value value, ReadDeclared());
        SLIPWAY_ASSIGN_OR_RETURN(ValueId id, AddValue(graph, names, std::move(value)));
        graph.inputs.push_back(id);
        if (!graph.states.empty()) return Expected("inputs before states");
      } else if (Take("state")) {
        SLIPWAY_ASSIGN_OR_RETURN(Value value, ReadDeclared());
        SLIPWAY_RETURN_IF_ERROR(Need("="));
        SLIPWAY_ASSIGN_OR_RETURN(Tensor start, ReadContent(value.type));
        SLIPWAY_ASSIGN_OR_RETURN(ValueId id, AddValue(graph, names, std::move(value)));
        graph.inputs.push_back(id);
        graph.states.push_back(std::move(start));
      } else if (Take("const")) {
        SLIPWAY_ASSIGN_OR_RETURN(Value value, ReadDeclared());
        SLIPWAY_RETURN_IF_ERROR(Need("="));
        SLIPWAY_ASSIGN_OR_RETURN(value.data, ReadContent(value.type));
        SLIPWAY_RETURN_IF_ERROR(AddValue(graph, names, std::move(value)).status());
      } else if (Take("node")) {
        SLIPWAY_RETURN_IF_ERROR(ReadNode(graph, names, depth));
      } else if (Take("output")) {
        SLIPWAY_ASSIGN_OR_RETURN(ValueId id, ReadKnown(names));
        if (id == kNoValue) return Expected("a value before this");
        graph.outputs.push_back(id);
      } else {
        return Expected("input, state, const, node, output or '}'");
      }
    }
    if (graph.outputs.size() < graph.states.size()) return Expected("an output for each state before this");
    return graph;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Result<Graph> ParseGraph(std::string_view text) { return Parser(text).Run(); }

}  // namespace slipway
