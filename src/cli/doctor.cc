// slipway doctor: does this deployment give the answers it was built with?
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/golden.h"
#include "cli/model_flags.h"

namespace slipway::cli {
namespace {

Status Doctor(const ModelFlags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.Load());
  // Other formats carry none: the reference backend's answers, made now, stand in for them.
  if (!loaded.was_slip) SLIPWAY_RETURN_IF_ERROR(AddGolden(loaded.model));
  if (loaded.model.golden.empty()) {
    return Status(Code::kUsage, "'" + flags.model + "' holds no golden vectors",
                  loaded.was_slip ? "convert its source again, without --no-golden"
                                  : "its inputs have open extents: fix them with --dim NAME=extent");
  }
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, flags.MakeEngine(loaded));
  auto context = engine->NewContext();
  int failures = 0;
  for (const GoldenVector& golden : loaded.model.golden) {
    context->ResetStates();
    SLIPWAY_ASSIGN_OR_RETURN(auto outputs, context->Run(golden.inputs));
    if (outputs.size() != golden.outputs.size())
      return Status(Code::kInvalidModel, "a golden vector has the wrong number of outputs");
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Tensor& want = golden.outputs[i];
      const GoldenDifference difference = DifferenceOf(outputs[i], want);
      const double allowed = GoldenDifference::AllowedBy(golden, want.dtype(), difference.scale);
      const bool is_ok = difference.largest <= allowed;
      failures += !is_ok;
      fmt::print("{}  {}: {}  largest difference {:.3g}, allowed {:.3g}\n", is_ok ? "ok  " : "FAIL",
                 golden.name, engine->outputs()[i].name, difference.largest, allowed);
    }
  }
  if (failures == 0) return Status::Ok();
  return Status(Code::kMismatch, std::to_string(failures) + " outputs differ from the golden vectors",
                "try --backend ref; if that is right, report the processor and the model");
}

}  // namespace

void AddDoctor(CLI::App& app, Action& action) {
  auto flags = std::make_shared<ModelFlags>();
  CLI::App* command = app.add_subcommand(
      "doctor",
      "check a model on this machine: against a .slip file's golden vectors, else the reference backend");
  flags->AddModel(command);
  flags->AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return Doctor(*flags); }; });
}

}  // namespace slipway::cli
