// Whether every way to run a graph gives the same.
//
// The yardstick is the interpreter on the graph as it is. Integers, bools and strings must be equal, floats
// close. Close is what the records allow: a number may differ by 1e-5 of its own size and 1e-6 of its
// tensor's largest; where it differs by more, the graph is interpreted again and again with every float
// shaken by what its record's tolerance lets a kernel differ (and every operand by 2e-6 of its size, for sums
// taken in another order), and the answer has to lie within what comes out, one width of it added on both
// sides. That bound follows each graph: it is narrow behind a Relu, wide where large numbers cancel, and
// takes in integers that a shaken operand would round the other way.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph_generator.h"
#include "slipway/status.h"

namespace slipway::fuzz {

enum class Mode {
  kRef,           // the engine on the ref backend: its memory plan, not its arithmetic
  kRefOptimized,  // after all passes
  kCpu,           // kernels without passes
  kCpuOptimized,  // with passes, one thread
  kCpuThreads,    // with passes, two threads; twice, to the bit
  kSlip,          // written to a .slip, read, run as kCpuOptimized
  kText,          // printed and parsed, run as kRef
  kOnnx,          // written as ONNX and imported, run as kRef; where ONNX has every operator
};
inline constexpr Mode kAllModes[] = {Mode::kRef,        Mode::kRefOptimized, Mode::kCpu,  Mode::kCpuOptimized,
                                     Mode::kCpuThreads, Mode::kSlip,         Mode::kText, Mode::kOnnx};
const char* ModeName(Mode mode);
std::optional<Mode> ParseMode(std::string_view name);

// What the interpreter gives: the yardstick.
Result<std::vector<Datum>> Wanted(const Sample& sample);
Result<std::vector<Datum>> RunAs(Mode mode, const Sample& sample);

// A difference in one line, or nothing. `num_shaken` counts the graphs for which the bound had to be found.
std::optional<std::string> Difference(const Sample& sample, const std::vector<Datum>& want,
                                      const Result<std::vector<Datum>>& got, int* num_shaken = nullptr);

// What differs as that mode; nothing when the interpreter refuses the sample.
std::optional<std::string> Check(Mode mode, const Sample& sample, int* num_shaken = nullptr);

// The smallest sample found that `differs` still holds of: outputs dropped, nodes cut off (what they computed
// becomes an input), shapes closed. It costs about as many calls as the graph has nodes and outputs, squared.
Sample Shrink(Sample sample, const std::function<bool(const Sample&)>& differs);

}  // namespace slipway::fuzz
