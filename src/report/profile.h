// What every step of a network does, how long it takes, and how near that is to what the machine can do.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "perf/peak.h"
#include "report/machine_facts.h"
#include "report/trace.h"
#include "runtime/engine.h"

namespace slipway {

// A tactic that fits a step.
struct Alternative {
  std::string tactic;
  double estimate_us = 0;         // the cost model's, on one thread
  std::optional<double> time_us;  // the tuner's, on data of its own
};

// The roof that a step comes nearest to.
struct NearestRoof {
  std::string name;     // "f32", "bf16", "int8" (arithmetic), or a MemoryLevel's
  double fraction = 0;  // of it, 1 is all
};

struct StepProfile {
  std::string node;
  std::string op;
  std::string tactic;
  std::vector<std::string> sources;  // names in the model's own file
  std::string shape;                 // of the first result: "f32[1,56,56,64]"
  std::string layout;                // "channels_last", "channels_first"; "" where the operator has none
  // Whose roof counts: "f32", "bf16", "int8"; "f16": that of f32, since no more products go into an
  // instruction.
  std::string arithmetic = "f32";
  bool moves_nothing = false;    // its result lies there already, or:
  std::optional<size_t> within;  // the step that does this one's work, and counts it as its own
  double us = 0;                 // median of the runs
  double estimate_us = 0;        // the cost model's, on one thread
  // What the tactic computes, a multiply-add counted as 2. nullopt: shapes that only the data decide.
  std::optional<double> flops;
  // What the operator is defined by: more than `flops` where an algorithm (Winograd) saves products.
  std::optional<double> defined_flops;
  std::optional<double> bytes;  // operands, each once
  std::vector<Alternative> alternatives;
  std::vector<Choice::Rejection> rejected;

  // 1e9 a second; nullopt where the count is unknown or nothing is done.
  std::optional<double> gflops() const { return Rate(flops); }
  std::optional<double> defined_gflops() const { return Rate(defined_flops); }
  std::optional<double> gbytes() const { return Rate(bytes); }

  // Set by CompareWithRoofs.
  std::optional<NearestRoof> roof;
  std::string error;  // not empty: the measurement cannot be right, and why

 private:
  std::optional<double> Rate(const std::optional<double>& count) const {
    if (!count || moves_nothing || us <= 0) return std::nullopt;
    return *count / us / 1e3;
  }
};

struct Profile {
  std::string model;  // as the user named it
  std::string backend;
  int threads = 1;
  MachineFacts machine;
  Peak peak;
  int runs = 0;
  double median_ms = 0;  // of a whole run, nobody watching
  int64_t arena_bytes = 0;
  int64_t weight_bytes = 0;
  std::vector<StepProfile> steps;  // in the order they run

  double steps_us() const;
  // Part of the time of all steps.
  double ShareOf(const StepProfile& step) const;
  double flops() const;
  // Indices of the steps, the slowest first.
  std::vector<size_t> SlowestFirst() const;
};

struct ProfileOptions {
  int runs = 30;       // at most
  double seconds = 3;  // about; at least 3 runs are made
  // One for every node, as the tactics were chosen: alternatives. May be empty.
  std::span<const Choice> choices = {};
  // Told of every step and thread of the last run; may be null.
  Tracer* tracer = nullptr;
};

// Runs the context. The inputs' shapes are those that count.
Result<Profile> MeasureProfile(const Engine& engine, Context& context, std::span<const Tensor> inputs,
                               const ProfileOptions& options);

// The roof of arithmetic, or of the nearest memory level whose rate the step's does not exceed, starting at
// the one that its operands fit; whichever it uses more of. Sets `error` where the rate is above what the
// machine can do.
void CompareWithRoofs(const Peak& peak, StepProfile& step);

}  // namespace slipway
