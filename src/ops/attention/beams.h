// Beams of a text being generated, and the finished texts of one prompt (the search of Hugging Face's
// transformers, which onnxruntime's BeamSearch follows).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slipway {

using Tokens = std::vector<int64_t>;

struct Beam {
  Tokens tokens;       // prompt included
  double score = 0;    // sum of the log probabilities of what was generated
  int64_t source = 0;  // beam of the step before that it continues
};

// How scores of texts of different length compare, and when a prompt is done.
struct BeamRules {
  int64_t num_beams = 1;
  int64_t eos = 0;
  int64_t pad = 0;
  int64_t min_length = 0;
  int64_t no_repeat_ngram = 0;
  double length_penalty = 1;
  double repetition_penalty = 1;
  bool is_early_stopping = false;
};

// One prompt: its beams, best first, and the best `num_beams` finished texts.
class BeamGroup {
 public:
  BeamGroup(const BeamRules& rules, const Tokens& prompt);

  bool is_done() const { return is_done_; }
  const std::vector<Beam>& beams() const { return beams_; }

  // log_probabilities: one row per beam; the best continuations become the beams.
  void Step(std::vector<std::vector<double>> log_probabilities);
  // Beams still open count as finished; the `count` best texts, best first.
  std::vector<Beam> Finish(int64_t count);

 private:
  void Process(const Beam& beam, std::vector<double>& row) const;
  void AddFinished(Beam beam);
  double Normalised(double score, size_t length) const;

  BeamRules rules_;
  std::vector<Beam> beams_;
  std::vector<Beam> finished_;  // score: normalised by length; best first
  bool is_done_ = false;
};

}  // namespace slipway
