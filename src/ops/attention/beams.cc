#include "ops/attention/beams.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace slipway {
namespace {

constexpr double kNever = -static_cast<double>(std::numeric_limits<float>::max());
// Beams beside the first start far behind it: they are copies of the same prompt.
constexpr double kFarBehind = -1e9;

struct Candidate {
  double score;
  int64_t beam;
  int64_t token;
};

// The best `count` continuations of all beams, best first; equal ones in the order of beam and token.
std::vector<Candidate> BestOf(const std::vector<std::vector<double>>& scores, size_t count) {
  std::vector<Candidate> all;
  for (size_t beam = 0; beam < scores.size(); ++beam) {
    for (size_t token = 0; token < scores[beam].size(); ++token) {
      const double score =
          std::isnan(scores[beam][token]) ? kNever : scores[beam][token];  // NaN has no order
      all.push_back({score, static_cast<int64_t>(beam), static_cast<int64_t>(token)});
    }
  }
  count = std::min(count, all.size());
  const auto is_better = [](const Candidate& a, const Candidate& b) {
    if (a.score != b.score) return a.score > b.score;
    return a.beam != b.beam ? a.beam < b.beam : a.token < b.token;
  };
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), is_better);
  all.resize(count);
  return all;
}

}  // namespace

BeamGroup::BeamGroup(const BeamRules& rules, const Tokens& prompt) : rules_(rules) {
  for (int64_t i = 0; i < rules.num_beams; ++i) beams_.push_back({prompt, i == 0 ? 0 : kFarBehind, i});
}

// Penalties and bans on the log probabilities of what may follow `beam`.
void BeamGroup::Process(const Beam& beam, std::vector<double>& row) const {
  const auto at = [&](int64_t token) -> double* {
    return token >= 0 && token < static_cast<int64_t>(row.size()) ? &row[static_cast<size_t>(token)]
                                                                  : nullptr;
  };
  if (rules_.repetition_penalty != 1) {
    for (int64_t token : std::set<int64_t>(beam.tokens.begin(), beam.tokens.end())) {
      if (double* score = at(token))
        *score *= *score < 0 ? rules_.repetition_penalty : 1 / rules_.repetition_penalty;
    }
  }
  const auto n = static_cast<size_t>(rules_.no_repeat_ngram);
  if (n > 0 && beam.tokens.size() >= n) {
    const auto last = beam.tokens.end() - static_cast<std::ptrdiff_t>(n - 1);
    for (size_t i = 0; i + n <= beam.tokens.size(); ++i) {
      const auto first = beam.tokens.begin() + static_cast<std::ptrdiff_t>(i);
      if (!std::equal(last, beam.tokens.end(), first)) continue;
      if (double* score = at(beam.tokens[i + n - 1])) *score = kNever;
    }
  }
  if (static_cast<int64_t>(beam.tokens.size()) < rules_.min_length) {
    if (double* score = at(rules_.eos)) *score = kNever;
  }
}

double BeamGroup::Normalised(double score, size_t length) const {
  return score / std::pow(static_cast<double>(length), rules_.length_penalty);
}

void BeamGroup::AddFinished(Beam beam) {
  beam.score = Normalised(beam.score, beam.tokens.size());
  const auto place = std::find_if(finished_.begin(), finished_.end(),
                                  [&](const Beam& other) { return other.score < beam.score; });
  finished_.insert(place, std::move(beam));
  if (static_cast<int64_t>(finished_.size()) > rules_.num_beams) finished_.pop_back();
}

void BeamGroup::Step(std::vector<std::vector<double>> log_probabilities) {
  if (is_done_) {  // goes on idly, so that the batch keeps its shape
    for (size_t i = 0; i < beams_.size(); ++i) {
      beams_[i].tokens.push_back(rules_.pad);
      beams_[i].source = static_cast<int64_t>(i);
    }
    return;
  }
  for (size_t i = 0; i < beams_.size(); ++i) {
    Process(beams_[i], log_probabilities[i]);
    for (double& score : log_probabilities[i]) score += beams_[i].score;
  }
  const size_t length = beams_[0].tokens.size();
  const std::vector<Candidate> candidates = BestOf(log_probabilities, 2 * beams_.size());
  const double best = candidates.empty() ? kNever : candidates[0].score;
  std::vector<Beam> next;
  for (size_t rank = 0; rank < candidates.size() && next.size() < beams_.size(); ++rank) {
    const Candidate& candidate = candidates[rank];
    Beam beam = beams_[static_cast<size_t>(candidate.beam)];
    beam.score = candidate.score;
    beam.source = candidate.beam;
    if (candidate.token == rules_.eos) {
      if (rank < beams_.size()) AddFinished(std::move(beam));
      continue;
    }
    beam.tokens.push_back(candidate.token);
    next.push_back(std::move(beam));
  }
  while (next.size() < beams_.size()) {  // fewer continuations than beams: a tiny vocabulary
    Beam beam = beams_[0];
    beam.tokens.push_back(rules_.pad);
    beam.score = kNever;
    beam.source = 0;
    next.push_back(std::move(beam));
  }
  beams_ = std::move(next);
  if (static_cast<int64_t>(finished_.size()) < rules_.num_beams) return;
  is_done_ = rules_.is_early_stopping || finished_.back().score >= Normalised(best, length);
}

std::vector<Beam> BeamGroup::Finish(int64_t count) {
  if (!is_done_) {
    for (const Beam& beam : beams_) AddFinished(beam);
  }
  if (static_cast<int64_t>(finished_.size()) > count) finished_.resize(static_cast<size_t>(count));
  return finished_;
}

}  // namespace slipway
