// The classification extension: the best classes of an output as text, "score:index" or "score:index:label".
//
// Source: Triton's docs/protocol/extension_classification.md. Scores are written with the shortest digits
// that read back as the same number, not with six behind the point.
#pragma once

#include <span>
#include <string>

#include "slipway/tensor.h"

namespace slipway::server {

// scores: [batch, ...] of numbers, the classes being all but the batch; or [classes]. -> [batch, k] or [k] of
// strings, k being `classes` or as many as there are. Best first, of equal ones that of the lower index; NaN
// comes last. Indices that no label is for, or an empty one, go without. REQUIRES: classes > 0.
Result<Tensor> BestClasses(const Tensor& scores, int classes, std::span<const std::string> labels);

}  // namespace slipway::server
