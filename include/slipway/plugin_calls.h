// What a plugin sees when it is called: nodes and operands before a run, tensors during it. Part of
// slipway/plugin.h.
#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "slipway/dtype.h"
#include "slipway/plugin_abi.h"
#include "slipway/plugin_error.h"

namespace slipway::plugin {

inline std::string_view Text(const slipway_bytes& bytes) {
  return {static_cast<const char*>(bytes.data), static_cast<size_t>(bytes.size)};
}

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
  // An element of the content of a tensor of strings. REQUIRES: content<void>() is not null.
  std::string_view String(int64_t i) const { return Text(static_cast<const slipway_bytes*>(raw_->data)[i]); }
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
  // An element of an input of strings.
  std::string_view String(int64_t i) const { return Text(static_cast<const slipway_bytes*>(raw_->data)[i]); }
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
  // An element of an output of strings; those that are not set are empty. Not from a ParallelFor.
  void SetString(size_t i, int64_t element, std::string_view text) {
    if (raw_->set_string(raw_->host, i, static_cast<uint64_t>(element), text.data(), text.size()) != 0)
      throw Error("element " + std::to_string(element) + " of output " + std::to_string(i) + " was refused");
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

}  // namespace slipway::plugin
