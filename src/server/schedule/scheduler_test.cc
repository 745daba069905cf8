#include "server/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "ir/text.h"
#include "plan/slip.h"

namespace slipway::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kSoon = std::chrono::seconds(10);

// y = -x, of any number of rows and columns.
std::shared_ptr<const ServedModel> Negation(const ModelConfig& config = {.name = "negation"}) {
  SlipModel model;
  auto graph = ParseGraph(R"(graph "main" {
    input "x": f32["N", "C"]
    node Neg "neg" ["x"] -> ["y": f32["N", "C"]]
    output "y"
  })");
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  model.graph = std::move(*graph);
  const std::string path = ::testing::TempDir() + "/scheduler_test_" + std::to_string(getpid()) + ".slip";
  EXPECT_TRUE(WriteSlip(path, model).ok());
  auto loaded = ServedModel::Load(path, 1, config, "", {});
  EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
  unlink(path.c_str());
  return *loaded;
}

// What became of a request.
struct Fate {
  std::vector<float> values;  // of the answer
  int http_status = -1;       // of a failure
  std::string message;
};

// The order in which requests were answered, by their first value.
struct Order {
  std::mutex mutex;
  std::vector<float> firsts;
};

class TestWork : public Work {
 public:
  TestWork(std::shared_ptr<const ServedModel> model, Dims dims, float value, size_t bytes = 1)
      : Work(std::move(model), bytes) {
    Tensor x(DType::kF32, std::move(dims));
    std::fill_n(x.as<float>(), x.count(), value);
    inputs_.push_back(std::move(x));
  }

  std::future<Fate> fate() { return fate_.get_future(); }
  void WaitFor(std::shared_future<void> gate) { gate_ = std::move(gate); }
  void NoteIn(Order& order) { order_ = &order; }
  void FailToPrepare() { prepared_ = Status(Code::kInvalidInput, "no photo"); }

  Status Prepare() override {
    started_.set_value();
    if (gate_.valid()) gate_.wait();
    return prepared_;
  }
  std::future<void> started() { return started_.get_future(); }
  const std::vector<Tensor>& inputs() const override { return inputs_; }
  void Finish(std::span<const Tensor> outputs) override {
    const Tensor& y = outputs[0];
    if (order_ != nullptr) {
      std::lock_guard lock(order_->mutex);
      order_->firsts.push_back(y.as<float>()[0]);
    }
    fate_.set_value({.values = {y.as<float>(), y.as<float>() + y.count()}});
  }
  void Fail(int http_status, const Status& status) override {
    fate_.set_value({.http_status = http_status, .message = status.message()});
  }

 private:
  std::vector<Tensor> inputs_;
  std::promise<Fate> fate_;
  std::promise<void> started_;
  std::shared_future<void> gate_;
  Order* order_ = nullptr;
  Status prepared_;
};

Fate Of(std::future<Fate>& fate) {
  if (fate.wait_for(kSoon) != std::future_status::ready) return {.message = "no answer"};
  return fate.get();
}

// One worker, which is held up until Release(): what is submitted before waits together.
class SchedulerTest : public ::testing::Test {
 protected:
  ~SchedulerTest() override {
    Release();
    scheduler_.Stop();
  }

  void HoldUp() {
    auto work = std::make_unique<TestWork>(holder_, Dims{1, 1}, 0.f, 0);
    work->WaitFor(gate_.get_future().share());
    auto started = work->started();
    scheduler_.Submit(std::move(work));
    ASSERT_EQ(started.wait_for(kSoon), std::future_status::ready);
    is_held_up_ = true;
  }
  void Release() {
    if (std::exchange(is_held_up_, false)) gate_.set_value();
  }
  std::future<Fate> Submit(std::unique_ptr<TestWork> work) {
    auto fate = work->fate();
    scheduler_.Submit(std::move(work));
    return fate;
  }
  std::future<Fate> Submit(Dims dims, float value) {
    return Submit(std::make_unique<TestWork>(model_, std::move(dims), value));
  }
  StatisticsValues Counts() const { return model_->statistics().Read(); }
  uint64_t Failures(FailureReason reason) const { return Counts().failures[static_cast<size_t>(reason)]; }

  // The one that holds up is of another model, so that it is in no batch and no statistics.
  std::shared_ptr<const ServedModel> model_ = Negation(), holder_ = Negation();
  Scheduler scheduler_{{.workers = 1, .max_waiting = 8, .max_waiting_bytes = 100}};
  std::promise<void> gate_;
  bool is_held_up_ = false;
};

TEST_F(SchedulerTest, Answers) {
  auto fate = Submit({2, 2}, 3);
  EXPECT_THAT(Of(fate).values, ElementsAre(-3, -3, -3, -3));
  scheduler_.Stop();  // it counts when it has answered
  EXPECT_EQ(Counts().batches.count(2), 1u);
}

TEST_F(SchedulerTest, WhatWaitsBecomesABatch) {
  HoldUp();
  auto a = Submit({1, 2}, 1), b = Submit({2, 2}, 2), c = Submit({1, 2}, 3);
  Release();
  EXPECT_THAT(Of(a).values, ElementsAre(-1, -1));
  EXPECT_THAT(Of(b).values, ElementsAre(-2, -2, -2, -2));
  EXPECT_THAT(Of(c).values, ElementsAre(-3, -3));
  scheduler_.Stop();
  EXPECT_EQ(Counts().execution_count, 1u);
  EXPECT_EQ(Counts().inference_count, 4u);
  EXPECT_EQ(Counts().success.count, 3u);
}

TEST_F(SchedulerTest, BatchesAreNoLongerThanAllowed) {
  model_ = Negation({.name = "short", .max_batch_size = 2});
  HoldUp();
  auto a = Submit({1, 1}, 1), b = Submit({1, 1}, 2), c = Submit({1, 1}, 3), d = Submit({3, 1}, 4);
  Release();
  for (auto* fate : {&a, &b, &c}) EXPECT_EQ(Of(*fate).values.size(), 1u);
  const Fate refused = Of(d);
  EXPECT_EQ(refused.http_status, 400);
  EXPECT_THAT(refused.message, HasSubstr("the batch is 3, model 'short' takes 2 at most"));
  scheduler_.Stop();
  EXPECT_EQ(Counts().execution_count, 2u);
}

TEST_F(SchedulerTest, OtherShapesAreOtherBatches) {
  HoldUp();
  auto a = Submit({1, 1}, 1), b = Submit({1, 2}, 2);
  Release();
  EXPECT_THAT(Of(a).values, ElementsAre(-1));
  EXPECT_THAT(Of(b).values, ElementsAre(-2, -2));
  scheduler_.Stop();
  EXPECT_EQ(Counts().execution_count, 2u);
  EXPECT_EQ(Counts().limits[static_cast<size_t>(BatchLimit::kOtherShape)], 1u);
}

TEST_F(SchedulerTest, HigherPrioritiesGoFirst) {
  HoldUp();
  Order order;
  std::vector<std::future<Fate>> fates;
  for (int priority : {3, 1, 2, 1}) {
    // Other shapes: no batch hides the order.
    auto work = std::make_unique<TestWork>(model_, Dims{1, static_cast<int64_t>(fates.size() + 1)},
                                           static_cast<float>(priority));
    work->priority = priority;
    work->NoteIn(order);
    fates.push_back(Submit(std::move(work)));
  }
  Release();
  for (auto& fate : fates) Of(fate);
  EXPECT_THAT(order.firsts, ElementsAre(-1, -1, -2, -3));
}

// One that may be joined with others waits for no other model's requests that came behind it.
TEST_F(SchedulerTest, ModelsTakeTurns) {
  HoldUp();
  const auto other = Negation({.name = "other", .max_batch_size = 0});
  Order order;
  std::vector<std::future<Fate>> fates;
  for (const float value : {1.f, 2.f, 3.f, 4.f}) {
    auto work = std::make_unique<TestWork>(value == 2 ? model_ : other, Dims{1, 2}, value);
    work->NoteIn(order);
    fates.push_back(Submit(std::move(work)));
  }
  Release();
  for (auto& fate : fates) EXPECT_EQ(Of(fate).http_status, -1);
  EXPECT_THAT(order.firsts, ElementsAre(-1, -2, -3, -4));
}

// Those behind a long row of more important ones are told when their time is over, not when the row is.
TEST_F(SchedulerTest, WhatIsOverdueIsToldWhileOthersRun) {
  HoldUp();
  auto late = std::make_unique<TestWork>(model_, Dims{1, 2}, 1.f);
  late->priority = 1;
  late->deadline = Clock::now() + std::chrono::milliseconds(50);
  auto late_fate = Submit(std::move(late));
  const auto slow = Negation({.name = "slow", .max_batch_size = 0});
  std::vector<std::future<Fate>> fates;
  for (int i = 0; i < 6; ++i) {
    auto work = std::make_unique<TestWork>(slow, Dims{1, 2}, 2.f);
    work->WaitFor(std::async(std::launch::deferred, [] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(60));
                  }).share());
    fates.push_back(Submit(std::move(work)));
  }
  Release();
  EXPECT_EQ(Of(late_fate).http_status, 503);
  EXPECT_EQ(fates.back().wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  for (auto& fate : fates) EXPECT_EQ(Of(fate).http_status, -1);
}

TEST_F(SchedulerTest, WhatIsOverdueIsNotRun) {
  HoldUp();
  auto work = std::make_unique<TestWork>(model_, Dims{1, 1}, 1.f);
  work->deadline = Clock::now();
  auto fate = Submit(std::move(work));
  Release();
  const Fate late = Of(fate);
  EXPECT_EQ(late.http_status, 503);
  EXPECT_THAT(late.message, HasSubstr("the request's time is over"));
  EXPECT_EQ(Failures(FailureReason::kRejected), 1u);
  EXPECT_EQ(Counts().execution_count, 0u);
}

TEST_F(SchedulerTest, WhoHasLeftIsNotWorkedFor) {
  HoldUp();
  const auto has_left = std::make_shared<std::atomic<bool>>(false);
  auto work = std::make_unique<TestWork>(model_, Dims{1, 1}, 1.f);
  work->has_left = has_left;
  auto fate = Submit(std::move(work));
  *has_left = true;
  Release();
  EXPECT_EQ(Of(fate).http_status, 499);
  EXPECT_EQ(Failures(FailureReason::kCanceled), 1u);
  EXPECT_EQ(Counts().execution_count, 0u);
}

TEST_F(SchedulerTest, AFullQueueTakesNothingMore) {
  HoldUp();
  std::vector<std::future<Fate>> waiting;
  // The one that holds up waits, too: its inputs are being made.
  for (int i = 0; i < 7; ++i) waiting.push_back(Submit({1, 1}, 1));
  auto refused = Submit({1, 1}, 1);
  const Fate fate = Of(refused);
  EXPECT_EQ(fate.http_status, 503);
  EXPECT_THAT(fate.message, HasSubstr("too much to do: 8 requests of 7 bytes wait"));
  EXPECT_EQ(Counts().waiting, 7);
  Release();
  for (auto& each : waiting) EXPECT_EQ(Of(each).values.size(), 1u);
  scheduler_.Stop();
  EXPECT_EQ(Counts().waiting, 0);
  EXPECT_EQ(scheduler_.waiting(), 0u);
}

TEST_F(SchedulerTest, SoDoBytes) {
  HoldUp();
  auto large = Submit(std::make_unique<TestWork>(model_, Dims{1, 1}, 1.f, 90));
  auto refused = Submit(std::make_unique<TestWork>(model_, Dims{1, 1}, 2.f, 11));
  auto small = Submit(std::make_unique<TestWork>(model_, Dims{1, 1}, 3.f, 10));
  EXPECT_EQ(Of(refused).http_status, 503);
  Release();
  EXPECT_THAT(Of(large).values, ElementsAre(-1));
  EXPECT_THAT(Of(small).values, ElementsAre(-3));
}

TEST_F(SchedulerTest, OneThatCannotBePreparedFailsAlone) {
  HoldUp();
  auto wrong = std::make_unique<TestWork>(model_, Dims{1, 1}, 1.f);
  wrong->FailToPrepare();
  auto a = Submit({1, 1}, 1), b = Submit(std::move(wrong)), c = Submit({1, 1}, 3);
  Release();
  EXPECT_EQ(Of(b).message, "no photo");
  EXPECT_THAT(Of(a).values, ElementsAre(-1));
  EXPECT_THAT(Of(c).values, ElementsAre(-3));
  EXPECT_EQ(Failures(FailureReason::kOther), 1u);
}

TEST_F(SchedulerTest, VisitorsComeBeforeWork) {
  HoldUp();
  Order order;
  auto work = std::make_unique<TestWork>(model_, Dims{1, 1}, 1.f);
  work->NoteIn(order);
  auto fate = Submit(std::move(work));
  scheduler_.Visit([&] {
    std::lock_guard lock(order.mutex);
    order.firsts.push_back(0);
  });
  Release();
  Of(fate);
  EXPECT_THAT(order.firsts, ElementsAre(0, -1));
}

TEST_F(SchedulerTest, StoppingAnswersAllThatWaits) {
  HoldUp();
  auto waiting = Submit({1, 1}, 1);
  std::thread stops([&] { scheduler_.Stop(); });
  while (true) {  // until it has begun
    auto late = Submit({1, 1}, 2);
    if (late.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) continue;
    EXPECT_EQ(Of(late).http_status, 503);
    break;
  }
  Release();
  stops.join();
  EXPECT_EQ(Of(waiting).http_status, 503);
  EXPECT_EQ(Counts().waiting, 0);
}

}  // namespace
}  // namespace slipway::server
