// From pixels to the bytes of an image file: onnxruntime-extensions' EncodeImage.
//
// The files are what OpenCV writes by default, as the library's are: PNG fast rather than small, JPEG of
// quality 95 with colour at half the resolution.
#include "ops/vision/image_encoder.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "ops/import.h"
#include "ops/infer.h"
#include "ops/run.h"
#include "ops/text/extensions.h"

namespace slipway {
namespace {

std::atomic<ImageEncodeFn> installed{nullptr};

Status Infer(InferContext& context) {
  const auto& x = context.shape(0);
  const bool is_image = !x || (x->size() == 3 && (!(*x)[2].IsKnown() || (*x)[2].value() == 3));
  if (!is_image) return context.Error("the image is " + ToString(*x) + "; it must be [height,width,3]");
  context.SetOutput(0, DType::kU8, {Dim()});
  return Status::Ok();
}

Status Reference(RunContext& context) {
  const ImageEncodeFn encode = installed.load();
  if (encode == nullptr)
    return context.Error("no image encoder is linked into this program", "encode the image after the model");
  Tensor image = context.in(0);
  if (image.rank() != 3 || image.dim(2) != 3 || image.count() == 0)
    return context.Error("the image is " + Describe(image) + "; it must be [height,width,3]");
  if (context.attrs().String("pixel_format") == "BGR") {
    image = image.Clone();
    uint8_t* pixel = image.as<uint8_t>();
    for (int64_t i = 0; i < image.count(); i += 3) std::swap(pixel[i], pixel[i + 2]);
  }
  const bool is_jpeg = context.attrs().String("format") == "jpg";
  const auto bytes = encode(image, is_jpeg ? ImageFile::kJpeg : ImageFile::kPng);
  if (!bytes.ok()) return context.Error(bytes.status().message(), bytes.status().hint());
  Tensor& y = context.AllocateOutput(0, {static_cast<int64_t>(bytes->size())});
  std::copy(bytes->begin(), bytes->end(), y.as<uint8_t>());
  return Status::Ok();
}

Status Import(ImportContext& context) {
  SLIPWAY_ASSIGN_OR_RETURN(std::string order, PixelOrderOf(context));
  return context.EmitSame({{"pixel_format", std::move(order)}});
}

}  // namespace

void InstallImageEncoder(ImageEncodeFn encode) { installed.store(encode); }

OpDef MakeImageEncoder() {
  OpDef op;
  op.name = "ImageEncoder";
  op.group = "vision";
  op.summary = "The bytes of an image file.";
  op.inputs = {{"image", {DType::kU8}, "[height,width,3]"}};
  op.outputs = {{"encoded_stream", {DType::kU8}, "[bytes]: PNG or JPEG"}};
  op.attrs = {StringAttr("format", "png", {"png", "jpg"}, "of the file; jpg: quality 95, colour 4:2:0"),
              StringAttr("pixel_format", "RGB", {"RGB", "BGR"}, "channels of the image")};
  op.infer = Infer;
  op.reference = Reference;
  op.foreign = ExtensionRows("EncodeImage", Import);
  return op;
}

}  // namespace slipway
