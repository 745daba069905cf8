// The .slip file: graph, weights, manifest, golden vectors, tuned sections. docs/slip_format.md has the
// bytes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/packed_array.h"
#include "ir/graph.h"
#include "manifest/manifest.h"

namespace slipway {

// Inputs with the outputs they must give.
struct GoldenVector {
  std::string name;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  float relative = 1e-4f;  // |got - want| <= absolute + relative * largest |want|
  float absolute = 1e-6f;
};

// What was chosen and packed for one machine: build/section.h makes and uses it.
struct TunedSection {
  struct Step {
    std::string tactic;
    std::vector<PackedPart> parts;
  };
  std::string target;
  std::vector<Step> steps;      // one per node of the graph
  std::vector<ValueId> unread;  // constants, ascending: all their readers have them packed
};

// Bytes of the file whose checksum has not been looked at.
struct UnreadBytes {
  std::span<const uint8_t> bytes;
  uint32_t crc32 = 0;
  std::shared_ptr<const void> owner;
};

struct SlipModel {
  std::string producer;       // "slipway 0.1.0"
  std::string source_format;  // "onnx", "tflite", ...
  Graph graph;
  std::optional<Manifest> manifest;
  std::vector<GoldenVector> golden;
  std::vector<TunedSection> tuned;
  std::map<std::string, DimRange> ranges;  // of dimensions of the inputs, by symbol; missing: any extent
  // Constants whose elements all are halves are stored as such (plan/half_weights.h).
  bool has_half_weights = false;
  // Constants and golden vectors that SlipReadOptions::target made needless: see CheckUnread.
  std::vector<UnreadBytes> unread;
};

inline constexpr std::string_view kSlipMagic{"SLIPWAY\0", 8};
inline constexpr uint32_t kSlipVersion = 2;

bool LooksLikeSlip(std::span<const uint8_t> bytes);

// Names of the symbolic dimensions of the graph's inputs, each once.
std::vector<std::string> InputSymbols(const Graph& graph);

// The file's bytes. Equal models give equal bytes; writing what was read gives the same file.
Result<std::string> FormatSlip(const SlipModel& model);
Status WriteSlip(const std::string& path, const SlipModel& model);

struct SlipReadOptions {
  // The tuned section that will be used. If the file has it, the bytes of what it makes needless (its unread
  // constants, golden vectors, other sections) are not read, nor are their checksums looked at:
  // SlipModel::unread has those of constants and golden vectors.
  std::string target = {};
  bool skips_checksums = false;  // of the data; for fuzzing
};

// Verified before use: bounds, checksums, order of nodes, operators and attributes, shapes and sizes. Of
// tuned sections: that their parts lie inside the file. Constants and parts alias the mapped file, or the
// bytes that `owner` keeps alive, aligned as pages or kSlipAlignment are; null: a copy of them is made.
Result<SlipModel> ReadSlip(const std::string& path, const SlipReadOptions& options = {});
Result<SlipModel> ParseSlip(std::span<const uint8_t> bytes, std::shared_ptr<const void> owner,
                            const SlipReadOptions& options = {});

// Catches up on the checksums that reading for a target left out. REQUIRED before anything uses the constants
// that the section makes needless, or golden vectors.
Status CheckUnread(std::span<const UnreadBytes> unread);

}  // namespace slipway
