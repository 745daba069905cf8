// Values that share storage: what is skipped and where things lie on small graphs, and on random graphs that
// nobody's elements are lost.
#include "runtime/sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "build/choose.h"
#include "ops/builder.h"
#include "ops/testing.h"
#include "runtime/shape_plan.h"

namespace slipway {
namespace {

using testing::ElementsAre;

// What a kernel under test can do with its operands: one bit for each.
struct Abilities {
  uint64_t reads = 0, writes = 0, overwrites = 0;
};

// The reference behind dense copies of its operands, so that it can be given any rows.
class SteppedKernel : public Kernel {
 public:
  SteppedKernel(std::unique_ptr<Kernel> kernel, const Abilities& can)
      : kernel_(std::move(kernel)), can_(can) {}
  bool CanReadSteps(size_t i) const override { return (can_.reads >> i & 1) != 0; }
  bool CanWriteSteps(size_t i) const override { return (can_.writes >> i & 1) != 0; }
  bool CanOverwrite(size_t i, size_t) const override { return (can_.overwrites >> i & 1) != 0; }

  Status Run(const KernelArgs& args) const override {
    std::vector<Datum> data(args.inputs.size() + args.outputs.size());
    std::vector<Datum*> inputs, outputs;
    for (size_t i = 0; i < args.inputs.size(); ++i) {
      EXPECT_TRUE(CanReadSteps(i) || args.in_step(i) == RowOf(args.in(i)));
      data[i] = Datum::Of(Tensor(args.in(i).dtype(), args.in(i).dims()));
      Move(args.in(i), args.in_step(i), data[i].tensor, RowOf(args.in(i)));
      inputs.push_back(&data[i]);
    }
    for (size_t i = 0; i < args.outputs.size(); ++i) {
      EXPECT_TRUE(CanWriteSteps(i) || args.out_step(i) == RowOf(args.out(i)));
      Datum& datum = data[args.inputs.size() + i];
      datum = Datum::Of(Tensor(args.out(i).dtype(), args.out(i).dims()));
      outputs.push_back(&datum);
    }
    SLIPWAY_RETURN_IF_ERROR(
        kernel_->Run({inputs, outputs, args.output_types, args.workspace, args.pool, args.runner}));
    for (size_t i = 0; i < args.outputs.size(); ++i) {
      Move(outputs[i]->tensor, RowOf(args.out(i)), args.out(i), args.out_step(i));
    }
    return Status::Ok();
  }

 private:
  static int64_t RowOf(const Tensor& tensor) { return tensor.rank() == 0 ? 1 : tensor.dims().back(); }
  static void Move(const Tensor& from, int64_t from_step, Tensor& to, int64_t to_step) {
    const int64_t row = RowOf(from);
    for (int64_t i = 0; i < from.count(); ++i) {
      to.as<float>()[i / row * to_step + i % row] = from.as<float>()[i / row * from_step + i % row];
    }
  }

  std::unique_ptr<Kernel> kernel_;
  Abilities can_;
};

using Kernels = std::vector<std::unique_ptr<Kernel>>;

Kernels KernelsOf(const Graph& graph, const std::function<Abilities()>& can) {
  Kernels kernels;
  for (const Node& node : graph.nodes) {
    const Step step = *MakeStep(graph, node);
    kernels.push_back(std::make_unique<SteppedKernel>(*FindBackend("ref")->tactics[0]->Make(step), can()));
  }
  return kernels;
}

// The outputs after one run of a fresh plan; `skipped` counts steps.
std::vector<Tensor> RunPlan(const Graph& graph, const Kernels& kernels, const std::vector<Datum>& inputs,
                            MemoryMode mode, int& skipped) {
  auto plan = MakeShapePlan(graph, kernels, inputs, {.mode = mode});
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  ThreadPool pool(1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    (*plan)->values[static_cast<size_t>(graph.inputs[i])] = inputs[i];
  }
  auto freed = (*plan)->freed.begin();
  for (size_t s = 0; s < kernels.size(); ++s) {
    const ShapePlan::Step& step = (*plan)->steps[s];
    skipped += step.is_skipped ? 1 : 0;
    const KernelArgs args{step.inputs, step.outputs, step.output_types, step.workspace,
                          pool,        nullptr,      step.input_steps,  step.output_steps};
    EXPECT_TRUE(step.is_skipped || kernels[s]->Run(args).ok());
    for (; freed != (*plan)->freed.end() && freed->step == s; ++freed) {
      std::memset(freed->bytes.data(), 0xFF, freed->bytes.size());
    }
  }
  std::vector<Tensor> outputs;
  for (ValueId id : graph.outputs) outputs.push_back((*plan)->values[static_cast<size_t>(id)].tensor.Clone());
  return outputs;
}

// ---- Random graphs

class RandomGraph {
 public:
  explicit RandomGraph(uint32_t seed) : random_(seed), builder_(graph_) {
    const Dims dims = {Pick(1, 2), Pick(1, 3), Pick(1, 4)};
    for (int i = 0; i < 2; ++i) {
      const ValueId input = builder_.Input("x" + std::to_string(i), Type::Of(DType::kF32, ToDimList(dims)));
      values_.push_back(input);
      Tensor tensor(DType::kF32, dims);
      for (float& value : tensor.values<float>()) value = static_cast<float>(Pick(-9, 9));
      inputs_.push_back(Datum::Of(std::move(tensor)));
    }
    for (int64_t i = Pick(3, 24); i > 0; --i) AddNode();
    for (int64_t i = Pick(1, 4); i > 0; --i) graph_.outputs.push_back(Any());
    std::erase_if(graph_.outputs, [&](ValueId id) { return id < 2; });
    graph_.outputs.push_back(values_.back());
  }

  const Graph& graph() const { return graph_; }
  const std::vector<Datum>& inputs() const { return inputs_; }
  Abilities AnyAbilities() {
    const auto bits = [&] { return Pick(0, 2) == 0 ? random_() : ~uint64_t{0}; };
    return {bits(), bits(), bits()};
  }

 private:
  int64_t Pick(int64_t low, int64_t high) { return std::uniform_int_distribution(low, high)(random_); }
  // Rather a recent one.
  ValueId Any() {
    const auto count = static_cast<int64_t>(values_.size());
    return values_[static_cast<size_t>(
        Pick(Pick(0, 1) == 0 ? 0 : std::max<int64_t>(0, count - 4), count - 1))];
  }
  Dims DimsOf(ValueId id) { return KnownDims(*graph_.value(id).type.shape); }

  void AddNode() {
    const ValueId x = Any();
    const Dims dims = DimsOf(x);
    const auto rank = static_cast<int64_t>(dims.size());
    switch (Pick(0, 8)) {
      case 0: return Take(builder_.Add("Neg", {x}));
      case 1: return Take(builder_.Add("Relu", {x}));
      case 2: return AddSum(x);
      case 3: return Take(builder_.Add("Identity", {x}));
      case 4: return AddSplit(x, Pick(0, 1) == 0 ? rank - 1 : Pick(0, rank - 1));
      case 5: return AddSlice(x, Pick(0, 1) == 0 ? rank - 1 : Pick(0, rank - 1));
      case 6: return AddReshape(x);
      default: return AddConcat(x, Pick(0, 1) == 0 ? rank - 1 : Pick(0, rank - 1));
    }
  }
  void Take(const Result<ValueId>& value) {
    if (value.ok() && CountOf(DimsOf(*value)) < 4000) values_.push_back(*value);
  }
  void AddSum(ValueId x) {
    const ValueId y = Any();
    Take(builder_.Add("Add", {x, DimsOf(x) == DimsOf(y) ? y : x}));
  }
  void AddSplit(ValueId x, int64_t axis) {
    const int64_t extent = DimsOf(x)[static_cast<size_t>(axis)];
    Node node;
    node.op = "Split";
    const int64_t first = Pick(0, extent);
    node.inputs = {x, builder_.Ints({first, extent - first})};
    node.attrs = {{"axis", axis}};
    const auto parts = builder_.Add(std::move(node), std::vector<GraphBuilder::Output>(2));
    for (ValueId part : *parts) values_.push_back(part);
  }
  void AddSlice(ValueId x, int64_t axis) {
    const int64_t extent = DimsOf(x)[static_cast<size_t>(axis)];
    const int64_t begin = Pick(0, extent);
    Take(builder_.Add(
        "Slice", {x, builder_.Ints({begin}), builder_.Ints({Pick(begin, extent)}), builder_.Ints({axis})}));
  }
  void AddReshape(ValueId x) {
    const Dims dims = DimsOf(x);
    switch (Pick(0, 3)) {
      case 0: return Take(builder_.Add("Reshape", {x, builder_.Ints({CountOf(dims)})}));
      case 1: return Take(builder_.Add("Unsqueeze", {x, builder_.Ints({Pick(0, 1)})}));
      case 2:
        return Take(builder_.Add(
            "Reshape",
            {x, builder_.Ints({1, CountOf(dims) / std::max<int64_t>(1, dims.back()), dims.back()})}));
      default: return Take(builder_.Add("Transpose", {x}));
    }
  }
  void AddConcat(ValueId x, int64_t axis) {
    std::vector<ValueId> inputs = {x};
    for (ValueId other : values_) {
      Dims a = DimsOf(x);
      Dims b = DimsOf(other);
      if (a.size() != b.size() || Pick(0, 2) == 0 || inputs.size() > 4) continue;
      a[static_cast<size_t>(axis)] = b[static_cast<size_t>(axis)];
      if (a == b) inputs.push_back(other);
    }
    std::shuffle(inputs.begin(), inputs.end(), random_);
    Take(builder_.Add("Concat", inputs, {{"axis", axis}}));
  }

  std::mt19937_64 random_;
  Graph graph_;
  GraphBuilder builder_;
  std::vector<ValueId> values_;
  std::vector<Datum> inputs_;
};

TEST(Sharing, KeepsEveryElementOfRandomGraphs) {
  int skipped = 0;
  int none = 0;
  int64_t plain_bytes = 0;
  int64_t shared_bytes = 0;
  for (uint32_t seed = 1; seed <= 3000; ++seed) {
    RandomGraph random(seed);
    const Graph& graph = random.graph();
    const Kernels kernels = KernelsOf(graph, [&] { return random.AnyAbilities(); });
    const auto want = RunPlan(graph, kernels, random.inputs(), MemoryMode::kPlain, none);
    const auto got = RunPlan(graph, kernels, random.inputs(), MemoryMode::kPoison, skipped);
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(Show(got[i]), Show(want[i])) << "seed " << seed << ", output " << i;
    }
    plain_bytes +=
        (*MakeShapePlan(graph, kernels, random.inputs(), {.mode = MemoryMode::kPlain}))->arena_bytes;
    shared_bytes +=
        (*MakeShapePlan(graph, kernels, random.inputs(), {.mode = MemoryMode::kShared}))->arena_bytes;
  }
  EXPECT_EQ(none, 0);
  EXPECT_GT(skipped, 10000);
  EXPECT_LT(shared_bytes, plain_bytes);
}

// ---- Small graphs

// Where a value lies: "root+bytes", with "/step" where its rows lie apart.
std::string Where(const Graph& graph, const Sharing& sharing, const std::string& name) {
  const Place& place = sharing.places[static_cast<size_t>(graph.FindValue(name))];
  std::string text = graph.value(place.root).name + "+" + std::to_string(place.offset_bytes);
  if (place.step != 0) text += "/" + std::to_string(place.step);
  return text;
}

constexpr Abilities kAll = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};

class SharingTest : public testing::Test {
 protected:
  SharingTest() : builder_(graph_) {}
  ValueId Input(const std::string& name, DimList dims) {
    return builder_.Input(name, Type::Of(DType::kF32, std::move(dims)));
  }
  ValueId Add(const std::string& op, std::vector<ValueId> inputs, const std::string& name, Attrs attrs = {}) {
    return *builder_.Add(op, std::move(inputs), std::move(attrs), name);
  }
  Sharing Share(const std::function<Abilities()>& can = [] { return kAll; }) {
    kernels_ = KernelsOf(graph_, can);
    return ShareStorage(graph_, kernels_, std::vector<bool>(graph_.nodes.size(), true));
  }
  std::string Where(const std::string& name, const Sharing& sharing) {
    return slipway::Where(graph_, sharing, name);
  }

  Graph graph_;
  GraphBuilder builder_;
  Kernels kernels_;
};

TEST_F(SharingTest, PartsOfAConcatLieInItsResult) {
  const ValueId x = Input("x", {2, 3});
  const ValueId y = Input("y", {2, 4});
  const ValueId joined =
      Add("Concat", {Add("Exp", {x}, "a"), Add("Exp", {y}, "b")}, "joined", {{"axis", int64_t{1}}});
  graph_.outputs = {joined};
  const Sharing sharing = Share();
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, false, true));
  EXPECT_EQ(Where("a", sharing), "joined+0/7");
  EXPECT_EQ(Where("b", sharing), "joined+12/7");
}

TEST_F(SharingTest, OneThatCannotWriteThereIsCopied) {
  const ValueId x = Input("x", {2, 3});
  const ValueId a = Add("Exp", {x}, "a");
  const ValueId b = Add("Exp", {x}, "b");
  graph_.outputs = {Add("Concat", {a, b}, "joined", {{"axis", int64_t{1}}})};
  int step = 0;
  const Sharing sharing = Share([&] { return ++step == 1 ? Abilities{} : kAll; });
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, false, false));
  EXPECT_EQ(Where("a", sharing), "a+0");
  EXPECT_EQ(Where("b", sharing), "joined+12/6");
}

TEST_F(SharingTest, OneStretchNeedsNobodysHelp) {
  const ValueId x = Input("x", {1, 3, 5});
  const ValueId a = Add("Exp", {x}, "a");
  const ValueId b = Add("Exp", {x}, "b");
  graph_.outputs = {Add("Concat", {a, b}, "joined", {{"axis", int64_t{1}}})};
  const Sharing sharing = Share([] { return Abilities{}; });
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, false, true));
  EXPECT_EQ(Where("b", sharing), "joined+60");
}

TEST_F(SharingTest, PartsOfPartsAddUp) {
  const ValueId x = Input("x", {2, 4});
  const ValueId inner =
      Add("Concat", {Add("Exp", {x}, "a"), Add("Exp", {x}, "b")}, "inner", {{"axis", int64_t{1}}});
  const ValueId outer = Add("Concat", {Add("Exp", {x}, "c"), inner}, "outer", {{"axis", int64_t{1}}});
  graph_.outputs = {outer};
  const Sharing sharing = Share();
  EXPECT_EQ(Where("b", sharing), "outer+32/12");
  EXPECT_EQ(Where("inner", sharing), "outer+16/12");
}

TEST_F(SharingTest, WhatACallerGetsIsItsOwn) {
  const ValueId x = Input("x", {1, 4});
  const ValueId a = Add("Exp", {x}, "a");
  const ValueId same = Add("Identity", {a}, "same");
  const ValueId joined = Add("Concat", {a, a}, "joined", {{"axis", int64_t{1}}});
  graph_.outputs = {a, same, joined};
  const Sharing sharing = Share();
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, false, false));
  for (const char* name : {"a", "same", "joined"}) EXPECT_EQ(Where(name, sharing), std::string(name) + "+0");
}

TEST_F(SharingTest, InputsAndConstantsStayWhereTheyAre) {
  const ValueId x = Input("x", {1, 4});
  const ValueId c = builder_.Constant("c", Tensor(DType::kF32, {1, 4}));
  graph_.outputs = {Add("Concat", {x, c}, "joined", {{"axis", int64_t{1}}}), Add("Identity", {x}, "same"),
                    Add("Neg", {x}, "negative")};
  const Sharing sharing = Share();
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, false, false));
  EXPECT_EQ(sharing.places[static_cast<size_t>(x)].root, kNoValue);
}

TEST_F(SharingTest, AChainIsWrittenInPlaceUnlessSomeoneStillReads) {
  const ValueId x = Input("x", {4});
  const ValueId a = Add("Exp", {x}, "a");
  const ValueId b = Add("Exp", {a}, "b");
  const ValueId c = Add("Exp", {b}, "c");
  graph_.outputs = {Add("Add", {c, b}, "d")};
  const Sharing sharing = Share();
  EXPECT_EQ(Where("a", sharing), Where("b", sharing));
  EXPECT_NE(Where("c", sharing), Where("b", sharing));
  EXPECT_EQ(Where("d", sharing), Where("c", sharing));
}

TEST_F(SharingTest, AReshapeIsAName) {
  const ValueId x = Input("x", {2, 3});
  const ValueId flat = Add("Reshape", {Add("Exp", {x}, "a"), builder_.Ints({6})}, "flat");
  graph_.outputs = {Add("Neg", {flat}, "y")};
  const Sharing sharing = Share();
  EXPECT_THAT(sharing.is_skipped, ElementsAre(false, true, false));
  EXPECT_EQ(Where("flat", sharing), Where("a", sharing));
}

}  // namespace
}  // namespace slipway
