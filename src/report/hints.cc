#include "report/hints.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway {
namespace {

constexpr double kWorthWords = 0.02;  // part of the time
// A loop that is shared out costs about as much as it saves.
constexpr double kSmallStepUs = 5;
// Cores that share a cache are nearer.
constexpr double kFarNs = 250;

struct Sum {
  size_t count = 0;
  double us = 0;
  double flops = 0;
  std::vector<std::string> ops;  // each once, as they come
};

template <class Wanted>
Sum SumOf(const Profile& profile, const Wanted& wanted) {
  Sum sum;
  for (size_t i = 0; i < profile.steps.size(); ++i) {
    const StepProfile& step = profile.steps[i];
    if (step.moves_nothing || !wanted(i, step)) continue;
    ++sum.count;
    sum.us += step.us;
    sum.flops += step.flops.value_or(0);
    if (std::ranges::find(sum.ops, step.op) == sum.ops.end()) sum.ops.push_back(step.op);
  }
  return sum;
}

// "Foo, Bar and 3 more"
std::string OpsText(const std::vector<std::string>& ops) {
  constexpr size_t kMost = 3;
  std::string text;
  for (size_t i = 0; i < std::min(ops.size(), kMost); ++i) text += (i > 0 ? ", " : "") + ops[i];
  return ops.size() > kMost ? text + fmt::format(" and {} more", ops.size() - kMost) : text;
}

std::string TimeText(const Profile& profile, const Sum& sum) {
  return fmt::format("{:.2f} ms a run ({:.0f} %)", sum.us / 1e3, 100 * sum.us / profile.steps_us());
}

// "1 step runs", "3 steps run"
std::string Counted(size_t count, const char* noun, const char* verb) {
  return count == 1 ? fmt::format("1 {} {}s", noun, verb) : fmt::format("{} {}s {}", count, noun, verb);
}

}  // namespace

std::vector<std::string> HintsFor(const Profile& profile) {
  std::vector<std::string> hints;
  const double worth_us = kWorthWords * profile.steps_us();
  if (profile.backend != "ref") {
    const Sum slow =
        SumOf(profile, [](size_t, const StepProfile& step) { return step.tactic.starts_with("ref/"); });
    if (slow.count > 0 && slow.us >= worth_us) {
      hints.push_back(
          fmt::format("{} on reference code, {}: {}; 'slipway inspect MODEL --why NODE' says what "
                      "kernels they lack",
                      Counted(slow.count, "step", "run"), TimeText(profile, slow), OpsText(slow.ops)));
    }
  }
  const Sum transposes = SumOf(profile, [&](size_t i, const StepProfile& step) {
    return step.op == "Transpose" && i > 0 && i + 1 < profile.steps.size();
  });
  if (transposes.count > 0 && transposes.us >= worth_us) {
    hints.push_back(fmt::format(
        "{} within the network, {}: an operator near each insists on the model's own order of axes",
        Counted(transposes.count, "Transpose", "stand"), TimeText(profile, transposes)));
  }
  const Sum int8 = SumOf(profile, [](size_t, const StepProfile& step) {
    return step.arithmetic == "int8" && step.flops.value_or(0) > 1e6;
  });
  if (int8.us > 0.3 * profile.steps_us() && int8.flops / int8.us / 1e3 < 0.5 * profile.peak.f32_gflops) {
    hints.push_back(fmt::format(
        "its 8-bit products run at {:.0f} Gop/s, where f32 does up to {:.0f}: the same model in f32 "
        "may be faster here",
        int8.flops / int8.us / 1e3, profile.peak.f32_gflops));
  }
  const int cores = profile.machine.cores;
  if (profile.threads > cores) {
    hints.push_back(fmt::format("{} threads on {} core{} take turns: --threads {}", profile.threads, cores,
                                cores == 1 ? "" : "s", cores));
  } else if (profile.threads > 1) {
    const Sum small = SumOf(profile, [](size_t, const StepProfile& step) { return step.us < kSmallStepUs; });
    if (small.us >= 0.1 * profile.steps_us()) {
      hints.push_back(
          fmt::format("{} less than {:.0f} us, {}: more threads do not shorten them; try --threads 1",
                      Counted(small.count, "step", "take"), kSmallStepUs, TimeText(profile, small)));
    }
  }
  if (profile.threads > 1 && profile.peak.round_trip_ns > kFarNs) {
    hints.push_back(fmt::format(
        "{:.0f} ns from one core to another and back: they share no cache now, and threads wait for each "
        "other's data; where you can choose, give it cores of one chip",
        profile.peak.round_trip_ns));
  }
  return hints;
}

}  // namespace slipway
