// From the bytes of an image file to pixels.
//
// Source: ONNX ImageDecoder-20; TensorFlow's DecodeJpeg and the like, with dct_method INTEGER_ACCURATE (its
// default is a faster transform, a few levels off); onnxruntime-extensions' DecodeImage, whose JPEG library
// makes colour at half the resolution full size in another way (IJG 9 by its DCT), so that such pictures
// differ by a few levels as they do between IJG's library and everybody else's. Which formats are read is up
// to the decoder installed: JPEG, PNG, BMP, PNM, WebP, TIFF and JPEG 2000 in Slipway's own programs.
#include "ops/vision/image_decoder.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "ops/infer.h"
#include "ops/run.h"
#include "ops/text/extensions.h"

namespace slipway {
namespace {

std::atomic<ImageDecodeFn> installed{nullptr};

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const bool is_text = context.dtype(0) == DType::kString;
  if (x && x->size() != (is_text ? 0 : 1))
    return context.Error("the stream is " + ToString(context.input(0)) +
                         "; it must be u8[bytes], or one string");
  const bool is_grey = context.attrs().String("pixel_format") == "Grayscale";
  context.SetOutput(0, DType::kU8, {Dim(), Dim(), is_grey ? 1 : 3});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const ImageDecodeFn decode = installed.load();
  if (decode == nullptr)
    return context.Error("no image decoder is linked into this program", "decode the image before the model");
  const std::string& format = context.attrs().String("pixel_format");
  std::span<const uint8_t> bytes = context.in(0).values<uint8_t>();
  if (context.in(0).dtype() == DType::kString) {
    const std::string& text = *context.in(0).as<std::string>();
    bytes = {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
  }
  auto image = decode(bytes, format == "Grayscale" ? ImageColor::kGrey : ImageColor::kRgb);
  if (!image.ok()) return context.Error(image.status().message(), image.status().hint());
  Tensor& y = context.AllocateOutput(0, image->dims());
  std::copy_n(image->as<uint8_t>(), image->count(), y.as<uint8_t>());
  for (int64_t i = 0; format == "BGR" && i < y.count(); i += 3)
    std::swap(y.as<uint8_t>()[i], y.as<uint8_t>()[i + 2]);
  return Status::Ok();
}

Status ImportExtension(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string order, PixelOrderOf(context));
  return context.EmitSame({{"pixel_format", std::move(order)}});
}

// TensorFlow gives as many channels as are asked for, by default those of the file, which are not known
// before it is read.
Status ImportTensorflow(ImportContext& context) {
  if (context.attrs().Int("channels") != 3)
    return context.Unsupported("channels " + std::to_string(context.attrs().Int("channels")),
                               "decode with channels=3, or give the pixels with --input on this node");
  if (context.attrs().Int("ratio", 1) != 1) return context.Unsupported("reads at a smaller size");
  if (context.attrs().Type("dtype", DType::kU8) != DType::kU8) return context.Unsupported("of 16 bits");
  return context.Emit("ImageDecoder", {context.in(0)}, {{"pixel_format", std::string("RGB")}});
}

}  // namespace

void InstallImageDecoder(ImageDecodeFn decode) { installed.store(decode); }

OpDef MakeImageDecoder() {
  OpDef op;
  op.name = "ImageDecoder";
  op.group = "vision";
  op.summary = "The pixels of an image file, as stored: the orientation that a camera noted is not applied.";
  op.inputs = {{"encoded_stream",
                {DType::kU8, DType::kString},
                "[bytes], or one string: JPEG, PNG, BMP, PNM, WebP, TIFF or JPEG 2000"}};
  op.outputs = {{"image", {DType::kU8}, "[height,width,3], or [height,width,1] in grey"}};
  op.attrs = {StringAttr("pixel_format", "RGB", {"RGB", "BGR", "Grayscale"}, "channels of the result")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("DecodeImage", ImportExtension);
  op.foreign.push_back({Format::kOnnx, "ImageDecoder", 20});
  for (const char* name : {"DecodeJpeg", "DecodePng", "DecodeBmp", "DecodeImage"})
    op.foreign.push_back({Format::kTensorflow, name, 1, INT_MAX, ImportTensorflow});
  return op;
}

}  // namespace slipway
