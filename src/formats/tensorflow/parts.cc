#include "formats/tensorflow/parts.h"

#include "base/scalar.h"
#include "formats/tensorflow/handlers.h"
#include "ops/import.h"

namespace slipway::tensorflow {

ValueId Parts::In(size_t i) {
  if (i < inputs_.size()) return inputs_[i];
  if (status_.ok())
    status_ =
        Status(Code::kInvalidModel, node_.op + " '" + node_.name + "' has " + std::to_string(inputs_.size()) +
                                        " operands, it takes " + std::to_string(i + 1));
  return kNoValue;
}

ValueId Parts::Add(std::string op, std::vector<ValueId> inputs, Attrs attrs) {
  if (!status_.ok()) return kNoValue;
  auto value = scope_.Add(node_, std::move(op), std::move(inputs), std::move(attrs));
  if (value.ok()) return *value;
  status_ = value.status();
  return kNoValue;
}

ValueId Parts::Foreign(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  if (!status_.ok()) return kNoValue;
  ForeignNode foreign;
  foreign.format = Format::kTensorflow;
  foreign.op = op;
  foreign.name = node_.name + "/" + op;
  foreign.inputs = std::move(inputs);
  foreign.attrs = std::move(attrs);
  foreign.outputs.push_back({foreign.name, {}, {}, {}});
  const auto bound = ImportNode(foreign, scope_.builder());
  if (bound.ok()) return (*bound)[0];
  status_ = bound.status();
  return kNoValue;
}

std::vector<int64_t> Parts::KnownInts(size_t i) {
  const ValueId id = In(i);
  if (!status_.ok()) return {};
  const Tensor* constant = scope_.builder().constant(id);
  if (constant != nullptr && IsInteger(constant->dtype()) && constant->count() < 4096)
    return IntsOf(*constant);
  Refuse("operand " + std::to_string(i) + " must be a constant of whole numbers");
  return {};
}

int64_t Parts::KnownInt(size_t i) {
  const std::vector<int64_t> values = KnownInts(i);
  if (status_.ok() && values.size() != 1) Refuse("operand " + std::to_string(i) + " must be one number");
  return status_.ok() ? values[0] : 0;
}

Dims Parts::KnownShape(ValueId id) {
  const Type type = TypeOf(id);
  if (status_.ok() && type.IsStatic()) return KnownDims(*type.shape);
  if (status_.ok()) Refuse("the shape " + ToString(type) + " must be known");
  return {};
}

void Parts::Refuse(const std::string& what) {
  if (status_.ok())
    status_ = Status(Code::kUnsupported, node_.op + " '" + node_.name + "' (tensorflow): " + what);
}

namespace {

Recipe RecipeOf(const std::string& op) {
  for (const auto find : {MathRecipeOf, IndexRecipeOf, ImageRecipeOf, SignalRecipeOf}) {
    if (const Recipe recipe = find(op)) return recipe;
  }
  return nullptr;
}

}  // namespace

Status ImportRecipe(Scope& scope, const TfNode& node, const std::vector<ValueId>& inputs) {
  Parts parts(scope, node, inputs);
  const Recipe of_complex = IsComplex(node.attrs.Type("T")) ? RecipeOf("complex " + node.op) : nullptr;
  (of_complex != nullptr ? of_complex : RecipeOf(node.op))(parts);
  return parts.status();
}

bool HasRecipe(const std::string& op) { return RecipeOf(op) != nullptr; }

}  // namespace slipway::tensorflow
