// YOLOv5: rows of [cx, cy, w, h, objectness, class scores...], decoded by the model itself; or the raw grids
// in front of its last layer: [1,A,H,W,5+classes], [1,A*(5+classes),H,W] or [1,H,W,A*(5+classes)], one per
// stride.
//
// Source: Ultralytics' Detect layer: centre = (2 xy - 0.5 + cell) stride, size = (2 wh)^2 anchor.
#include <algorithm>

#include "tasks/vision/decode/scores.h"

namespace slipway::tasks {
namespace {

Result<Candidates> DecodeRows(const DecodeCall& call) {
  const RealOutput* output = call.Predictions();
  if (output == nullptr) {
    return Status(Code::kInvalidModel,
                  "needs one output [1,N,5+classes], the model has " + std::to_string(call.outputs.size()),
                  "name it in outputs[0].tensors.predictions; raw grids need outputs[0].anchors.boxes");
  }
  const Rows rows = RowsOf(*output);
  if (rows.width < 6)
    return Status(Code::kInvalidModel, "output " + ToString(output->dims) + " must be [1,N,5+classes]");
  Candidates candidates;
  for (int64_t i = 0; i < rows.count; ++i) {
    const auto row = RowOf(*output, rows, i);
    const float objectness = call.spec.activation == ScoreActivation::kSigmoid ? Sigmoid(row[4]) : row[4];
    if (!(objectness >= call.min_score)) continue;
    const BestClass best = FindBest(call.spec, row.subspan(5));
    const float score = objectness * best.score;
    if (!(score >= call.min_score)) continue;
    candidates.push_back({call.ToPixels(row[0], row[1], row[2], row[3]), best.index, score, {}});
  }
  return candidates;
}

// Where a grid's numbers are, in elements.
struct GridLayout {
  int64_t lines = 0, columns = 0, width = 0;  // width: 5 + classes
  int64_t anchor_step = 0, cell_step = 0, number_step = 0;
};

// nullopt: the dims are no grid of `lines` x `columns` with that many anchors.
std::optional<GridLayout> LayoutOf(const Dims& dims, int64_t lines, int64_t columns, int64_t anchors) {
  const int64_t cells = lines * columns;
  if (dims.size() == 5 && dims[1] == anchors && dims[2] == lines && dims[3] == columns)
    return GridLayout{lines, columns, dims[4], cells * dims[4], dims[4], 1};
  if (dims.size() != 4) return std::nullopt;
  if (dims[2] == lines && dims[3] == columns && dims[1] % anchors == 0)
    return GridLayout{lines, columns, dims[1] / anchors, dims[1] / anchors * cells, 1, cells};
  if (dims[1] == lines && dims[2] == columns && dims[3] % anchors == 0)
    return GridLayout{lines, columns, dims[3] / anchors, dims[3] / anchors, dims[3], 1};
  return std::nullopt;
}

// Scores of one grid; with activation sigmoid every number is still a logit.
void DecodeGrid(const DecodeCall& call, const RealOutput& output, const GridLayout& grid,
                const std::vector<double>& anchors, double stride, Candidates& candidates) {
  const bool is_logit = call.spec.activation == ScoreActivation::kSigmoid;
  const auto activated = [&](float x) { return is_logit ? Sigmoid(x) : x; };
  std::vector<float> row(static_cast<size_t>(grid.width));
  for (size_t a = 0; a < anchors.size() / 2; ++a) {
    for (int64_t cell = 0; cell < grid.lines * grid.columns; ++cell) {
      const float* numbers =
          output.values.data() + static_cast<int64_t>(a) * grid.anchor_step + cell * grid.cell_step;
      const float objectness = activated(numbers[4 * grid.number_step]);
      if (!(objectness >= call.min_score)) continue;
      for (size_t k = 0; k < row.size(); ++k) row[k] = numbers[static_cast<int64_t>(k) * grid.number_step];
      const BestClass best = FindBest(call.spec, std::span<const float>(row).subspan(5));
      const float score = objectness * best.score;
      if (!(score >= call.min_score)) continue;
      const int64_t grid_x = cell % grid.columns;
      const int64_t grid_y = cell / grid.columns;
      const double cx = (2 * activated(row[0]) - 0.5 + static_cast<double>(grid_x)) * stride;
      const double cy = (2 * activated(row[1]) - 0.5 + static_cast<double>(grid_y)) * stride;
      const double w = std::pow(2 * activated(row[2]), 2) * anchors[2 * a];
      const double h = std::pow(2 * activated(row[3]), 2) * anchors[2 * a + 1];
      candidates.push_back({{cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2}, best.index, score, {}});
    }
  }
}

// The outputs may come in any order: each stride takes the one of its grid's extents.
Result<Candidates> DecodeGrids(const DecodeCall& call) {
  const std::vector<int64_t> strides =
      call.spec.strides.empty() ? std::vector<int64_t>{8, 16, 32} : call.spec.strides;
  const auto& anchors = call.spec.anchors->boxes;
  if (anchors.size() != strides.size()) {
    return Status(Code::kInvalidModel,
                  "outputs[0].anchors.boxes has " + std::to_string(anchors.size()) + " lists for " +
                      std::to_string(strides.size()) + " strides",
                  "give one list w0,h0,w1,h1,... in pixels per stride");
  }
  Candidates candidates;
  for (size_t i = 0; i < strides.size(); ++i) {
    if (anchors[i].empty() || anchors[i].size() % 2 != 0) {
      return Status(Code::kInvalidModel, "outputs[0].anchors.boxes[" + std::to_string(i) + "] has " +
                                             std::to_string(anchors[i].size()) +
                                             " numbers; it needs pairs w,h");
    }
    std::optional<GridLayout> grid;
    for (const RealOutput& output : call.outputs) {
      if (grid || !call.IsPrediction(output)) continue;
      grid = LayoutOf(output.dims, call.height / strides[i], call.width / strides[i],
                      static_cast<int64_t>(anchors[i].size()) / 2);
      if (grid && grid->width < 6) grid.reset();
      if (grid) DecodeGrid(call, output, *grid, anchors[i], static_cast<double>(strides[i]), candidates);
    }
    if (grid) continue;
    return Status(Code::kInvalidModel,
                  "no output is the grid of stride " + std::to_string(strides[i]) + ", [1," +
                      std::to_string(anchors[i].size() / 2) + "," + std::to_string(call.height / strides[i]) +
                      "," + std::to_string(call.width / strides[i]) + ",5+classes]",
                  "correct outputs[0].strides, anchors.boxes or tensors.predictions");
  }
  return candidates;
}

}  // namespace

Result<Candidates> DecodeYolov5(const DecodeCall& call) {
  const bool is_raw = call.spec.anchors && !call.spec.anchors->boxes.empty();
  return is_raw ? DecodeGrids(call) : DecodeRows(call);
}

}  // namespace slipway::tasks
