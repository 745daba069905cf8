#include "server/endpoints/infer_work.h"

#include "server/endpoints/queue_policy.h"
#include "server/protocol/error.h"

namespace slipway::server {
namespace {

// Reading more takes a while where it is JSON.
constexpr size_t kSmallRequest = 64 << 10;

}  // namespace

Status InferWork::Decode() {
  if (is_decoded_) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(request_, Read());
  SLIPWAY_RETURN_IF_ERROR(ChooseOutputs());
  for (NamedTensor& input : request_.inputs) inputs_.push_back(std::move(input.tensor));
  request_.inputs.clear();
  TakeQueueWish({request_.timeout, request_.priority}, *this);
  is_decoded_ = true;
  return Status::Ok();
}

void InferWork::Finish(std::span<const Tensor> outputs) {
  InferReply reply;
  reply.model_name = model().name();
  reply.model_version = std::to_string(model().version());
  reply.id = request_.id;
  for (const auto& [index, wanted] : chosen_) {
    reply.outputs.push_back(
        {wanted.name, outputs[index], wanted.is_binary, wanted.classes, model().LabelsOf(wanted.name)});
  }
  Send(reply);
}

Status InferWork::ChooseOutputs() {
  const auto& ports = model().engine().outputs();
  if (request_.outputs.empty()) {
    for (size_t i = 0; i < ports.size(); ++i)
      chosen_.push_back({i, {ports[i].name, request_.is_binary_default, 0}});
    return Status::Ok();
  }
  for (const RequestedOutput& wanted : request_.outputs) {
    size_t index = 0;
    while (index < ports.size() && ports[index].name != wanted.name) ++index;
    if (index == ports.size()) return NoSuchOutput(wanted.name);
    chosen_.push_back({index, wanted});
  }
  return Status::Ok();
}

Status InferWork::NoSuchOutput(const std::string& name) const {
  std::string known;
  for (const PortInfo& port : model().engine().outputs())
    known += (known.empty() ? "" : ", ") + Quoted(port.name);
  return Status(Code::kUsage,
                "model " + Quoted(model().name()) + " has no output " + Quoted(name) + "; it has " + known);
}

void SubmitInfer(Scheduler& scheduler, std::unique_ptr<InferWork> work) {
  if (work->bytes() <= kSmallRequest) {
    if (const Status status = work->Decode(); !status.ok()) return scheduler.Refuse(*work, status);
  }
  scheduler.Submit(std::move(work));
}

}  // namespace slipway::server
