// YOLOX (Ge et al., 2021): rows of [x, y, w, h, objectness, class scores...] over the cells of three grids:
// centre = (cell + xy) * stride, size = exp(wh) * stride.
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {

Result<Candidates> DecodeYolox(const DecodeCall& call) {
  const RealOutput* output = call.Predictions();
  if (output == nullptr) return Status(Code::kInvalidModel, "needs one output [1,N,5+classes]");
  const Rows rows = RowsOf(*output);
  if (rows.width < 6)
    return Status(Code::kInvalidModel, "output " + ToString(output->dims) + " must be [1,N,5+classes]");
  std::vector<int64_t> strides = call.spec.strides;
  if (strides.empty()) strides = {8, 16, 32};
  int64_t cells = 0;
  for (int64_t stride : strides) cells += (call.width / stride) * (call.height / stride);
  if (cells != rows.count) {
    return Status(Code::kInvalidModel,
                  "the grids of the input have " + std::to_string(cells) + " cells, the output has " +
                      std::to_string(rows.count) + " rows",
                  "set outputs[0].strides");
  }
  Candidates candidates;
  int64_t i = 0;
  for (int64_t stride : strides) {
    const int64_t columns = call.width / stride;
    const int64_t lines = call.height / stride;
    const auto step = static_cast<double>(stride);
    for (int64_t cell = 0; cell < columns * lines; ++cell, ++i) {
      const auto row = RowOf(*output, rows, i);
      const BestClass best = FindBest(call.spec, row.subspan(5));
      const float score = row[4] * best.score;
      if (!(score >= call.min_score)) continue;
      const double cx = (row[0] + static_cast<double>(cell % columns)) * step;
      const double cy = (row[1] + static_cast<double>(cell / columns)) * step;
      const double w = std::exp(row[2]) * step;
      const double h = std::exp(row[3]) * step;
      candidates.push_back({{cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2}, best.index, score, {}});
    }
  }
  return candidates;
}

}  // namespace slipway::tasks
