// The operator record: everything Slipway knows of an operator, in one constant.
//
// The verifier, the text form, the operator manual, shape inference, constant folding, the `ref` backend,
// every importer, the conformance suite, the fuzz generators and the cost model read it; nothing restates it.
// src/ops/<group>/<op>.cc defines `OpDef Make<Op>()`; src/ops/ops.inc lists the names.
#pragma once

#include <climits>
#include <string>
#include <string_view>
#include <vector>

#include "ir/foreign.h"
#include "ir/graph.h"
#include "ops/record_parts.h"
#include "slipway/status.h"

namespace slipway {

class InferContext;   // ops/infer.h
class RunContext;     // ops/run.h
class ImportContext;  // ops/import.h

// A set of dtypes, for ports.
class DTypeSet {
 public:
  constexpr DTypeSet() = default;
  constexpr DTypeSet(std::initializer_list<DType> dtypes) {
    for (DType dtype : dtypes) bits_ |= uint64_t{1} << static_cast<int>(dtype);
  }
  constexpr bool Has(DType dtype) const { return (bits_ >> static_cast<int>(dtype)) & 1; }
  constexpr DTypeSet operator|(DTypeSet other) const {
    DTypeSet both;
    both.bits_ = bits_ | other.bits_;
    return both;
  }
  std::string ToString() const;  // "f32, f16"

 private:
  uint64_t bits_ = 0;
};

inline constexpr DTypeSet kFloats = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64};
inline constexpr DTypeSet kInts = {DType::kI8,  DType::kU8,  DType::kI16, DType::kU16,
                                   DType::kI32, DType::kU32, DType::kI64, DType::kU64};
inline constexpr DTypeSet kNumbers = kFloats | kInts;
inline constexpr DTypeSet kBools = {DType::kBool};
inline constexpr DTypeSet kIndices = {DType::kI32, DType::kI64};
inline constexpr DTypeSet kSmallFloats = {DType::kF8E4M3FN,   DType::kF8E4M3FNUZ, DType::kF8E5M2,
                                          DType::kF8E5M2FNUZ, DType::kF8E8M0,     DType::kF4E2M1};
inline constexpr DTypeSet kSubByteInts = {DType::kI4, DType::kU4, DType::kI2, DType::kU2};
inline constexpr DTypeSet kAnyType =
    kNumbers | kBools | kSmallFloats | kSubByteInts | DTypeSet{DType::kString, DType::kC64, DType::kC128};

// The last two may only be the last port's: zero or more operands, one or more.
enum class Arity { kRequired, kOptional, kVariadic, kOneOrMore };
inline bool IsVariadic(Arity arity) { return arity == Arity::kVariadic || arity == Arity::kOneOrMore; }

struct Port {
  std::string name;
  DTypeSet dtypes;
  Doc doc;  // meaning and shape: "[N,C,...]"
  Arity arity = Arity::kRequired;
};

enum class AttrKind { kInt, kFloat, kString, kInts, kFloats, kStrings, kTensor, kGraph, kDType };

struct AttrDef {
  std::string name;
  AttrKind kind = AttrKind::kInt;
  bool is_required = false;
  Attr default_value;                // of `kind`; tensors, graphs and dtypes may have none: see has_default
  bool has_default = false;          // neither required nor with a default: may be absent
  std::vector<std::string> choices;  // kString: the allowed values; empty: any
  Doc doc;
};

// One call each, in a record's list of attributes.
AttrDef IntAttr(std::string name, int64_t default_value, Doc doc);
AttrDef FloatAttr(std::string name, float default_value, Doc doc);
AttrDef StringAttr(std::string name, std::string default_value, std::vector<std::string> choices, Doc doc);
AttrDef IntsAttr(std::string name, Ints default_value, Doc doc);
AttrDef FloatsAttr(std::string name, Floats default_value, Doc doc);
AttrDef StringsAttr(std::string name, Strings default_value, Doc doc);
AttrDef DTypeAttr(std::string name, DType default_value, Doc doc);  // kNone: may be absent
AttrDef TensorAttr(std::string name, Doc doc);                      // may be absent
AttrDef GraphAttr(std::string name, Doc doc);                       // required
AttrDef Required(AttrDef def);

// Arithmetic and memory traffic of one call with known shapes.
struct Cost {
  double flops = 0;  // a multiply-add counts 2
  double bytes = 0;  // inputs and outputs, each once
};

// An input of a test case: random numbers in [low, high], or fixed values.
struct TestInput {
  DType dtype = DType::kF32;
  Dims dims;
  double low = -4;
  double high = 4;
  std::optional<Quant> quant = std::nullopt;
  std::vector<double> values = {};  // not empty: exactly these, row-major
  bool is_constant = false;         // known when the graph is built (weights, shapes, axes)
  bool is_absent = false;           // an optional input left out
};

// One sample of an operator's domain; `outputs_quant` sets the quantisation of the outputs where they have
// one.
struct TestCase {
  std::string label;
  std::vector<TestInput> inputs;
  Attrs attrs;
  int num_outputs = 1;
  std::vector<std::optional<Quant>> outputs_quant = {};
};

// |got - want| <= absolute + relative * |want|, for float outputs; integer outputs must be equal to the bit
// unless `integer_steps` is set.
struct Tolerance {
  double relative = 1e-5;
  double absolute = 1e-6;
  int integer_steps = 0;
};

using ImportFn = KeptOutside<Status (*)(ImportContext&)>;

// Maps a foreign operator onto this record. Without `import`, inputs and outputs pass through in order and
// the foreign attributes whose names the record knows are taken.
struct ForeignRow {
  Format format;
  Doc op;
  int since = 1;  // ONNX opset or TFLite operator version, first and last that this row reads
  int until = INT_MAX;
  ImportFn import = nullptr;
  Doc domain = {};  // ONNX only
};

using ForeignRows = ListOutside<ForeignRow>;

struct OpDef {
  std::string name;  // "Conv"
  Doc group;         // the folder: "nn"
  Doc summary;       // one sentence
  Doc formula;       // "y = max(x, 0)"; may be empty
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<AttrDef> attrs;
  // Sets the type of every output; checks shapes, naming the culprit. Must cope with unknown ranks and dims.
  Status (*infer)(InferContext&) = nullptr;
  // Obvious, scalar, wide accumulation. Shapes and dtypes have been checked by `infer`; values have not.
  ReferenceFn reference = nullptr;
  // Null: one flop per output element.
  double (*flops)(const InferContext&) = nullptr;
  KeptOutside<std::vector<TestCase> (*)()> cases = nullptr;
  Tolerance tolerance;
  ForeignRows foreign;
  bool is_deterministic = true;  // false: random generators; never folded
  bool has_open_attrs = false;   // also takes attributes that `attrs` does not name
};

// All records, sorted by name. Built once, immutable, thread-safe.
const std::vector<OpDef>& AllOps();
// Null when there is none. Also finds records that came while the program ran (ops/dynamic_ops.h).
const OpDef* FindOp(std::string_view name);
// The record and row that read this foreign operator at this version; {nullptr, nullptr} when none does.
struct ForeignMatch {
  const OpDef* op = nullptr;
  const ForeignRow* row = nullptr;
};
ForeignMatch FindForeign(Format format, std::string_view domain, std::string_view op, int64_t version);

// Attributes of `node` completed with the record's defaults and checked against it: kinds, choices, required
// ones, unknown names. Errors name the node.
Status CompleteAttrs(const OpDef& op, Node& node);

}  // namespace slipway
