#include "cli/measured_model.h"

#include "base/file.h"
#include "base/timing.h"
#include "cli/out_path.h"
#include "cli/random_input.h"
#include "report/report_html.h"
#include "report/report_json.h"

namespace slipway::cli {
namespace {

constexpr std::string_view kEnding = ".html";

}  // namespace

Result<MeasuredModel> MeasuredModel::Load(const ModelFlags& flags, const Wanted& wanted) {
  MeasuredModel measured;
  measured.flags = &flags;
  measured.how.wants_choices = wanted.alternatives;
  const auto start = SteadyClock::now();
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.LoadToRun());
  const auto ranges = loaded.model.ranges;
  if (wanted.manifest) measured.manifest = CompleteManifestOf(loaded);
  SLIPWAY_ASSIGN_OR_RETURN(measured.engine, flags.MakeEngine(std::move(loaded), &measured.how));
  measured.load_ms = MillisecondsSince(start);
  measured.inputs = RandomInputs(measured.engine->inputs(), ranges);
  measured.context = measured.engine->NewContext();
  return measured;
}

Result<Profile> MeasuredModel::Measure(ProfileOptions options) const {
  options.choices = how.choices;
  SLIPWAY_ASSIGN_OR_RETURN(Profile profile, MeasureProfile(*engine, *context, inputs, options));
  profile.model = flags->model;
  profile.backend = flags->backend;
  return profile;
}

Status CheckReportPath(const std::string& path) {
  if (path.empty() || (path.ends_with(kEnding) && path.size() > kEnding.size())) return CheckOutPath(path);
  return Status(Code::kUsage, "--report '" + path + "': the name must end in .html",
                "the same name with .json is written beside it");
}

Status WriteReport(const std::string& path, const Profile& profile) {
  SLIPWAY_RETURN_IF_ERROR(WriteFile(path, ToHtml(profile)));
  const std::string json =
      ToJson(profile).dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  return WriteFile(path.substr(0, path.size() - kEnding.size()) + ".json", json);
}

}  // namespace slipway::cli
