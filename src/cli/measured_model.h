// A model with everything that measuring it needs: what bench and profile share.
#pragma once

#include "cli/model_flags.h"
#include "report/profile.h"

namespace slipway::cli {

struct MeasuredModel {
  const ModelFlags* flags = nullptr;
  std::shared_ptr<const Engine> engine;
  std::unique_ptr<Context> context;
  std::vector<Tensor> inputs;  // random; unknown extents are as in DefaultDims
  HowChosen how;
  std::optional<Manifest> manifest;  // completed; where it was asked for
  double load_ms = 0;                // file to engine

  struct Wanted {
    bool alternatives = false;  // HowChosen::choices
    bool manifest = false;
  };
  // `flags` must outlive it.
  static Result<MeasuredModel> Load(const ModelFlags& flags, const Wanted& wanted);
  Result<Profile> Measure(ProfileOptions options) const;
};

// "" or a name that ends in .html: to be asked before anything is measured.
Status CheckReportPath(const std::string& path);
// FILE.html, and FILE.json beside it. REQUIRES: CheckReportPath, and the path is not empty.
Status WriteReport(const std::string& path, const Profile& profile);

}  // namespace slipway::cli
