// slipway ops: the operator manual, from the records.
#include <fmt/format.h>

#include <map>

#include "base/nearest.h"
#include "cli/commands.h"
#include "ops/manual.h"
#include "ops/op.h"

namespace slipway::cli {

void AddOps(CLI::App& app, Action& action) {
  struct Flags {
    std::string name;
    bool is_markdown = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("ops", "the operator manual");
  command->add_option("name", flags->name, "one operator; none: all, a line each");
  command->add_flag("--markdown", flags->is_markdown, "the whole manual as Markdown (docs/operators.md)");
  command->callback([&action, flags] {
    action = [flags]() -> Status {
      if (flags->is_markdown) {
        fmt::print("{}", OperatorManual());
        return Status::Ok();
      }
      if (flags->name.empty()) {
        for (const OpDef& op : AllOps()) fmt::print("{:<24} {}\n", op.name, op.summary);
        return Status::Ok();
      }
      const OpDef* op = FindOp(flags->name);
      if (op == nullptr) {
        std::vector<std::string_view> names;
        for (const OpDef& each : AllOps()) names.push_back(each.name);
        return Status(Code::kUsage,
                      "no operator is called '" + flags->name + "'" + DidYouMean(flags->name, names),
                      "'slipway ops' lists them");
      }
      fmt::print("{}", DescribeOp(*op));
      return Status::Ok();
    };
  });
}

}  // namespace slipway::cli
