// Private to media: one reader and decoder per format, behind DecodeImage.
//
// Each ReadXxxInfo checks the header; each DecodeXxx is called with its result after the limits were checked,
// and gives RGB or grey, not yet oriented.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "media/image_io.h"

namespace slipway::media {

using Bytes = std::span<const uint8_t>;

Result<ImageInfo> ReadJpegInfo(Bytes bytes);
Result<Image> DecodeJpeg(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadPngInfo(Bytes bytes);
Result<Image> DecodePng(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadBmpInfo(Bytes bytes);
Result<Image> DecodeBmp(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadPnmInfo(Bytes bytes);
Result<Image> DecodePnm(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadWebpInfo(Bytes bytes);
Result<Image> DecodeWebp(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadTiffInfo(Bytes bytes);
Result<Image> DecodeTiff(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

Result<ImageInfo> ReadJpeg2000Info(Bytes bytes);
Result<Image> DecodeJpeg2000(Bytes bytes, const ImageInfo& info, const DecodeOptions& options);

// Orientation tag (1..8) of a TIFF block as EXIF embeds it; 1 where it is absent or makes no sense.
int ReadExifOrientation(Bytes tiff);

inline Status InvalidImage(std::string message, std::string hint = {}) {
  return Status(Code::kInvalidInput, std::move(message), std::move(hint));
}

// RGB or grey of a decoded [h,w,3] image, as the options ask.
Image ToRequestedColor(Image rgb, const DecodeOptions& options);

}  // namespace slipway::media
