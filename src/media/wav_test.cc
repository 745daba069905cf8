// Files written out by hand, byte by byte.
#include "media/wav.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace slipway::media {
namespace {

using testing::HasSubstr;

std::string Le16(int v) { return {static_cast<char>(v), static_cast<char>(v >> 8)}; }
std::string Le32(uint32_t v) { return Le16(static_cast<int>(v & 0xffff)) + Le16(static_cast<int>(v >> 16)); }

std::string Chunk(const std::string& id, const std::string& content) {
  return id + Le32(static_cast<uint32_t>(content.size())) + content;
}
std::string Riff(const std::string& chunks) { return Chunk("RIFF", "WAVE" + chunks); }
std::string Format(int channels, uint32_t rate, int bits = 16, int format = 1) {
  const int frame = channels * bits / 8;
  return Chunk("fmt ", Le16(format) + Le16(channels) + Le32(rate) +
                           Le32(rate * static_cast<uint32_t>(frame)) + Le16(frame) + Le16(bits));
}

// "8000 Hz, 2 channels: 1 -1 / 2 -2", or the error.
std::string Show(const std::string& bytes) {
  const auto wav = ReadWav({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  if (!wav.ok()) return wav.status().message();
  std::string text =
      std::to_string(wav->sample_rate) + " Hz, " + std::to_string(wav->channels) + " channels:";
  for (int64_t frame = 0; frame < wav->frames; ++frame) {
    for (int channel = 0; channel < wav->channels; ++channel)
      text += " " + std::to_string(wav->At(frame, channel));
    text += frame + 1 < wav->frames ? " /" : "";
  }
  return text;
}

const std::string kTwoFrames = Chunk("data", Le16(1) + Le16(-1) + Le16(32767) + Le16(-32768));

TEST(WavTest, ReadsFrames) {
  EXPECT_EQ(Show(Riff(Format(2, 8000) + kTwoFrames)), "8000 Hz, 2 channels: 1 -1 / 32767 -32768");
  EXPECT_EQ(Show(Riff(Format(1, 16000) + Chunk("data", ""))), "16000 Hz, 1 channels:");
}

TEST(WavTest, SkipsOtherChunks) {
  EXPECT_EQ(Show(Riff(Chunk("JUNK", "abcd") + Format(2, 8000) + Chunk("LIST", "xy") + kTwoFrames +
                      Chunk("id3 ", "z"))),
            "8000 Hz, 2 channels: 1 -1 / 32767 -32768");
  EXPECT_THAT(Show(Riff(Chunk("LIST", "xy") + Format(2, 8000) + kTwoFrames)),
              HasSubstr("chunk 'LIST' stands before the format"));
}

// Where half a frame is left over, what follows the whole ones is read as the next chunk.
TEST(WavTest, ReadsWholeFrames) {
  EXPECT_EQ(Show(Riff(Format(2, 8000) + "data" + Le32(7) + Le16(5) + Le16(6) + Chunk("more", ""))),
            "8000 Hz, 2 channels: 5 6");
}

TEST(WavTest, TheFormatMayHaveAnExtension) {
  std::string format = Format(1, 8000) + Le16(0);
  format[4] = 18;
  EXPECT_EQ(Show(Riff(format + Chunk("data", Le16(3)))), "8000 Hz, 1 channels: 3");
}

TEST(WavTest, SaysWhatIsWrong) {
  EXPECT_EQ(Show("RIFX" + Le32(4) + "WAVE"), "wav: the file begins with 'RIFX', not with 'RIFF'");
  EXPECT_EQ(Show(Chunk("RIFF", "AVI ")), "wav: the file holds 'AVI ', not 'WAVE'");
  EXPECT_EQ(Show(Riff(Format(1, 8000, 24) + kTwoFrames)), "wav: its samples have 24 bits, not 16");
  EXPECT_EQ(Show(Riff(Format(1, 8000, 16, 3) + kTwoFrames)),
            "wav: the sound is stored as format 3, not as 1 (PCM)");
  EXPECT_EQ(Show(Riff(Format(0, 8000) + kTwoFrames)), "wav: it has no channels");
  EXPECT_EQ(Show(Riff(Format(1, 8000))), "wav: it has no chunk 'data'");
  EXPECT_EQ(Show(Riff(Format(1, 8000) + kTwoFrames + kTwoFrames)), "wav: it has more than one chunk of data");
  EXPECT_EQ(Show(Riff(Format(1, 8000) + "data" + Le32(12) + "ab")),
            "wav: its sound has 12 bytes, the file only 2 more");
  EXPECT_EQ(Show(Riff(Format(1, 8000) + "data" + Le32(0xffffffff))),
            "wav: chunk 'data' says that it has 4294967295 bytes");
  EXPECT_EQ(Show("RIFF"), "wav: the file ends within its header");
}

}  // namespace
}  // namespace slipway::media
