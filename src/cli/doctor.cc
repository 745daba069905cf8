// slipway doctor: does this deployment give the answers it was built with?
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/scalar.h"
#include "cli/commands.h"
#include "cli/golden.h"
#include "cli/model_flags.h"

namespace slipway::cli {
namespace {

// Largest difference and whether it stays within the tolerance: absolute + relative * largest |want|;
// integers and strings must be equal.
struct Difference {
  double largest = 0;
  double allowed = 0;
};

Difference Compare(const Tensor& got, const Tensor& want, const GoldenVector& golden) {
  Difference difference;
  if (got.dtype() != want.dtype() || got.dims() != want.dims()) return {INFINITY, 0};
  double scale = 0;
  for (int64_t i = 0; i < want.count(); ++i) {
    if (want.dtype() == DType::kString) {
      if (got.as<std::string>()[i] != want.as<std::string>()[i]) difference.largest = INFINITY;
      continue;
    }
    const double a = LoadReal(got.dtype(), got.data(), i);
    const double b = LoadReal(want.dtype(), want.data(), i);
    scale = std::max(scale, std::isfinite(b) ? std::fabs(b) : 0);
    const bool is_same = a == b || (std::isnan(a) && std::isnan(b));
    if (!is_same)
      difference.largest =
          std::isnan(a) || std::isnan(b) ? INFINITY : std::max(difference.largest, std::fabs(a - b));
  }
  if (IsFloat(want.dtype())) difference.allowed = golden.absolute + golden.relative * scale;
  return difference;
}

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
      const Difference difference = Compare(outputs[i], golden.outputs[i], golden);
      const bool is_ok = difference.largest <= difference.allowed;
      failures += !is_ok;
      fmt::print("{}  {}: {}  largest difference {:.3g}, allowed {:.3g}\n", is_ok ? "ok  " : "FAIL",
                 golden.name, engine->outputs()[i].name, difference.largest, difference.allowed);
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
