#include "formats/keras/layer_parts.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "ops/transpose_tensor.h"

namespace slipway::keras {

int64_t ExtentOrAny(LayerContext& context, ValueId id, int64_t axis) {
  const Dim& dim = context.shape(id)[static_cast<size_t>(axis)];
  return dim.IsKnown() ? dim.value() : kAny;
}

DataFormat FormatOf(const std::string& layout, size_t num_spatial) {
  DataFormat format;
  format.layout = layout;
  format.is_first = layout == "channels_first";
  format.channel_axis = format.is_first ? 1 : static_cast<int64_t>(num_spatial) + 1;
  format.spatial_axes.resize(num_spatial);
  std::iota(format.spatial_axes.begin(), format.spatial_axes.end(), format.is_first ? 2 : 1);
  return format;
}

Tensor KernelForConv(const Tensor& kernel, const DataFormat& format) {
  const auto axes = static_cast<int64_t>(format.spatial_axes.size());
  Ints permutation = {axes + 1};
  if (format.is_first) permutation.push_back(axes);
  for (int64_t i = 0; i < axes; ++i) permutation.push_back(i);
  if (!format.is_first) permutation.push_back(axes);
  return TransposeTensor(kernel, permutation);
}

Result<DataFormat> ReadDataFormat(LayerContext& context, size_t num_spatial) {
  const auto axes = static_cast<int64_t>(num_spatial);
  SLIPWAY_RETURN_IF_ERROR(context.CheckRank(axes + 2, axes + 2));
  const std::string name = context.config().Text("data_format", "channels_last");
  if (name != "channels_last" && name != "channels_first")
    return context.Error("its data_format is '" + name + "'; it must be channels_last or channels_first");
  return FormatOf(name, num_spatial);
}

Result<Ints> PerAxis(LayerContext& context, const char* name, size_t axes, const Ints& otherwise,
                     int64_t least) {
  Ints given = context.config().IntList(name);
  SLIPWAY_RETURN_IF_ERROR(context.error());
  if (given.empty()) return otherwise;
  if (given.size() == 1) given.resize(axes, given[0]);
  if (given.size() != axes)
    return context.Error("its " + std::string(name) + " has " + std::to_string(given.size()) +
                         " entries, the input " + ToString(context.shape()) + " has " + std::to_string(axes) +
                         " spatial axes");
  for (int64_t each : given) {
    if (each < least || each > std::numeric_limits<int32_t>::max())
      return context.Error("its " + std::string(name) + " has the entry " + std::to_string(each) +
                           "; it must be " + std::to_string(least) + " or more");
  }
  return given;
}

namespace {

std::optional<int64_t> Amount(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto amount = value.get<int64_t>();
  const bool is_sane = amount >= 0 && amount <= std::numeric_limits<int32_t>::max();
  return is_sane ? std::optional(amount) : std::nullopt;
}

bool ReadPair(const Json& value, Margins& margins) {
  if (const auto both = Amount(value)) {
    margins.before.push_back(*both);
    margins.after.push_back(*both);
    return true;
  }
  if (!value.is_array() || value.size() != 2) return false;
  const auto before = Amount(value[0]), after = Amount(value[1]);
  if (!before || !after) return false;
  margins.before.push_back(*before);
  margins.after.push_back(*after);
  return true;
}

}  // namespace

Result<Margins> ReadMargins(LayerContext& context, const char* name, size_t axes) {
  static const Json kOne = 1;
  const Json* given = context.config().Find(name);
  const Json& value = given ? *given : kOne;
  const bool is_one_for_all = axes == 1 || !value.is_array();
  Margins margins;
  bool is_right = is_one_for_all || value.size() == axes;
  for (size_t i = 0; i < axes && is_right; ++i)
    is_right = ReadPair(is_one_for_all ? value : value[i], margins);
  if (is_right) return margins;
  return context.Error("its " + std::string(name) + " is " + value.dump().substr(0, 60) +
                       "; it must be numbers, or pairs of them, for " + std::to_string(axes) +
                       " spatial axes");
}

Result<ValueId> Reduce(LayerContext& context, const char* op, ValueId x, const Ints& axes, bool keeps_dims) {
  return context.Add(op, {x, context.IntsOf(axes)}, {{"keepdims", int64_t{keeps_dims}}});
}

Result<ValueId> UnitLength(LayerContext& context, ValueId x, const Ints& axes) {
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId energy, Reduce(context, "ReduceSumSquare", x, axes, true));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId safe, context.Add("Max", {energy, context.Number(1e-12)}));
  SLIPWAY_ASSIGN_OR_RETURN(const ValueId factor, context.Add("Rsqrt", {safe}));
  return context.Add("Mul", {x, factor});
}

}  // namespace slipway::keras
