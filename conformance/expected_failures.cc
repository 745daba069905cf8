#include "expected_failures.h"

#include <set>
#include <sstream>

#include "base/file.h"

namespace slipway::conformance {
namespace {

constexpr std::string_view kGenerated = "not yet: ";

std::string Keyed(const std::string& name, const std::string& backend) { return name + " @" + backend; }

// "interpret" stands for every backend: the records' references are what all of them fall back to.
bool IsForAll(const std::string& backend) { return backend == "interpret"; }

}  // namespace

Result<ExpectedFailures> ExpectedFailures::Read(const std::string& path) {
  ExpectedFailures list;
  auto text = ReadFile(path);
  if (!text.ok()) {
    return text.status().code() == Code::kNotFound ? Result<ExpectedFailures>(list) : text.status();
  }
  std::istringstream lines(*text);
  std::string reason;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos || line[start] == '#') continue;
    if (start == 0) {
      reason = line;
      continue;
    }
    if (reason.empty() || !list.reasons_.emplace(line.substr(start), reason).second) {
      return Status(Code::kInvalidInput, path + ":" + std::to_string(number) + ": '" + line.substr(start) +
                                             "' has no reason, or stands in the list twice");
    }
  }
  return list;
}

Status ExpectedFailures::Write(const std::string& path) const {
  std::map<std::string, std::set<std::string>> by_reason;
  for (const auto& [name, reason] : reasons_) by_reason[reason].insert(name);
  std::string text =
      "# Cases of ONNX's backend test data that do not pass yet, by reason. See expected_failures.h.\n";
  for (const auto& [reason, names] : by_reason) {
    text += "\n" + reason + "\n";
    for (const std::string& name : names) text += "  " + name + "\n";
  }
  return WriteFile(path, std::string_view(text));
}

std::string ExpectedFailures::ReasonFor(const std::string& name, const std::string& backend) const {
  auto found = reasons_.find(name);
  if (found == reasons_.end()) found = reasons_.find(Keyed(name, backend));
  return found == reasons_.end() ? std::string() : found->second;
}

void ExpectedFailures::Set(const std::string& name, const std::string& backend, const std::string& reason) {
  const std::string known = ReasonFor(name, backend);
  if (!known.empty() && (!known.starts_with(kGenerated) || !IsForAll(backend))) return;
  reasons_[IsForAll(backend) ? name : Keyed(name, backend)] = std::string(kGenerated) + reason;
}

void ExpectedFailures::Remove(const std::string& name, const std::string& backend) {
  if (IsForAll(backend)) reasons_.erase(name);
  reasons_.erase(Keyed(name, backend));
}

}  // namespace slipway::conformance
