#include "formats/sniff.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "formats/wire.h"

namespace slipway {
namespace {

using namespace std::string_view_literals;
using Bytes = std::span<const uint8_t>;

std::string_view TextOf(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string_view SkipSpace(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 32 || std::isspace(c); });
}

struct Magic {
  size_t offset;
  std::string_view bytes;
  FileKind kind;
};

// From the formats' own specifications.
constexpr std::array kMagics = {
    Magic{4, "TFL3"sv, FileKind::kTflite},
    Magic{0, "SLIPWAY\0"sv, FileKind::kSlip},
    Magic{4, "ET12"sv, FileKind::kExecutorch},
    Magic{0, "\x89HDF\r\n\x1a\n"sv, FileKind::kKerasHdf5},
    Magic{0, "GGUF"sv, FileKind::kGguf},
    Magic{0, "7767517\n"sv, FileKind::kNcnn},
    Magic{0, "\x93NUMPY"sv, FileKind::kNumpy},
    Magic{0, "version https://git-lfs.github.com/spec"sv, FileKind::kGitLfsPointer},
    Magic{0, "\x1f\x8b"sv, FileKind::kGzip},
    Magic{257, "ustar"sv, FileKind::kTar},
    Magic{0, "\xfd\x37zXZ\0"sv, FileKind::kCompressed},
    Magic{0, "\x28\xb5\x2f\xfd"sv, FileKind::kCompressed},
    Magic{0, "BZh"sv, FileKind::kCompressed},
    Magic{0, "7z\xbc\xaf\x27\x1c"sv, FileKind::kCompressed},
    Magic{0, "\x89PNG\r\n\x1a\n"sv, FileKind::kImage},
    Magic{0, "\xff\xd8\xff"sv, FileKind::kImage},
    Magic{0, "GIF8"sv, FileKind::kImage},
    Magic{8, "WEBP"sv, FileKind::kImage},
    Magic{0, "%PDF"sv, FileKind::kPdf},
    Magic{0,
          "\x7f"
          "ELF"sv,
          FileKind::kExecutable},
    Magic{0, "MZ\x90"sv, FileKind::kExecutable},
};

FileKind KindOfZip(std::string_view text) {
  const std::string_view head = text.substr(0, 4096);
  if (head.find("data.pkl") != std::string_view::npos) return FileKind::kPytorchZip;
  const bool is_keras =
      head.find("model.weights.h5") != std::string_view::npos ||
      (head.find("metadata.json") != std::string_view::npos && head.find("keras") != std::string_view::npos);
  return is_keras ? FileKind::kKerasZip : FileKind::kZip;
}

FileKind KindOfJson(std::string_view text) {
  // Keys stand near the start or, where weights come first, near the end.
  const std::string_view head = text.substr(0, 1 << 20);
  const std::string_view tail = text.substr(text.size() - std::min<size_t>(text.size(), 1 << 20));
  const auto has = [&](std::string_view word) {
    return head.find(word) != std::string_view::npos || tail.find(word) != std::string_view::npos;
  };
  if (has("layers-model") || has("\"model_config\"")) return FileKind::kTfjsLayers;
  return has("\"modelTopology\"") || has("\"weightsManifest\"") ? FileKind::kTfjs : FileKind::kJson;
}

bool IsSafetensors(Bytes bytes) {
  if (bytes.size() < 9 || bytes[8] != '{') return false;
  uint64_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | bytes[static_cast<size_t>(i)];
  return header > 1 && header < (uint64_t{1} << 32);
}

// `head`: in lower case, without leading space.
bool IsHtml(std::string_view head) {
  for (std::string_view tag : {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv, "<script"sv}) {
    if (head.starts_with(tag)) return true;
  }
  const bool may_follow = head.starts_with("<?xml") || head.starts_with("<!--");
  return may_follow &&
         (head.find("<html") != std::string::npos || head.find("<!doctype html") != std::string::npos);
}

// "layer {", "layers{", "layer: {": the first layer of a Caffe net.
bool HoldsLayer(std::string_view text) {
  constexpr std::string_view kWord = "layer";
  for (size_t at = text.find(kWord); at != std::string_view::npos; at = text.find(kWord, at + 1)) {
    std::string_view rest = text.substr(at + kWord.size());
    if (rest.starts_with("s")) rest.remove_prefix(1);
    rest = SkipSpace(rest);
    if (rest.starts_with(":")) rest = SkipSpace(rest.substr(1));
    if (rest.starts_with("{")) return true;
  }
  return false;
}

// A count alone on its line, then a line "name count words-in-hex..." (../wts/).
bool IsWts(std::string_view text) {
  const auto is_number = [](std::string_view word, std::string_view digits) {
    return !word.empty() && word.find_first_not_of(digits) == std::string_view::npos;
  };
  const size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return false;
  std::string_view count = text.substr(0, line_end);
  if (count.ends_with("\r")) count.remove_suffix(1);
  std::array<std::string_view, 3> words;  // name, count, first word
  std::string_view rest = text.substr(line_end);
  for (std::string_view& word : words) {
    rest = SkipSpace(rest);
    word = rest.substr(0, rest.find_first_of(" \t\r\n"));
    rest.remove_prefix(word.size());
  }
  constexpr std::string_view kDecimal = "0123456789";
  return is_number(count, kDecimal) && is_number(words[1], kDecimal) &&
         is_number(words[2], "0123456789abcdefABCDEF");
}

// Behind lines that begin with '#'.
std::string_view SkipRemarks(std::string_view text) {
  while (text.starts_with("#")) text = SkipSpace(text.substr(std::min(text.find('\n'), text.size())));
  return text;
}

FileKind KindOfText(std::string_view text) {
  const std::string_view start = SkipSpace(text.substr(0, 4096));
  const std::string head = Lower(start.substr(0, 512));
  if (IsHtml(head)) return FileKind::kHtml;
  if (head.starts_with("<?xml")) return FileKind::kXml;
  if (head.starts_with("{")) return KindOfJson(text);
  const std::string_view first = SkipRemarks(head);
  if (first.starts_with("node {") || first.starts_with("node{")) return FileKind::kGraphDefText;
  if (!IsPrintable(start)) return FileKind::kUnknown;
  if (HoldsLayer(start)) return FileKind::kCaffePrototxt;
  return IsWts(start) ? FileKind::kWts : FileKind::kText;
}

// A NodeDef starts with its name, a printable string in field 1.
bool LooksLikeNodeDef(Bytes payload) {
  const auto fields = ScanWire(payload, 2);
  if (!fields || fields->empty()) return false;
  const WireField& first = fields->front();
  return first.number == 1 && first.wire_type == 2 && !first.payload.empty() &&
         IsPrintable(TextOf(first.payload));
}

// Protobuf has no magic: the models are told apart by the types of their top-level fields.
FileKind KindOfProtobuf(Bytes bytes) {
  const auto fields = ScanWire(bytes, 4096);
  if (!fields || fields->empty()) return FileKind::kUnknown;
  const auto has = [&](uint32_t number, int wire_type) {
    return std::any_of(fields->begin(), fields->end(), [&](const WireField& field) {
      return field.number == number && field.wire_type == wire_type;
    });
  };
  // A TensorProto (ONNX's test data) has a number where every model has a text or a message.
  if (has(2, 0)) return FileKind::kUnknown;
  const WireField& first = fields->front();
  const bool has_ir_version = has(1, 0);
  if (has(7, 2) && !has(1, 2)) return FileKind::kOnnx;  // graph; IR versions before 3 may leave field 1 out
  if (has_ir_version && has(8, 2)) return FileKind::kOnnx;
  if (has(100, 2)) return FileKind::kCaffeModel;
  if (has_ir_version && has(2, 2)) {
    return first.varint == 1 && fields->size() <= 3 ? FileKind::kSavedModel : FileKind::kOnnx;
  }
  if (has_ir_version) return fields->size() == 1 && bytes.size() < 16 ? FileKind::kOnnx : FileKind::kUnknown;
  if (first.number == 1 && first.wire_type == 2) {
    if (LooksLikeNodeDef(first.payload)) return FileKind::kGraphDef;
    return has(2, 2) && IsPrintable(TextOf(first.payload)) ? FileKind::kCaffeModel : FileKind::kUnknown;
  }
  return FileKind::kUnknown;
}

}  // namespace

FileKind Sniff(std::span<const uint8_t> bytes, const std::string&) {
  if (bytes.empty()) return FileKind::kEmpty;
  const std::string_view text = TextOf(bytes);
  for (const Magic& magic : kMagics) {
    if (text.size() >= magic.offset && text.substr(magic.offset).starts_with(magic.bytes)) return magic.kind;
  }
  if (text.starts_with("PK\x03\x04") || text.starts_with("PK\x05\x06")) return KindOfZip(text);
  if (bytes.size() > 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) return FileKind::kPickle;
  if (IsSafetensors(bytes)) return FileKind::kSafetensors;
  if (const FileKind kind = KindOfProtobuf(bytes); kind != FileKind::kUnknown) return kind;
  return KindOfText(text);
}

std::string_view DescribeKind(FileKind kind) {
  switch (kind) {
    case FileKind::kOnnx: return "an ONNX model";
    case FileKind::kTflite: return "a TFLite model";
    case FileKind::kGraphDef: return "a TensorFlow graph (GraphDef)";
    case FileKind::kTfjs: return "a TensorFlow.js graph model";
    case FileKind::kSlip: return "a Slipway model";
    case FileKind::kTfjsLayers: return "a TensorFlow.js layers model";
    case FileKind::kSavedModel: return "a TensorFlow SavedModel";
    case FileKind::kKerasHdf5: return "an HDF5 file (Keras)";
    case FileKind::kKerasZip: return "a Keras model (.keras)";
    case FileKind::kCaffeModel: return "a Caffe model";
    case FileKind::kCaffePrototxt: return "a Caffe network description (prototxt)";
    case FileKind::kGraphDefText: return "a TensorFlow graph in text form";
    case FileKind::kPytorchZip: return "a PyTorch checkpoint";
    case FileKind::kPickle: return "a Python pickle (an old PyTorch checkpoint?)";
    case FileKind::kSafetensors: return "a safetensors file: weights without a graph";
    case FileKind::kGguf: return "a GGUF model";
    case FileKind::kExecutorch: return "an ExecuTorch program";
    case FileKind::kNcnn: return "an ncnn network description";
    case FileKind::kNumpy: return "a NumPy array";
    case FileKind::kHtml: return "a web page (HTML)";
    case FileKind::kXml: return "an XML file";
    case FileKind::kJson: return "a JSON file, but no TensorFlow.js model";
    case FileKind::kGitLfsPointer: return "a Git LFS pointer, not the model itself";
    case FileKind::kZip: return "a zip archive";
    case FileKind::kGzip: return "a gzip-compressed file";
    case FileKind::kTar: return "a tar archive";
    case FileKind::kCompressed: return "a compressed archive";
    case FileKind::kImage: return "a picture";
    case FileKind::kPdf: return "a PDF document";
    case FileKind::kExecutable: return "a program";
    case FileKind::kWts: return "a .wts file: weights without a graph";
    case FileKind::kText: return "a text file";
    case FileKind::kEmpty: return "empty";
    case FileKind::kUnknown: return "of no kind that Slipway knows, or damaged at its start";
  }
  return "unknown";
}

namespace {

std::string_view HintFor(FileKind kind) {
  switch (kind) {
    case FileKind::kHtml:
      return "the download fetched a page instead of the file: use the 'raw' or 'download' link";
    case FileKind::kGitLfsPointer: return "run `git lfs pull`, or download the file itself";
    case FileKind::kZip:
    case FileKind::kGzip:
    case FileKind::kTar:
    case FileKind::kCompressed: return "unpack it and name the model inside";
    case FileKind::kEmpty: return "download or export it again";
    case FileKind::kPytorchZip:
    case FileKind::kPickle: return "export it with torch.onnx.export";
    case FileKind::kSafetensors: return "export the whole model to ONNX";
    case FileKind::kKerasHdf5:
    case FileKind::kKerasZip:
      return "convert it to TFLite or with tensorflowjs_converter to a layers model, or export it to ONNX";
    case FileKind::kWts:
      return "give it to a model of the same network: convert MODEL --wts FILE; or build the network in "
             "code with slipway::NetworkBuilder and slipway::ReadWts, as examples/lenet_wts.cc does";
    case FileKind::kImage: return "the model comes first, then the photos";
    default:
      return "Slipway reads .onnx, .tflite, TensorFlow's SavedModel and frozen .pb or .pbtxt, TensorFlow.js "
             "model.json, "
             ".caffemodel and .slip";
  }
}

bool IsForeignModel(FileKind kind) { return kind >= FileKind::kKerasHdf5 && kind <= FileKind::kNcnn; }

}  // namespace

Status NotReadable(FileKind kind, std::span<const uint8_t> bytes, const std::string& path) {
  std::string message = "'" + path + "' is " + std::string(DescribeKind(kind));
  if (kind == FileKind::kUnknown) {
    constexpr char kHex[] = "0123456789abcdef";
    message += " (it starts with";
    for (uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 8))) {
      message += {' ', kHex[byte >> 4], kHex[byte & 15]};
    }
    message += ")";
  }
  if (kind == FileKind::kSlip) {
    return Status(Code::kUsage, message + " already", "load it as it is; only foreign models are imported");
  }
  return Status(IsForeignModel(kind) ? Code::kUnsupported : Code::kInvalidModel, std::move(message),
                std::string(HintFor(kind)));
}

}  // namespace slipway
