// The door alone, with handlers of the test's own and gRPC's own client: what only it can do wrong.
#include "server/grpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "server/grpc/inference.grpc.pb.h"

namespace slipway::server {
namespace {

using inference::ModelInferRequest;
using inference::ModelStreamInferResponse;

// Keeps what it is asked until the test answers.
class Handlers : public Handler, public InferHandler {
 public:
  size_t MaxBodyBytes(const Request&) override { return 0; }
  WebSocketAnswer OpenWebSocket(const Request&, std::shared_ptr<WebSocketSink>) override { return {}; }
  void Handle(Request request, Reply reply) override {
    last_path = request.method + " " + request.path + " " + std::string(request.body.text());
    reply(http_answer);
  }
  void Infer(InferCall call, InferDone done) override {
    {
      std::lock_guard lock(mutex_);
      asked_.emplace_back(std::move(call), std::move(done));
    }
    wake_.notify_all();
  }
  bool IsReady() const override { return true; }

  // Waits until so many are asked, and takes them.
  std::vector<std::pair<InferCall, InferDone>> Take(size_t count) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return asked_.size() >= count; });
    return std::exchange(asked_, {});
  }

  std::string last_path;
  Response http_answer;

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::pair<InferCall, InferDone>> asked_;
};

InferAnswer Echo(const InferCall& call) { return {.model_name = call.model, .id = call.id}; }

class GrpcServerTest : public ::testing::Test {
 protected:
  GrpcServerTest() {
    GrpcOptions options;
    options.port = 0;
    options.connection_age = std::chrono::milliseconds(300);  // draining waits for it
    auto started = StartGrpcServer(options, handlers_, handlers_);
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    server_ = *std::move(started);
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                             grpc::InsecureChannelCredentials());
    stub_ = inference::GRPCInferenceService::NewStub(channel);
  }

  void DrainFor(std::chrono::milliseconds time) { server_->Drain(std::chrono::system_clock::now() + time); }

  Handlers handlers_;
  std::unique_ptr<GrpcTransport> server_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(GrpcServerTest, ControlIsHttp) {
  handlers_.http_answer.body =
      R"({"max_batch_size":8,"input":[{"name":"x","data_type":"TYPE_FP32"}],"new":1})";
  inference::ModelConfigRequest request;
  request.set_name("a/b c");
  request.set_version("3");
  inference::ModelConfigResponse response;
  ASSERT_TRUE(stub_->ModelConfig(&context_, request, &response).ok());
  EXPECT_EQ(handlers_.last_path, "GET /v2/models/%61%2F%62%20%63/versions/%33/config ");
  EXPECT_EQ(response.config().max_batch_size(), 8);
  EXPECT_EQ(response.config().input(0).data_type(), inference::TYPE_FP32);
}

TEST_F(GrpcServerTest, ErrorsOfHttpAreStatuses) {
  handlers_.http_answer = {.status = 404, .body = R"({"error":"there is no model"})"};
  inference::RepositoryModelLoadRequest request;
  request.set_model_name("m");
  (*request.mutable_parameters())["file:m"].set_bytes_param("bytes");
  inference::RepositoryModelLoadResponse response;
  const grpc::Status status = stub_->RepositoryModelLoad(&context_, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "there is no model");
  EXPECT_EQ(handlers_.last_path, R"(POST /v2/repository/models/%6D/load {"parameters":{"file:m":null}})");
}

TEST_F(GrpcServerTest, NotReadyIsNoError) {
  handlers_.http_answer = {.status = 503, .body = R"({"ready":false})"};
  inference::ServerReadyResponse response;
  EXPECT_TRUE(stub_->ServerReady(&context_, {}, &response).ok());
  EXPECT_FALSE(response.ready());
}

TEST_F(GrpcServerTest, DeadlinesAndLeavingAreTold) {
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  ModelInferRequest request;
  inference::ModelInferResponse response;
  const grpc::Status status = stub_->ModelInfer(&context_, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  auto asked = handlers_.Take(1);
  EXPECT_LT(asked[0].first.deadline, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  while (!*asked[0].first.caller.has_left) std::this_thread::yield();
  asked[0].second({.status = 499, .error = "the client has left"});
}

TEST_F(GrpcServerTest, StreamsKeepTheOrderWhateverIsAnsweredFirst) {
  auto stream = stub_->ModelStreamInfer(&context_);
  ModelInferRequest request;
  for (int i = 0; i < 8; ++i) {
    request.set_id(std::to_string(i));
    ASSERT_TRUE(stream->Write(request));
  }
  std::vector<std::pair<InferCall, InferDone>> asked;
  while (asked.size() < 8) {
    for (auto& each : handlers_.Take(1)) asked.push_back(std::move(each));
  }
  std::vector<std::thread> threads;
  for (size_t i = asked.size(); i-- > 0;)
    threads.emplace_back([&each = asked[i]] { each.second(Echo(each.first)); });
  stream->WritesDone();
  ModelStreamInferResponse response;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.infer_response().id(), std::to_string(i));
  }
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
  for (std::thread& thread : threads) thread.join();
}

TEST_F(GrpcServerTest, StreamsReadNoMoreThanTheyCanAnswer) {
  auto stream = stub_->ModelStreamInfer(&context_);
  std::thread writer([&stream] {
    for (int i = 0; i < 500; ++i) stream->Write({});
    stream->WritesDone();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  auto asked = handlers_.Take(1);
  EXPECT_LE(asked.size(), 64u);
  size_t answered = 0;
  while (true) {
    for (auto& [call, done] : asked) done(Echo(call));
    answered += asked.size();
    if (answered == 500) break;
    asked = handlers_.Take(1);
  }
  writer.join();
  ModelStreamInferResponse response;
  int count = 0;
  while (stream->Read(&response)) ++count;
  EXPECT_EQ(count, 500);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GrpcServerTest, DrainAnswersAndEndsOpenStreams) {
  auto stream = stub_->ModelStreamInfer(&context_);
  ASSERT_TRUE(stream->Write({}));
  auto asked = handlers_.Take(1);
  std::thread late([&asked] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    asked[0].second(Echo(asked[0].first));
  });
  DrainFor(std::chrono::seconds(20));
  late.join();
  ModelStreamInferResponse response;
  EXPECT_TRUE(stream->Read(&response)) << "what was asked is answered";
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// The successor has the same socket, as of a predecessor. gRPC's own shutdown cancels what comes before the
// client knows of it.
TEST_F(GrpcServerTest, DrainLeavesCallsThatAreOnTheirWayAlone) {
  std::atomic<bool> have_left = false, is_over = false;
  std::thread worker([&] {
    while (!is_over) {
      for (auto& [call, done] : handlers_.Take(0)) done(Echo(call));
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> clients;
  std::atomic<int> answered = 0, failed = 0;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!have_left) {
        grpc::ClientContext context;
        inference::ModelInferResponse response;
        ++(stub_->ModelInfer(&context, {}, &response).ok() ? answered : failed);
      }
    });
  }
  while (answered < 100) std::this_thread::yield();
  GrpcOptions options;
  options.socket = dup(server_->socket());
  auto successor = StartGrpcServer(options, handlers_, handlers_);
  EXPECT_TRUE(successor.ok()) << successor.status().ToString();
  DrainFor(std::chrono::seconds(20));
  const int before = answered;
  while (answered < before + 100) std::this_thread::yield();
  have_left = true;
  for (std::thread& client : clients) client.join();
  is_over = true;
  worker.join();
  EXPECT_EQ(failed, 0);
}

// Clients that leave at any moment, while answers come: for sanitizers to look at.
TEST_F(GrpcServerTest, LeavingAtAnyMomentDoesNoHarm) {
  std::atomic<bool> is_over = false;
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      while (!is_over) {
        for (auto& [call, done] : handlers_.Take(0)) done(Echo(call));
        std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    grpc::ClientContext context;
    auto stream = stub_->ModelStreamInfer(&context);
    for (int n = 0; n < i % 7; ++n) stream->Write({});
    ModelStreamInferResponse response;
    if (i % 3 == 0 && i % 7 > 0) stream->Read(&response);
    if (i % 2 == 0) stream->WritesDone();
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  DrainFor(std::chrono::seconds(20));
  is_over = true;
  for (std::thread& worker : workers) worker.join();
  for (auto& [call, done] : handlers_.Take(0)) done(Echo(call));
}

}  // namespace
}  // namespace slipway::server
