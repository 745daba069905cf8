#include "ops/logic/compare.h"

namespace slipway {

OpDef CompareOp() {
  OpDef op;
  op.group = "logic";
  op.inputs = {{"a", kAnyType, "any shape"}, {"b", kAnyType, "broadcasts with a, of its type"}};
  op.outputs = {{"c", kBools, "the broadcast shape"}};
  op.infer = InferBroadcastBool;
  op.cases = [] {
    std::vector<TestCase> cases = BinaryCases(-2, 2, DType::kI32);
    for (TestCase& each : WithQuantized(BinaryCases(-2, 2), {-2, 2}, {0, 1}))
      cases.push_back(std::move(each));
    return cases;
  };
  return op;
}

}  // namespace slipway
