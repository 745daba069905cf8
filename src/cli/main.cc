// `slipway`: the command line.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <system_error>

#include "api/load.h"
#include "base/nearest.h"
#include "base/system_error.h"
#include "cli/commands.h"
#include "cli/console.h"

namespace slipway::cli {
namespace {

constexpr AddCommandFn kCommands[] = {AddInspect, AddConvert, AddBuild,    AddRun,     AddBench,
                                      AddProfile, AddDetect,  AddClassify, AddSegment, AddServe,
                                      AddDoctor,  AddExtract, AddOps};

constexpr const char* kWelcome =
    "slipway takes a trained network to work. Five lines to get going (any .onnx, .tflite, .pb, model.json "
    "or .slip):\n"
    "  slipway inspect model.onnx                      what it takes, gives and is made of\n"
    "  slipway convert model.onnx -o model.slip        one file that runs anywhere\n"
    "  slipway detect model.slip photo.jpg --save out  boxes on a photo; classify and segment likewise\n"
    "  slipway bench model.slip                        how fast it is here\n"
    "  slipway --help                                  everything else\n";

// "--scroe": did you mean "--score"? Looks at the flags of the chosen subcommand, or at the subcommands.
std::string Suggest(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string nearest(Nearest(word, views));
  // "--thr" is far from "--threads" in letters, but its beginning.
  for (const std::string& name : names) {
    if (nearest.empty() && word.size() >= 5 && name.starts_with(word)) nearest = name;
  }
  return nearest.empty() ? "" : "did you mean '" + nearest + "'?";
}

int ReportParseError(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const CLI::App* chosen = &app;
  for (const CLI::App* sub : app.get_subcommands()) chosen = sub;
  std::string hint;
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
      dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    for (int i = 1; i < argc && hint.empty(); ++i) {
      const std::string word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
      if (word.rfind("--", 0) == 0 && chosen->get_option_no_throw(word) == nullptr)
        hint = Suggest(*chosen, word);
    }
    if (hint.empty() && chosen == &app && argc > 1) hint = Suggest(app, argv[1]);
  }
  const std::string name = chosen == &app ? "slipway" : "slipway " + chosen->get_name();
  PrintError(
      Status(Code::kUsage, error.what(), hint.empty() ? "'" + name + " --help' lists the flags" : hint));
  return static_cast<int>(Code::kUsage);
}

Status Perform(const Action& action) {
  try {
    return action();
  } catch (const std::bad_alloc&) {
    return Status(Code::kInvalidInput, "this machine has not enough memory for that",
                  "smaller inputs or a smaller batch need less; --input NAME[shape] and --dim set them");
  } catch (const std::system_error& error) {  // fmt::print, of an output that takes no more
    return Status(Code::kIo, error.what());
  }
}

// What was printed and never arrived, on a full disk for instance.
Status FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return Status::Ok();
  return SystemError("standard output", "write");
}

int Main(int argc, char** argv) {
  CLI::App app("slipway takes a trained neural network to work", "slipway");
  app.set_version_flag("--version", ProducerName());
  app.require_subcommand(0, 1);
  app.footer(
      "Exit status: 0 ok, 1 a defect of slipway, 2 usage, 3 not found, 4 broken model, 5 unsupported model,\n"
      "6 wrong input, 7 results differ, 8 input/output error.");
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no more is an error, with its name
  Action action;
  for (AddCommandFn add : kCommands) add(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ReportParseError(app, error, argc, argv);
  }
  if (!action) {
    std::fputs(kWelcome, stdout);
    return 0;
  }
  Status status = Perform(action);
  if (const Status written = FlushOutput(); status.ok()) status = written;
  if (status.ok()) return 0;
  PrintError(status);
  return static_cast<int>(status.code());
}

}  // namespace
}  // namespace slipway::cli

int main(int argc, char** argv) { return slipway::cli::Main(argc, argv); }
