// Private to media: what stands in a JPEG file before its pixels, of the kind that the own decoder takes.
//
// Source: ITU T.81, annex B.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace slipway::media::jpeg {

constexpr size_t kBlockSize = 64;
// Of the tables of each kind that a file may define.
constexpr size_t kTableSlots = 4;

// In natural order: row by row.
using QuantTable = std::array<uint16_t, kBlockSize>;

struct HuffmanSpec {
  std::array<uint8_t, 16> counts{};  // of the codes of 1 to 16 bits
  std::array<uint8_t, 256> symbols{};
};

struct Component {
  uint8_t id = 0;
  int h = 1;  // sampling factors, 1 or 2
  int v = 1;
  size_t quant = 0;  // slots of its tables, all of which are defined
  size_t dc = 0;
  size_t ac = 0;
};

// One interleaved scan of 8-bit samples, sequential, Huffman-coded: grey, or YCbCr whose Cb and Cr have the
// sampling factors 1x1. Every value is checked.
struct Frame {
  int width = 0;
  int height = 0;
  size_t component_count = 0;  // 1 or 3
  std::array<Component, 3> components;
  int restart_interval = 0;  // in MCUs; 0: none
  std::array<std::optional<QuantTable>, kTableSlots> quant;
  std::array<std::optional<HuffmanSpec>, kTableSlots> dc;
  std::array<std::optional<HuffmanSpec>, kTableSlots> ac;
  size_t scan_begin = 0;  // the first byte of entropy-coded data
};

// The place in natural order of the k-th coefficient of the zigzag.
extern const std::array<uint8_t, kBlockSize> kNaturalOrder;

// Nothing for a file of another kind and for one that is not quite right: TurboJPEG has the last word on
// both.
std::optional<Frame> ReadFrame(std::span<const uint8_t> bytes);

}  // namespace slipway::media::jpeg
