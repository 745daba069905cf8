// Triton's statistics extension, with a histogram of the latencies beside it, and why batches were the size
// they were, in words.
#include <fmt/format.h>

#include "server/endpoints/endpoints.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

void WriteTally(JsonWriter& json, const char* key, const Tally& tally) {
  json.Key(key);
  json.BeginObject();
  json.Member("count", tally.count);
  json.Member("ns", tally.ns);
  json.EndObject();
}

void WriteModel(JsonWriter& json, const ServedModel& model) {
  const StatisticsValues values = model.statistics().Read();
  json.BeginObject();
  json.Member("name", model.name());
  json.Member("version", std::to_string(model.version()));
  json.Member("last_inference", values.last_inference_ms);
  json.Member("inference_count", values.inference_count);
  json.Member("execution_count", values.execution_count);
  json.Key("inference_stats");
  json.BeginObject();
  WriteTally(json, "success", values.success);
  WriteTally(json, "fail", values.fail);
  WriteTally(json, "queue", values.queue);
  WriteTally(json, "compute_input", values.compute_input);
  WriteTally(json, "compute_infer", values.compute_infer);
  WriteTally(json, "compute_output", values.compute_output);
  WriteTally(json, "cache_hit", {});
  WriteTally(json, "cache_miss", {});
  json.EndObject();
  json.Key("batch_stats");
  json.BeginArray();
  for (const auto& [size, batch] : values.batches) {
    json.BeginObject();
    json.Member("batch_size", size);
    WriteTally(json, "compute_input", batch.compute_input);
    WriteTally(json, "compute_infer", batch.compute_infer);
    WriteTally(json, "compute_output", batch.compute_output);
    json.EndObject();
  }
  json.EndArray();
  json.Key("latency_counts");
  json.BeginArray();
  for (const uint64_t count : values.fine_latencies) json.Integer(count);
  json.EndArray();
  json.Key("memory_usage");
  json.BeginArray();
  json.EndArray();
  json.Key("response_stats");
  json.BeginObject();
  json.EndObject();
  json.EndObject();
}

void AnswerStatistics(const Call& call, const std::vector<std::shared_ptr<const ServedModel>>& models) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Key("model_stats");
  json.BeginArray();
  for (const auto& model : models) WriteModel(json, *model);
  json.EndArray();
  json.Key("latency_bounds_us");
  json.BeginArray();
  for (size_t i = 0; i < kFineBuckets; ++i) json.Integer(FineBoundUs(i));
  json.EndArray();
  if (!call.site.worker.empty()) {
    json.Member("worker", call.site.worker);
    json.Member("workers", call.site.processes);
  }
  json.EndObject();
  call.AnswerJson(std::move(text));
}

std::vector<std::string> ReasonsOf(const ServedModel& model, const StatisticsValues& values) {
  const auto count = [&](BatchLimit limit) { return values.limits[static_cast<size_t>(limit)]; };
  std::vector<std::string> reasons;
  const auto say = [&](BatchLimit limit, const std::string& why) {
    if (count(limit) > 0)
      reasons.push_back(fmt::format("{} of {} runs: {}", count(limit), values.execution_count, why));
  };
  say(BatchLimit::kFixed,
      "one request each: the network's batch is fixed (export it with an open one), or max_batch_size asks "
      "for none");
  say(BatchLimit::kAlone, "no other request was waiting when a worker got free; none waits for company");
  say(BatchLimit::kFull, fmt::format("the batch was full: {} rows at most", model.max_batch()));
  say(BatchLimit::kOtherShape, "the next request's inputs had another shape");
  if (reasons.empty()) reasons.push_back("nothing has been run yet");
  return reasons;
}

}  // namespace

void AllStatistics(Call call) { AnswerStatistics(call, call.site.Loaded()); }

void ModelStatistics(Call call) {
  if (const auto model = call.FindModel()) AnswerStatistics(call, {model});
}

void Explain(Call call) {
  const auto model = call.FindModel();
  if (model == nullptr) return;
  const StatisticsValues values = model->statistics().Read();
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Member("name", model->name());
  json.Member("version", std::to_string(model->version()));
  json.Member("max_batch", model->max_batch());
  json.Member("waiting", values.waiting);
  json.Key("runs_by_batch");
  json.BeginObject();
  for (const auto& [size, batch] : values.batches) {
    json.Member(std::to_string(size), batch.compute_infer.count);
  }
  json.EndObject();
  json.Key("reasons");
  json.BeginArray();
  for (const std::string& reason : ReasonsOf(*model, values)) json.String(reason);
  json.EndArray();
  json.EndObject();
  call.AnswerJson(std::move(text));
}

}  // namespace slipway::server
