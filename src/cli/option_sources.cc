#include "cli/option_sources.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <vector>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

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

// What a value of an option is in TOML.
enum class Kind { kText, kInteger, kNumber, kTruth };

Kind KindOf(const CLI::Option& option) {
  if (option.get_expected_min() == 0) return Kind::kTruth;
  // "INT:INT in [0 - 65535]": the type, and what is checked.
  const std::string type = option.get_type_name();
  if (type.starts_with("INT") || type.starts_with("UINT")) return Kind::kInteger;
  return type.starts_with("FLOAT") ? Kind::kNumber : Kind::kText;
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kText: return "a string";
    case Kind::kInteger: return "an integer";
    case Kind::kNumber: return "a number";
    case Kind::kTruth: return "true or false";
  }
  return "";
}

// "a string, "x"", as messages call a value that is of the wrong kind.
std::string Describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return "the string \"" + text->get() + "\"";
  if (const auto* integer = node.as_integer()) return fmt::format("the integer {}", integer->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("the number {}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (node.is_array()) return "a list";
  return node.is_table() ? "a table" : "a date or time";
}

// As the command line would have it; nothing where it is of another kind.
std::optional<std::string> TextOf(const toml::node& node, Kind kind) {
  const auto* integer = node.as_integer();
  switch (kind) {
    case Kind::kText: return node.value_exact<std::string>();
    case Kind::kTruth:
      if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
      return std::nullopt;
    case Kind::kNumber:
      if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
      [[fallthrough]];
    case Kind::kInteger: return integer == nullptr ? std::nullopt : std::optional(std::to_string(**integer));
  }
  return std::nullopt;
}

// The values of one key, for an option that takes one, or several.
Result<std::vector<std::string>> TextsOf(const std::string& key, const toml::node& node,
                                         const CLI::Option& option) {
  const Kind kind = KindOf(option);
  const toml::array* list = option.get_expected_max() > 1 ? node.as_array() : nullptr;
  if (list != nullptr && list->empty())
    return Status(Code::kUsage, key + " is an empty list", "leave the line out where there is none");
  std::vector<std::string> texts;
  for (size_t i = 0; i < (list == nullptr ? 1 : list->size()); ++i) {
    const toml::node& value = list == nullptr ? node : *list->get(i);
    const auto text = TextOf(value, kind);
    if (!text) return Status(Code::kUsage, key + " takes " + NameOf(kind) + ", and not " + Describe(value));
    texts.push_back(*text);
  }
  return texts;
}

Status Give(CLI::Option& option, const std::string& key, const std::vector<std::string>& texts) {
  try {
    for (const std::string& text : texts)
      option.add_result(KindOf(option) == Kind::kTruth ? option.get_flag_value(key, text) : text);
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    return Status(Code::kUsage, error.what());
  }
  return Status::Ok();
}

Status Take(const std::string& key, const toml::node& node, const std::vector<std::string>& keys,
            CLI::App& command) {
  if (std::ranges::find(keys, key) == keys.end()) {
    const std::vector<std::string_view> known(keys.begin(), keys.end());
    return Status(Code::kUsage,
                  std::string("unknown ") + (node.is_table() ? "table" : "key") + " '" + key + "'" +
                      DidYouMean(key, known),
                  "keys are flags without dashes, and in no table: port = 8000, api-key = [\"a\", \"b\"]");
  }
  CLI::Option& option = *FindOption(command, key);
  SLIPWAY_ASSIGN_OR_RETURN(const std::vector<std::string> texts, TextsOf(key, node, option));
  if (option.count() > 0) return Status::Ok();  // the command line and the environment come first
  return Give(option, key, texts);
}

std::string PlaceOf(const std::string& path, const toml::source_region& source) {
  return fmt::format("'{}' line {}", path, source.begin.line);
}

}  // namespace

Status ReadOptionsFrom(const std::string& path, CLI::App& command) {
  SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  if (text.size() > kMaxConfigBytes) {
    return Status(Code::kUsage, "'" + path + "' has " + std::to_string(text.size()) +
                                    " bytes, more than any configuration");
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return Status(Code::kUsage, PlaceOf(path, parsed.error().source()) +
                                    " is no TOML: " + std::string(parsed.error().description()));
  }
  // In the file's order, so that the first error is told.
  std::vector<std::pair<std::string, const toml::node*>> lines;
  for (const auto& [key, node] : parsed.table()) lines.emplace_back(key.str(), &node);
  std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.second->source().begin.line; });
  const std::vector<std::string> keys = KeysOf(command);
  for (const auto& [key, node] : lines) {
    if (const Status status = Take(key, *node, keys, command); !status.ok())
      return status.WithContext(PlaceOf(path, node->source()));
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
