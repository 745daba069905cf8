#include "server/grpc/infer_rpc.h"

#include <deque>
#include <vector>

#include "server/grpc/caller.h"
#include "server/grpc/convert.h"
#include "server/grpc/wire.h"

namespace slipway::server {
namespace {

// gRPC's deadlines are of the wall clock.
std::chrono::steady_clock::time_point DeadlineOf(const grpc::CallbackServerContext& context) {
  using std::chrono::steady_clock;
  using std::chrono::system_clock;
  const auto deadline = context.deadline();
  const auto now = system_clock::now();
  constexpr std::chrono::hours kLong{24 * 365};
  if (deadline > now + kLong) return steady_clock::time_point::max();
  return steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(deadline - now);
}

Result<std::shared_ptr<inference::ModelInferRequest>> ReadRequest(const grpc::ByteBuffer& bytes) {
  auto request = std::make_shared<inference::ModelInferRequest>();
  SLIPWAY_RETURN_IF_ERROR(ReadMessage(bytes, *request));
  return request;
}

class UnaryInfer : public grpc::ServerUnaryReactor {
 public:
  UnaryInfer(const grpc::CallbackServerContext& context, grpc::ByteBuffer& response)
      : context_(context), response_(response) {}

  void Start(InferHandler& handler, const grpc::ByteBuffer& bytes) {
    const size_t size = bytes.Length();
    auto request = ReadRequest(bytes);
    if (!request.ok()) return Finish(GrpcStatusOf(request.status()));
    auto call = CallOf(*std::move(request));
    if (!call.ok()) return Finish(GrpcStatusOf(call.status()));
    call->caller = CallerOf(context_);
    call->caller.has_left = has_left_;
    call->deadline = DeadlineOf(context_);
    call->size_bytes = size;
    handler.Infer(*std::move(call), [this](InferAnswer answer) { Answer(std::move(answer)); });
  }

 private:
  void Answer(InferAnswer answer) {
    if (answer.status != 200) return Finish(GrpcStatusOf(answer.status, answer.error));
    inference::ModelInferResponse message;
    FillResponse(std::move(answer), message);
    auto bytes = WriteMessage(message);
    if (!bytes.ok()) return Finish(GrpcStatusOf(bytes.status()));
    response_ = *std::move(bytes);
    Finish(grpc::Status::OK);
  }

  void OnCancel() override { *has_left_ = true; }
  void OnDone() override { delete this; }

  const grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_;
  std::shared_ptr<std::atomic<bool>> has_left_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace

grpc::ServerUnaryReactor* AnswerInfer(const grpc::CallbackServerContext& context, InferHandler& handler,
                                      const grpc::ByteBuffer& request, grpc::ByteBuffer& response) {
  auto* reactor = new UnaryInfer(context, response);
  reactor->Start(handler, request);
  return reactor;
}

// One stream. What happens (a message came, was answered, was written) is noted under the lock; Advance then
// does what is due. Only one thread at a time starts operations of gRPC's, and without the lock: their
// callbacks may come at once.
class InferStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                    public std::enable_shared_from_this<InferStream> {
 public:
  InferStream(const grpc::CallbackServerContext& context, InferHandler& handler, InferStreams& streams)
      : context_(context), handler_(handler), streams_(streams) {}

  void Start() {
    Note([this] { self_ = shared_from_this(); });
  }

  void Stop() {
    Note([this] {
      if (has_ended_) return;
      has_ended_ = true;
      last_status_ = {grpc::StatusCode::UNAVAILABLE, "the server is stopping"};
    });
  }

 private:
  // A request that was read, and its answer once it is there; in the order of the requests.
  struct Slot {
    grpc::ByteBuffer response;
    bool is_ready = false;
  };
  enum class Due { kNothing, kRead, kWrite, kFinish };
  // Requests of one stream that wait for an answer; more are not read.
  static constexpr size_t kMostOpen = 64;

  // One hold of the lock: where another thread advances after the change, this one touches nothing more.
  template <class Change>
  void Note(Change change) {
    std::unique_lock lock(mutex_);
    change();
    Advance(lock);
  }

  // REQUIRES: the lock.
  Due WhatIsDue() {
    if (is_finished_) return Due::kNothing;
    if (has_left_->load() && !is_writing_) {
      while (!slots_.empty() && slots_.front()->is_ready) slots_.pop_front();
    }
    if (!is_writing_ && !slots_.empty() && slots_.front()->is_ready) return Due::kWrite;
    if (!has_ended_ && !is_reading_ && slots_.size() < kMostOpen) return Due::kRead;
    // A read may be open: it ends with the call.
    if (has_ended_ && !is_writing_ && slots_.empty()) return Due::kFinish;
    return Due::kNothing;
  }

  void Advance(std::unique_lock<std::mutex>& lock) {
    if (is_advancing_) return;  // that thread looks again
    while (true) {
      const Due due = WhatIsDue();
      if (due == Due::kNothing) return;
      is_advancing_ = true;
      const grpc::ByteBuffer* response = nullptr;
      if (due == Due::kRead) is_reading_ = true;
      if (due == Due::kWrite) {
        is_writing_ = true;
        response = &slots_.front()->response;
      }
      if (due == Due::kFinish) is_finished_ = true;
      const grpc::Status status = last_status_;
      lock.unlock();
      if (due == Due::kFinish) return Finish(status);  // the call may be over behind it
      if (due == Due::kRead) StartRead(&incoming_);
      if (due == Due::kWrite) StartWrite(response);
      lock.lock();
      is_advancing_ = false;
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      return Note([this] {
        is_reading_ = false;
        has_ended_ = true;
      });
    }
    grpc::ByteBuffer bytes;
    bytes.Swap(&incoming_);
    auto slot = std::make_shared<Slot>();
    {
      std::lock_guard lock(mutex_);
      slots_.push_back(slot);
    }
    Ask(bytes, slot);
    Note([this] { is_reading_ = false; });
  }

  void Ask(const grpc::ByteBuffer& bytes, const std::shared_ptr<Slot>& slot) {
    const size_t size = bytes.Length();
    const auto request = ReadRequest(bytes);
    if (!request.ok()) return Fail(slot, "", GrpcStatusOf(request.status()).error_message());
    const std::string id = (*request)->id();
    auto call = CallOf(*request);
    if (!call.ok()) return Fail(slot, id, GrpcStatusOf(call.status()).error_message());
    call->caller = CallerOf(context_);
    call->caller.has_left = has_left_;
    call->deadline = DeadlineOf(context_);
    call->size_bytes = size;
    const auto wish = (*request)->parameters().find("triton_enable_empty_final_response");
    const bool wants_final = wish != (*request)->parameters().end() && wish->second.bool_param();
    handler_.Infer(*std::move(call),
                   [stream = shared_from_this(), slot, id, wants_final](InferAnswer answer) {
                     if (answer.status != 200) return stream->Fail(slot, id, answer.error);
                     // There is one answer to a request: it is the last.
                     if (wants_final) answer.parameters.emplace_back("triton_final_response", true);
                     inference::ModelStreamInferResponse message;
                     FillResponse(std::move(answer), *message.mutable_infer_response());
                     stream->Fill(slot, message);
                   });
  }

  // Errors of a request are answers; the stream goes on.
  void Fail(const std::shared_ptr<Slot>& slot, const std::string& id, const std::string& error) {
    inference::ModelStreamInferResponse message;
    message.set_error_message(error);
    message.mutable_infer_response()->set_id(id);
    Fill(slot, message);
  }

  void Fill(const std::shared_ptr<Slot>& slot, const inference::ModelStreamInferResponse& message) {
    auto bytes = WriteMessage(message);
    Note([&] {
      slot->is_ready = true;
      if (bytes.ok()) {
        slot->response = *std::move(bytes);
        return;
      }
      has_ended_ = true;
      last_status_ = GrpcStatusOf(bytes.status());
    });
  }

  void OnWriteDone(bool ok) override {
    Note([&] {
      is_writing_ = false;
      slots_.pop_front();
      if (!ok) Leave();
    });
  }

  void OnCancel() override {
    Note([this] { Leave(); });
  }

  // REQUIRES: the lock.
  void Leave() {
    *has_left_ = true;
    has_ended_ = true;
  }

  void OnDone() override {
    streams_.Forget(this);
    self_.reset();
  }

  const grpc::CallbackServerContext& context_;
  InferHandler& handler_;
  InferStreams& streams_;
  const std::shared_ptr<std::atomic<bool>> has_left_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<InferStream> self_;  // until OnDone
  grpc::ByteBuffer incoming_;          // gRPC's while is_reading_
  std::mutex mutex_;
  std::deque<std::shared_ptr<Slot>> slots_;
  bool is_reading_ = false, is_writing_ = false, is_advancing_ = false;
  bool has_ended_ = false;  // nothing more is read
  bool is_finished_ = false;
  grpc::Status last_status_;
};

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* InferStreams::Open(
    const grpc::CallbackServerContext& context, InferHandler& handler) {
  const auto stream = std::make_shared<InferStream>(context, handler, *this);
  bool is_stopping = false;
  {
    std::lock_guard lock(mutex_);
    open_[stream.get()] = stream;
    is_stopping = is_stopping_;
  }
  InferStream* const reactor = stream.get();
  stream->Start();
  if (is_stopping) stream->Stop();
  return reactor;
}

void InferStreams::Stop() {
  std::vector<std::shared_ptr<InferStream>> streams;
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    for (const auto& [unused, stream] : open_) streams.push_back(stream.lock());
  }
  for (const auto& stream : streams) {
    if (stream != nullptr) stream->Stop();
  }
}

void InferStreams::Forget(const InferStream* stream) {
  std::lock_guard lock(mutex_);
  open_.erase(stream);
}

}  // namespace slipway::server
