#include "tasks/vision/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "media/draw.h"

namespace slipway::tasks {
namespace {

void Activate(std::vector<double>& scores, ScoreActivation activation) {
  if (activation == ScoreActivation::kSigmoid) {
    for (double& score : scores) score = 1 / (1 + std::exp(-score));
  }
  if (activation != ScoreActivation::kSoftmax || scores.empty()) return;
  const double top = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - top);
  for (double& score : scores) score /= sum;
}

}  // namespace

Result<std::vector<ClassScore>> ReadClasses(const Manifest& manifest, const Thresholds& thresholds,
                                            const std::vector<RealOutput>& outputs) {
  if (manifest.task != TaskKind::kClassification && manifest.task != TaskKind::kRaw) {
    return Status(Code::kInvalidModel,
                  "the model is for " + std::string(NameOf(manifest.task)) + ", not classification",
                  "use 'slipway detect' or 'slipway segment', or set task in the manifest");
  }
  OutputSpec spec;
  for (const OutputSpec& each : manifest.outputs) {
    if (each.decoder == DecoderKind::kClassification) spec = each;
  }
  SLIPWAY_RETURN_IF_ERROR(CheckOutputNames(spec, outputs));
  const RealOutput* output = outputs.empty() ? nullptr : &outputs[0];
  for (const char* role : {"scores", "logits", "predictions"}) {
    const auto named = spec.tensors.find(role);
    if (named == spec.tensors.end() || named->second.empty()) continue;
    for (const RealOutput& each : outputs) {
      if (each.name == named->second[0]) output = &each;
    }
  }
  if (output == nullptr || output->values.empty())
    return Status(Code::kInvalidModel, "the model has no scores");
  std::vector<double> scores(output->values.begin(), output->values.end());
  for (double& score : scores) score *= spec.score_scale;
  Activate(scores, spec.activation);
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (spec.background >= 0 && scores.size() > 1) std::erase(order, static_cast<size_t>(spec.background));
  const size_t k = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(thresholds.top_k, 1)));
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
      [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  std::vector<ClassScore> classes;
  for (size_t i = 0; i < k; ++i) {
    const auto index = static_cast<int64_t>(order[i]);
    classes.push_back({LabelOf(manifest, index + spec.class_offset), index, scores[order[i]]});
  }
  return classes;
}

Result<std::vector<ClassScore>> Classify(Session& session, media::Image photo) {
  SLIPWAY_ASSIGN_OR_RETURN(ImageInput input, session.Prepare(std::move(photo)));
  SLIPWAY_ASSIGN_OR_RETURN(std::vector<RealOutput> outputs, session.Run(input));
  return ReadClasses(session.manifest(), session.manifest().thresholds, outputs);
}

void DrawClasses(media::Image* photo, const std::vector<ClassScore>& classes) {
  std::vector<media::LegendLine> lines;
  // Scores of a network without a softmax at its end are of any size, and parts of nothing.
  const bool are_parts =
      std::ranges::all_of(classes, [](const ClassScore& each) { return each.score >= 0 && each.score <= 1; });
  for (const ClassScore& each : classes) {
    const std::string score =
        are_parts ? fmt::format("{:.1f}%", each.score * 100) : fmt::format("{:.3g}", each.score);
    lines.push_back({each.label + " " + score, media::ClassColor(static_cast<int>(each.index))});
  }
  media::DrawLegend(photo, lines);
}

}  // namespace slipway::tasks
