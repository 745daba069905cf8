// Chooses a tactic for every node among those of the backends that fit: by name, by measured time, or by the
// cost model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/api/backend.h"
#include "build/timing_table.h"

namespace slipway {

// Which tactics may be chosen.
enum class Accuracy {
  kDefault,  // all
  kStrict,   // none that declares a relative error above kStrictRelativeError (Winograd)
};
inline constexpr double kStrictRelativeError = 1e-5;

// "f32", "bf16", "f16".
std::string NameOf(Precision precision);
// An error names all.
Result<Precision> PrecisionNamed(const std::string& name);
// Why none of the backends multiplies in it on this machine; nullopt: one does.
std::optional<std::string> WhyNo(Precision precision, const std::vector<const Backend*>& backends);

// What was chosen for one node, and why the others were not.
struct Choice {
  // A tactic that fits.
  struct Candidate {
    const Tactic* tactic = nullptr;
    double estimate_us = 0;         // the cost model's, on one thread
    std::optional<double> time_us;  // measured here
  };
  struct Rejection {
    std::string tactic;
    std::string reason;
  };

  const Tactic* tactic = nullptr;
  double estimate_us = 0;
  std::optional<double> time_us;
  std::vector<Candidate> candidates;  // the chosen one among them
  std::vector<Rejection> rejected;
};

// Whether `a` is to be chosen before `b`: measured times count before estimates, since what has none was left
// out of the measurement for its estimate.
bool IsBetter(const Choice::Candidate& a, const Choice::Candidate& b);

// The names of the chosen tactics.
std::vector<std::string> TacticNames(std::span<const Choice> choices);

struct ChooseOptions {
  Accuracy accuracy = Accuracy::kDefault;
  Precision precision = Precision::kF32;  // what may be chosen besides f32
  // Where it has a time for any tactic of a step, the fastest of those is taken. Null: the cost model alone.
  const TimingTable* timings = nullptr;
  // A tactic's name for every node, "" where it is to be chosen; empty: all are. A name that does not fit its
  // node is an error.
  std::span<const std::string> names = {};
};

// The node as tactics see it. The graph must outlive the step. An error names an unknown operator.
Result<Step> MakeStep(const Graph& graph, const Node& node);

// One choice per node. Backends are tried together; a node that none can run is an error that lists the
// reasons.
Result<std::vector<Choice>> ChooseTactics(const Graph& graph, const std::vector<const Backend*>& backends,
                                          const ChooseOptions& options = {});

// The backend of this name, and ref for what it cannot run unless `is_required`. An error names the backends
// that there are.
Result<std::vector<const Backend*>> BackendsNamed(const std::string& name, bool is_required);

}  // namespace slipway
