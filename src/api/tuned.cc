#include "api/tuned.h"

#include "build/section.h"

namespace slipway {
namespace {

// The command that builds for these options.
std::string BuildCommand(const std::string& path, const EngineOptions& options) {
  std::string command = "slipway build '" + path + "' -o '" + path + "'";
  if (options.num_threads > 0) command += " --threads " + std::to_string(options.num_threads);
  if (options.backend != "cpu") command += " --backend " + options.backend;
  if (options.accuracy == Accuracy::kStrict) command += " --accuracy strict";
  if (options.precision != Precision::kF32) command += " --precision " + NameOf(options.precision);
  return command;
}

std::string ForeignNote(const SlipModel& model, const std::string& target) {
  std::string note = "'" + target + "' is not among the machines that this file is tuned for:";
  for (const TunedSection& section : model.tuned) note += " '" + section.target + "'";
  return note;
}

Status WithPath(const Status& status, const std::string& path) {
  return status.ok() ? status : status.WithContext("'" + path + "'");
}

}  // namespace

Result<std::string> TargetOf(const EngineOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsNamed(options.backend, options.is_backend_required));
  return SectionTarget(backends, options.ThreadCount(), options.accuracy, options.precision);
}

Status UseTunedSection(const SlipModel& model, const std::string& path, EngineOptions& options,
                       std::string& note) {
  if (model.tuned.empty()) return Status::Ok();
  SLIPWAY_ASSIGN_OR_RETURN(const std::string target, TargetOf(options));
  const TunedSection* section = FindSection(model, target);
  if (section == nullptr) {
    note = ForeignNote(model, target) + "; to tune it for this one: " + BuildCommand(path, options);
    return WithPath(CheckUnread(model.unread), path);
  }
  SLIPWAY_ASSIGN_OR_RETURN(const auto backends, BackendsFor(model.graph, options));
  const Status fits = CheckSection(*section, model.graph, backends,
                                   {.accuracy = options.accuracy, .precision = options.precision});
  if (!fits.ok()) {
    note = "the tuned section of '" + path + "' is passed over: " + fits.message() +
           "; build again: " + BuildCommand(path, options);
    return WithPath(CheckUnread(model.unread), path);
  }
  for (const TunedSection::Step& step : section->steps) {
    options.tactics.push_back(step.tactic);
    options.packed.push_back(step.parts);
  }
  options.check_constants = [unread = model.unread, path] { return WithPath(CheckUnread(unread), path); };
  return Status::Ok();
}

}  // namespace slipway
