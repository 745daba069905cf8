// A photo in, an answer out: boxes, labels, categories, as JSON or drawn on the photo.
#include "server/endpoints/photo.h"

#include "server/endpoints/endpoints.h"
#include "server/endpoints/thresholds.h"
#include "server/http/accept.h"
#include "server/http/header_value.h"
#include "server/http/multipart.h"

namespace slipway::server {
namespace {

constexpr std::string_view kForms[] = {"application/json", "image/jpeg", "image/png"};

struct Upload {
  Body body;                       // keeps the bytes
  std::span<const uint8_t> bytes;  // of the image
  std::string name;                // of the file, as the client calls it
};

bool IsMultipart(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/";
  return IsSameIgnoringCase(content_type.substr(0, kType.size()), kType);
}

// The body itself, or a form's file.
Result<Upload> TakeUpload(const Call& call) {
  Upload upload;
  SLIPWAY_ASSIGN_OR_RETURN(upload.body, call.DecodedBody());
  upload.bytes = upload.body.bytes();
  const std::string_view type = call.request.headers.Get("Content-Type");
  if (!IsMultipart(type)) {
    if (!upload.bytes.empty()) return upload;
    return Status(Code::kUsage, "the request has no body",
                  "send the image's bytes: curl --data-binary @photo.jpg");
  }
  const MultipartLimits limits{.max_part_bytes = call.site.limits.max_decoded_bytes,
                               .max_total_bytes = call.site.limits.max_decoded_bytes};
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<Part> parts, ParseMultipart(type, upload.bytes, limits));
  // A file, by its name; else the only field there is.
  for (const Part& part : parts) {
    if (part.filename.empty() && parts.size() > 1) continue;
    upload.bytes = part.bytes;
    upload.name = part.filename;
    if (!upload.bytes.empty()) return upload;
  }
  return Status(Code::kUsage, "the form has no file in it", "send one: curl -F file=@photo.jpg");
}

class PhotoRequest : public PhotoWork {
 public:
  PhotoRequest(std::shared_ptr<const ServedModel> model, TaskKind task, Call call)
      : PhotoWork(std::move(model), task, call.request.body.size()), call_(std::move(call)) {
    call_.Stamp(*this);
  }

  Status Read() {
    SLIPWAY_ASSIGN_OR_RETURN(thresholds, TakeThresholds(call_.query, model().manifest().thresholds));
    form_ = Negotiate(call_.request.headers.Get("Accept"), kForms);
    if (form_.empty())
      return Status(Code::kUsage,
                    "the answer is application/json, image/jpeg or image/png; Accept asks for none of them");
    keeps_photo = form_ != kForms[0];
    max_pixels = call_.site.limits.max_image_pixels;
    return Status::Ok();
  }

  Status Prepare() override {
    SLIPWAY_ASSIGN_OR_RETURN(upload_, TakeUpload(call_));
    return PreparePhoto(upload_.bytes);
  }

  void Finish(std::span<const Tensor> outputs) override {
    auto answer = ReadAnswer(outputs);
    if (!answer.ok()) return call_.Answer(answer.status());
    if (form_ == kForms[0]) return call_.AnswerJson(answer->Line(upload_.name));
    auto picture = answer->Draw(form_ == "image/png");
    if (!picture.ok()) return call_.Answer(picture.status());
    Response response;
    response.content_type = std::string(form_);
    response.body = std::move(*picture);
    call_.Answer(std::move(response));
  }

  void Fail(int http_status, const Status& status) override { call_.Fail(http_status, status); }

 private:
  Call call_;
  Upload upload_;
  std::string_view form_;
};

void Answer(Call call, std::optional<TaskKind> wanted) {
  auto model = call.FindModel();
  if (model == nullptr) return;
  const auto task = TaskFor(*model, wanted);
  if (!task.ok()) return call.Answer(task.status());
  Site& site = call.site;
  auto work = std::make_unique<PhotoRequest>(std::move(model), *task, std::move(call));
  if (const Status status = work->Read(); !status.ok()) return site.scheduler.Refuse(*work, status);
  site.scheduler.Submit(std::move(work));
}

}  // namespace

void DetectPhoto(Call call) { Answer(std::move(call), TaskKind::kDetection); }
void ClassifyPhoto(Call call) { Answer(std::move(call), TaskKind::kClassification); }
void SegmentPhoto(Call call) { Answer(std::move(call), TaskKind::kSegmentation); }
void AnyPhoto(Call call) { Answer(std::move(call), std::nullopt); }

}  // namespace slipway::server
