// What the functions of several layers share.
#pragma once

#include "formats/keras/layers.h"

namespace slipway::keras {

inline Result<Values> One(Result<ValueId> value) {
  if (!value.ok()) return value.status();
  return Values{*value};
}

// The extent, or kAny where it is symbolic: for shapes of weights.
int64_t ExtentOrAny(LayerContext& context, ValueId id, int64_t axis);

// [N,C,spatial...] or [N,spatial...,C], as the config's data_format says.
struct DataFormat {
  bool is_first = false;
  int64_t channel_axis = 0;
  Ints spatial_axes;
  std::string layout;  // of Slipway's operators
};
DataFormat FormatOf(const std::string& layout, size_t num_spatial);
// That of the config. An error unless the input has `num_spatial` spatial axes.
Result<DataFormat> ReadDataFormat(LayerContext& context, size_t num_spatial);

// A kernel [spatial...,in,out] as Conv takes it: [out,spatial...,in] or [out,in,spatial...].
Tensor KernelForConv(const Tensor& kernel, const DataFormat& format);

// `name` per spatial axis; one number stands for all; `otherwise` where it is not given. Errors: another
// number of entries, an entry below `least`.
Result<Ints> PerAxis(LayerContext& context, const char* name, size_t axes, const Ints& otherwise,
                     int64_t least = 1);

// Amounts before and after every spatial axis: 1, [1, 2], [[1, 2], [3, 4]].
struct Margins {
  Ints before, after;
};
Result<Margins> ReadMargins(LayerContext& context, const char* name, size_t axes);

// Elements of `x` reduced over `axes`.
Result<ValueId> Reduce(LayerContext& context, const char* op, ValueId x, const Ints& axes, bool keeps_dims);

// x / sqrt(max(sum of squares over `axes`, 1e-12)): keras.utils.normalize's floor.
Result<ValueId> UnitLength(LayerContext& context, ValueId x, const Ints& axes);

}  // namespace slipway::keras
