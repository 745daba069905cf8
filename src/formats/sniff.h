// Tells what a file is from its first bytes and its content, never from its name alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway {

enum class FileKind {
  // Models that Slipway reads.
  kOnnx,
  kTflite,
  kGraphDef,       // TensorFlow, frozen
  kGraphDefText,   // the same as protobuf text
  kTfjs,           // TensorFlow.js graph model: model.json
  kTfjsLayers,     // TensorFlow.js layers model (Keras): model.json
  kSavedModel,     // TensorFlow SavedModel: saved_model.pb
  kCaffeModel,     // weights
  kCaffePrototxt,  // the net that they belong to
  kSlip,
  // Models of others, and no models at all.
  kKerasHdf5,
  kKerasZip,
  kPytorchZip,
  kPickle,
  kSafetensors,
  kGguf,
  kExecutorch,
  kWts,  // weights alone: ReadWts
  kNcnn,
  kNumpy,
  kHtml,
  kXml,
  kJson,
  kGitLfsPointer,
  kZip,
  kGzip,
  kTar,
  kCompressed,  // xz, zstd, bzip2, 7z
  kImage,
  kPdf,
  kExecutable,
  kText,
  kEmpty,
  kUnknown,
};

// `bytes`: the whole file. `path` is only looked at where content alone cannot tell (never trusted against
// it). Reads a bounded part of the file.
FileKind Sniff(std::span<const uint8_t> bytes, const std::string& path);

// "an ONNX model", "a web page (HTML)"
std::string_view DescribeKind(FileKind kind);

// The error for a file that is no model that Slipway reads: names what it is and what to do. kInvalidModel
// for files that are no models, kUnsupported for models of other kinds. REQUIRES: kind is none of the
// readable ones.
Status NotReadable(FileKind kind, std::span<const uint8_t> bytes, const std::string& path);

}  // namespace slipway
