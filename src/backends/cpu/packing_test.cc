// What tactics pack of the constants of their operators' cases, by checksum: testdata/packing.txt. Tuned
// sections of .slip files hold packed constants, which kernels take as they find them; so where one packs
// another way, the version of the kernels must rise.
//
// Machines that cannot run a form can still pack it: one golden text holds for all instruction sets. A line
// names a case, a tactic, the form of 8-bit dot products where the case has any, and the checksums of the
// constants and of what was packed. `make approve` (SLIPWAY_APPROVE=1) takes over lines of new cases and
// constants, and other checksums only with another version.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "backends/api/packed_inputs.h"
#include "backends/cpu/kernels/quantized/dot.h"
#include "base/crc32.h"
#include "base/file.h"
#include "build/choose.h"
#include "build/machine.h"
#include "ops/case_scene.h"

namespace slipway {
namespace {

constexpr uint32_t kSeed = 20261129;
constexpr char kPath[] = SLIPWAY_SOURCE_DIR "/src/backends/cpu/testdata/packing.txt";

// By case, tactic, form and constants: the checksum of what was packed.
using Checksums = std::map<std::string, std::string>;

struct Golden {
  int version = 0;
  Checksums checksums;
};

std::string Print(const Golden& golden) {
  std::string text = fmt::format("kernels {}\n", golden.version);
  for (const auto& [key, checksum] : golden.checksums) text += key + " " + checksum + "\n";
  return text;
}

Golden ReadGolden() {
  Golden golden;
  const auto text = ReadFile(kPath);
  std::istringstream lines(text.ok() ? *text : "");
  std::string line;
  if (std::getline(lines, line)) golden.version = std::atoi(line.substr(line.rfind(' ') + 1).c_str());
  while (std::getline(lines, line)) {
    const size_t end = line.rfind(' ');
    golden.checksums[line.substr(0, end)] = line.substr(end + 1);
  }
  return golden;
}

uint32_t ChecksumOfConstants(const Graph& graph) {
  uint32_t checksum = 0;
  for (const Value& value : graph.values) {
    const auto* bytes = static_cast<const uint8_t*>(value.data.data());
    if (value.IsConstant()) checksum = Crc32({bytes, static_cast<size_t>(value.data.size_bytes())}, checksum);
  }
  return checksum;
}

uint32_t ChecksumOf(const std::vector<PackedPart>& parts) {
  uint32_t checksum = 0;
  for (const PackedPart& part : parts) {
    const uint8_t place[] = {static_cast<uint8_t>(part.input), static_cast<uint8_t>(part.number)};
    checksum = Crc32(part.bytes, Crc32(place, checksum));
  }
  return checksum;
}

// Whether the tactic fits, or would on another machine.
bool CanPack(const Tactic& tactic, const Step& step) {
  const auto reason = tactic.WhyNot(step);
  return !reason || reason == FindBackend("cpu")->WhyNo(tactic.precision());
}

void AddScene(const OpDef& op, const TestCase& test, const std::string& form, Checksums& checksums) {
  const auto scene = MakeCaseScene(op, test, kSeed);
  if (!scene.ok()) return;  // the record's own tests speak of broken cases
  Step step = MakeStep(scene->graph, scene->node()).value();
  for (const Tactic* tactic : FindBackend("cpu")->tactics) {
    if (!CanPack(*tactic, step)) continue;
    PackedInputs packed;
    step.packed = &packed;
    const auto kernel = tactic->Make(step);
    ASSERT_TRUE(kernel.ok()) << kernel.status().ToString();
    if (packed.parts().empty()) continue;
    const std::string key = fmt::format("{}/{} {} {} {:08x}", op.name, test.label, tactic->name(), form,
                                        ChecksumOfConstants(scene->graph));
    checksums[key] = fmt::format("{:08x}", ChecksumOf(packed.parts()));
  }
}

bool Is8Bit(const TestCase& test) {
  return !test.inputs.empty() && (test.inputs[0].dtype == DType::kI8 || test.inputs[0].dtype == DType::kU8);
}

// Weights that Winograd keeps as taps: no operator's case has so many.
TestCase LargeConv() {
  return {"3x3_large",
          {{.dims = {1, 4, 4, 512}}, {.dims = {352, 3, 3, 512}, .is_constant = true}},
          {{"pads", Ints{1, 1, 1, 1}}, {"layout", std::string("channels_last")}}};
}

Checksums Pack() {
  Checksums checksums;
  AddScene(*FindOp("Conv"), LargeConv(), "-", checksums);
  for (const OpDef& op : AllOps()) {
    if (op.cases == nullptr) continue;
    for (const TestCase& test : op.cases()) {
      if (!Is8Bit(test)) {
        AddScene(op, test, "-", checksums);
        continue;
      }
      for (const auto& [form, name] :
           {std::pair(cpu::DotForm::kWiden, "widen"), std::pair(cpu::DotForm::kVnni, "vnni"),
            std::pair(cpu::DotForm::kSdot, "sdot")}) {
        cpu::HoldDotsTo(form);
        AddScene(op, test, name, checksums);
      }
      cpu::HoldDotsTo(std::nullopt);
    }
  }
  return checksums;
}

TEST(Packing, IsWhatTheVersionOfTheKernelsSays) {
  const Golden golden = ReadGolden();
  const Golden now = {kKernelsVersion, Pack()};
  std::vector<std::string> packed_another_way;
  for (const auto& [key, checksum] : now.checksums) {
    const auto before = golden.checksums.find(key);
    if (before != golden.checksums.end() && before->second != checksum) packed_another_way.push_back(key);
  }
  if (golden.version == kKernelsVersion) {
    ASSERT_THAT(packed_another_way, testing::IsEmpty())
        << "raise kKernelsVersion (build/machine.h): sections of .slip files would hold what no kernel reads";
  }
  if (std::getenv("SLIPWAY_APPROVE") != nullptr) {
    ASSERT_TRUE(WriteFile(kPath, Print(now)).ok());
    return;
  }
  EXPECT_EQ(Print(golden), Print(now)) << "make approve takes it over";
}

}  // namespace
}  // namespace slipway
