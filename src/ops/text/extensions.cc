#include "ops/text/extensions.h"

#include <algorithm>

#include "base/scalar.h"
#include "ops/text/utf8.h"

namespace slipway {

ForeignRows ExtensionRows(const std::string& op, ImportFn import) {
  return {{Format::kOnnx, op, 1, INT_MAX, import, "ai.onnx.contrib"},
          {Format::kOnnx, op, 1, INT_MAX, import, "com.microsoft.extensions"}};
}

Result<ValueId> BytesOfAttr(ImportContext& context, std::string_view name) {
  const Attr* attr = context.attrs().Find(name);
  const auto* text = attr ? std::get_if<std::string>(attr) : nullptr;
  if (text == nullptr || text->empty())
    return context.Error("attribute '" + std::string(name) + "' is missing",
                         "the tokenizer's vocabulary or model is kept in it: export the model again");
  Tensor bytes(DType::kU8, {static_cast<int64_t>(text->size())});
  std::copy(text->begin(), text->end(), bytes.as<uint8_t>());
  return context.builder().Constant(context.node().name + "/" + std::string(name), std::move(bytes));
}

Attrs KnownAttrs(const ImportContext& context) {
  Attrs known;
  for (const AttrDef& def : context.op().attrs) {
    if (const Attr* attr = context.attrs().Find(def.name)) known.Set(def.name, *attr);
  }
  return known;
}

Result<std::string> PixelOrderOf(const ImportContext& context) {
  const std::string& space = context.attrs().String("color_space");
  if (space.empty() || space == "bgr") return std::string("BGR");
  if (space == "rgb") return std::string("RGB");
  return context.Error("color_space is '" + space + "'; it must be 'bgr' or 'rgb'");
}

Result<std::u32string> CodesOf(const RunContext& context, const std::string& text) {
  auto codes = DecodeUtf8(text);
  if (!codes) return context.Error("a text is not UTF-8", "convert it to UTF-8");
  return *std::move(codes);
}

void PutInts(const RunContext& context, size_t i, const std::vector<int64_t>& values) {
  if (!context.HasOutput(i)) return;
  Tensor& y = context.AllocateOutput(i, {static_cast<int64_t>(values.size())});
  for (size_t k = 0; k < values.size(); ++k)
    StoreInt(y.dtype(), y.data(), static_cast<int64_t>(k), values[k]);
}

}  // namespace slipway
