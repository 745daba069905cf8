// An inference request on its way through the scheduler, by whichever protocol it came: read, compared with
// the model, run, and its outputs named again.
#pragma once

#include <vector>

#include "server/protocol/infer_request.h"
#include "server/protocol/infer_response.h"
#include "server/schedule/scheduler.h"

namespace slipway::server {

class InferWork : public Work {
 public:
  using Work::Work;

  // Reads the request; does nothing the second time.
  Status Decode();

  Status Prepare() final { return Decode(); }
  const std::vector<Tensor>& inputs() const final { return inputs_; }
  void Finish(std::span<const Tensor> outputs) final;

 protected:
  virtual Result<InferRequest> Read() = 0;
  // The outputs are gone after the call.
  virtual void Send(const InferReply& reply) = 0;

 private:
  struct Chosen {
    size_t index;
    RequestedOutput wanted;
  };

  Status ChooseOutputs();
  Status NoSuchOutput(const std::string& name) const;

  InferRequest request_;
  std::vector<Chosen> chosen_;
  std::vector<Tensor> inputs_;
  bool is_decoded_ = false;
};

// Small requests are read here, so that their priority counts in the queue; others on a worker.
void SubmitInfer(Scheduler& scheduler, std::unique_ptr<InferWork> work);

}  // namespace slipway::server
