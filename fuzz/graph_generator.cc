#include "graph_generator.h"

#include <algorithm>
#include <map>

#include "base/scalar.h"
#include "graph_random.h"
#include "ops/case_scene.h"
#include "ops/infer.h"
#include "ops/verify.h"

namespace slipway::fuzz {
namespace {

constexpr int64_t kMaxElements = 6000;  // of any value: a graph takes milliseconds
constexpr double kMaxMagnitude = 1e4;   // of computed numbers: far from overflow in f16, too
constexpr int kMaxDepth = 2;            // of sub-graphs

char node_in_trial[512] = "none";

bool IsSmall(const TestCase& test) {
  return std::all_of(test.inputs.begin(), test.inputs.end(), [](const TestInput& input) {
    return input.is_absent || CountOf(input.dims) <= kMaxElements;
  });
}

// Grows one graph, or one body of a graph.
class Generator {
 public:
  Generator(Random& random, const GeneratorOptions& options, int depth)
      : random_(random), options_(options), depth_(depth) {}

  Graph& graph() { return graph_; }
  const Datum& datum(ValueId id) const { return data_[static_cast<size_t>(id)]; }

  ValueId AddInput(const std::string& name, Type type, Datum datum, std::optional<Quant> quant = {}) {
    const ValueId id = graph_.AddValue({name, std::move(type), std::move(quant), {}});
    graph_.inputs.push_back(id);
    Remember(id, std::move(datum));
    return id;
  }

  // One more step: a motif on what is there, a sub-graph, or a record's case. False: it came to nothing.
  bool Step() {
    if (!graph_.nodes.empty() && random_.Chance(0.3)) return AddMotif();
    if (depth_ < kMaxDepth && random_.Chance(0.04)) return random_.Chance(0.5) ? AddIf() : AddLoop();
    const Source& source = *random_.Of(options_.sources);
    for (int attempt = 0; attempt < 4; ++attempt) {
      if (AddCase(source)) return true;
    }
    return false;
  }

  void Grow(size_t steps) {
    for (size_t tries = 0; tries < 6 * steps && graph_.nodes.size() < steps; ++tries) Step();
  }

  // Values that can be outputs: computed by nodes, newest last.
  std::vector<ValueId> Computed() const {
    std::vector<ValueId> ids;
    for (const Node& node : graph_.nodes) {
      for (ValueId id : node.outputs) {
        if (id != kNoValue) ids.push_back(id);
      }
    }
    return ids;
  }

 private:
  void Remember(ValueId id, Datum datum) {
    data_.resize(graph_.values.size());
    data_[static_cast<size_t>(id)] = std::move(datum);
  }

  ValueId AddFresh(DType dtype, Dims dims, double low, double high, const std::optional<Quant>& quant,
                   bool is_constant) {
    return AddData(RandomTensor(random_, dtype, std::move(dims), low, high), quant, is_constant);
  }

  ValueId AddData(Tensor tensor, const std::optional<Quant>& quant, bool is_constant) {
    const Type type = Type::Of(tensor.dtype(), ToDimList(tensor.dims()));
    // A sub-graph's inputs are its node's business.
    if (!is_constant && depth_ == 0) return AddInput("x", type, Datum::Of(std::move(tensor)), quant);
    const ValueId id = graph_.AddConstant("c", tensor, quant);
    Remember(id, Datum::Of(std::move(tensor)));
    return id;
  }

  // --- adding a node, if it is valid ---

  struct State {
    Graph graph;
    std::vector<Datum> data;
  };
  State Save() const { return {graph_, data_}; }
  void Restore(State state) {
    graph_ = std::move(state.graph);
    data_ = std::move(state.data);
  }

  // The node's outputs, computed; empty when it is not valid here, and the graph is as it was.
  std::vector<ValueId> Add(std::string op_name, std::vector<ValueId> inputs, Attrs attrs, int num_outputs = 1,
                           const std::vector<std::optional<Quant>>& quants = {}) {
    State before = Save();
    std::vector<ValueId> outputs =
        TryAdd(std::move(op_name), std::move(inputs), std::move(attrs), num_outputs, quants);
    if (outputs.empty()) Restore(std::move(before));
    return outputs;
  }

  std::vector<ValueId> TryAdd(std::string op_name, std::vector<ValueId> inputs, Attrs attrs, int num_outputs,
                              const std::vector<std::optional<Quant>>& quants) {
    const OpDef* op = FindOp(op_name);
    if (op == nullptr) return {};
    Node node;
    node.op = op_name;
    node.name = "n" + std::to_string(graph_.nodes.size());
    node.inputs = std::move(inputs);
    node.attrs = std::move(attrs);
    for (int i = 0; i < num_outputs; ++i) {
      Value value;
      value.name = "v";
      if (static_cast<size_t>(i) < quants.size()) value.quant = quants[static_cast<size_t>(i)];
      node.outputs.push_back(graph_.AddValue(std::move(value)));
    }
    if (!CompleteAttrs(*op, node).ok()) return {};
    graph_.nodes.push_back(node);
    if (!InferGraph(graph_).ok()) return {};
    Announce(node);
    auto results = Compute(node);
    if (!results.ok()) return {};
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const Datum& result = (*results)[i];
      if (result.kind == TypeKind::kTensor &&
          (result.tensor.count() > kMaxElements || !IsWithin(result.tensor, -kMaxMagnitude, kMaxMagnitude)) &&
          !(IsInteger(result.tensor.dtype()) && result.tensor.count() <= kMaxElements)) {
        return {};
      }
      Remember(node.outputs[i], result);
    }
    return node.outputs;
  }

  void Announce(const Node& node) const {
    std::string text = node.op + " of";
    for (ValueId id : node.inputs)
      text += id == kNoValue ? " _" : " " + Describe(datum(id).tensor) + (graph_.value(id).quant ? "q" : "");
    std::snprintf(node_in_trial, sizeof(node_in_trial), "%s", text.c_str());
  }

  // By interpreting a graph of the node alone: sub-graphs run, too.
  Result<std::vector<Datum>> Compute(const Node& node) const {
    Graph alone = graph_;
    alone.nodes = {node};
    alone.inputs.clear();
    alone.outputs = node.outputs;
    std::vector<Datum> inputs;
    for (ValueId id : node.inputs) {
      const bool is_known = id == kNoValue || graph_.value(id).IsConstant() ||
                            std::find(alone.inputs.begin(), alone.inputs.end(), id) != alone.inputs.end();
      if (is_known) continue;
      alone.inputs.push_back(id);
      inputs.push_back(datum(id));
    }
    return Interpret(alone, inputs);
  }

  // --- operands ---

  bool IsTensor(ValueId id) const {
    return data_.size() > static_cast<size_t>(id) && datum(id).kind == TypeKind::kTensor &&
           !datum(id).tensor.IsNone();
  }

  // Values of the graph that may stand for the case's input.
  std::vector<ValueId> Candidates(const TestInput& input) const {
    std::vector<ValueId> ids;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (!IsTensor(id) || graph_.value(id).IsConstant()) continue;
      const Tensor& tensor = datum(id).tensor;
      if (tensor.dtype() != input.dtype || !(graph_.value(id).quant == input.quant)) continue;
      const double low = input.low == -4 ? -100 : input.low;
      const double high = input.high == 4 ? 100 : input.high;
      if (IsWithin(tensor, low, high)) ids.push_back(id);
    }
    return ids;
  }

  // New ones and those of the wished shape more often.
  ValueId PickCandidate(const std::vector<ValueId>& ids, const Dims& dims) {
    std::vector<ValueId> alike;
    for (ValueId id : ids) {
      if (datum(id).tensor.dims() == dims) alike.push_back(id);
    }
    if (!alike.empty() && random_.Chance(0.6)) return random_.Of(alike);
    if (random_.Chance(0.5)) return ids.back();
    return random_.Of(ids);
  }

  // A value of that dtype and shape made from one that is there, by Cast, Slice and Reshape; kNoValue: none.
  ValueId Adapted(const TestInput& input, const Dims& dims) {
    std::vector<ValueId> ids;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      const bool fits = IsTensor(id) && !graph_.value(id).IsConstant() && !graph_.value(id).quant &&
                        IsFloat(datum(id).tensor.dtype()) && datum(id).tensor.count() >= CountOf(dims);
      if (fits) ids.push_back(id);
    }
    if (ids.empty() || !IsFloat(input.dtype) || BitsOf(input.dtype) < 16 || input.quant) return kNoValue;
    ValueId id = random_.Of(ids);
    if (datum(id).tensor.dims() != dims) {
      id = Reshaped(id, {-1});
      const int64_t count = CountOf(dims);
      if (id != kNoValue && datum(id).tensor.count() > count) {
        const ValueId start = AddInts({0});
        id = First(Add("Slice", {id, start, AddInts({count})}, {}));
      }
      if (id != kNoValue) id = Reshaped(id, dims);
    }
    if (id != kNoValue && datum(id).tensor.dtype() != input.dtype)
      id = First(Add("Cast", {id}, {{"to", input.dtype}}));
    const bool fits = id != kNoValue && IsWithin(datum(id).tensor, input.low, input.high);
    return fits ? id : kNoValue;
  }

  static ValueId First(const std::vector<ValueId>& ids) { return ids.empty() ? kNoValue : ids[0]; }

  ValueId AddInts(const Ints& values) {
    return AddData(Tensor::From<int64_t>(DType::kI64, {static_cast<int64_t>(values.size())}, values), {},
                   true);
  }

  ValueId AddFloat(DType dtype, double value) {
    Tensor tensor(dtype, {});
    StoreReal(dtype, tensor.data(), 0, value);
    return AddData(std::move(tensor), {}, true);
  }

  ValueId Reshaped(ValueId id, const Dims& dims) { return First(Add("Reshape", {id, AddInts(dims)}, {})); }

  // Extents that change together in all operands of a node.
  using Extents = std::map<int64_t, int64_t>;

  Extents RandomExtents(const TestCase& test) {
    Extents extents;
    if (random_.Chance(0.5)) return extents;
    for (const TestInput& input : test.inputs) {
      if (!input.values.empty()) continue;
      for (int64_t extent : input.dims) {
        if (extent <= 1 || extents.count(extent) || !random_.Chance(0.4)) continue;
        extents[extent] = random_.Between(1, std::min<int64_t>(extent + 3, 40));
      }
    }
    return extents;
  }

  Dims Changed(Dims dims, const Extents& extents, double probability) {
    for (int64_t& extent : dims) {
      const auto found = extents.find(extent);
      if (found != extents.end() && random_.Chance(probability)) extent = found->second;
    }
    return dims;
  }

  ValueId PickOperand(const TestInput& input, Extents& extents) {
    if (!input.values.empty() || input.dtype == DType::kString) {
      const bool is_constant = input.is_constant ? !random_.Chance(0.05) : random_.Chance(0.5);
      return AddData(FixedTensor(input), input.quant, is_constant);
    }
    const Dims dims = Changed(input.dims, extents, 0.85);
    if (CountOf(dims) > kMaxElements) return kNoValue;
    if (!input.is_constant || random_.Chance(0.1)) {
      const std::vector<ValueId> ids = Candidates(input);
      if (!ids.empty() && random_.Chance(0.8)) {
        const ValueId id = PickCandidate(ids, dims);
        const Dims& actual = datum(id).tensor.dims();
        for (size_t i = 0; actual.size() == dims.size() && i < dims.size(); ++i) {
          if (dims[i] != actual[i]) extents[input.dims[i]] = actual[i];
        }
        return id;
      }
      if (random_.Chance(0.4)) {
        const ValueId id = Adapted(input, dims);
        if (id != kNoValue) return id;
      }
    }
    const bool is_constant = input.is_constant ? !random_.Chance(0.1) : random_.Chance(0.25);
    return AddFresh(input.dtype, dims, input.low, input.high, input.quant, is_constant);
  }

  Tensor FixedTensor(const TestInput& input) {
    if (input.values.empty()) return RandomTensor(random_, input.dtype, input.dims, input.low, input.high);
    Tensor tensor(input.dtype, input.dims);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const double value = input.values[static_cast<size_t>(i)];
      if (IsInteger(input.dtype)) {
        StoreInt(input.dtype, tensor.data(), i, static_cast<int64_t>(value));
      } else if (input.dtype != DType::kString) {
        StoreReal(input.dtype, tensor.data(), i, value);
      }
    }
    return tensor;
  }

  bool AddCase(const Source& source) {
    State before = Save();
    Extents extents = RandomExtents(source.test);
    std::vector<ValueId> inputs;
    for (const TestInput& input : source.test.inputs) {
      if (input.is_absent) {
        inputs.push_back(kNoValue);
        continue;
      }
      inputs.push_back(PickOperand(input, extents));
      if (inputs.back() == kNoValue) {
        Restore(std::move(before));
        return false;
      }
    }
    const auto outputs = Add(source.op->name, std::move(inputs), source.test.attrs, source.test.num_outputs,
                             source.test.outputs_quant);
    if (outputs.empty()) Restore(std::move(before));
    return !outputs.empty();
  }

  // --- motifs: what passes look for ---

  ValueId LatestFloat() {
    std::vector<ValueId> ids;
    for (ValueId id : Computed()) {
      if (IsTensor(id) && IsFloat(datum(id).tensor.dtype()) && BitsOf(datum(id).tensor.dtype()) >= 16)
        ids.push_back(id);
    }
    if (ids.empty()) return kNoValue;
    return random_.Chance(0.7) ? ids.back() : random_.Of(ids);
  }

  bool AddMotif() {
    const ValueId x = LatestFloat();
    if (x == kNoValue) return false;
    State before = Save();
    using Motif = bool (Generator::*)(ValueId);
    static constexpr Motif kMotifs[] = {&Generator::AddAffine,     &Generator::AddBatchNorm,
                                        &Generator::AddActivation, &Generator::AddTransposes,
                                        &Generator::AddReshapes,   &Generator::AddNoOp,
                                        &Generator::AddResidual,   &Generator::AddShapeArithmetic};
    if ((this->*kMotifs[random_.Below(std::size(kMotifs))])(x)) return true;
    Restore(std::move(before));
    return false;
  }

  // A constant that broadcasts to x: a number, one per channel, or one per element of the last axis.
  ValueId BroadcastConstant(ValueId x, double low, double high) {
    const Tensor tensor = datum(x).tensor;
    Dims dims;
    if (tensor.rank() >= 2 && random_.Chance(0.6)) {
      dims = Dims(static_cast<size_t>(tensor.rank()) - 1, 1);
      dims[0] = tensor.dim(1);
    } else if (tensor.rank() >= 1 && random_.Chance(0.5)) {
      dims = {tensor.dim(-1)};
    }
    return AddFresh(tensor.dtype(), dims, low, high, {}, true);
  }

  bool AddAffine(ValueId x) {
    static const std::vector<std::string> kOps = {"Add", "Sub", "Mul", "Div"};
    const std::string op = random_.Of(kOps);
    std::vector<ValueId> inputs = {x, BroadcastConstant(x, 0.5, 2)};
    if (op != "Div" && random_.Chance(0.3)) std::swap(inputs[0], inputs[1]);
    return !Add(op, inputs, {}).empty();
  }

  bool AddBatchNorm(ValueId x) {
    const Tensor tensor = datum(x).tensor;
    if (tensor.rank() < 2) return false;
    const bool is_last = random_.Chance(0.4);
    const int64_t channels = tensor.dim(is_last ? -1 : 1);
    std::vector<ValueId> inputs = {x};
    for (const double low : {0.5, -1.0, -1.0, 0.5})
      inputs.push_back(AddFresh(tensor.dtype(), {channels}, low, low + 1.5, {}, true));
    return !Add("BatchNormalization", inputs,
                {{"layout", std::string(is_last ? "channels_last" : "channels_first")}})
                .empty();
  }

  bool AddActivation(ValueId x) {
    const DType dtype = datum(x).tensor.dtype();
    switch (random_.Below(6)) {
      case 0: return !Add("Relu", {x}, {}).empty();
      case 1: return !Add("LeakyRelu", {x}, {{"alpha", static_cast<float>(random_.Real(0.01, 0.5))}}).empty();
      case 2: return !Add("HardSwish", {x}, {}).empty();
      case 3: return !Add("Tanh", {x}, {}).empty();
      case 4: {
        const double low = random_.Chance(0.5) ? 0 : -1;
        const ValueId minimum = AddFloat(dtype, low);
        return !Add("Clip", {x, minimum, AddFloat(dtype, random_.Chance(0.5) ? 6 : 1)}, {}).empty();
      }
      default: {
        const ValueId gate = First(Add("Sigmoid", {x}, {}));
        if (gate == kNoValue) return false;
        return !Add("Mul", random_.Chance(0.5) ? std::vector{x, gate} : std::vector{gate, x}, {}).empty();
      }
    }
  }

  bool AddTransposes(ValueId x) {
    for (size_t count = 1 + random_.Below(3); count > 0 && x != kNoValue; --count) {
      Ints permutation(static_cast<size_t>(datum(x).tensor.rank()));
      for (size_t i = 0; i < permutation.size(); ++i) permutation[i] = static_cast<int64_t>(i);
      for (size_t i = permutation.size(); i > 1; --i)
        std::swap(permutation[i - 1], permutation[random_.Below(i)]);
      x = First(Add("Transpose", {x}, {{"perm", permutation}}));
    }
    return x != kNoValue;
  }

  bool AddReshapes(ValueId x) {
    for (size_t count = 1 + random_.Below(3); count > 0 && x != kNoValue; --count) {
      const Tensor tensor = datum(x).tensor;
      const int rank = tensor.rank();
      if (tensor.count() == 0) return false;
      switch (random_.Below(4)) {
        case 0: x = First(Add("Flatten", {x}, {{"axis", random_.Between(0, rank)}})); break;
        case 1: x = First(Add("Unsqueeze", {x, AddInts({random_.Between(0, rank)})}, {})); break;
        case 2: {
          Dims dims = tensor.dims();
          if (rank >= 2) {
            dims[0] *= dims[1];
            dims.erase(dims.begin() + 1);
          }
          if (!dims.empty() && random_.Chance(0.4)) dims[random_.Below(dims.size())] = -1;
          x = Reshaped(x, dims);
          break;
        }
        default: {
          int64_t factor = 2;
          while (factor < tensor.count() && tensor.count() % factor != 0) ++factor;
          x = Reshaped(x, {std::min(factor, tensor.count()), -1});
        }
      }
    }
    return x != kNoValue;
  }

  bool AddNoOp(ValueId x) {
    const Tensor tensor = datum(x).tensor;
    const DType dtype = tensor.dtype();
    switch (random_.Below(7)) {
      case 0: return !Add("Add", {x, AddFloat(dtype, 0)}, {}).empty();
      case 1: return !Add("Mul", {AddFloat(dtype, 1), x}, {}).empty();
      case 2: return !Add("Div", {x, AddFloat(dtype, 1)}, {}).empty();
      case 3: return !Add("Identity", {x}, {}).empty();
      case 4: return !Add("Cast", {x}, {{"to", dtype}}).empty();
      case 5: return !Reshaped(x, tensor.dims()) ? false : true;
      default: {
        // Broadcasts, so that it is none after all.
        const ValueId zero = AddFresh(dtype, {2, 1}, 0, 0, {}, true);
        return !Add("Add", {x, zero}, {}).empty();
      }
    }
  }

  bool AddResidual(ValueId x) {
    std::vector<ValueId> ids;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      const bool is_alike = id != x && IsTensor(id) && !graph_.value(id).IsConstant() &&
                            datum(id).tensor.dtype() == datum(x).tensor.dtype() &&
                            datum(id).tensor.dims() == datum(x).tensor.dims() && !graph_.value(id).quant;
      if (is_alike) ids.push_back(id);
    }
    if (ids.empty()) return false;
    static const std::vector<std::string> kOps = {"Add", "Mul", "Sub", "Max"};
    const std::string op = random_.Of(kOps);
    return !Add(op, {x, random_.Of(ids)}, {}).empty();
  }

  // Shape -> Gather -> Concat -> Reshape, as exporters write x.view(x.size(0), -1).
  bool AddShapeArithmetic(ValueId x) {
    if (datum(x).tensor.rank() < 1 || datum(x).tensor.count() == 0) return false;
    const ValueId shape = First(Add("Shape", {x}, {}));
    if (shape == kNoValue) return false;
    const ValueId extent = First(Add("Gather", {shape, AddInts({0})}, {{"axis", int64_t{0}}}));
    if (extent == kNoValue) return false;
    const ValueId dims = First(Add("Concat", {extent, AddInts({-1})}, {{"axis", int64_t{0}}}));
    return dims != kNoValue && !Add("Reshape", {x, dims}, {}).empty();
  }

  // --- sub-graphs ---

  std::vector<ValueId> Captures() {
    std::vector<ValueId> ids;
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      const bool fits = IsTensor(id) && !graph_.value(id).IsConstant() && !graph_.value(id).quant;
      if (fits) ids.push_back(id);
    }
    std::vector<ValueId> picked;
    for (size_t i = 0; i < 1 + random_.Below(3) && !ids.empty(); ++i) {
      const size_t at = random_.Below(ids.size());
      picked.push_back(ids[at]);
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return picked;
  }

  void AddBodyInput(Generator& body, ValueId outer) {
    Type type = graph_.value(outer).type;
    body.AddInput(graph_.value(outer).name, type, datum(outer));
  }

  static GraphRef Finished(Generator& body) { return std::make_shared<const Graph>(std::move(body.graph())); }

  // The newest value of that dtype; kNoValue: none.
  ValueId NewestOf(DType dtype, const Dims* dims = nullptr) const {
    for (size_t i = graph_.values.size(); i-- > 0;) {
      const auto id = static_cast<ValueId>(i);
      if (!IsTensor(id) || graph_.value(id).quant || datum(id).tensor.dtype() != dtype) continue;
      if (dims == nullptr || datum(id).tensor.dims() == *dims) return id;
    }
    return kNoValue;
  }

  bool AddIf() {
    const std::vector<ValueId> captures = Captures();
    if (captures.empty()) return false;
    State before = Save();
    const DType dtype = datum(captures[0]).tensor.dtype();
    Attrs attrs;
    for (const char* name : {"then_branch", "else_branch"}) {
      Generator body(random_, options_, depth_ + 1);
      body.graph().name = name;
      for (ValueId id : captures) AddBodyInput(body, id);
      body.Grow(1 + random_.Below(3));
      body.graph().outputs = {body.NewestOf(dtype)};
      attrs.Set(name, Finished(body));
    }
    std::vector<ValueId> inputs = {AddFresh(DType::kBool, {}, 0, 1, {}, random_.Chance(0.3))};
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    if (!Add("If", inputs, attrs).empty()) return true;
    Restore(std::move(before));
    return false;
  }

  bool AddLoop() {
    const std::vector<ValueId> captures = Captures();
    if (captures.empty()) return false;
    State before = Save();
    Generator body(random_, options_, depth_ + 1);
    body.graph().name = "body";
    Tensor zero(DType::kI64, {});
    Tensor yes(DType::kBool, {});
    yes.as<bool>()[0] = true;
    body.AddInput("i", Type::Of(DType::kI64, {}), Datum::Of(zero));
    const ValueId go = body.AddInput("go", Type::Of(DType::kBool, {}), Datum::Of(yes));
    for (ValueId id : captures) AddBodyInput(body, id);  // the first is carried
    body.Grow(1 + random_.Below(3));
    const std::vector<ValueId> on = body.Add("Identity", {go}, {});
    const Dims dims = datum(captures[0]).tensor.dims();
    const ValueId next = body.NewestOf(datum(captures[0]).tensor.dtype(), &dims);
    if (on.empty() || next == kNoValue) return false;
    body.graph().outputs = {on[0], next};
    const std::vector<ValueId> computed = body.Computed();
    if (random_.Chance(0.5) && body.IsTensor(computed[0]) && !body.graph().value(computed[0]).quant)
      body.graph().outputs.push_back(computed[0]);
    const int num_outputs = static_cast<int>(body.graph().outputs.size()) - 1;
    Tensor count(DType::kI64, {});
    // What nothing was collected of has no shape but the one that the body declares, which may be none.
    count.as<int64_t>()[0] = random_.Between(num_outputs > 1 ? 1 : 0, 3);
    std::vector<ValueId> inputs = {AddData(count, {}, random_.Chance(0.5)), kNoValue};
    inputs.insert(inputs.end(), captures.begin(), captures.end());
    if (!Add("Loop", inputs, {{"body", Finished(body)}, {"num_carried", int64_t{1}}}, num_outputs).empty())
      return true;
    Restore(std::move(before));
    return false;
  }

  Random& random_;
  const GeneratorOptions& options_;
  int depth_;
  Graph graph_;
  std::vector<Datum> data_;  // by ValueId
};

// Leaves, and some values on the way to them.
void PickOutputs(Random& random, Generator& generator) {
  Graph& graph = generator.graph();
  const std::vector<int> uses = graph.UseCounts();
  for (ValueId id : generator.Computed()) {
    if (uses[static_cast<size_t>(id)] == 0 || random.Chance(0.1)) graph.outputs.push_back(id);
  }
}

// Extents of inputs become names or unknown, where inference can do with that.
void OpenShapes(Random& random, Sample& sample) {
  if (random.Chance(0.5)) return;
  Graph open = sample.graph;
  std::map<int64_t, std::string> names;
  const double probability = random.Real(0.1, 1);
  for (ValueId id : open.inputs) {
    Type& type = open.value(id).type;
    if (type.kind != TypeKind::kTensor || open.value(id).quant) continue;
    if (random.Chance(0.03)) {
      type.shape.reset();
      continue;
    }
    for (Dim& dim : *type.shape) {
      if (!random.Chance(probability)) continue;
      if (random.Chance(0.15)) {
        dim = Dim();
        continue;
      }
      const auto [found, is_new] = names.emplace(dim.value(), "N" + std::to_string(names.size()));
      dim = Dim::Symbol(found->second);
    }
  }
  for (Value& value : open.values) {
    const bool is_input =
        std::find(open.inputs.begin(), open.inputs.end(), &value - open.values.data()) != open.inputs.end();
    if (!value.IsConstant() && !is_input) value.type = Type{};
  }
  if (VerifyGraph(open).ok()) sample.graph = std::move(open);
}

}  // namespace

const std::vector<Source>& AllSources() {
  static const std::vector<Source> sources = [] {
    std::vector<Source> list;
    for (const OpDef& op : AllOps()) {
      if (op.cases == nullptr || !op.is_deterministic) continue;
      for (TestCase& test : op.cases()) {
        if (IsSmall(test) && MakeCaseScene(op, test, 1).ok()) list.push_back({&op, std::move(test)});
      }
    }
    return list;
  }();
  return sources;
}

const char* NodeInTrial() { return node_in_trial; }

Sample Generate(uint64_t seed, const GeneratorOptions& options) {
  Random random(seed);
  Generator generator(random, options, 0);
  generator.graph().name = "seed" + std::to_string(seed);
  while (generator.graph().nodes.empty()) generator.Grow(1 + random.Below(options.max_nodes));
  PickOutputs(random, generator);
  Sample sample;
  sample.graph = generator.graph();
  Graph& graph = sample.graph;
  const std::vector<int> uses = graph.UseCounts();
  std::erase_if(graph.inputs, [&](ValueId id) { return uses[static_cast<size_t>(id)] == 0; });
  for (ValueId id : graph.inputs) sample.inputs.push_back(generator.datum(id));
  graph.Compact(std::vector<bool>(graph.nodes.size(), false));
  OpenShapes(random, sample);
  return sample;
}

Result<Sample> OneNode(const Source& source, uint32_t seed) {
  SLIPWAY_ASSIGN_OR_RETURN(CaseScene scene, MakeCaseScene(*source.op, source.test, seed));
  Sample sample;
  for (size_t i = 0; i < scene.inputs.size(); ++i) {
    const ValueId id = scene.node().inputs[i];
    if (id != kNoValue && !scene.graph.value(id).IsConstant()) sample.inputs.push_back(scene.inputs[i]);
  }
  sample.graph = std::move(scene.graph);
  return sample;
}

}  // namespace slipway::fuzz
