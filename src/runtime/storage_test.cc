// Which values become bf16, and that nothing else does.
#include "runtime/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/builder.h"

namespace slipway {
namespace {

using testing::ElementsAre;

struct Bears {
  bool reads = true, writes = true;
};

class BearingKernel : public Kernel {
 public:
  explicit BearingKernel(const Bears& bears) : bears_(bears) {}
  bool CanReadBf16(size_t) const override { return bears_.reads; }
  bool CanWriteBf16(size_t) const override { return bears_.writes; }
  Status Run(const KernelArgs&) const override { return Status::Ok(); }

 private:
  Bears bears_;
};

// x -> Relu a -> Relu b -> Relu y; b is read by a fourth step too, whose result z is an output as well.
class Storage : public testing::Test {
 protected:
  Storage() {
    GraphBuilder builder(graph_);
    const ValueId x = builder.Input("x", Type::Of(DType::kF32, ToDimList({2, 4})));
    const auto relu = [&](ValueId from) { return *builder.Add("Relu", {from}); };
    a_ = relu(x);
    b_ = relu(a_);
    graph_.outputs = {relu(b_), relu(b_)};
  }

  // The dtypes of x, a, b, y, z.
  std::vector<DType> Stored(const std::vector<Bears>& bears, std::vector<bool> is_static = {}) {
    std::vector<std::unique_ptr<Kernel>> kernels;
    for (const Bears& one : bears) kernels.push_back(std::make_unique<BearingKernel>(one));
    is_static.resize(kernels.size(), true);
    Graph graph = graph_;
    StoreInBf16(kernels, is_static, graph);
    std::vector<DType> dtypes;
    for (ValueId id : {graph.inputs[0], a_, b_, graph.outputs[0], graph.outputs[1]})
      dtypes.push_back(graph.value(id).type.dtype);
    return dtypes;
  }

  static constexpr DType kF32 = DType::kF32, kShort = DType::kBF16;
  Graph graph_;
  ValueId a_, b_;
};

TEST_F(Storage, ValuesBetweenKernelsThatBearItAreShort) {
  EXPECT_THAT(Stored({{}, {}, {}, {}}), ElementsAre(kF32, kShort, kShort, kF32, kF32));
}

TEST_F(Storage, AWriterThatCannotKeepsItsValue) {
  EXPECT_THAT(Stored({{.writes = false}, {}, {}, {}}), ElementsAre(kF32, kF32, kShort, kF32, kF32));
}

TEST_F(Storage, OneReaderThatCannotKeepsTheValueForAll) {
  EXPECT_THAT(Stored({{}, {}, {}, {.reads = false}}), ElementsAre(kF32, kShort, kF32, kF32, kF32));
}

TEST_F(Storage, StepsWhoseShapesDependOnDataReadAndWriteFloats) {
  EXPECT_THAT(Stored({{}, {}, {}, {}}, {true, false, true, true}), ElementsAre(kF32, kF32, kF32, kF32, kF32));
}

TEST_F(Storage, OtherTypesStayWhatTheyAre) {
  graph_.value(a_).type.dtype = DType::kI32;
  EXPECT_THAT(Stored({{}, {}, {}, {}}), ElementsAre(kF32, DType::kI32, kShort, kF32, kF32));
}

}  // namespace
}  // namespace slipway
