// Private to media: a decoder of our own for the common kind of JPEG (frame.h), in about half of TurboJPEG's
// time, and equal to it to the bit.
//
// It knows no damage: whatever is not exactly as the standard has it, and whatever libjpeg's own variants
// might disagree about, is left to TurboJPEG. Left out on purpose: progressive and arithmetic coding, CMYK
// and RGB, samplings other than 4:4:4, 4:2:2, 4:4:0 and 4:2:0, several scans, grey out of colour.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "media/image.h"

namespace slipway::media::jpeg {

// width, height: what else is known of the file. channels: 3, or 1 for a grey file. Nothing where the file is
// not of the kind.
std::optional<Image> DecodeBaseline(std::span<const uint8_t> bytes, int width, int height, int channels);

}  // namespace slipway::media::jpeg
