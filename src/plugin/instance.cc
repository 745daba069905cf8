#include "plugin/instance.h"

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/pages.h"
#include "ops/dynamic_ops.h"
#include "plugin/checks.h"
#include "plugin/guarded.h"

namespace slipway {
namespace {

constexpr const char* kMend = "the plugin must be mended: docs/plugins.md says what a run must keep to";
// Garbage of checked runs: as floats not-a-number and 0.
constexpr uint8_t kFirstFill = 0xff;
constexpr uint8_t kSecondFill = 0x00;

uint64_t Mix(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x100000001b3; }  // FNV-1a, by words

uint64_t HashShape(uint64_t hash, DType dtype, std::span<const int64_t> dims) {
  hash = Mix(Mix(hash, static_cast<uint64_t>(dtype)), dims.size());
  for (int64_t extent : dims) hash = Mix(hash, static_cast<uint64_t>(extent));
  return hash;
}

uint64_t HashBytes(uint64_t hash, const uint8_t* bytes, int64_t size) {
  int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + i, sizeof(word));
    hash = Mix(hash, word);
    hash ^= hash >> 29;
  }
  for (; i < size; ++i) hash = Mix(hash, bytes[i]);
  return hash;
}

uint64_t HashContent(uint64_t hash, const Tensor& tensor) {
  if (tensor.dtype() != DType::kString) return HashBytes(hash, tensor.as<uint8_t>(), tensor.size_bytes());
  for (const std::string& text : tensor.values<std::string>()) {
    hash = Mix(hash, text.size());
    hash = HashBytes(hash, reinterpret_cast<const uint8_t*>(text.data()), static_cast<int64_t>(text.size()));
  }
  return hash;
}

bool IsStaticTensor(const Type& type) { return type.kind == TypeKind::kTensor && type.IsStatic(); }

// As many as nearly every operator has, without touching the heap.
template <class T>
class SmallArray {
 public:
  explicit SmallArray(size_t size) : size_(size) {
    if (size > kInline) heap_.resize(size);
  }
  T* data() { return heap_.empty() ? inline_ : heap_.data(); }
  T& operator[](size_t i) { return data()[i]; }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kInline = 16;
  T inline_[kInline]{};
  std::vector<T> heap_;
  size_t size_;
};

}  // namespace

// One call of a plugin's `run`: the operands as it sees them, what it calls back, what came of it. Guarded
// runs write into memory of their own.
class PluginRun {
 public:
  enum class Memory { kPlain, kGuarded };

  // fill: of guarded memory.
  PluginRun(const PluginInstance& instance, const PluginArgs& args, Memory memory, uint8_t fill)
      : instance_(instance),
        args_(args),
        memory_(memory),
        fill_(fill),
        inputs_(args.inputs.size()),
        outputs_(args.outputs.size()) {
    if (IsGuarded()) {
      buffers_.resize(args.outputs.size());
      dims_.resize(args.outputs.size());
      staged_texts_.resize(args.outputs.size());
    }
  }

  Status Go() {
    for (size_t i = 0; i < args_.inputs.size(); ++i) PlaceInput(i);
    for (size_t i = 0; i < args_.outputs.size(); ++i) SLIPWAY_RETURN_IF_ERROR(PlaceOutput(i));
    std::span<uint8_t> workspace = args_.workspace;
    SLIPWAY_RETURN_IF_ERROR(CheckWorkspace());
    if (IsGuarded()) {
      workspace_ = GuardedBytes::Make(static_cast<int64_t>(workspace.size()), fill_);
      if (workspace_ == nullptr) return OutOfMemory(static_cast<int64_t>(workspace.size()));
      workspace = {workspace_->data(), workspace.size()};
    }
    return Call(workspace);
  }

  // Guarded runs: what was written outside.
  Status CheckGuards() const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (buffers_[i] == nullptr) continue;
      if (const std::string damage = buffers_[i]->Damage(); !damage.empty())
        return Lie("wrote " + damage + " " + OutputText(i) + " of " +
                   std::to_string(buffers_[i]->bytes().size()) + " bytes");
    }
    if (workspace_ == nullptr) return Status::Ok();
    if (const std::string damage = workspace_->Damage(); !damage.empty())
      return Lie("wrote " + damage + " its workspace of " + std::to_string(args_.workspace.size()) +
                 " bytes");
    return Status::Ok();
  }

  // Two guarded runs from different garbage must give the same.
  Status CompareWith(const PluginRun& other) const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (!staged_texts_[i].IsNone()) SLIPWAY_RETURN_IF_ERROR(CompareTexts(i, other));
      if (buffers_[i] == nullptr) continue;
      if (dims_[i] != other.dims_[i])
        return Lie("gives output " + std::to_string(i) + " as " + ToString(dims_[i]) + " and then as " +
                   ToString(other.dims_[i]) + " on the same inputs");
      const auto mine = buffers_[i]->bytes();
      const auto theirs = other.buffers_[i]->bytes();
      if (mine.empty() || std::memcmp(mine.data(), theirs.data(), mine.size()) == 0) continue;
      size_t unwritten = 0;
      size_t different = 0;
      for (size_t k = 0; k < mine.size(); ++k) {
        unwritten += mine[k] == fill_ && theirs[k] == other.fill_;
        different += mine[k] != theirs[k];
      }
      if (unwritten == different)
        return Lie("left " + std::to_string(unwritten) + " of the " + std::to_string(mine.size()) +
                   " bytes of " + OutputText(i) + " unwritten");
      return Lie("gives " + OutputText(i) +
                     " different values on the same inputs: they hang on what lay in " +
                     "the workspace or the output before",
                 "write before reading; where equal inputs may give unequal outputs, declare the plugin not "
                 "deterministic");
    }
    return Status::Ok();
  }

  // Guarded runs: hands the results over.
  void Deliver() const {
    for (size_t i = 0; i < buffers_.size(); ++i) {
      if (!staged_texts_[i].IsNone()) args_.outputs[i]->tensor = staged_texts_[i];
      if (buffers_[i] == nullptr) continue;
      Tensor& tensor = args_.outputs[i]->tensor;
      if (!IsStaticTensor(args_.output_types[i])) tensor = Tensor(args_.output_types[i].dtype, dims_[i]);
      const auto bytes = buffers_[i]->bytes();
      if (!bytes.empty()) std::memcpy(tensor.data(), bytes.data(), bytes.size());
    }
  }

  Status Lie(const std::string& what, const char* hint = kMend) const {
    return Status(Code::kUsage, Where() + Describe(instance_.plugin_) + " " + what, hint);
  }

 private:
  bool IsGuarded() const { return memory_ == Memory::kGuarded; }

  std::string Where() const { return instance_.node_.op + " '" + instance_.node_.name + "': "; }

  // "output 0 f32[2,3]"
  std::string OutputText(size_t i) const {
    return "output " + std::to_string(i) + " " + std::string(DTypeName(args_.output_types[i].dtype)) +
           ToString(dims_[i]);
  }

  static const slipway_quant* QuantOf(const std::vector<slipway_quant>& quants, size_t i) {
    return i < quants.size() && quants[i].count > 0 ? &quants[i] : nullptr;
  }

  Status OutOfMemory(int64_t size_bytes) const {
    return Status(Code::kInvalidInput,
                  Where() + "there is not enough memory for " + std::to_string(size_bytes) + " bytes",
                  "run with smaller inputs or a smaller batch");
  }

  void PlaceInput(size_t i) {
    if (args_.inputs[i] == nullptr) return;
    const Tensor& tensor = args_.inputs[i]->tensor;
    inputs_[i] = ViewTensor(tensor, QuantOf(instance_.input_quant_views_, i));
    if (tensor.dtype() != DType::kString) return;
    std::vector<slipway_bytes>& texts = input_texts_.emplace_back(ViewStrings(tensor));
    inputs_[i].data = texts.data();
    inputs_[i].size_bytes = texts.size() * sizeof(slipway_bytes);
  }

  Status CompareTexts(size_t i, const PluginRun& other) const {
    const Tensor& mine = staged_texts_[i];
    const Tensor& theirs = other.staged_texts_[i];
    const auto texts = mine.values<std::string>();
    if (!theirs.IsNone() && mine.dims() == theirs.dims() &&
        std::equal(texts.begin(), texts.end(), theirs.values<std::string>().begin()))
      return Status::Ok();
    return Lie("gives output " + std::to_string(i) + " different strings on the same inputs",
               "where equal inputs may give unequal outputs, declare the plugin not deterministic");
  }

  // Where the elements of an output of strings go.
  Tensor& TextsOf(size_t i) { return IsGuarded() ? staged_texts_[i] : args_.outputs[i]->tensor; }

  // An output of strings as the plugin sees it: its elements are the host's.
  slipway_tensor ViewTexts(size_t i) {
    static char nothing;
    slipway_tensor view = ViewTensor(TextsOf(i), outputs_[i].quant);
    view.data = &nothing;
    view.size_bytes = 0;
    return view;
  }

  // Memory for an output of known shape.
  Status PlaceOutput(size_t i) {
    slipway_tensor& view = outputs_[i];
    view.rank = -1;
    Datum* datum = args_.outputs[i];
    if (datum == nullptr) return Status::Ok();
    const Type& type = args_.output_types[i];
    view.is_present = 1;
    view.dtype = static_cast<uint32_t>(type.dtype);
    view.quant = QuantOf(instance_.output_quant_views_, i);
    if (type.dtype == DType::kNone) return Lie("does not say the dtype of output " + std::to_string(i));
    if (!IsStaticTensor(type)) return Status::Ok();
    const Tensor& tensor = datum->tensor;
    if (type.dtype == DType::kString) {
      TextsOf(i) = Tensor(DType::kString, Dims(tensor.dims()));
      view = ViewTexts(i);
      return Status::Ok();
    }
    view = ViewTensor(tensor, view.quant);
    if (!IsGuarded()) return Status::Ok();
    dims_[i] = tensor.dims();
    buffers_[i] = GuardedBytes::Make(tensor.size_bytes(), fill_);
    if (buffers_[i] == nullptr) return OutOfMemory(tensor.size_bytes());
    view.data = buffers_[i]->data();
    return Status::Ok();
  }

  // What the plugin asked for that could not be had: asked again, for these shapes.
  Status CheckWorkspace() {
    if (!args_.workspace.empty() || !instance_.was_workspace_refused_) return Status::Ok();
    const int64_t bytes =
        instance_.AskWorkspaceBytes({inputs_.data(), inputs_.size()}, {outputs_.data(), outputs_.size()});
    if (bytes < 0) return Lie("asks for a workspace of " + std::to_string(bytes) + " bytes");
    if (bytes > MachineMemoryBytes())
      return Lie("asks for a workspace of " + std::to_string(bytes) + " bytes; this machine has " +
                 std::to_string(MachineMemoryBytes()));
    return Status::Ok();
  }

  Status Call(std::span<uint8_t> workspace) {
    Sink error(Sink::kMaxTextBytes);
    slipway_run call{};
    call.size = sizeof(call);
    call.num_threads = static_cast<uint32_t>(args_.pool == nullptr ? 1 : args_.pool->num_threads());
    call.num_inputs = inputs_.size();
    call.inputs = inputs_.data();
    call.num_outputs = outputs_.size();
    call.outputs = outputs_.data();
    call.workspace = workspace.data();
    call.workspace_bytes = workspace.size();
    call.host = this;
    call.allocate = Allocate;
    call.parallel_for = ParallelFor;
    call.error = error.raw();
    call.set_string = SetString;
    const int32_t failed = instance_.plugin_.table.run(instance_.instance_, &call);
    SLIPWAY_RETURN_IF_ERROR(problem_);
    if (failed != 0) return Status(Code::kInvalidInput, Where() + error.Words());
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i].is_present != 0 && outputs_[i].data == nullptr)
        return Lie("did not allocate output " + std::to_string(i) + ", whose shape it left open");
    }
    return Status::Ok();
  }

  // Called from a plugin's frames: nothing may be thrown through them.
  static void* Allocate(void* host, uint64_t index, int64_t rank, const int64_t* dims) {
    auto& self = *static_cast<PluginRun*>(host);
    try {
      if (self.problem_.ok()) self.problem_ = self.AllocateOutput(index, rank, dims);
      return self.problem_.ok() ? self.outputs_[static_cast<size_t>(index)].data : nullptr;
    } catch (const std::exception&) {
      self.problem_ = Status(Code::kInvalidInput, "there is not enough memory for a plugin's output");
      return nullptr;
    }
  }

  Status CheckExtents(size_t i, const Dims& dims) const {
    const Type& promised = args_.output_types[i];
    const auto differs = [&] {
      return Lie("allocates output " + std::to_string(i) + " as " + ToString(dims) + ", it promised " +
                 ToString(promised));
    };
    if (auto count = ElementCount(dims); !count.ok())
      return Lie("allocates output " + std::to_string(i) + ": " + count.status().message());
    if (!promised.shape) return Status::Ok();
    if (promised.shape->size() != dims.size()) return differs();
    for (size_t axis = 0; axis < dims.size(); ++axis) {
      const Dim& dim = (*promised.shape)[axis];
      if (dim.IsKnown() && dim.value() != dims[axis]) return differs();
    }
    return Status::Ok();
  }

  Status AllocateOutput(uint64_t index, int64_t rank, const int64_t* extents) {
    constexpr int64_t kMaxRank = 64;
    if (index >= outputs_.size())
      return Lie("allocates output " + std::to_string(index) + " of a node that has " +
                 std::to_string(outputs_.size()));
    const auto i = static_cast<size_t>(index);
    slipway_tensor& view = outputs_[i];
    if (view.is_present == 0) return Lie("allocates output " + std::to_string(i) + ", which is left out");
    if (view.data != nullptr)
      return Lie("allocates output " + std::to_string(i) + ", which has its memory already");
    if (rank < 0 || rank > kMaxRank || (rank > 0 && extents == nullptr))
      return Lie("allocates output " + std::to_string(i) + " with rank " + std::to_string(rank));
    Dims dims(extents, extents + rank);
    SLIPWAY_RETURN_IF_ERROR(CheckExtents(i, dims));
    const DType dtype = args_.output_types[i].dtype;
    if (dtype == DType::kString) {
      if (BytesOf(dtype, CountOf(dims)) > MachineMemoryBytes())
        return OutOfMemory(BytesOf(dtype, CountOf(dims)));
      args_.outputs[i]->kind = TypeKind::kTensor;
      TextsOf(i) = Tensor(dtype, std::move(dims));
      view = ViewTexts(i);
      return Status::Ok();
    }
    const int64_t size_bytes = BytesOf(dtype, CountOf(dims));
    if (size_bytes > MachineMemoryBytes()) return OutOfMemory(size_bytes);
    if (!IsGuarded()) {
      Datum& datum = *args_.outputs[i];
      datum.kind = TypeKind::kTensor;
      datum.tensor = Tensor(dtype, std::move(dims));
      view = ViewTensor(datum.tensor, view.quant);
      return Status::Ok();
    }
    buffers_[i] = GuardedBytes::Make(size_bytes, fill_);
    if (buffers_[i] == nullptr) return OutOfMemory(size_bytes);
    dims_[i] = std::move(dims);
    view = {1,
            static_cast<uint32_t>(dtype),
            rank,
            dims_[i].data(),
            buffers_[i]->data(),
            static_cast<uint64_t>(size_bytes),
            view.quant};
    return Status::Ok();
  }

  static int32_t SetString(void* host, uint64_t index, uint64_t element, const void* data, uint64_t size) {
    auto& self = *static_cast<PluginRun*>(host);
    try {
      if (self.problem_.ok()) self.problem_ = self.SetOneString(index, element, data, size);
    } catch (const std::exception&) {
      self.problem_ = Status(Code::kInvalidInput, "there is not enough memory for a plugin's output");
    }
    return self.problem_.ok() ? 0 : 1;
  }

  Status SetOneString(uint64_t index, uint64_t element, const void* data, uint64_t size) {
    const auto lie = [&](const std::string& which) {
      return Lie("sets string " + std::to_string(element) + " of output " + std::to_string(index) + which);
    };
    if (index >= outputs_.size()) return lie(" of a node that has " + std::to_string(outputs_.size()));
    const auto i = static_cast<size_t>(index);
    if (outputs_[i].is_present == 0) return lie(", which is left out");
    const DType dtype = args_.output_types[i].dtype;
    if (dtype != DType::kString) return lie(", which is " + std::string(DTypeName(dtype)));
    if (outputs_[i].data == nullptr) return lie(", which is not allocated");
    Tensor& texts = TextsOf(i);
    if (element >= static_cast<uint64_t>(texts.count())) return lie(", which is " + Describe(texts));
    std::string& text = texts.as<std::string>()[element];
    text.clear();
    if (data != nullptr) text.assign(static_cast<const char*>(data), static_cast<size_t>(size));
    return Status::Ok();
  }

  static void ParallelFor(void* host, int64_t count, int64_t grain,
                          void (*body)(void* arg, int64_t begin, int64_t end), void* arg) {
    const auto& self = *static_cast<const PluginRun*>(host);
    if (count <= 0) return;
    if (self.args_.pool == nullptr) return body(arg, 0, count);
    self.args_.pool->ParallelFor(count, std::max<int64_t>(grain, 1),
                                 [&](int64_t begin, int64_t end) { body(arg, begin, end); });
  }

  const PluginInstance& instance_;
  const PluginArgs& args_;
  const Memory memory_;
  const uint8_t fill_;
  SmallArray<slipway_tensor> inputs_, outputs_;
  Status problem_;  // of what the plugin asked for during its run
  // Of guarded runs, per output.
  std::vector<std::unique_ptr<GuardedBytes>> buffers_;
  std::vector<Dims> dims_;
  std::vector<Tensor> staged_texts_;  // outputs of strings; none: another output
  std::unique_ptr<GuardedBytes> workspace_;
  std::vector<std::vector<slipway_bytes>> input_texts_;  // what views of inputs refer to
};

PluginInstance::PluginInstance(const RegisteredPlugin& plugin, const Node& node)
    : plugin_(plugin), node_(node) {}

PluginInstance::~PluginInstance() {
  if (instance_ != nullptr) plugin_.table.destroy(instance_);
}

Result<std::unique_ptr<PluginInstance>> PluginInstance::Make(const Node& node,
                                                             std::span<const OperandFacts> inputs,
                                                             std::span<const OperandFacts> outputs) {
  const RegisteredPlugin* plugin = FindPlugin(node.op);
  if (plugin == nullptr) return UnknownOp(node);
  std::unique_ptr<PluginInstance> made(new PluginInstance(*plugin, node));
  const std::string where = node.op + " '" + node.name + "'";
  DimTable dims;
  auto view = NodeView::Make(node, ParsePluginOp(node.op)->version, inputs, outputs, dims);
  if (!view.ok()) return view.status().WithContext(where);
  Sink error(Sink::kMaxTextBytes);
  const slipway_sink sink = error.raw();
  if (plugin->table.create(plugin->table.user, &(*view)->raw(), &made->instance_, &sink) != 0)
    return Status(Code::kInvalidModel, where + ": " + error.Words());
  const auto keep = [](std::span<const OperandFacts> facts, std::vector<std::optional<Quant>>& quants,
                       std::vector<slipway_quant>& views) {
    for (const OperandFacts& each : facts)
      quants.push_back(each.quant == nullptr ? std::nullopt : std::optional(*each.quant));
    for (const auto& quant : quants) views.push_back(quant ? ViewQuant(*quant) : slipway_quant{});
  };
  keep(inputs, made->input_quants_, made->input_quant_views_);
  keep(outputs, made->output_quants_, made->output_quant_views_);
  return made;
}

int64_t PluginInstance::AskWorkspaceBytes(std::span<const slipway_tensor> inputs,
                                          std::span<const slipway_tensor> outputs) const {
  if (plugin_.table.workspace_bytes == nullptr) return 0;
  return plugin_.table.workspace_bytes(plugin_.table.user, instance_, inputs.size(), inputs.data(),
                                       outputs.size(), outputs.data());
}

int64_t PluginInstance::WorkspaceBytes(std::span<const Type> inputs, std::span<const Type> outputs) const {
  std::deque<Dims> dims;
  const auto view = [&](std::span<const Type> types, const std::vector<slipway_quant>& quants) {
    std::vector<slipway_tensor> views(types.size());
    for (size_t i = 0; i < types.size(); ++i) {
      const Type& type = types[i];
      views[i].rank = -1;
      views[i].is_present = type.dtype != DType::kNone ? 1 : 0;
      views[i].dtype = static_cast<uint32_t>(type.dtype);
      if (i < quants.size() && quants[i].count > 0) views[i].quant = &quants[i];
      if (!type.shape) continue;
      Dims& extents = dims.emplace_back();
      for (const Dim& dim : *type.shape) extents.push_back(dim.IsKnown() ? dim.value() : -1);
      views[i].rank = static_cast<int64_t>(extents.size());
      views[i].dims = extents.data();
      if (type.IsStatic() && type.dtype != DType::kString)
        views[i].size_bytes = static_cast<uint64_t>(BytesOf(type.dtype, CountOf(extents)));
    }
    return views;
  };
  const std::vector<slipway_tensor> in = view(inputs, input_quant_views_);
  const std::vector<slipway_tensor> out = view(outputs, output_quant_views_);
  const int64_t bytes = AskWorkspaceBytes(in, out);
  if (bytes >= 0 && bytes <= MachineMemoryBytes()) return bytes;
  was_workspace_refused_ = true;
  return 0;
}

bool PluginInstance::NeedsCheck(const PluginArgs& args, uint64_t* shapes) const {
  const PluginChecks checks = PluginChecksNow();
  if (checks != PluginChecks::kFirstRun) return checks == PluginChecks::kEveryRun;
  uint64_t hash = 0xcbf29ce484222325;
  for (const Datum* input : args.inputs) {
    hash = input == nullptr ? Mix(hash, 0) : HashShape(hash, input->tensor.dtype(), input->tensor.dims());
  }
  *shapes = std::max<uint64_t>(hash, 1);
  return std::none_of(checked_.begin(), checked_.end(), [&](const std::atomic<uint64_t>& each) {
    return each.load(std::memory_order_relaxed) == *shapes;
  });
}

Status PluginInstance::RunChecked(const PluginArgs& args) const {
  const auto hash_inputs = [&] {
    uint64_t hash = 0;
    for (const Datum* input : args.inputs) {
      if (input != nullptr) hash = HashContent(hash, input->tensor);
    }
    return hash;
  };
  const uint64_t inputs_before = hash_inputs();
  const auto go = [&](PluginRun& run) {
    SLIPWAY_RETURN_IF_ERROR(run.Go());
    SLIPWAY_RETURN_IF_ERROR(run.CheckGuards());
    return hash_inputs() == inputs_before ? Status::Ok() : run.Lie("wrote into one of its inputs");
  };
  PluginRun first(*this, args, PluginRun::Memory::kGuarded, kFirstFill);
  SLIPWAY_RETURN_IF_ERROR(go(first));
  if ((plugin_.table.flags & SLIPWAY_NOT_DETERMINISTIC) == 0) {
    PluginRun second(*this, args, PluginRun::Memory::kGuarded, kSecondFill);
    SLIPWAY_RETURN_IF_ERROR(go(second));
    SLIPWAY_RETURN_IF_ERROR(first.CompareWith(second));
  }
  first.Deliver();
  return Status::Ok();
}

Status PluginInstance::Run(const PluginArgs& args) const {
  uint64_t shapes = 0;
  if (!NeedsCheck(args, &shapes)) return PluginRun(*this, args, PluginRun::Memory::kPlain, 0).Go();
  SLIPWAY_RETURN_IF_ERROR(RunChecked(args));
  const uint32_t slot = next_checked_.fetch_add(1, std::memory_order_relaxed) % checked_.size();
  if (shapes != 0) checked_[slot].store(shapes, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace slipway
