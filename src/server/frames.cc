#include "server/frames.h"

#include <mutex>

#include "server/endpoints/photo.h"
#include "server/endpoints/thresholds.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

// What the frames of one socket have in common. Shared by the socket and the frame that is being looked at.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(Site& site, StreamPath path, Query query, std::shared_ptr<WebSocketSink> sink)
      : site_(site), path_(std::move(path)), query_(std::move(query)), sink_(std::move(sink)) {}

  // An error: no frame can be looked at now.
  Status Check() const { return FindAsked().status(); }

  void OnFrame(Body frame) {
    {
      std::lock_guard lock(mutex_);
      if (is_busy_) {
        dropped_ += has_next_;
        next_ = std::move(frame);
        has_next_ = true;
        return;
      }
      is_busy_ = true;
    }
    Look(std::move(frame));
  }

  // The answer to the frame, and off to the next.
  void OnAnswer(const std::string& line, Clock::time_point arrived) {
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - arrived).count();
    Body frame;
    bool has_frame = false;
    std::string text = line;
    {
      std::lock_guard lock(mutex_);
      text.pop_back();  // the closing brace
      text += ",\"dropped\":" + std::to_string(dropped_) + ",\"ms\":";
      JsonWriter(text).Real(ms);
      text += '}';
      has_frame = has_next_ && !*has_left_;
      if (has_frame) frame = std::move(next_);
      has_next_ = false;
      is_busy_ = has_frame;
    }
    sink_->SendText(std::move(text));
    if (has_frame) Look(std::move(frame));
  }

  void OnClose() { *has_left_ = true; }

 private:
  // What a frame is asked of.
  struct Asked {
    std::shared_ptr<const ServedModel> model;
    TaskKind task;
    Thresholds thresholds;
  };

  Result<Asked> FindAsked() const;
  void Look(Body frame);

  // Frames that still come find it busy.
  void End(const Status& status) {
    sink_->SendText(ErrorResponse(status).body);
    sink_->Close("the model can no longer be asked");
  }

  Site& site_;
  const StreamPath path_;
  const Query query_;
  const std::shared_ptr<WebSocketSink> sink_;
  const std::shared_ptr<std::atomic<bool>> has_left_ = std::make_shared<std::atomic<bool>>(false);
  std::mutex mutex_;
  bool is_busy_ = false, has_next_ = false;
  Body next_;
  uint64_t dropped_ = 0;
};

class FrameWork : public PhotoWork {
 public:
  FrameWork(std::shared_ptr<const ServedModel> model, TaskKind task, Body frame,
            std::shared_ptr<Stream> stream)
      : PhotoWork(std::move(model), task, frame.size()),
        frame_(std::move(frame)),
        stream_(std::move(stream)) {}

  Status Prepare() override { return PreparePhoto(frame_.bytes()); }

  void Finish(std::span<const Tensor> outputs) override {
    const auto answer = ReadAnswer(outputs);
    if (!answer.ok()) return Fail(0, answer.status());
    stream_->OnAnswer(answer->Line(""), arrived);
  }

  void Fail(int, const Status& status) override { stream_->OnAnswer(ErrorResponse(status).body, arrived); }

 private:
  const Body frame_;
  const std::shared_ptr<Stream> stream_;
};

Result<Stream::Asked> Stream::FindAsked() const {
  SLIPWAY_ASSIGN_OR_RETURN(auto model, site_.Find(path_.model, path_.version));
  SLIPWAY_ASSIGN_OR_RETURN(const TaskKind task, TaskFor(*model, std::nullopt));
  SLIPWAY_ASSIGN_OR_RETURN(const Thresholds thresholds, TakeThresholds(query_, model->manifest().thresholds));
  return Asked{std::move(model), task, thresholds};
}

void Stream::Look(Body frame) {
  auto asked = FindAsked();
  if (!asked.ok()) return End(asked.status());
  auto work =
      std::make_unique<FrameWork>(std::move(asked->model), asked->task, std::move(frame), shared_from_this());
  work->thresholds = asked->thresholds;
  work->max_pixels = site_.limits.max_image_pixels;
  work->has_left = has_left_;
  site_.scheduler.Submit(std::move(work));
}

class Frames : public WebSocketListener {
 public:
  explicit Frames(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  void OnMessage(Body message, bool is_text) override {
    if (!is_text) stream_->OnFrame(std::move(message));
  }
  void OnClose() override { stream_->OnClose(); }

 private:
  const std::shared_ptr<Stream> stream_;
};

}  // namespace

std::optional<StreamPath> StreamPathOf(const Request& request) {
  const auto path = SplitPath(request.path);
  if (!path.ok() || (path->size() != 4 && path->size() != 6)) return std::nullopt;
  if ((*path)[0] != "v2" || (*path)[1] != "models" || path->back() != "stream") return std::nullopt;
  if (path->size() == 4) return StreamPath{(*path)[2], ""};
  if ((*path)[3] != "versions") return std::nullopt;
  return StreamPath{(*path)[2], (*path)[4]};
}

Result<std::unique_ptr<WebSocketListener>> OpenFrames(Site& site, const StreamPath& path,
                                                      const Request& request,
                                                      std::shared_ptr<WebSocketSink> sink) {
  SLIPWAY_ASSIGN_OR_RETURN(Query query, Query::Parse(request.query));
  auto stream = std::make_shared<Stream>(site, path, std::move(query), std::move(sink));
  SLIPWAY_RETURN_IF_ERROR(stream->Check());
  return std::unique_ptr<WebSocketListener>(std::make_unique<Frames>(std::move(stream)));
}

}  // namespace slipway::server
