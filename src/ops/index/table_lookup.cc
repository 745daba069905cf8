// Looks keys up in a table: TFLite's HASHTABLE_FIND, TensorFlow's LookupTableFindV2, whose table is an
// operand here.
#include <unordered_map>

#include "base/scalar.h"
#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"

namespace slipway {
namespace {

Status Infer(InferContext& context) {
  Type type = context.input(0);
  type.dtype = context.dtype(3);
  context.SetOutput(0, std::move(type));
  if (context.dtype(0) != context.dtype(2) || context.dtype(1) != context.dtype(3))
    return context.Error("queries are " + std::string(DTypeName(context.dtype(0))) + " and keys " +
                         std::string(DTypeName(context.dtype(2))) + ", the default " +
                         std::string(DTypeName(context.dtype(1))) + " and values " +
                         std::string(DTypeName(context.dtype(3))));
  return Status::Ok();
}

// An element of an integer or string tensor as something to compare.
std::string KeyOf(const Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::kString) return tensor.as<std::string>()[i];
  return std::to_string(LoadInt(tensor.dtype(), tensor.data(), i));
}

void CopyElement(const Tensor& from, int64_t i, Tensor& to, int64_t at) {
  if (to.dtype() == DType::kString) {
    to.as<std::string>()[at] = from.as<std::string>()[i];
  } else if (IsInteger(to.dtype())) {
    StoreInt(to.dtype(), to.data(), at, LoadInt(from.dtype(), from.data(), i));
  } else {
    StoreReal(to.dtype(), to.data(), at, LoadReal(from.dtype(), from.data(), i));
  }
}

Status Reference(RunContext& context) {
  const Tensor& queries = context.in(0);
  const Tensor& otherwise = context.in(1);
  const Tensor& keys = context.in(2);
  const Tensor& values = context.in(3);
  if (otherwise.count() != 1)
    return context.Error("the default is " + Describe(otherwise) + "; it must be one value");
  if (keys.count() != values.count())
    return context.Error("has " + std::to_string(keys.count()) + " keys and " +
                         std::to_string(values.count()) + " values");
  std::unordered_map<std::string, int64_t> places;
  for (int64_t i = 0; i < keys.count(); ++i) places.emplace(KeyOf(keys, i), i);
  for (int64_t i = 0; i < queries.count(); ++i) {
    const auto found = places.find(KeyOf(queries, i));
    const bool is_found = found != places.end();
    CopyElement(is_found ? values : otherwise, is_found ? found->second : 0, context.out(0), i);
  }
  return Status::Ok();
}

}  // namespace

OpDef MakeTableLookup() {
  const DTypeSet keys = kIndices | DTypeSet{DType::kString};
  const DTypeSet values = kNumbers | DTypeSet{DType::kString};
  OpDef op;
  op.name = "TableLookup";
  op.group = "index";
  op.summary =
      "The values that a table has for some keys, of equal keys the first; a default for those it lacks.";
  op.formula = "y[i] = values[j] where keys[j] = x[i], else default";
  op.inputs = {{"x", keys, "any shape"},
               {"default", values, "one value"},
               {"keys", keys, "[n]"},
               {"values", values, "[n]"}};
  op.outputs = {{"y", values, "the shape of x"}};
  op.infer = Infer;
  op.reference = Reference;
  op.cases = [] {
    const auto ints = [](Dims dims, std::vector<double> numbers) {
      return TestInput{.dtype = DType::kI64, .dims = std::move(dims), .values = std::move(numbers)};
    };
    return std::vector<TestCase>{
        {"numbers",
         {ints({2, 2}, {7, 3, 5, 4}), ints({}, {-1}), ints({3}, {3, 5, 7}), ints({3}, {30, 50, 70})},
         {}}};
  };
  // The importer puts the table behind the operands of the foreign operator.
  op.foreign = {{Format::kTflite, "HASHTABLE_FIND"}};
  return op;
}

}  // namespace slipway
