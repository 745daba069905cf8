// The stages of a Winograd convolution, on vectors of channels.
#include "backends/cpu/kernels/winograd/winograd_f32.h"

#include <algorithm>

#include "backends/cpu/kernels/simd/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/winograd/winograd_f32.cc"
#include "hwy/foreach_target.h"
// The targets come first.
#include "backends/cpu/kernels/gemm/tile-inl.h"
#include "backends/cpu/kernels/simd/math-inl.h"
#include "backends/cpu/kernels/simd/partial-inl.h"
#include "backends/cpu/kernels/simd/vectors-inl.h"
#include "backends/cpu/kernels/winograd/forms-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace slipway::cpu {
namespace HWY_NAMESPACE {
namespace {

// From one transformed matrix in scratch to the next: an odd number of cache lines spreads them over the sets
// of the caches.
constexpr int64_t WeightMatrixStep(int64_t panels, int64_t depth) { return (panels * depth | 1) * kPanel; }

// Where a tile stands: image, row and column among the tiles of its image.
struct Place {
  int64_t image, row, column;
};

// Tiles in order.
class Places {
 public:
  Places(const ConvGeometry& g, int64_t side, int64_t first)
      : rows_(DivideUp(g.out_h, side)), columns_(DivideUp(g.out_w, side)) {
    place_ = {first / columns_ / rows_, first / columns_ % rows_, first % columns_};
  }
  const Place& operator*() const { return place_; }
  void operator++() {
    if (++place_.column < columns_) return;
    place_.column = 0;
    if (++place_.row < rows_) return;
    place_.row = 0;
    ++place_.image;
  }

 private:
  int64_t rows_, columns_;
  Place place_;
};

// T d T^T: the columns of a tile, then the rows of what they gave. load(row, column) and store(row, column,
// vector).
template <int kIn, int kOut, class T, class Load, class Store>
HWY_INLINE void TransformBothWays(const T& transform, const Load& load, const Store& store) {
  VF half[kOut * kIn];  // [row][column]
#pragma GCC unroll 9
  for (int j = 0; j < kIn; ++j) {
    VF column[kIn], result[kOut];
#pragma GCC unroll 9
    for (int i = 0; i < kIn; ++i) column[i] = load(i, j);
    transform(column, result);
#pragma GCC unroll 9
    for (int i = 0; i < kOut; ++i) half[i * kIn + j] = result[i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < kOut; ++i) {
    VF result[kOut];
    transform(half + i * kIn, result);
#pragma GCC unroll 9
    for (int j = 0; j < kOut; ++j) store(i, j, result[j]);
  }
}

// What the products multiply: how many channels an element holds, and how a vector of them is stored. Of
// weights a vector holds the elements of 16 outputs: loaded to, and stored from, a vector per channel.
struct ProductF32 {
  using Multiply = MultiplyF32;
  static constexpr int64_t kChannels = 1;
  static HWY_INLINE void Store(VF v, float* to) { hn::StoreU(v, DF(), to); }
  static HWY_INLINE void LoadWeights(const float* from, VF* w) { w[0] = hn::LoadU(DF(), from); }
  static HWY_INLINE void StoreWeights(const VF* w, float* to) { hn::StoreU(w[0], DF(), to); }
};
#if SLIPWAY_CPU_HAS_BF16
struct ProductBf16 {
  using Multiply = MultiplyBf16;
  static constexpr int64_t kChannels = 2;
  static HWY_INLINE void Store(VF v, float* to) { StoreBf16(v, to); }
  static HWY_INLINE void LoadWeights(const float* from, VF* w) {
    const hn::RebindToUnsigned<DF> d;
    const auto pairs = hn::BitCast(d, hn::LoadU(DF(), from));
    w[0] = hn::BitCast(DF(), hn::ShiftLeft<16>(pairs));
    w[1] = hn::BitCast(DF(), hn::And(pairs, hn::Set(d, 0xFFFF0000U)));
  }
  static HWY_INLINE void StoreWeights(const VF* w, float* to) {
    hn::StoreU(hn::BitCast(DF(), Interleaved(w[0], w[1])), DF(), to);
  }
};
#else
using ProductBf16 = ProductF32;  // never called: WhyNoBf16
#endif

// B^T d B of a vector of channels. load(i, j): those of the tile's pixel; to: position 0.
template <class Form, class Product, class Load>
HWY_INLINE void TransformIn(const Load& load, int64_t position_step, float* HWY_RESTRICT to) {
  constexpr int kIn = Form::kIn;
  TransformBothWays<kIn, kIn>([](const VF* d, VF* o) HWY_ATTR { Form::In(d, o); }, load,
                              [&](int i, int j, VF v)
                                  HWY_ATTR { Product::Store(v, to + (i * kIn + j) * position_step); });
}

// Channels [begin, end) of a tile whose pixels lie anywhere; those behind `end` up to a whole vector become
// 0.
template <class Form, class Product>
HWY_NOINLINE void TransformPixels(const float* const* pixels, int64_t begin, int64_t end,
                                  int64_t position_step, float* HWY_RESTRICT to) {
  constexpr int kPixels = Form::kIn * Form::kIn;
  const DF d;
  HWY_ALIGN float rest[kPixels * kLanes];
  const float* rest_pixels[kPixels];
  int64_t offset = begin;
  for (int64_t c = begin; c < end; c += kLanes, offset += kLanes) {
    if (end - c < kLanes) {
      for (int i = 0; i < kPixels; ++i) {
        rest_pixels[i] = rest + i * kLanes;
        hn::Store(LoadFirst(d, pixels[i] + c, static_cast<size_t>(end - c)), d, rest + i * kLanes);
      }
      pixels = rest_pixels;
      offset = 0;
    }
    const auto load = [&](int i, int j) HWY_ATTR { return hn::LoadU(d, pixels[i * Form::kIn + j] + offset); };
    TransformIn<Form, Product>(load, position_step, to + c / Product::kChannels);
  }
}

template <class Form, class Product>
HWY_NOINLINE void InputsOf(const WinogradF32& conv, const WinogradPlan& plan, int64_t begin, int64_t end,
                           int64_t channel_begin, int64_t channel_end, float* to) {
  constexpr int kIn = Form::kIn;
  const ConvGeometry& g = conv.geometry;
  const int64_t row_step = g.in_w * g.in_step;
  Places places(g, Form::kOut, begin);
  for (int64_t tile = begin; tile < end; ++tile, ++places, to += plan.in_row) {
    const int64_t y = (*places).row * Form::kAdvance - g.pad_h;
    const int64_t x = (*places).column * Form::kAdvance - g.pad_w;
    const float* image = conv.x + (*places).image * g.in_h * row_step;
    int64_t c = channel_begin;
    if (y >= 0 && x >= 0 && y + kIn <= g.in_h && x + kIn <= g.in_w) {
      const float* origin = image + y * row_step + x * g.in_step;
      for (; c + kLanes <= channel_end; c += kLanes) {
        // Rows are too far apart for the processor to foresee the next tile's.
        for (int i = 0; i < kIn; ++i) {
          for (int j = kIn; j < kIn + Form::kAdvance; ++j)
            hwy::Prefetch(origin + i * row_step + j * g.in_step + c);
        }
        const auto load = [&](int i, int j)
                              HWY_ATTR { return hn::LoadU(DF(), origin + i * row_step + j * g.in_step + c); };
        TransformIn<Form, Product>(load, plan.in_position, to + c / Product::kChannels);
      }
      if (c == channel_end) continue;
    }
    const float* pixels[kIn * kIn];
    for (int i = 0; i < kIn; ++i) {
      for (int j = 0; j < kIn; ++j) {
        const bool is_in = y + i >= 0 && y + i < g.in_h && x + j >= 0 && x + j < g.in_w;
        pixels[i * kIn + j] = is_in ? image + (y + i) * row_step + (x + j) * g.in_step : conv.zeros;
      }
    }
    TransformPixels<Form, Product>(pixels, c, channel_end, plan.in_position, to);
  }
}

// A^T m A of `kLanes` channels to to[pixel * 16].
template <class Form>
HWY_INLINE void TransformOut(const float* HWY_RESTRICT m, int64_t position_step, float* HWY_RESTRICT to) {
  constexpr int kIn = Form::kIn, kOut = Form::kOut;
  TransformBothWays<kIn, kOut>(
      [](const VF* d, VF* o) HWY_ATTR { Form::Out(d, o); },
      [&](int i, int j) HWY_ATTR { return hn::LoadU(DF(), m + (i * kIn + j) * position_step); },
      [&](int i, int j, VF v) HWY_ATTR { hn::StoreU(v, DF(), to + (i * kOut + j) * kPanel); });
}

// Bias, residual and activation of a tile's pixels; they stand `side` in a row, 16 channels each.
HWY_NOINLINE void Finish(const WinogradF32& conv, const Place& place, int64_t side, int64_t panel,
                         const float* HWY_RESTRICT pixels) {
  const DF d;
  const ConvGeometry& g = conv.geometry;
  const int64_t channel = panel * kPanel;
  const int64_t channels = std::min(kPanel, g.out_c - channel);
  const int64_t y = place.row * side, x = place.column * side;
  const int64_t rows = std::min(side, g.out_h - y), columns = std::min(side, g.out_w - x);
  const Epilogue& epilogue = conv.epilogue;
  const float* bias = epilogue.bias + channel;
  WithActivation(d, epilogue.activation, [&](auto f) HWY_ATTR {
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t pixel = (place.image * g.out_h + y + i) * g.out_w + x;
      const float* from = pixels + i * side * kPanel;
      float* to = conv.y + pixel * g.out_step + channel;
      const float* residual = epilogue.residual == nullptr
                                  ? nullptr
                                  : epilogue.residual.floats() + pixel * epilogue.residual_step + channel;
      for (int64_t j = 0; j < columns; ++j, from += kPanel, to += g.out_step) {
        for (int64_t c = 0; c < channels; c += kLanes) {
          const auto count = static_cast<size_t>(std::min(kLanes, channels - c));
          const VF sum = hn::Add(hn::LoadU(d, from + c), hn::LoadU(d, bias + c));
          const float* added = residual == nullptr ? nullptr : residual + c;
          StoreFirst(WithResidual(epilogue, f, sum, added, count), d, to + c, count);
        }
        if (residual != nullptr) residual += epilogue.residual_step;
      }
    }
  });
}

template <class Form>
HWY_NOINLINE void SumsOf(const WinogradF32& conv, const WinogradPlan& plan, const float* sums, int64_t begin,
                         int64_t end, int64_t panel_begin, int64_t panel_end) {
  HWY_ALIGN float pixels[Form::kOut * Form::kOut * kPanel];
  Places places(conv.geometry, Form::kOut, begin);
  for (int64_t tile = begin; tile < end; ++tile, ++places, sums += plan.sum_row) {
    for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
      for (int64_t c = 0; c < kPanel; c += kLanes) {
        TransformOut<Form>(sums + (panel - panel_begin) * kPanel + c, plan.sum_position, pixels + c);
      }
      Finish(conv, *places, Form::kOut, panel, pixels);
    }
  }
}

}  // namespace

void Inputs(const WinogradF32& conv, const WinogradPlan& plan, int64_t begin, int64_t end,
            int64_t channel_begin, int64_t channel_end, float* to) {
  switch (conv.form) {
    case WinogradForm::kF4x4:
      return InputsOf<FormF4x4, ProductF32>(conv, plan, begin, end, channel_begin, channel_end, to);
    case WinogradForm::kF6x6:
      return InputsOf<FormF6x6, ProductF32>(conv, plan, begin, end, channel_begin, channel_end, to);
    case WinogradForm::kF4x4Stride2:
      return InputsOf<FormF4x4Stride2, ProductF32>(conv, plan, begin, end, channel_begin, channel_end, to);
    case WinogradForm::kF4x4Bf16:
      return InputsOf<FormF4x4, ProductBf16>(conv, plan, begin, end, channel_begin, channel_end, to);
  }
}

void Sums(const WinogradF32& conv, const WinogradPlan& plan, const float* sums, int64_t begin, int64_t end,
          int64_t panel_begin, int64_t panel_end) {
  switch (conv.form) {
    case WinogradForm::kF4x4:
    case WinogradForm::kF4x4Bf16:
      return SumsOf<FormF4x4>(conv, plan, sums, begin, end, panel_begin, panel_end);
    case WinogradForm::kF6x6: return SumsOf<FormF6x6>(conv, plan, sums, begin, end, panel_begin, panel_end);
    case WinogradForm::kF4x4Stride2:
      return SumsOf<FormF4x4Stride2>(conv, plan, sums, begin, end, panel_begin, panel_end);
  }
}

// Row `row` of G w G^T of the taps of a group.
template <class Form, class Product>
HWY_NOINLINE void WeightsOf(const WinogradF32& conv, int64_t row, int64_t panel_begin, int64_t panel_end,
                            float* to) {
  constexpr int kSide = Form::kSide;
  const DF d;
  constexpr int64_t kChannels = Product::kChannels;
  const int64_t depth = DepthOf(conv.form, conv.geometry.in_c);
  const int64_t matrix = WeightMatrixStep(panel_end - panel_begin, depth);
  const float* from = conv.weights + panel_begin * depth * 9 * kPanel;
  const float* g = Form::kWeights[row];
  const VF g0 = hn::Set(d, g[0]), g1 = hn::Set(d, g[1]), g2 = hn::Set(d, g[2]);
  for (int64_t i = 0; i < (panel_end - panel_begin) * depth; ++i, from += 9 * kPanel, to += kPanel) {
    for (int64_t lane = 0; lane < kPanel; lane += kLanes) {
      VF half[kChannels][3], result[kChannels][kSide];
#pragma GCC unroll 3
      for (int x = 0; x < 3; ++x) {
        VF w[3][kChannels];
#pragma GCC unroll 3
        for (int y = 0; y < 3; ++y) Product::LoadWeights(from + (3 * y + x) * kPanel + lane, w[y]);
#pragma GCC unroll 2
        for (int c = 0; c < kChannels; ++c)
          half[c][x] = hn::MulAdd(g2, w[2][c], hn::MulAdd(g1, w[1][c], hn::Mul(g0, w[0][c])));
      }
#pragma GCC unroll 2
      for (int c = 0; c < kChannels; ++c) Form::Weights(half[c], result[c]);
#pragma GCC unroll 8
      for (int j = 0; j < kSide; ++j) {
        VF element[kChannels];
#pragma GCC unroll 2
        for (int c = 0; c < kChannels; ++c) element[c] = result[c][j];
        Product::StoreWeights(element, to + j * matrix + lane);
      }
    }
  }
}

void Weights(const WinogradF32& conv, int64_t row, int64_t panel_begin, int64_t panel_end, float* to) {
  switch (conv.form) {
    case WinogradForm::kF4x4: return WeightsOf<FormF4x4, ProductF32>(conv, row, panel_begin, panel_end, to);
    case WinogradForm::kF6x6: return WeightsOf<FormF6x6, ProductF32>(conv, row, panel_begin, panel_end, to);
    case WinogradForm::kF4x4Stride2:
      return WeightsOf<FormF4x4Stride2, ProductF32>(conv, row, panel_begin, panel_end, to);
    case WinogradForm::kF4x4Bf16:
      return WeightsOf<FormF4x4, ProductBf16>(conv, row, panel_begin, panel_end, to);
  }
}

template <class Multiply>
void MultiplyBy(const WinogradF32& conv, const WinogradPlan& plan, const float* inputs, int64_t rows,
                int64_t tile_row, const float* weights, int64_t panel_begin, int64_t panel_end, float* sums) {
  const WinogradSize size = SizeOf(conv.form);
  const int64_t depth = DepthOf(conv.form, conv.geometry.in_c);
  const int64_t matrix = plan.weights == WinogradWeights::kTaps
                             ? WeightMatrixStep(panel_end - panel_begin, depth)
                             : (panel_end - panel_begin) * depth * kPanel;
  GemmF32 gemm;
  gemm.run_length = depth;
  gemm.a_step = plan.in_row;
  gemm.columns = PanelsOf(conv.geometry.out_c) * kPanel;
  gemm.c_step = plan.sum_row;
  for (int64_t j = 0; j < size.in; ++j) {
    const int64_t position = tile_row * size.in + j;
    const float* from = inputs + position * plan.in_position;
    gemm.a = &from;
    // The product counts panels from the first of all.
    gemm.b = weights + std::min(j, size.side() - 1) * matrix - panel_begin * depth * kPanel;
    gemm.c = sums + position * plan.sum_position - panel_begin * kPanel;
    RunGemmTiles<Multiply>(gemm, rows, panel_begin, panel_end);
  }
}

void Multiply(const WinogradF32& conv, const WinogradPlan& plan, const float* inputs, int64_t rows,
              int64_t tile_row, const float* weights, int64_t panel_begin, int64_t panel_end, float* sums) {
  const auto multiply =
      IsBf16(conv.form) ? MultiplyBy<ProductBf16::Multiply> : MultiplyBy<ProductF32::Multiply>;
  multiply(conv, plan, inputs, rows, tile_row, weights, panel_begin, panel_end, sums);
}

int64_t MultiplyRows() { return kTileRows; }

}  // namespace HWY_NAMESPACE
}  // namespace slipway::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace slipway::cpu {

HWY_EXPORT(Inputs);
HWY_EXPORT(Sums);
HWY_EXPORT(Weights);
HWY_EXPORT(Multiply);
HWY_EXPORT(MultiplyRows);

void TransformInputs(const WinogradF32& conv, const WinogradPlan& plan, int64_t begin, int64_t end,
                     int64_t channel_begin, int64_t channel_end, float* to) {
  HWY_DYNAMIC_DISPATCH(Inputs)(conv, plan, begin, end, channel_begin, channel_end, to);
}

void TransformWeights(const WinogradF32& conv, int64_t row, int64_t panel_begin, int64_t panel_end,
                      float* to) {
  HWY_DYNAMIC_DISPATCH(Weights)(conv, row, panel_begin, panel_end, to);
}

void MultiplyPositions(const WinogradF32& conv, const WinogradPlan& plan, const float* inputs, int64_t rows,
                       int64_t tile_row, const float* weights, int64_t panel_begin, int64_t panel_end,
                       float* sums) {
  HWY_DYNAMIC_DISPATCH(Multiply)(conv, plan, inputs, rows, tile_row, weights, panel_begin, panel_end, sums);
}

void TransformSums(const WinogradF32& conv, const WinogradPlan& plan, const float* sums, int64_t begin,
                   int64_t end, int64_t panel_begin, int64_t panel_end) {
  HWY_DYNAMIC_DISPATCH(Sums)(conv, plan, sums, begin, end, panel_begin, panel_end);
}

int64_t WinogradRows() { return HWY_DYNAMIC_DISPATCH(MultiplyRows)(); }

}  // namespace slipway::cpu
#endif
