// Plugins that do not keep their word: each lie is found out, with the plugin, the node and both sides named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "plugin/checks.h"
#include "plugin/testing.h"

namespace slipway {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kWho = "test.Liar@1 'n': plugin 'test.Liar' version 1 (this program) ";

std::atomic<int> runs = 0;

void Honest(plugin::RunCall& call) {
  ++runs;
  const auto x = call.in(0).values<const float>();
  std::copy(x.begin(), x.end(), call.out(0).values<float>().begin());
}

// Infers wrongly, in the way that the attribute "lie" names.
void Infer(plugin::InferCall& call) {
  const std::string_view lie = call.node().String("lie");
  const plugin::Operand x = call.input(0);
  if (lie == "dtype") return call.SetOutput(0, DType::kI32, x.shape());
  if (lie == "bad dtype") return call.SetOutput(0, static_cast<DType>(99), x.shape());
  if (lie == "negative extent") return call.SetOutput(0, DType::kF32, {x.dim(0), plugin::Dim(-3)});
  if (lie == "negative sum") return call.SetOutput(0, DType::kF32, {x.dim(0), x.dim(1) - 8});
  if (lie == "huge shape") return call.SetOutput(0, DType::kF32, {int64_t{1} << 40, int64_t{1} << 40});
  if (lie == "rank") return call.SetOutput(0, DType::kF32, plugin::Shape(65, 1));
  if (lie == "output count") call.SetOutput(1, x);
  if (lie == "silence") return;
  if (lie == "error") throw plugin::Error("x must be square");
  if (lie == "no exception") throw 42;
  if (lie == "empty error") throw plugin::Error("");
  if (lie.starts_with("open")) return call.SetOutput(0, DType::kF32, {x.dim(0), plugin::Dim()});
  call.SetOutput(0, x);
}

void Run(plugin::RunCall& call, std::string_view lie) {
  float* y = call.out(0).values<float>().data();
  const auto workspace = call.workspace();
  if (lie == "open, not allocated") return;
  if (lie == "open, wrong rank") return (void)call.Allocate(0, std::array<int64_t, 1>{4});
  if (lie == "open, wrong extent") return (void)call.Allocate(0, std::array<int64_t, 2>{9, 2});
  if (lie == "open, negative") return (void)call.Allocate(0, std::array<int64_t, 2>{2, -2});
  if (lie == "open, twice") {
    call.Allocate(0, std::array<int64_t, 2>{2, 2});
    return (void)call.Allocate(0, std::array<int64_t, 2>{2, 2});
  }
  if (lie == "open, another") return (void)call.Allocate(5, std::array<int64_t, 2>{2, 2});
  const float before = lie.starts_with("open") ? 0 : y[0];
  Honest(call);
  if (lie == "overrun") y[5] = 1;
  if (lie == "twice as large") std::fill_n(y + 4, 4, 1.0F);
  if (lie == "underrun") y[-1] = 1;
  if (lie == "workspace overrun") workspace.data()[workspace.size()] = 1;
  if (lie == "workspace garbage") y[0] += reinterpret_cast<const float*>(workspace.data())[0];
  if (lie == "accumulates") y[0] += before;
  if (lie == "writes the input") const_cast<float*>(call.in(0).values<const float>().data())[0] = 7;
  if (lie == "run error") throw plugin::Error("cannot do that");
  if (lie == "counts") y[0] = static_cast<float>(runs.load());
}

bool HasLiar() {
  static const Status status = [] {
    plugin::Description description = LambdaPlugin::Description("test.Liar");
    description.attrs = {plugin::RequiredAttr("lie", plugin::AttrKind::kString)};
    class Liar : public Plugin {
     public:
      explicit Liar(plugin::Description description) : description_(std::move(description)) {}
      plugin::Description Describe() const override { return description_; }
      void Infer(plugin::InferCall& call) const override { slipway::Infer(call); }
      std::unique_ptr<PluginKernel> Create(const plugin::Node& node) const override {
        const std::string lie(node.String("lie"));
        if (lie == "create error") throw plugin::Error("cannot be made");
        if (lie == "nothing made") return nullptr;
        class Kernel : public PluginKernel {
         public:
          explicit Kernel(std::string lie) : lie_(std::move(lie)) {}
          int64_t WorkspaceBytes(std::span<const plugin::TensorView>,
                                 std::span<const plugin::TensorView>) const override {
            if (lie_ == "negative workspace") return -5;
            if (lie_ == "huge workspace") return INT64_MAX;
            return 16;
          }
          void Run(plugin::RunCall& call) const override {
            if (lie_ == "half") {
              call.out(0).values<float>()[0] = call.in(0).values<const float>()[0];
              call.out(0).values<float>()[1] = call.in(0).values<const float>()[1];
              return;
            }
            slipway::Run(call, lie_);
          }

         private:
          std::string lie_;
        };
        return std::make_unique<Kernel>(lie);
      }

     private:
      plugin::Description description_;
    };
    return RegisterPlugin(std::make_unique<Liar>(std::move(description)));
  }();
  return status.ok();
}

std::string RunLie(const std::string& lie) {
  if (!HasLiar()) return "the liar is not registered";
  return RunGraph(OneNode("test.Liar", Type::Of(DType::kF32, {Dim::Symbol("N"), 2}), {{"lie", lie}}),
                  {F32({2, 2}, {1, 2, 3, 4})});
}

struct Case {
  const char* lie;
  const char* text;  // follows who it was
};

class Lies : public testing::TestWithParam<Case> {};

TEST_P(Lies, AreNamed) {
  const std::string error = RunLie(GetParam().lie);
  EXPECT_THAT(error, StartsWith(std::string(kWho) + GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    OfShapes, Lies,
    testing::Values(Case{"dtype", "gives output 0 ('y') as i32; it declares f32"},
                    Case{"bad dtype", "gives output 0 ('y') the dtype 99, which does not exist"},
                    Case{"negative extent", "gives output 0 ('y') the extent -3 on axis 1"},
                    Case{"negative sum", "gives output 0 ('y') the extent -6 on axis 1"},
                    Case{"rank", "gives output 0 ('y') the rank 65"},
                    Case{"output count", "sets output 1 of a node that has 1"},
                    Case{"silence", "does not say what output 0 ('y') is"}));

INSTANTIATE_TEST_SUITE_P(
    OfRuns, Lies,
    testing::Values(Case{"overrun", "wrote 8 bytes behind output 0 f32[2,2] of 16 bytes"},
                    Case{"twice as large", "wrote 16 bytes behind output 0 f32[2,2] of 16 bytes"},
                    Case{"underrun", "wrote 4 bytes in front of output 0 f32[2,2] of 16 bytes"},
                    Case{"half", "left 8 of the 16 bytes of output 0 f32[2,2] unwritten"},
                    Case{"workspace overrun", "wrote 1 bytes behind its workspace of 16 bytes"},
                    Case{"workspace garbage", "gives output 0 f32[2,2] different values on the same inputs"},
                    Case{"accumulates", "gives output 0 f32[2,2] different values on the same inputs"},
                    Case{"counts", "gives output 0 f32[2,2] different values on the same inputs"},
                    Case{"negative workspace", "asks for a workspace of -"},
                    Case{"huge workspace",
                         "asks for a workspace of 9223372036854775807 bytes; this machine has "},
                    Case{"open, not allocated", "did not allocate output 0, whose shape it left open"},
                    Case{"open, wrong rank", "allocates output 0 as [4], it promised f32[2,?]"},
                    Case{"open, wrong extent", "allocates output 0 as [9,2], it promised f32[2,?]"},
                    Case{"open, negative", "allocates output 0: shape [2,-2] has a negative dimension"},
                    Case{"open, twice", "allocates output 0, which has its memory already"},
                    Case{"open, another", "allocates output 5 of a node that has 1"}));

TEST(PluginErrors, AreThePluginsOwnWords) {
  EXPECT_THAT(RunLie("error"), StartsWith("test.Liar@1 'n': x must be square"));
  EXPECT_THAT(RunLie("no exception"), StartsWith("test.Liar@1 'n': an exception of unknown type was thrown"));
  EXPECT_THAT(RunLie("empty error"), StartsWith("test.Liar@1 'n': the plugin failed without saying why"));
  EXPECT_THAT(RunLie("create error"), StartsWith("test.Liar@1 'n': cannot be made"));
  EXPECT_THAT(RunLie("nothing made"), StartsWith("test.Liar@1 'n': Create() made nothing"));
  EXPECT_THAT(RunLie("run error"), StartsWith("test.Liar@1 'n': cannot do that"));
  EXPECT_THAT(RunLie("huge shape"), HasSubstr("test.Liar@1 'n': output 0: shape "));
}

TEST(PluginErrors, InputsStayAsTheyAre) {
  ASSERT_TRUE(HasLiar());
  EXPECT_THAT(RunLie("writes the input"), StartsWith(std::string(kWho) + "wrote into one of its inputs"));
}

// As many runs of the plugin as each run of the context takes.
std::vector<int> RunsOf(PluginChecks checks, const std::vector<int64_t>& batches) {
  SetPluginChecks(checks);
  const auto graph =
      OneNode("test.Liar", Type::Of(DType::kF32, {Dim::Symbol("N"), 2}), {{"lie", std::string("none")}});
  const auto engine = Engine::Create(*graph, {});
  const auto context = (*engine)->NewContext();
  std::vector<int> counts;
  for (int64_t batch : batches) {
    runs = 0;
    const Tensor x(DType::kF32, {batch, 2});
    EXPECT_TRUE(context->Run(std::span(&x, 1)).ok());
    counts.push_back(runs);
  }
  SetPluginChecks(PluginChecks::kFirstRun);
  return counts;
}

TEST(PluginChecks, AreMadeOnTheFirstRunOfEveryShape) {
  ASSERT_TRUE(HasLiar());
  const std::vector<int64_t> batches = {1, 1, 2, 1, 2};
  EXPECT_EQ(RunsOf(PluginChecks::kFirstRun, batches), (std::vector<int>{2, 1, 2, 1, 1}));
  EXPECT_EQ(RunsOf(PluginChecks::kEveryRun, batches), (std::vector<int>{2, 2, 2, 2, 2}));
  EXPECT_EQ(RunsOf(PluginChecks::kNever, batches), (std::vector<int>{1, 1, 1, 1, 1}));
}

TEST(PluginChecks, PluginsThatAreNotDeterministicRunOnce) {
  plugin::Description description = LambdaPlugin::Description("test.Random");
  description.is_deterministic = false;
  int count = 0;
  LambdaPlugin::Functions functions;
  functions.run = [&](plugin::RunCall& call) {
    for (float& y : call.out(0).values<float>()) y = static_cast<float>(++count);
  };
  ASSERT_TRUE(Register(description, functions).ok());
  EXPECT_EQ(RunGraph(OneNode("test.Random", Type::Of(DType::kF32, {2})), {F32({2}, {0, 0})}), "f32[2]: 1 2");
}

}  // namespace
}  // namespace slipway
