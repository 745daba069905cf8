// slipway run: arrays in, arrays out.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/npy.h"
#include "base/scalar.h"
#include "cli/array_inputs.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/model_flags.h"

namespace slipway::cli {
namespace {

struct RunFlags {
  ModelFlags model;
  std::vector<std::string> data;  // .npy in the order of inputs, or one .npz by name
  std::string out;
  uint64_t seed = 1;
};

std::string Summary(const Tensor& tensor) {
  if (tensor.dtype() == DType::kString || tensor.count() == 0) return "";
  double low = INFINITY, high = -INFINITY, sum = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = LoadReal(tensor.dtype(), tensor.data(), i);
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
  }
  return fmt::format("min {:.6g}  mean {:.6g}  max {:.6g}", low, sum / static_cast<double>(tensor.count()),
                     high);
}

Status CheckOut(const std::string& path, size_t num_outputs) {
  if (path.empty() || path.ends_with(".npz") || (path.ends_with(".npy") && num_outputs == 1))
    return Status::Ok();
  const bool is_npy = path.ends_with(".npy");
  return Status(
      Code::kUsage,
      is_npy ? "'" + path + "' can hold one array, the model has " + std::to_string(num_outputs) + " outputs"
             : "'" + path + "' is no name of an array file",
      is_npy ? "name it .npz" : "name it .npz, or .npy for a single output");
}

Status Run(const RunFlags& flags) {
  SLIPWAY_ASSIGN_OR_RETURN(LoadedModel loaded, flags.model.LoadToRun());
  PrintNotes(loaded.notes);
  const auto ranges = loaded.model.ranges;
  SLIPWAY_ASSIGN_OR_RETURN(auto engine, flags.model.MakeEngine(std::move(loaded)));
  SLIPWAY_RETURN_IF_ERROR(CheckOut(flags.out, engine->outputs().size()));
  std::vector<Tensor> inputs(engine->inputs().size());
  SLIPWAY_RETURN_IF_ERROR(ReadInputs(*engine, flags.data, inputs));
  FillInputs(*engine, ranges, flags.seed, inputs);
  auto context = engine->NewContext();
  SLIPWAY_ASSIGN_OR_RETURN(auto outputs, context->Run(inputs));
  std::vector<std::pair<std::string, Tensor>> named;
  for (size_t i = 0; i < outputs.size(); ++i) {
    fmt::print("{}  {}  {}\n", engine->outputs()[i].name, Describe(outputs[i]), Summary(outputs[i]));
    named.emplace_back(engine->outputs()[i].name, outputs[i]);
  }
  if (flags.out.empty()) return Status::Ok();
  if (flags.out.ends_with(".npy")) return WriteNpy(flags.out, named[0].second);
  return WriteNpz(flags.out, named);
}

}  // namespace

void AddRun(CLI::App& app, Action& action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App* command = app.add_subcommand("run", "run on arrays (.npy, .npz) or random numbers");
  flags->model.AddModel(command);
  command->add_option(
      "data", flags->data,
      "NAME=file.npy, file.npy in the order of inputs, or file.npz; for strings and bytes any file; "
      "none: random");
  command->add_option("-o,--out", flags->out, "write the outputs: .npz, or .npy for a single one");
  command->add_option("--seed", flags->seed, "of random inputs")->capture_default_str();
  flags->model.AddEngine(command);
  command->callback([&action, flags] { action = [flags] { return Run(*flags); }; });
}

}  // namespace slipway::cli
