// Image classification: the k best labels.
#pragma once

#include "tasks/core/session.h"

namespace slipway::tasks {

struct ClassScore {
  std::string label;
  int64_t index = 0;  // of the class
  double score = 0;
};

// Best first, at most thresholds.top_k. Softmax or sigmoid is
// applied if the manifest says the model leaves it out.
Result<std::vector<ClassScore>> Classify(Session& session, media::Image photo);
// The part behind the network, with thresholds that may be others than the manifest's.
Result<std::vector<ClassScore>> ReadClasses(const Manifest& manifest, const Thresholds& thresholds,
                                            const std::vector<RealOutput>& outputs);

void DrawClasses(media::Image* photo, const std::vector<ClassScore>& classes);

}  // namespace slipway::tasks
