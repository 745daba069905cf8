// What a photo costs around the network: preparing it before, reading the answer behind.
#pragma once

#include <string>

#include "cli/throughput.h"
#include "tasks/core/session.h"

namespace slipway::cli {

// Medians, milliseconds.
struct PhotoTimes {
  double prepare_ms = 0;  // from decoded pixels to the input tensor
  double run_ms = 0;      // the network, and copies of its outputs as real numbers
  double read_ms = 0;     // what is left of the whole: decoding boxes, classes, masks
  double whole_ms = 0;
};

// Runs the manifest's task on a decoded photo for about so long; a raw model has nothing to read.
Result<PhotoTimes> MeasurePhoto(tasks::Session& session, const std::string& path, double seconds);

// Whole photos, from the file's bytes to the answer, by several contexts side by side.
Result<Throughput> MeasurePhotos(const std::shared_ptr<const Engine>& engine, const Manifest& manifest,
                                 const std::string& path, int contexts, double seconds);

}  // namespace slipway::cli
