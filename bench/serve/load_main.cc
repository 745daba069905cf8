// slipway_load: a load for an HTTP server, and what came back.
//
// Exit status: 0 ok, 1 a request failed (without --allow-failures), 2 usage, 3 no such file, 8 input/output.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>

#include "serve/load.h"
#include "serve/report.h"

namespace slipway::serve {
namespace {

struct Flags {
  std::string url, body_path, content_type;
  std::vector<std::string> headers;
  bool is_json = false;
  bool has_same_body = false;
  bool allows_failures = false;
};

Result<std::string> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status(Code::kNotFound, "cannot open '" + path + "'", "--body wants a file");
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return Status(Code::kIo, "cannot read '" + path + "'", "--body wants a file");
  return bytes;
}

Status AddHeader(const std::string& line, LoadOptions& options) {
  const size_t colon = line.find(':');
  if (colon == std::string::npos) {
    return Status(Code::kUsage, "header '" + line + "': no colon in it", "write --header 'NAME: VALUE'");
  }
  const size_t value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
  options.headers.emplace_back(line.substr(0, colon), line.substr(value));
  return Status::Ok();
}

Status Complete(const CLI::App& app, const Flags& flags, LoadOptions& options) {
  SLIPWAY_ASSIGN_OR_RETURN(options.url, ParseUrl(flags.url));
  if (!flags.body_path.empty()) {
    SLIPWAY_ASSIGN_OR_RETURN(options.body, ReadAll(flags.body_path));
    if (app.count("--method") == 0) options.method = "POST";
  }
  if (!flags.content_type.empty()) options.headers.emplace_back("Content-Type", flags.content_type);
  for (const std::string& line : flags.headers) SLIPWAY_RETURN_IF_ERROR(AddHeader(line, options));
  if (flags.has_same_body) options.body_check = BodyCheck::kSameAsFirst;
  if (options.requests > 0 && app.count("--seconds") == 0) options.seconds = 24 * 3600;
  return Status::Ok();
}

void AddFlags(CLI::App& app, Flags& flags, LoadOptions& options) {
  app.add_option("url", flags.url, "http://HOST:PORT/PATH")->required();
  app.add_option("--body", flags.body_path, "file that every request carries");
  app.add_option("--content-type", flags.content_type, "of the body");
  app.add_option("--method", options.method, "GET, or POST where there is a body");
  app.add_option("--header", flags.headers, "'NAME: VALUE'; may be given several times")
      ->allow_extra_args(false);
  app.add_option("--connections", options.connections, "kept alive where the server keeps them (1)");
  app.add_option("--rate", options.rate, "requests a second, open loop: sent at a Poisson process' times");
  app.add_option("--seconds", options.seconds, "measure so long (10)");
  app.add_option("--requests", options.requests, "or until so many requests");
  app.add_option("--warmup", options.warmup_seconds, "seconds before that do not count");
  app.add_option("--timeout", options.timeout_seconds, "seconds until a request is given up (60)");
  app.add_option("--seed", options.seed, "of the open loop's times");
  app.add_flag("--same-body", flags.has_same_body, "a body unlike the first is a failure");
  app.add_flag("--allow-failures", flags.allows_failures, "exit status 0 although requests failed");
  app.add_flag("--json", flags.is_json, "one line of JSON");
}

int Report(const Status& status) {
  fmt::print(stderr, "error: {}\n", status.ToString());
  return static_cast<int>(status.code());
}

int Main(int argc, char** argv) {
  CLI::App app("asks an HTTP server again and again, and counts what comes back", "slipway_load");
  Flags flags;
  LoadOptions options;
  AddFlags(app, flags, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(Code::kUsage);
  }
  if (const Status status = Complete(app, flags, options); !status.ok()) return Report(status);
  const auto report = RunLoad(options);
  if (!report.ok()) return Report(report.status());
  fmt::print("{}", flags.is_json ? ReportJson(options, *report) : ReportText(options, *report));
  return report->Failures() > 0 && !flags.allows_failures ? 1 : 0;
}

}  // namespace
}  // namespace slipway::serve

int main(int argc, char** argv) { return slipway::serve::Main(argc, argv); }
