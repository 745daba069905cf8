#include "cli/option_sources.h"

#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/nearest.h"

namespace slipway::cli {
namespace {

constexpr size_t kMaxConfigBytes = 1 << 20;

// Of options that a file may set: not those that name it, or that stop the program.
std::vector<std::string> KeysOf(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (option->get_configurable() && name != "help" && name != "config") keys.push_back(name);
  }
  return keys;
}

CLI::Option* FindOption(CLI::App& command, const std::string& key) {
  CLI::Option* named = command.get_option_no_throw("--" + key);
  return named != nullptr ? named : command.get_option_no_throw(key);
}

Status UnknownKey(const CLI::ConfigItem& item, const std::vector<std::string>& keys) {
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  return Status(
      Code::kUsage, "unknown key '" + item.fullname() + "'" + DidYouMean(item.name, views),
      "keys are flags without dashes, values stand on one line: port = 8000, api-key = [\"a\", \"b\"]");
}

// May throw what CLI11 says of a wrong value.
void Give(CLI::Option& option, const CLI::ConfigItem& item) {
  const bool is_flag = option.get_expected_min() == 0;
  if (is_flag)
    option.add_result(option.get_flag_value(item.name, CLI::ConfigTOML().to_flag(item)));
  else
    option.add_result(item.inputs);
  option.run_callback();
}

Status Take(const CLI::ConfigItem& item, const std::vector<std::string>& keys, CLI::App& command) {
  const bool is_known = item.parents.empty() && std::find(keys.begin(), keys.end(), item.name) != keys.end();
  if (!is_known) return UnknownKey(item, keys);
  CLI::Option* option = FindOption(command, item.name);
  if (option->count() > 0) return Status::Ok();  // the command line and the environment come first
  try {
    Give(*option, item);
  } catch (const CLI::ParseError& error) {
    return Status(Code::kUsage, error.what());
  }
  return Status::Ok();
}

}  // namespace

Status ReadOptionsFrom(const std::string& path, CLI::App& command) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (text.size() > kMaxConfigBytes) {
    return Status(Code::kUsage, "'" + path + "' has " + std::to_string(text.size()) +
                                    " bytes, more than any configuration");
  }
  const auto is_strange = [](unsigned char c) { return c < ' ' && c != '\n' && c != '\r' && c != '\t'; };
  if (std::ranges::any_of(text, is_strange)) return Status(Code::kUsage, "'" + path + "' is no text file");
  std::vector<CLI::ConfigItem> items;
  try {
    std::istringstream in(text);
    items = CLI::ConfigTOML().from_config(in);
  } catch (const CLI::Error& error) {
    return Status(Code::kUsage, "'" + path + "': " + error.what());
  }
  const std::vector<std::string> keys = KeysOf(command);
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of a table's begin and end
    if (const Status status = Take(item, keys, command); !status.ok())
      return status.WithContext("'" + path + "'");
  }
  return Status::Ok();
}

Status CheckEnvironment(const std::string& prefix, const CLI::App& command) {
  std::vector<std::string_view> known;
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) names.push_back(option->get_envname());
  known.assign(names.begin(), names.end());
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const std::string_view name = text.substr(0, text.find('='));
    if (!name.starts_with(prefix)) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      // CLI11 takes it for one that is not set.
      if (text.size() > name.size() + 1) continue;
      return Status(Code::kUsage, "the environment sets '" + std::string(name) + "' to nothing",
                    "give it a value, or unset it");
    }
    return Status(
        Code::kUsage,
        "the environment sets '" + std::string(name) + "', which is no option" + DidYouMean(name, known),
        "unset it (Kubernetes sets such variables for a service: enableServiceLinks: false)");
  }
  return Status::Ok();
}

}  // namespace slipway::cli
