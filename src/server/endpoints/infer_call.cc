#include "server/endpoints/infer_call.h"

#include <algorithm>

#include "server/endpoints/infer_work.h"
#include "server/protocol/error.h"

namespace slipway::server {
namespace {

class CallInferWork : public InferWork {
 public:
  CallInferWork(std::shared_ptr<const ServedModel> model, InferCall call, InferDone done)
      : InferWork(std::move(model), call.size_bytes), call_(std::move(call)), done_(std::move(done)) {
    arrived = call_.caller.arrived;
    has_left = call_.caller.has_left;
    deadline = call_.deadline;
  }

  void Fail(int http_status, const Status& status) override {
    done_(ErrorAnswer(http_status == 0 ? HttpStatusOf(status.code()) : http_status, status));
  }

 private:
  Result<InferRequest> Read() override { return DecodeInferCall(call_, model().engine().inputs()); }
  void Send(const InferReply& reply) override {
    auto answer = EncodeInferAnswer(reply);
    if (!answer.ok()) return Fail(0, answer.status());
    done_(*std::move(answer));
  }

  InferCall call_;
  InferDone done_;
};

}  // namespace

void AnswerInferCall(Site& site, InferCall call, InferDone done) {
  auto model = site.repository.Find(call.model, call.version);
  if (!model.ok()) return done(ErrorAnswer(HttpStatusOf(model.status().code()), model.status()));
  if (site.limits.default_timeout.count() > 0)
    call.deadline = std::min(call.deadline, call.caller.arrived + site.limits.default_timeout);
  SubmitInfer(site.scheduler,
              std::make_unique<CallInferWork>(*std::move(model), std::move(call), std::move(done)));
}

}  // namespace slipway::server
