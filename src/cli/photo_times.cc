#include "cli/photo_times.h"

#include <algorithm>

#include "base/file.h"
#include "base/timing.h"
#include "media/image_io.h"
#include "tasks/vision/classify.h"
#include "tasks/vision/detect.h"
#include "tasks/vision/segment.h"

namespace slipway::cli {
namespace {

Status RunTask(tasks::Session& session, media::Image photo) {
  switch (session.manifest().task) {
    case TaskKind::kDetection: return tasks::Detect(session, std::move(photo)).status();
    case TaskKind::kClassification: return tasks::Classify(session, std::move(photo)).status();
    case TaskKind::kSegmentation: return tasks::Segment(session, std::move(photo)).status();
    case TaskKind::kRaw: break;
  }
  SLIPWAY_ASSIGN_OR_RETURN(const tasks::ImageInput input, session.Prepare(std::move(photo)));
  return session.Run(input).status();
}

}  // namespace

Result<PhotoTimes> MeasurePhoto(tasks::Session& session, const std::string& path, double seconds) {
  SLIPWAY_ASSIGN_OR_RETURN(const media::Image photo, media::LoadImage(path));
  SLIPWAY_RETURN_IF_ERROR(RunTask(session, photo));  // memory is planned, pages are touched
  std::vector<double> prepare, run, whole;
  const auto start = SteadyClock::now();
  while (whole.size() < 3 || (MillisecondsSince(start) < seconds * 1000 && whole.size() < 1000)) {
    auto begin = SteadyClock::now();
    SLIPWAY_ASSIGN_OR_RETURN(const tasks::ImageInput input, session.Prepare(photo));
    prepare.push_back(MillisecondsSince(begin));
    begin = SteadyClock::now();
    SLIPWAY_RETURN_IF_ERROR(session.Run(input).status());
    run.push_back(MillisecondsSince(begin));
    begin = SteadyClock::now();
    SLIPWAY_RETURN_IF_ERROR(RunTask(session, photo));
    whole.push_back(MillisecondsSince(begin));
  }
  PhotoTimes times{Median(prepare), Median(run), 0, Median(whole)};
  times.read_ms = std::max(0.0, times.whole_ms - times.prepare_ms - times.run_ms);
  return times;
}

Result<Throughput> MeasurePhotos(const std::shared_ptr<const Engine>& engine, const Manifest& manifest,
                                 const std::string& path, int contexts, double seconds) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  return MeasureStreams(contexts, seconds, [&] {
    const auto session = std::make_shared<tasks::Session>(engine, manifest);
    return [session, &file]() -> Status {
      const std::span bytes(reinterpret_cast<const uint8_t*>(file.data()), file.size());
      SLIPWAY_ASSIGN_OR_RETURN(media::Image photo, media::DecodeImage(bytes));
      return RunTask(*session, std::move(photo));
    };
  });
}

}  // namespace slipway::cli
