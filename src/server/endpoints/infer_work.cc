#include "server/endpoints/infer_work.h"

#include <algorithm>

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
  TakeQueueParameters();
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

void InferWork::TakeQueueParameters() {
  const auto& batching = model().config().dynamic_batching;
  const QueuePolicy policy = batching ? batching->default_queue_policy : QueuePolicy();
  std::chrono::microseconds timeout(policy.default_timeout_microseconds);
  if (!batching || policy.allow_timeout_override) {
    if (request_.timeout.count() > 0 && (timeout.count() == 0 || request_.timeout < timeout))
      timeout = request_.timeout;
  }
  if (timeout.count() > 0 && policy.timeout_action == TimeoutAction::kReject)
    deadline = std::min(deadline, arrived + timeout);
  if (!batching || batching->priority_levels == 0) return;
  const bool is_known =
      request_.priority > 0 && request_.priority <= static_cast<uint64_t>(batching->priority_levels);
  priority =
      static_cast<int>(is_known ? static_cast<int64_t>(request_.priority) : batching->default_priority_level);
}

void SubmitInfer(Scheduler& scheduler, std::unique_ptr<InferWork> work) {
  if (work->bytes() <= kSmallRequest) {
    if (const Status status = work->Decode(); !status.ok()) return scheduler.Refuse(*work, status);
  }
  scheduler.Submit(std::move(work));
}

}  // namespace slipway::server
