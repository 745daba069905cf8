// Plugin: an operator of your own, written in C++ and used by Slipway over the C interface of plugin_abi.h.
//
//   class Scale : public slipway::Plugin {
//    public:
//     slipway::plugin::Description Describe() const override {
//       return {.name = "Scale", .summary = "x times a number.",
//               .inputs = {{.name = "x", .dtypes = {DType::kF32}}}, .outputs = {{.name = "y", .dtypes =
//               {DType::kF32}}}, .attrs = {plugin::FloatAttr("factor", 1.0f)}, .claims =
//               {plugin::Onnx("com.acme", "Scale")}};
//     }
//     void Infer(plugin::InferCall& call) const override { call.SetOutput(0, call.input(0)); }
//     std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override { ... }
//   };
//   SLIPWAY_PLUGIN_LIBRARY(Scale)
//
// Header only: a plugin includes this and links nothing of Slipway. Whatever a function of a plugin throws is
// caught on its side of the boundary and reported as that plugin's error; throw plugin::Error with a sentence
// for the user. docs/plugins.md is the guide, examples/plugin the template. An application registers plugins
// of its own with slipway/plugin_library.h.
#pragma once

#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/plugin_abi.h"

#if defined(_WIN32)
#define SLIPWAY_PLUGIN_EXPORT __declspec(dllexport)
#else
#define SLIPWAY_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

namespace slipway::plugin {

// What went wrong, for the user: lower case, with both sides ("x has 3 channels, scale has 4").
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline std::string_view Text(const slipway_bytes& bytes) {
  return {static_cast<const char*>(bytes.data), static_cast<size_t>(bytes.size)};
}

// --- What a plugin says of itself ---

enum class Presence : uint32_t {
  kRequired = SLIPWAY_REQUIRED,
  kOptional = SLIPWAY_OPTIONAL,
  kVariadic = SLIPWAY_VARIADIC,      // the last port: zero or more
  kOneOrMore = SLIPWAY_ONE_OR_MORE,  // the last port: one or more
};

enum class Layout : uint32_t {
  kAny = SLIPWAY_LAYOUT_ANY,                       // as the model has it
  kChannelsFirst = SLIPWAY_LAYOUT_CHANNELS_FIRST,  // [N,C,spatial...]
  kChannelsLast = SLIPWAY_LAYOUT_CHANNELS_LAST,    // [N,spatial...,C]
};

struct Port {
  std::string name;
  std::vector<DType> dtypes;
  std::string doc = {};
  Presence presence = Presence::kRequired;
  Layout layout = Layout::kAny;
};

enum class AttrKind : uint32_t {
  kInt = SLIPWAY_ATTR_INT,
  kFloat = SLIPWAY_ATTR_FLOAT,
  kString = SLIPWAY_ATTR_STRING,
  kInts = SLIPWAY_ATTR_INTS,
  kFloats = SLIPWAY_ATTR_FLOATS,
  kStrings = SLIPWAY_ATTR_STRINGS,
  kTensor = SLIPWAY_ATTR_TENSOR,
  kDType = SLIPWAY_ATTR_DTYPE,
};

struct Attr {
  std::string name;
  AttrKind kind = AttrKind::kInt;
  std::string doc = {};
  uint32_t presence = SLIPWAY_REQUIRED;  // SLIPWAY_OPTIONAL: may be absent; SLIPWAY_DEFAULT: the value below
  int64_t i = 0;
  float f = 0;
  std::string s = {};
  std::vector<int64_t> ints = {};
  std::vector<float> floats = {};
};

// An attribute that every node must have, or may have.
inline Attr RequiredAttr(std::string name, AttrKind kind, std::string doc = {}) {
  return {.name = std::move(name), .kind = kind, .doc = std::move(doc)};
}
inline Attr OptionalAttr(std::string name, AttrKind kind, std::string doc = {}) {
  return {.name = std::move(name), .kind = kind, .doc = std::move(doc), .presence = SLIPWAY_OPTIONAL};
}
// Attributes with defaults.
inline Attr IntAttr(std::string name, int64_t value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kInt,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .i = value};
}
inline Attr FloatAttr(std::string name, float value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kFloat,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .f = value};
}
inline Attr StringAttr(std::string name, std::string value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kString,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .s = std::move(value)};
}
inline Attr IntsAttr(std::string name, std::vector<int64_t> value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kInts,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .ints = std::move(value)};
}
inline Attr FloatsAttr(std::string name, std::vector<float> value, std::string doc = {}) {
  return {.name = std::move(name),
          .kind = AttrKind::kFloats,
          .doc = std::move(doc),
          .presence = SLIPWAY_DEFAULT,
          .floats = std::move(value)};
}

// A foreign operator that becomes this plugin's node where Slipway has none for it.
struct Claim {
  std::string format;
  std::string domain;
  std::string op;
  int64_t since = 1;
  int64_t until = 0;  // 0: and all later versions
};
inline Claim Onnx(std::string domain, std::string op, int64_t since = 1, int64_t until = 0) {
  return {"onnx", std::move(domain), std::move(op), since, until};
}
inline Claim Tflite(std::string custom_code) { return {"tflite", "", std::move(custom_code)}; }
inline Claim Tensorflow(std::string op) { return {"tensorflow", "", std::move(op)}; }
inline Claim Caffe(std::string layer_type) { return {"caffe", "", std::move(layer_type)}; }

struct Description {
  std::string name;             // letters, digits, '_' and '.'
  uint32_t version = 1;         // raise it when attributes, state or results change
  uint32_t oldest_version = 0;  // whose nodes and state this one still reads; 0: its own only
  std::string summary;          // one sentence
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Attr> attrs = {};
  std::vector<Claim> claims = {};
  bool is_deterministic = true;  // false: equal inputs may give unequal outputs
  bool has_open_attrs = false;   // true: takes attributes that `attrs` does not name
};

// --- Before a run: shapes and attributes ---

// An extent, known or open. Arithmetic keeps what can be known: two extents computed the same way stay equal.
class Dim {
 public:
  Dim() = default;                          // open, and unlike every other
  Dim(int64_t extent) : dim_{extent, 0} {}  // NOLINT: a number is an extent
  Dim(const slipway_dim& dim, const slipway_infer* call) : dim_(dim), call_(call) {}

  bool IsKnown() const { return dim_.extent >= 0; }
  // REQUIRES: IsKnown().
  int64_t value() const { return dim_.extent; }
  // Surely the same.
  bool Equals(const Dim& other) const {
    return IsKnown() ? dim_.extent == other.dim_.extent
                     : !other.IsKnown() && dim_.symbol != 0 && dim_.symbol == other.dim_.symbol;
  }
  // Surely different.
  bool Differs(const Dim& other) const {
    return IsKnown() && other.IsKnown() && dim_.extent != other.dim_.extent;
  }
  const slipway_dim& raw() const { return dim_; }

  friend Dim operator+(const Dim& a, const Dim& b) { return Combine(SLIPWAY_DIM_ADD, a, b); }
  friend Dim operator-(const Dim& a, const Dim& b) { return Combine(SLIPWAY_DIM_SUB, a, b); }
  friend Dim operator*(const Dim& a, const Dim& b) { return Combine(SLIPWAY_DIM_MUL, a, b); }
  friend Dim FloorDiv(const Dim& a, const Dim& b) { return Combine(SLIPWAY_DIM_FLOOR_DIV, a, b); }
  friend Dim CeilDiv(const Dim& a, const Dim& b) { return Combine(SLIPWAY_DIM_CEIL_DIV, a, b); }

 private:
  static Dim Combine(uint32_t operation, const Dim& a, const Dim& b) {
    const slipway_infer* call = a.call_ != nullptr ? a.call_ : b.call_;
    if (call == nullptr) throw Error("extents are combined that come from no operand");
    Dim result;
    result.call_ = call;
    call->combine(call->host, operation, &a.dim_, &b.dim_, &result.dim_);
    return result;
  }

  slipway_dim dim_{-1, 0};
  const slipway_infer* call_ = nullptr;
};
using Shape = std::vector<Dim>;

// What integers stand for.
class QuantView {
 public:
  explicit QuantView(const slipway_quant& quant) : quant_(&quant) {}
  std::span<const float> scales() const { return {quant_->scales, static_cast<size_t>(quant_->count)}; }
  std::span<const int64_t> zero_points() const {
    return {quant_->zero_points, static_cast<size_t>(quant_->count)};
  }
  int64_t axis() const { return quant_->axis; }  // -1: one scale for the whole tensor

 private:
  const slipway_quant* quant_;
};

// An operand before a run.
class Operand {
 public:
  Operand(const slipway_operand& raw, const slipway_infer* call) : raw_(&raw), call_(call) {}

  bool IsPresent() const { return raw_->is_present != 0; }
  DType dtype() const { return static_cast<DType>(raw_->dtype); }  // kNone: not known yet
  bool HasRank() const { return raw_->rank >= 0; }
  // REQUIRES of all that follows: HasRank().
  int64_t rank() const { return raw_->rank; }
  Dim dim(int64_t axis) const { return {raw_->dims[axis < 0 ? axis + raw_->rank : axis], call_}; }
  Shape shape() const {
    Shape shape;
    for (int64_t axis = 0; axis < raw_->rank; ++axis) shape.push_back(dim(axis));
    return shape;
  }
  bool IsStatic() const {
    for (int64_t axis = 0; axis < raw_->rank; ++axis) {
      if (raw_->dims[axis].extent < 0) return false;
    }
    return HasRank();
  }
  // The content where it is known already (weights), else null.
  template <class T>
  const T* content() const {
    return static_cast<const T*>(raw_->data);
  }
  std::optional<QuantView> quant() const {
    return raw_->quant == nullptr ? std::nullopt : std::optional(QuantView(*raw_->quant));
  }

 private:
  const slipway_operand* raw_;
  const slipway_infer* call_;
};

// An operand during a run.
class TensorView {
 public:
  explicit TensorView(const slipway_tensor& raw) : raw_(&raw) {}

  bool IsPresent() const { return raw_->is_present != 0; }
  DType dtype() const { return static_cast<DType>(raw_->dtype); }
  int64_t rank() const { return raw_->rank; }
  std::span<const int64_t> dims() const { return {raw_->dims, static_cast<size_t>(raw_->rank)}; }
  int64_t dim(int64_t axis) const { return raw_->dims[axis < 0 ? axis + raw_->rank : axis]; }
  int64_t count() const {
    int64_t count = 1;
    for (int64_t extent : dims()) count *= extent;
    return count;
  }
  size_t size_bytes() const { return static_cast<size_t>(raw_->size_bytes); }
  // T must be the element type of dtype(); packed types are read as bytes.
  template <class T>
  std::span<T> values() const {
    return {static_cast<T*>(raw_->data), size_bytes() / sizeof(T)};
  }
  std::optional<QuantView> quant() const {
    return raw_->quant == nullptr ? std::nullopt : std::optional(QuantView(*raw_->quant));
  }

 private:
  const slipway_tensor* raw_;
};

// A node: its attributes, its state, what is known of its operands.
class Node {
 public:
  explicit Node(const slipway_node& raw, const slipway_infer* call = nullptr) : raw_(&raw), call_(call) {}

  std::string_view name() const { return Text(raw_->name); }
  uint32_t version() const { return raw_->version; }
  size_t num_inputs() const { return static_cast<size_t>(raw_->num_inputs); }
  size_t num_outputs() const { return static_cast<size_t>(raw_->num_outputs); }
  bool HasInput(size_t i) const { return i < num_inputs() && raw_->inputs[i].is_present != 0; }
  bool HasOutput(size_t i) const { return i < num_outputs() && raw_->outputs[i].is_present != 0; }
  Operand input(size_t i) const {
    if (i >= num_inputs()) throw Error("it has no input " + std::to_string(i));
    return {raw_->inputs[i], call_};
  }
  Operand output(size_t i) const {
    if (i >= num_outputs()) throw Error("it has no output " + std::to_string(i));
    return {raw_->outputs[i], call_};
  }
  // What Save() wrote; empty when it wrote nothing. From a file that may be damaged: read it with
  // StateReader.
  std::span<const uint8_t> state() const {
    return {static_cast<const uint8_t*>(raw_->state.data), static_cast<size_t>(raw_->state.size)};
  }

  bool HasAttr(std::string_view name) const { return Find(name) != nullptr; }
  // Declared attributes have their kind, and their default where the model leaves them out. Of optional and
  // open ones ask HasAttr first: absent ones, and those of another kind, throw.
  int64_t Int(std::string_view name) const { return Get(name, SLIPWAY_ATTR_INT, "an integer").i; }
  float Float(std::string_view name) const { return Get(name, SLIPWAY_ATTR_FLOAT, "a float").f; }
  std::string_view String(std::string_view name) const {
    return Text(Get(name, SLIPWAY_ATTR_STRING, "a string").s);
  }
  std::span<const int64_t> Ints(std::string_view name) const {
    const slipway_attr& attr = Get(name, SLIPWAY_ATTR_INTS, "a list of integers");
    return {attr.ints, static_cast<size_t>(attr.count)};
  }
  std::span<const float> Floats(std::string_view name) const {
    const slipway_attr& attr = Get(name, SLIPWAY_ATTR_FLOATS, "a list of floats");
    return {attr.floats, static_cast<size_t>(attr.count)};
  }
  std::vector<std::string_view> Strings(std::string_view name) const {
    const slipway_attr& attr = Get(name, SLIPWAY_ATTR_STRINGS, "a list of strings");
    std::vector<std::string_view> strings;
    for (uint64_t i = 0; i < attr.count; ++i) strings.push_back(Text(attr.strings[i]));
    return strings;
  }
  TensorView Tensor(std::string_view name) const {
    return TensorView(*Get(name, SLIPWAY_ATTR_TENSOR, "a tensor").tensor);
  }
  DType Type(std::string_view name) const {
    return static_cast<DType>(Get(name, SLIPWAY_ATTR_DTYPE, "an element type").dtype);
  }

 private:
  const slipway_attr* Find(std::string_view name) const {
    for (uint64_t i = 0; i < raw_->num_attrs; ++i) {
      if (Text(raw_->attrs[i].name) == name) return &raw_->attrs[i];
    }
    return nullptr;
  }
  const slipway_attr& Get(std::string_view name, uint32_t kind, const char* what) const {
    const slipway_attr* attr = Find(name);
    if (attr == nullptr) throw Error("attribute '" + std::string(name) + "' is missing");
    if (attr->kind != kind) throw Error("attribute '" + std::string(name) + "' is not " + what);
    return *attr;
  }

  const slipway_node* raw_;
  const slipway_infer* call_;
};

// One call of Infer.
class InferCall {
 public:
  explicit InferCall(const slipway_infer& raw) : raw_(&raw), node_(*raw.node, &raw) {}

  const Node& node() const { return node_; }
  Operand input(size_t i) const { return node_.input(i); }

  void SetOutput(size_t i, DType dtype, const Shape& shape) {
    std::vector<slipway_dim> dims;
    for (const Dim& dim : shape) dims.push_back(dim.raw());
    raw_->set_output(raw_->host, i, static_cast<uint32_t>(dtype), static_cast<int64_t>(dims.size()),
                     dims.data());
  }
  // The dtype and shape of `like`, as far as they are known.
  void SetOutput(size_t i, const Operand& like) {
    if (!like.HasRank()) return SetOutputOfUnknownRank(i, like.dtype());
    SetOutput(i, like.dtype(), like.shape());
  }
  void SetOutputOfUnknownRank(size_t i, DType dtype) {
    raw_->set_output(raw_->host, i, static_cast<uint32_t>(dtype), -1, nullptr);
  }

 private:
  const slipway_infer* raw_;
  Node node_;
};

// --- During a run ---

// One call of Run.
class RunCall {
 public:
  explicit RunCall(const slipway_run& raw) : raw_(&raw) {}

  size_t num_inputs() const { return static_cast<size_t>(raw_->num_inputs); }
  size_t num_outputs() const { return static_cast<size_t>(raw_->num_outputs); }
  bool HasInput(size_t i) const { return i < num_inputs() && raw_->inputs[i].is_present != 0; }
  bool HasOutput(size_t i) const { return i < num_outputs() && raw_->outputs[i].is_present != 0; }
  TensorView in(size_t i) const {
    if (i >= num_inputs()) throw Error("it has no input " + std::to_string(i));
    return TensorView(raw_->inputs[i]);
  }
  TensorView out(size_t i) const {
    if (i >= num_outputs()) throw Error("it has no output " + std::to_string(i));
    return TensorView(raw_->outputs[i]);
  }
  // Of an output whose shape Infer left open. Extents that Infer promised must be kept.
  TensorView Allocate(size_t i, std::span<const int64_t> dims) {
    if (raw_->allocate(raw_->host, i, static_cast<int64_t>(dims.size()), dims.data()) == nullptr)
      throw Error("output " + std::to_string(i) + " was refused");
    return out(i);
  }
  // WorkspaceBytes() bytes, aligned to 64. Belongs to this call; its content means nothing.
  std::span<uint8_t> workspace() const {
    return {static_cast<uint8_t*>(raw_->workspace), static_cast<size_t>(raw_->workspace_bytes)};
  }
  int num_threads() const { return static_cast<int>(raw_->num_threads); }

  // body(begin, end) for chunks of at least `grain` that cover [0, count), on several threads. The first
  // exception is thrown here when all are done.
  template <class Body>
  void ParallelFor(int64_t count, int64_t grain, const Body& body) {
    struct Loop {
      const Body& body;
      std::mutex mutex;
      std::exception_ptr error;
    } loop{body, {}, {}};
    raw_->parallel_for(
        raw_->host, count, grain,
        [](void* arg, int64_t begin, int64_t end) {
          auto& self = *static_cast<Loop*>(arg);
          try {
            self.body(begin, end);
          } catch (...) {
            const std::lock_guard lock(self.mutex);
            if (!self.error) self.error = std::current_exception();
          }
        },
        &loop);
    if (loop.error) std::rethrow_exception(loop.error);
  }

 private:
  const slipway_run* raw_;
};

// --- State ---

// Bytes for Save(): numbers in little-endian order, lists with their count.
class StateWriter {
 public:
  template <class T>
  void Write(T value) {
    static_assert(std::is_arithmetic_v<T>);
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_ += static_cast<char>(bytes[IsLittleEndian() ? i : sizeof(T) - 1 - i]);
  }
  template <class T>
  void WriteList(std::span<const T> values) {
    Write(static_cast<uint64_t>(values.size()));
    for (const T& value : values) Write(value);
  }
  void WriteText(std::string_view text) { WriteList(std::span<const char>(text.data(), text.size())); }
  const std::string& bytes() const { return bytes_; }

  static bool IsLittleEndian() {
    const uint16_t one = 1;
    unsigned char first = 0;
    std::memcpy(&first, &one, 1);
    return first == 1;
  }

 private:
  std::string bytes_;
};

// Reads what StateWriter wrote. Bytes may come from a damaged or hostile file: each read checks that they are
// there, and takes no more memory than they are.
class StateReader {
 public:
  explicit StateReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  template <class T>
  T Read() {
    static_assert(std::is_arithmetic_v<T>);
    if (bytes_.size() - at_ < sizeof(T)) throw Error(Cut(sizeof(T)));
    unsigned char bytes[sizeof(T)];
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes[StateWriter::IsLittleEndian() ? i : sizeof(T) - 1 - i] = bytes_[at_ + i];
    at_ += sizeof(T);
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }
  template <class T>
  std::vector<T> ReadList() {
    const uint64_t count = Read<uint64_t>();
    if (count > (bytes_.size() - at_) / sizeof(T))
      throw Error("the state lists " + std::to_string(count) + " elements, " +
                  std::to_string(bytes_.size() - at_) + " bytes are left");
    std::vector<T> values(static_cast<size_t>(count));
    for (T& value : values) value = Read<T>();
    return values;
  }
  std::string ReadText() {
    const std::vector<char> text = ReadList<char>();
    return {text.begin(), text.end()};
  }
  // Throws where bytes are left over.
  void End() const {
    if (at_ != bytes_.size())
      throw Error("the state has " + std::to_string(bytes_.size() - at_) + " bytes too many");
  }

 private:
  std::string Cut(size_t wanted) const {
    return "the state ends at byte " + std::to_string(bytes_.size()) + ", " + std::to_string(wanted) +
           " more are needed at " + std::to_string(at_);
  }

  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace slipway::plugin

namespace slipway {

// What runs one node of an engine. Shared by the engine's contexts: Run is called from many threads at once.
class PluginKernel {
 public:
  virtual ~PluginKernel() = default;
  // Scratch for operands of these shapes; their data is not there yet.
  virtual int64_t WorkspaceBytes(std::span<const plugin::TensorView> /*inputs*/,
                                 std::span<const plugin::TensorView> /*outputs*/) const {
    return 0;
  }
  // Fills every output that is present, to the last byte.
  virtual void Run(plugin::RunCall& call) const = 0;
};

// An operator. One object per process, used from many threads.
class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual plugin::Description Describe() const = 0;
  // Sets every output that is present. Asked often, and also while ranks and extents are open; must depend on
  // nothing but what the call shows.
  virtual void Infer(plugin::InferCall& call) const = 0;
  // What is worth keeping in the .slip file beside the attributes.
  virtual std::string Save(const plugin::Node& /*node*/) const { return {}; }
  // Reads attributes and state, once, and checks them.
  virtual std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const = 0;
};

}  // namespace slipway

namespace slipway::plugin {

// The C table of a Plugin.
class Adapter {
 public:
  explicit Adapter(std::unique_ptr<const Plugin> plugin)
      : plugin_(std::move(plugin)), description_(plugin_->Describe()) {
    for (const Port& port : description_.inputs) inputs_.push_back(TableOf(port));
    for (const Port& port : description_.outputs) outputs_.push_back(TableOf(port));
    for (const Attr& attr : description_.attrs) attrs_.push_back(TableOf(attr));
    for (const Claim& claim : description_.claims) {
      claims_.push_back(
          {claim.format.c_str(), claim.domain.c_str(), claim.op.c_str(), claim.since, claim.until});
    }
    table_.size = sizeof(table_);
    table_.flags = (description_.is_deterministic ? 0 : SLIPWAY_NOT_DETERMINISTIC) |
                   (description_.has_open_attrs ? SLIPWAY_OPEN_ATTRS : 0);
    table_.user = this;
    table_.name = description_.name.c_str();
    table_.version = description_.version;
    table_.oldest_version =
        description_.oldest_version == 0 ? description_.version : description_.oldest_version;
    table_.summary = description_.summary.c_str();
    table_.num_inputs = inputs_.size();
    table_.inputs = inputs_.data();
    table_.num_outputs = outputs_.size();
    table_.outputs = outputs_.data();
    table_.num_attrs = attrs_.size();
    table_.attrs = attrs_.data();
    table_.num_claims = claims_.size();
    table_.claims = claims_.data();
    table_.infer = Infer;
    table_.save = Save;
    table_.create = Create;
    table_.workspace_bytes = WorkspaceBytes;
    table_.run = Run;
    table_.destroy = Destroy;
  }
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  const slipway_plugin* table() const { return &table_; }

  // 0, or 1 after what `function` threw has been written to `error`.
  template <class Function>
  static int32_t Guarded(const slipway_sink& error, const Function& function) {
    try {
      function();
      return 0;
    } catch (const std::exception& thrown) {
      error.write(error.host, thrown.what(), std::strlen(thrown.what()));
    } catch (...) {
      constexpr std::string_view kText = "an exception of unknown type was thrown";
      error.write(error.host, kText.data(), kText.size());
    }
    return 1;
  }

 private:
  static slipway_port TableOf(const Port& port) {
    uint64_t dtypes = 0;
    for (DType dtype : port.dtypes) dtypes |= SLIPWAY_DTYPE_BIT(static_cast<uint32_t>(dtype));
    return {port.name.c_str(), port.doc.c_str(), dtypes, static_cast<uint32_t>(port.presence),
            static_cast<uint32_t>(port.layout)};
  }

  static slipway_attr_def TableOf(const Attr& attr) {
    slipway_attr_def def{};
    def.name = attr.name.c_str();
    def.doc = attr.doc.c_str();
    def.kind = static_cast<uint32_t>(attr.kind);
    def.presence = attr.presence;
    def.value.kind = def.kind;
    def.value.i = attr.i;
    def.value.f = attr.f;
    def.value.s = {attr.s.data(), attr.s.size()};
    def.value.count = attr.kind == AttrKind::kFloats ? attr.floats.size() : attr.ints.size();
    def.value.ints = attr.ints.data();
    def.value.floats = attr.floats.data();
    return def;
  }

  static const Plugin& Of(const void* user) { return *static_cast<const Adapter*>(user)->plugin_; }
  static const PluginKernel& KernelOf(const void* instance) {
    return *static_cast<const PluginKernel*>(instance);
  }

  static int32_t Infer(const void* user, const slipway_infer* call) {
    return Guarded(call->error, [&] {
      InferCall wrapped(*call);
      Of(user).Infer(wrapped);
    });
  }
  static int32_t Save(const void* user, const slipway_node* node, const slipway_sink* state,
                      const slipway_sink* error) {
    return Guarded(*error, [&] {
      const std::string bytes = Of(user).Save(Node(*node));
      state->write(state->host, bytes.data(), bytes.size());
    });
  }
  static int32_t Create(const void* user, const slipway_node* node, void** instance,
                        const slipway_sink* error) {
    return Guarded(*error, [&] {
      std::unique_ptr<PluginKernel> kernel = Of(user).Create(Node(*node));
      if (kernel == nullptr) throw Error("Create() made nothing");
      *instance = kernel.release();
    });
  }
  static int64_t WorkspaceBytes(const void* /*user*/, const void* instance, uint64_t num_inputs,
                                const slipway_tensor* inputs, uint64_t num_outputs,
                                const slipway_tensor* outputs) {
    try {
      const std::vector<TensorView> in(Views(num_inputs, inputs));
      const std::vector<TensorView> out(Views(num_outputs, outputs));
      return KernelOf(instance).WorkspaceBytes(in, out);
    } catch (...) {
      return -1;
    }
  }
  static std::vector<TensorView> Views(uint64_t count, const slipway_tensor* tensors) {
    std::vector<TensorView> views;
    for (uint64_t i = 0; i < count; ++i) views.emplace_back(tensors[i]);
    return views;
  }
  static int32_t Run(const void* instance, const slipway_run* call) {
    return Guarded(call->error, [&] {
      RunCall wrapped(*call);
      KernelOf(instance).Run(wrapped);
    });
  }
  static void Destroy(void* instance) { delete static_cast<PluginKernel*>(instance); }

  std::unique_ptr<const Plugin> plugin_;
  Description description_;
  std::vector<slipway_port> inputs_, outputs_;
  std::vector<slipway_attr_def> attrs_;
  std::vector<slipway_claim> claims_;
  slipway_plugin table_{};
};

// The table of a library of these plugins; null, with the reason written to the host, where one cannot be
// described.
template <class... Plugins>
const slipway_plugin_library* LibraryOf(const slipway_host* host) {
  struct Library {
    std::vector<std::unique_ptr<Adapter>> adapters;
    std::vector<const slipway_plugin*> tables;
    slipway_plugin_library table{};
  };
  static Library* library = nullptr;
  if (library != nullptr) return &library->table;
  auto made = std::make_unique<Library>();
  const int32_t failed = Adapter::Guarded(host->error, [&] {
    (made->adapters.push_back(std::make_unique<Adapter>(std::make_unique<Plugins>())), ...);
    for (const auto& adapter : made->adapters) made->tables.push_back(adapter->table());
  });
  if (failed != 0) return nullptr;
  made->table = {sizeof(slipway_plugin_library), SLIPWAY_PLUGIN_ABI, made->tables.size(),
                 made->tables.data()};
  library = made.release();  // for the life of the process
  return &library->table;
}

}  // namespace slipway::plugin

// Once in a plugin library, outside of every namespace: SLIPWAY_PLUGIN_LIBRARY(Scale, Shift)
#define SLIPWAY_PLUGIN_LIBRARY(...)                                                 \
  extern "C" SLIPWAY_PLUGIN_EXPORT const slipway_plugin_library* slipway_plugin_v1( \
      const slipway_host* host) {                                                   \
    return ::slipway::plugin::LibraryOf<__VA_ARGS__>(host);                         \
  }
