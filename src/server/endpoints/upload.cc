#include "server/endpoints/upload.h"

#include "server/endpoints/photo_parameters.h"
#include "server/http/header_value.h"
#include "server/http/multipart.h"

namespace slipway::server {
namespace {

Status NoFile() {
  return Status(Code::kUsage, "the form has no file in it", "send one: curl -F file=@photo.jpg");
}

// Parts without a file's name: parameters, or the photo (curl -F 'file=<photo.jpg' gives it none).
Status TakeField(const Part& part, const Part*& photo, Query& query) {
  if (part.bytes.empty()) return Status::Ok();
  if (!IsPhotoParameter(part.name)) {
    if (photo == nullptr) {
      photo = &part;
      return Status::Ok();
    }
    return Status(Code::kUsage, "the form's field " + Shown(part.name) + " is unknown",
                  "beside the photo it may have what the query may: score, max, timeout ...");
  }
  return query.Add(part.name, std::string(part.bytes.begin(), part.bytes.end()));
}

}  // namespace

bool IsForm(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/";
  return IsSameIgnoringCase(content_type.substr(0, kType.size()), kType);
}

Result<Upload> TakeUpload(std::string_view content_type, Body body, size_t max_bytes, Query& query) {
  Upload upload{.body = std::move(body)};
  upload.bytes = upload.body.bytes();
  if (!IsForm(content_type)) {
    if (!upload.bytes.empty()) return upload;
    return Status(Code::kUsage, "the request has no body",
                  "send the image's bytes: curl --data-binary @photo.jpg");
  }
  const MultipartLimits limits{.max_part_bytes = max_bytes, .max_total_bytes = max_bytes};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Part> parts, ParseMultipart(content_type, upload.bytes, limits));
  const Part* photo = nullptr;
  for (const Part& part : parts) {
    if (part.filename.empty()) continue;
    if (photo != nullptr)
      return Status(Code::kUsage,
                    "the form has several files: " + Shown(photo->filename) + ", " + Shown(part.filename),
                    "send one photo a request");
    photo = &part;
  }
  for (const Part& part : parts) {
    if (part.filename.empty()) SLIPWAY_RETURN_IF_ERROR(TakeField(part, photo, query));
  }
  if (photo == nullptr || photo->bytes.empty()) return NoFile();
  upload.bytes = photo->bytes;
  upload.name = photo->filename;
  return upload;
}

}  // namespace slipway::server
