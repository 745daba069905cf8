#include "media/wav.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace slipway::media {
namespace {

constexpr int64_t kMaxChunkBytes = INT32_MAX;
constexpr int kBitsPerSample = 16;

Status Refuse(const std::string& what, std::string hint = {}) {
  return Status(Code::kInvalidInput, "wav: " + what, std::move(hint));
}

// Names of chunks are any four bytes.
std::string Quoted(std::string_view id) {
  std::string text(id);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return "'" + text + "'";
}

// Bytes from front to back; every read checks the end.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  bool AtEnd() const { return at_ >= static_cast<int64_t>(bytes_.size()); }
  int64_t Left() const { return std::max(static_cast<int64_t>(bytes_.size()) - at_, int64_t{0}); }

  Result<const uint8_t*> Take(int64_t count) {
    if (count > Left()) return Refuse("the file ends within its header", "download or record it again");
    const uint8_t* taken = bytes_.data() + at_;
    at_ += count;
    return taken;
  }
  Result<std::string> Id() {
    SLIPWAY_ASSIGN_OR_RETURN(const uint8_t* p, Take(4));
    return std::string(p, p + 4);
  }
  Result<uint32_t> U32() {
    SLIPWAY_ASSIGN_OR_RETURN(const uint8_t* p, Take(4));
    return LoadLe32(p);
  }
  // May go beyond the end.
  void Skip(int64_t count) { at_ += count; }

 private:
  std::span<const uint8_t> bytes_;
  int64_t at_ = 0;
};

// Chunks that may stand before "fmt ": fillers, and what broadcasters add.
bool MayPrecedeFormat(std::string_view id) {
  constexpr std::string_view kIds[] = {"JUNK", "bext", "iXML", "qlty", "mext", "levl", "link", "axml"};
  return std::find(std::begin(kIds), std::end(kIds), id) != std::end(kIds);
}

Status FindFormat(Reader& reader) {
  while (true) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string id, reader.Id());
    if (id == "fmt ") return Status::Ok();
    if (!MayPrecedeFormat(id)) return Refuse("chunk " + Quoted(id) + " stands before the format");
    SLIPWAY_ASSIGN_OR_RETURN(const uint32_t size, reader.U32());
    SLIPWAY_RETURN_IF_ERROR(reader.Take(size).status());
  }
}

Status ReadFormat(Reader& reader, Wav& wav) {
  constexpr char kHint[] = "convert it to 16-bit PCM: ffmpeg -i IN -c:a pcm_s16le OUT.wav";
  SLIPWAY_ASSIGN_OR_RETURN(const uint32_t size, reader.U32());
  if (size != 16 && size != 18)
    return Refuse("the format has " + std::to_string(size) + " bytes; plain PCM has 16 or 18", kHint);
  SLIPWAY_ASSIGN_OR_RETURN(const uint8_t* p, reader.Take(16));
  const int format = LoadLe16(p);
  wav.channels = LoadLe16(p + 2);
  wav.sample_rate = LoadLe32(p + 4);
  const uint32_t bytes_per_second = LoadLe32(p + 8);
  const int bytes_per_frame = LoadLe16(p + 12);
  const int bits = LoadLe16(p + 14);
  if (format != 1)
    return Refuse("the sound is stored as format " + std::to_string(format) + ", not as 1 (PCM)", kHint);
  if (wav.channels < 1) return Refuse("it has no channels");
  if (bits != kBitsPerSample)
    return Refuse("its samples have " + std::to_string(bits) + " bits, not 16", kHint);
  if (bytes_per_frame != 2 * wav.channels)
    return Refuse(std::to_string(wav.channels) + " channels of 16 bits take " +
                  std::to_string(2 * wav.channels) + " bytes, the header says " +
                  std::to_string(bytes_per_frame));
  const uint32_t expected =
      static_cast<uint32_t>(bytes_per_frame) * wav.sample_rate;  // wraps, as the writers' does
  if (bytes_per_second != expected)
    return Refuse(std::to_string(wav.sample_rate) + " frames of " + std::to_string(bytes_per_frame) +
                  " bytes are " + std::to_string(expected) + " bytes a second, the header says " +
                  std::to_string(bytes_per_second));
  if (size == 18) reader.Skip(2);  // the size of an extension, which PCM has not
  return Status::Ok();
}

}  // namespace

Result<Wav> ReadWav(std::span<const uint8_t> bytes) {
  Reader reader(bytes);
  SLIPWAY_ASSIGN_OR_RETURN(const std::string riff, reader.Id());
  if (riff != "RIFF")
    return Refuse("the file begins with " + Quoted(riff) + ", not with 'RIFF'", "give a .wav file");
  SLIPWAY_RETURN_IF_ERROR(reader.U32().status());  // the file's size, which streams do not know
  SLIPWAY_ASSIGN_OR_RETURN(const std::string type, reader.Id());
  if (type != "WAVE") return Refuse("the file holds " + Quoted(type) + ", not 'WAVE'", "give a .wav file");
  Wav wav;
  SLIPWAY_RETURN_IF_ERROR(FindFormat(reader));
  SLIPWAY_RETURN_IF_ERROR(ReadFormat(reader, wav));
  bool has_data = false;
  while (!reader.AtEnd()) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string id, reader.Id());
    SLIPWAY_ASSIGN_OR_RETURN(const uint32_t size, reader.U32());
    if (size > kMaxChunkBytes)
      return Refuse(
          "chunk " + Quoted(id) + " says that it has " + std::to_string(size) + " bytes",
          "a recorder that streams may leave the size open: write the file again with ffmpeg or sox");
    if (id != "data") {
      reader.Skip(size);
      continue;
    }
    if (has_data) return Refuse("it has more than one chunk of data");
    has_data = true;
    wav.frames = size / (2 * wav.channels);
    const int64_t data_bytes = 2 * wav.frames * wav.channels;
    if (data_bytes > reader.Left())
      return Refuse("its sound has " + std::to_string(data_bytes) + " bytes, the file only " +
                        std::to_string(reader.Left()) + " more",
                    "the file is cut short: download or record it again");
    SLIPWAY_ASSIGN_OR_RETURN(const uint8_t* p, reader.Take(data_bytes));
    wav.pcm = {p, static_cast<size_t>(data_bytes)};
  }
  if (!has_data) return Refuse("it has no chunk 'data'");
  return wav;
}

}  // namespace slipway::media
