// The `null` backend: a skeleton to copy. Its one tactic fits nothing and says so.
//
// To make a backend: copy this folder, rename, list it in backends.inc, and give it a tactic for one kind of
// step after the other; what it lacks, ref runs (docs/adding_a_backend.md).
#include "backends/api/backend.h"

namespace slipway {
namespace {

class NullTactic : public Tactic {
 public:
  std::string name() const override { return "null/none"; }
  std::optional<std::string> WhyNot(const Step&) const override { return "the null backend runs nothing"; }
  double EstimateUs(const Step&) const override { return 0; }
  Result<std::unique_ptr<Kernel>> Make(const Step& step) const override {
    return Status(Code::kUnsupported, "the null backend cannot run '" + step.node->name + "'");
  }
};

}  // namespace

Backend MakeNullBackend() {
  static const NullTactic tactic;
  return {"null", "a skeleton to copy; runs nothing", {&tactic}};
}

}  // namespace slipway
