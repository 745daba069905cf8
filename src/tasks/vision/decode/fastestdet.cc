// FastestDet (github.com/dog-qiuqiu/FastestDet): one grid of [objectness, x, y, w, h, class scores...],
// channels first or last: centre = (cell + tanh(xy)) / grid, size = sigmoid(wh), both of the input; score =
// objectness^0.6 * class^0.4.
#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

struct Grid {
  int64_t lines = 0, columns = 0, channels = 0;
  bool is_channels_first = false;
};

// The layout whose cells are as wide as they are high; channels first where both would do.
Result<Grid> GridOf(const DecodeCall& call, const Dims& dims) {
  if (dims.size() == 4 && dims[0] == 1) {
    const Grid layouts[] = {{dims[2], dims[3], dims[1], true}, {dims[1], dims[2], dims[3], false}};
    for (const Grid& grid : layouts) {
      if (grid.channels > 5 && grid.lines * call.width == grid.columns * call.height) return grid;
    }
  }
  return Status(Code::kInvalidModel, "output " + ToString(dims) + " must be [1,5+classes,H,W] or " +
                                         "[1,H,W,5+classes] with cells as wide as high");
}

}  // namespace

Result<Candidates> DecodeFastestdet(const DecodeCall& call) {
  const RealOutput* output = call.Predictions();
  if (output == nullptr) return Status(Code::kInvalidModel, "needs one output [1,5+classes,H,W]");
  SLIPWAY_ASSIGN_OR_RETURN(const Grid grid, GridOf(call, output->dims));
  const int64_t cells = grid.lines * grid.columns;
  Candidates candidates;
  std::vector<float> row(static_cast<size_t>(grid.channels));
  for (int64_t cell = 0; cell < cells; ++cell) {
    for (int64_t k = 0; k < grid.channels; ++k) {
      const int64_t at = grid.is_channels_first ? k * cells + cell : cell * grid.channels + k;
      row[static_cast<size_t>(k)] = output->values[static_cast<size_t>(at)];
    }
    const BestClass best = FindBest(call.spec, std::span<const float>(row).subspan(5));
    const float score = std::pow(row[0], 0.6F) * std::pow(best.score, 0.4F);
    if (!(score >= call.min_score)) continue;
    const double cx = (std::tanh(row[1]) + static_cast<double>(cell % grid.columns)) * call.width;
    const double cy = (std::tanh(row[2]) + static_cast<double>(cell / grid.columns)) * call.height;
    const double half_w = Sigmoid(row[3]) * call.width / 2;
    const double half_h = Sigmoid(row[4]) * call.height / 2;
    const double x = cx / static_cast<double>(grid.columns);
    const double y = cy / static_cast<double>(grid.lines);
    candidates.push_back({{x - half_w, y - half_h, x + half_w, y + half_h}, best.index, score, {}});
  }
  return candidates;
}

}  // namespace slipway::tasks
