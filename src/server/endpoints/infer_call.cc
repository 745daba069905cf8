#include "server/endpoints/infer_call.h"

#include "server/endpoints/infer_work.h"
#include "server/protocol/error.h"

namespace slipway::server {
namespace {

class CallInferWork : public InferWork {
 public:
  CallInferWork(std::shared_ptr<const ServedModel> model, InferCall call, const RequestLimits& limits,
                InferDone done)
      : InferWork(std::move(model), call.size_bytes), call_(std::move(call)), done_(std::move(done)) {
    deadline = call_.deadline;
    Stamp(call_.caller, limits, *this);
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
  auto model = site.Find(call.model, call.version);
  if (!model.ok()) return done(ErrorAnswer(HttpStatusOf(model.status().code()), model.status()));
  SubmitInfer(site.scheduler, std::make_unique<CallInferWork>(*std::move(model), std::move(call), site.limits,
                                                              std::move(done)));
}

}  // namespace slipway::server
