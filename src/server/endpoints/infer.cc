// POST .../infer: tensors in, tensors out.
#include "server/endpoints/endpoints.h"
#include "server/endpoints/infer_work.h"
#include "server/protocol/binary_data.h"

namespace slipway::server {
namespace {

class HttpInferWork : public InferWork {
 public:
  HttpInferWork(std::shared_ptr<const ServedModel> model, Call call)
      : InferWork(std::move(model), call.request.body.size()), call_(std::move(call)) {
    call_.Stamp(*this);
  }

  void Fail(int http_status, const Status& status) override { call_.Fail(http_status, status); }

 private:
  Result<InferRequest> Read() override {
    SLIPWAY_ASSIGN_OR_RETURN(const Body body, call_.TakeBody());
    return DecodeInferRequest(body, call_.request.headers.Get(kInferenceHeaderLength),
                              model().engine().inputs());
  }
  void Send(const InferReply& reply) override { call_.Answer(EncodeInferResponse(reply)); }

  Call call_;
};

}  // namespace

void Infer(Call call) {
  auto model = call.FindModel();
  if (model == nullptr) return;
  Scheduler& scheduler = call.site.scheduler;
  SubmitInfer(scheduler, std::make_unique<HttpInferWork>(std::move(model), std::move(call)));
}

}  // namespace slipway::server
