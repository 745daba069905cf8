// A photo in, an answer out: boxes, labels, categories, as JSON or drawn on the photo.
#include "server/endpoints/photo.h"

#include "server/endpoints/endpoints.h"
#include "server/endpoints/photo_parameters.h"
#include "server/endpoints/upload.h"
#include "server/http/accept.h"
#include "server/http/multipart.h"

namespace slipway::server {
namespace {

constexpr std::string_view kForms[] = {"application/json", "image/jpeg", "image/png"};

class PhotoRequest : public PhotoWork {
 public:
  PhotoRequest(std::shared_ptr<const ServedModel> model, TaskKind task, Call call)
      : PhotoWork(std::move(model), task, call.request.body.size()), call_(std::move(call)) {
    call_.Stamp(*this);
  }

  // What can be said before the photo is looked at. form: of the answer, among kForms.
  Status Begin(std::string_view form) {
    form_ = form;
    keeps_photo = form_ != kForms[0];
    max_pixels = call_.site.limits.max_image_pixels;
    return TakeParameters();
  }

  Status Prepare() override {
    SLIPWAY_ASSIGN_OR_RETURN(Body body, call_.TakeBody());
    const std::string_view type = call_.request.headers.Get("Content-Type");
    // Gone with this call: a photo that waits for its batch is the network's input alone.
    SLIPWAY_ASSIGN_OR_RETURN(
        Upload upload, TakeUpload(type, std::move(body), call_.site.limits.max_decoded_bytes, call_.query));
    if (IsForm(type)) SLIPWAY_RETURN_IF_ERROR(TakeParameters());
    file_ = std::move(upload.name);
    return PreparePhoto(upload.bytes);
  }

  void Finish(std::span<const Tensor> outputs) override {
    auto answer = ReadAnswer(outputs);
    if (!answer.ok()) return call_.Answer(answer.status());
    if (form_ == kForms[0]) return call_.AnswerJson(answer->Line(file_));
    auto picture = answer->Draw(form_ == "image/png");
    if (!picture.ok()) return call_.Answer(picture.status());
    Response response;
    response.content_type = std::string(form_);
    response.body = std::move(*picture);
    call_.Answer(std::move(response));
  }

  void Fail(int http_status, const Status& status) override { call_.Fail(http_status, status); }

 private:
  Status TakeParameters() {
    SLIPWAY_ASSIGN_OR_RETURN(const PhotoParameters parameters,
                             TakePhotoParameters(call_.query, model().manifest().thresholds));
    thresholds = parameters.thresholds;
    TakeQueueWish(parameters.wish, *this);
    return Status::Ok();
  }

  Call call_;
  std::string file_;  // as the client calls it
  std::string_view form_;
};

// 406 and 415: what the answer may be, and what the body is. The form of the answer; empty: it is refused.
std::string_view Negotiated(const Call& call) {
  const std::string_view form = Negotiate(call.request.headers.Get("Accept"), kForms);
  const std::string_view type = call.request.headers.Get("Content-Type");
  if (form.empty()) {
    call.Answer(ErrorResponse(
        406, "the answer is application/json, image/jpeg or image/png; Accept asks for none of them"));
    return {};
  }
  if (!IsForm(type)) return form;
  const auto boundary = BoundaryOf(type);
  if (boundary.ok()) return form;
  call.Answer(ErrorResponse(boundary.status().code() == Code::kUnsupported ? 415 : 400,
                            ErrorText(boundary.status())));
  return {};
}

void Answer(Call call, std::optional<TaskKind> wanted) {
  call.reply = [reply = std::move(call.reply)](Response response) {
    response.headers.Add("Vary", "Accept");
    reply(std::move(response));
  };
  const std::string_view form = Negotiated(call);
  if (form.empty()) return;
  auto model = call.FindModel();
  if (model == nullptr) return;
  const auto task = TaskFor(*model, wanted);
  if (!task.ok()) return call.Answer(task.status());
  Site& site = call.site;
  auto work = std::make_unique<PhotoRequest>(std::move(model), *task, std::move(call));
  if (const Status status = work->Begin(form); !status.ok()) return site.scheduler.Refuse(*work, status);
  site.scheduler.Submit(std::move(work));
}

}  // namespace

void DetectPhoto(Call call) { Answer(std::move(call), TaskKind::kDetection); }
void ClassifyPhoto(Call call) { Answer(std::move(call), TaskKind::kClassification); }
void SegmentPhoto(Call call) { Answer(std::move(call), TaskKind::kSegmentation); }
void AnyPhoto(Call call) { Answer(std::move(call), std::nullopt); }

}  // namespace slipway::server
