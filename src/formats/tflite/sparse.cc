// The format: a tensor of rank R, some axes cut into blocks, has R + B axes (the blocks' own axes last),
// stored as nested levels in `traversal_order`. A dense level has all its indices; a compressed one lists,
// per position of the level above, a segment of indices. Source: the TACO paper (Kjolstad et al. 2017), as
// TFLite's schema applies it.
#include "formats/tflite/sparse.h"

#include <algorithm>

#include "base/scalar.h"

namespace slipway::tflite {
namespace {

constexpr size_t kMaxLevels = 16;

Status Broken(const std::string& what) {
  return Status(Code::kInvalidModel, "sparse tensor: " + what,
                "the file is damaged: export or download it again");
}

// An index vector of any of the three widths as numbers; false when there is none.
bool ReadIndices(fb::SparseIndexVector kind, const void* vector, std::vector<int64_t>& out) {
  const auto copy = [&out](const auto* values) {
    if (values != nullptr) out.assign(values->begin(), values->end());
    return values != nullptr;
  };
  if (vector == nullptr) return false;
  switch (kind) {
    case fb::SparseIndexVector::Int32Vector:
      return copy(static_cast<const fb::Int32Vector*>(vector)->values());
    case fb::SparseIndexVector::Uint16Vector:
      return copy(static_cast<const fb::Uint16Vector*>(vector)->values());
    case fb::SparseIndexVector::Uint8Vector:
      return copy(static_cast<const fb::Uint8Vector*>(vector)->values());
    default: return false;
  }
}

struct Level {
  size_t axis = 0;     // of the blocked tensor
  int64_t extent = 0;  // of that axis
  bool is_dense = true;
  std::vector<int64_t> segments;
  std::vector<int64_t> indices;
};

class Densifier {
 public:
  Densifier(DType dtype, const Dims& dims, std::span<const uint8_t> values)
      : dims_(dims),
        values_(values),
        stored_(static_cast<int64_t>(values.size()) * 8 / BitsOf(dtype)),
        result_(dtype, dims) {}

  Status Read(const fb::SparsityParameters& sparsity);
  Status Fill() { return FillLevel(0, 0); }
  Tensor Take() { return std::move(result_); }

 private:
  Status ReadBlocks(const fb::SparsityParameters& sparsity);
  Status ReadLevel(const fb::DimensionMetadata& metadata, Level& level);
  Status FillLevel(size_t depth, int64_t position);
  Status Store();

  const Dims& dims_;
  std::span<const uint8_t> values_;
  int64_t stored_;
  Tensor result_;
  std::vector<Level> levels_;
  std::vector<int64_t> block_map_;   // block axis -> axis
  std::vector<int64_t> block_size_;  // of each block axis
  std::vector<int64_t> index_;       // current, of the blocked tensor
  int64_t next_value_ = 0;
};

Status Densifier::ReadBlocks(const fb::SparsityParameters& sparsity) {
  if (const auto* map = sparsity.block_map()) block_map_.assign(map->begin(), map->end());
  std::vector<bool> is_blocked(dims_.size(), false);
  for (int64_t axis : block_map_) {
    if (axis < 0 || axis >= static_cast<int64_t>(dims_.size()))
      return Broken("a block of axis " + std::to_string(axis));
    if (is_blocked[static_cast<size_t>(axis)]) return Broken("two blocks of axis " + std::to_string(axis));
    is_blocked[static_cast<size_t>(axis)] = true;
  }
  block_size_.assign(block_map_.size(), 0);
  return Status::Ok();
}

Status Densifier::ReadLevel(const fb::DimensionMetadata& metadata, Level& level) {
  level.is_dense = metadata.format() == fb::DimensionType::DENSE;
  if (level.is_dense) return Status::Ok();
  const bool has_segments =
      ReadIndices(metadata.array_segments_type(), metadata.array_segments(), level.segments);
  const bool has_indices =
      ReadIndices(metadata.array_indices_type(), metadata.array_indices(), level.indices);
  return has_segments && has_indices ? Status::Ok()
                                     : Broken("a compressed level without segments or indices");
}

Status Densifier::Read(const fb::SparsityParameters& sparsity) {
  SLIPWAY_RETURN_IF_ERROR(ReadBlocks(sparsity));
  const size_t rank = dims_.size();
  const size_t count = rank + block_map_.size();
  const auto* order = sparsity.traversal_order();
  const auto* metadata = sparsity.dim_metadata();
  if (order == nullptr || metadata == nullptr || order->size() != count || metadata->size() != count ||
      count > kMaxLevels) {
    return Broken("its levels do not fit a tensor of shape " + ToString(dims_));
  }
  std::vector<bool> is_seen(count, false);
  levels_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const auto axis = static_cast<size_t>(static_cast<uint32_t>(order->Get(static_cast<uint32_t>(i))));
    if (axis >= count || is_seen[axis]) return Broken("its traversal order is no permutation");
    is_seen[axis] = true;
    levels_[i].axis = axis;
    const fb::DimensionMetadata& level = *metadata->Get(static_cast<uint32_t>(i));
    SLIPWAY_RETURN_IF_ERROR(ReadLevel(level, levels_[i]));
    if (axis < rank) continue;
    // Blocks are dense: their extent is only said here.
    if (!levels_[i].is_dense || level.dense_size() < 1) return Broken("a block that is not dense");
    block_size_[axis - rank] = level.dense_size();
  }
  for (Level& level : levels_) {
    level.extent = level.axis < rank ? dims_[level.axis] : block_size_[level.axis - rank];
    for (size_t b = 0; b < block_map_.size() && level.axis < rank; ++b) {
      if (block_map_[b] != static_cast<int64_t>(level.axis)) continue;
      if (level.extent % block_size_[b] != 0) return Broken("blocks that do not divide " + ToString(dims_));
      level.extent /= block_size_[b];
    }
  }
  index_.assign(count, 0);
  return Status::Ok();
}

// `position`: of the level above, counted over the whole of it. Depth is at most kMaxLevels.
Status Densifier::FillLevel(size_t depth, int64_t position) {
  if (depth == levels_.size()) return Store();
  const Level& level = levels_[depth];
  if (level.is_dense) {
    for (int64_t i = 0; i < level.extent; ++i) {
      index_[level.axis] = i;
      SLIPWAY_RETURN_IF_ERROR(FillLevel(depth + 1, position * level.extent + i));
    }
    return Status::Ok();
  }
  if (position + 1 >= static_cast<int64_t>(level.segments.size())) return Broken("too few segments");
  const int64_t begin = level.segments[static_cast<size_t>(position)];
  const int64_t end = level.segments[static_cast<size_t>(position) + 1];
  if (begin < 0 || begin > end || end > static_cast<int64_t>(level.indices.size()))
    return Broken("a segment out of range");
  for (int64_t i = begin; i < end; ++i) {
    const int64_t index = level.indices[static_cast<size_t>(i)];
    if (index < 0 || index >= level.extent) return Broken("an index out of range");
    index_[level.axis] = index;
    SLIPWAY_RETURN_IF_ERROR(FillLevel(depth + 1, i));
  }
  return Status::Ok();
}

Status Densifier::Store() {
  if (next_value_ >= stored_) return Broken("fewer values than indices");
  int64_t flat = 0;
  for (size_t axis = 0; axis < dims_.size(); ++axis) {
    int64_t index = index_[axis];
    for (size_t b = 0; b < block_map_.size(); ++b) {
      if (block_map_[b] == static_cast<int64_t>(axis))
        index = index * block_size_[b] + index_[dims_.size() + b];
    }
    flat = flat * dims_[axis] + index;
  }
  CopyElement(result_.dtype(), values_.data(), next_value_++, result_.data(), flat);
  return Status::Ok();
}

}  // namespace

Result<Tensor> Densify(const fb::SparsityParameters& sparsity, DType dtype, const Dims& dims,
                       std::span<const uint8_t> values) {
  if (BitsOf(dtype) == 0) return Broken("its elements are " + std::string(DTypeName(dtype)));
  Densifier densifier(dtype, dims, values);
  SLIPWAY_RETURN_IF_ERROR(densifier.Read(sparsity));
  SLIPWAY_RETURN_IF_ERROR(densifier.Fill());
  return densifier.Take();
}

}  // namespace slipway::tflite
