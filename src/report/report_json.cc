#include "report/report_json.h"

namespace slipway {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json AlternativesJson(const StepProfile& step) {
  Json alternatives = Json::array();
  for (const Alternative& each : step.alternatives) {
    alternatives.push_back({{"tactic", each.tactic},
                            {"estimate_us", each.estimate_us},
                            {"time_us", OrNull(each.time_us)},
                            {"is_chosen", each.tactic == step.tactic}});
  }
  return alternatives;
}

Json RejectedJson(const StepProfile& step) {
  Json rejected = Json::array();
  for (const Choice::Rejection& each : step.rejected)
    rejected.push_back({{"tactic", each.tactic}, {"reason", each.reason}});
  return rejected;
}

Json StepJson(const Profile& profile, size_t i) {
  const StepProfile& step = profile.steps[i];
  return {{"step", i},
          {"op", step.op},
          {"node", step.node},
          {"sources", step.sources},
          {"tactic", step.tactic},
          {"result", step.shape},
          {"layout", step.layout},
          {"us", step.us},
          {"percent", 100 * profile.ShareOf(step)},
          {"moves_nothing", step.moves_nothing},
          {"within", step.within ? Json(*step.within) : Json()},
          {"flops", OrNull(step.flops)},
          {"defined_flops", OrNull(step.defined_flops)},
          {"bytes", OrNull(step.bytes)},
          {"arithmetic", step.arithmetic},
          {"gflops", OrNull(step.gflops())},
          {"defined_gflops", OrNull(step.defined_gflops())},
          {"gbytes", OrNull(step.gbytes())},
          {"roof", step.roof ? Json(step.roof->name) : Json()},
          {"percent_of_roof", step.roof ? Json(100 * step.roof->fraction) : Json()},
          {"error", step.error.empty() ? Json() : Json(step.error)},
          {"estimate_us", step.estimate_us},
          {"alternatives", AlternativesJson(step)},
          {"rejected", RejectedJson(step)}};
}

}  // namespace

Json ToJson(const MachineFacts& machine) {
  return {{"cpu", machine.cpu},
          {"isa", machine.isa},
          {"cores", machine.cores},
          {"memory_bytes", machine.memory_bytes},
          {"l1_bytes", machine.caches.l1_bytes},
          {"l2_bytes", machine.caches.l2_bytes},
          {"l3_bytes", machine.caches.l3_bytes}};
}

Json ToJson(const Peak& peak) {
  Json json = {{"threads", peak.num_threads},
               {"f32_gflops", peak.f32_gflops},
               {"bf16_gflops", peak.bf16_gflops > 0 ? Json(peak.bf16_gflops) : Json()},
               {"int8_gops", peak.int8_gops},
               {"levels", Json::array()}};
  for (const MemoryLevel& level : peak.levels)
    json["levels"].push_back({{"name", level.name}, {"gbytes", level.gbytes}});
  return json;
}

Json ToJson(const Profile& profile) {
  Json json = {{"model", profile.model},
               {"backend", profile.backend},
               {"threads", profile.threads},
               {"machine", ToJson(profile.machine)},
               {"peak", ToJson(profile.peak)},
               {"runs", profile.runs},
               {"median_ms", profile.median_ms},
               {"steps_us", profile.steps_us()},
               {"flops", profile.flops()},
               {"weight_bytes", profile.weight_bytes},
               {"arena_bytes", profile.arena_bytes},
               {"steps", Json::array()}};
  for (size_t i = 0; i < profile.steps.size(); ++i) json["steps"].push_back(StepJson(profile, i));
  return json;
}

}  // namespace slipway
