// Finds the models of a repository, a folder in Triton's layout, and their versions:
//
//   <repository>/<model>/config.pbtxt                    optional
//   <repository>/<model>/manifest.json                   optional: laid over the manifest of every version
//   <repository>/<model>/<version>/model.onnx            1, 2, ...; or model.slip, .tflite, .pb, .json
//   <repository>/<model>/<version>/model.savedmodel/     or a version that is a SavedModel itself
//
// Nothing is loaded: a file is chosen by its name alone. What is wrong with one model or version never hides
// the others. Symbolic links are followed, also out of the repository: who may write there decides what is
// served. Everything else in these folders (labels, hidden files, configs/) is not looked at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/models/config.h"
#include "slipway/status.h"

namespace slipway::server {

// A version that can be loaded.
struct FoundVersion {
  int64_t version = 1;
  std::string path;    // of the model: a file, or a SavedModel's folder
  std::string folder;  // of the version, with whatever belongs to it; empty: there is only `path`
};

// A version that the policy asks for, and that is not there or not ready.
struct BrokenVersion {
  int64_t version = 0;
  Status error;
};

struct FoundModel {
  std::string name;
  std::string folder;         // labels are relative to it
  ModelConfig config;         // the default one where there is no config.pbtxt, or none that can be read
  std::string manifest_path;  // of JSON laid over the model's manifest; empty: there is none
  Status error;               // why there is no version to load
  // Both ascending: of what the version policy asks for, what is ready, and what is not.
  std::vector<FoundVersion> versions;
  std::vector<BrokenVersion> broken;
};

// Sorted by name. Errors: kNotFound, kIo: the repository itself cannot be read.
Result<std::vector<FoundModel>> ScanRepository(const std::string& path);

// A model file, or the folder of a SavedModel, as version 1 of a model that is called like the file without
// its extension, or like the folder; characters that no name may have become '_'. Errors: kNotFound: no such
// path; kUsage: a folder that is no SavedModel.
Result<FoundModel> ScanSingle(const std::string& path);

// A sentence, where the model of a path that ScanSingle takes is not called like the file; empty: it is.
std::string NoteOnName(const std::string& path);

// The one or the other: a file or a SavedModel's folder is a single model, other folders are repositories.
Result<std::vector<FoundModel>> ScanPath(const std::string& path);

// Names of model files in a repository's folder itself, where no model is looked for; sorted. Empty as well
// where the path is none.
std::vector<std::string> LooseModelFiles(const std::string& repository);

// Names are part of addresses, file names and metrics: letters, digits and "-._~+=@,", the first no dot, at
// most 255 bytes.
Status CheckModelName(std::string_view name);

// Changes when a file of the version appears, goes, or changes its size or time. Cheap: contents are not
// read.
std::string Fingerprint(const FoundVersion& version);
// The same of what lies beside the versions' folders: config.pbtxt, the manifest, and the labels that the
// configuration in force names.
std::string FingerprintOfSettings(const FoundModel& model, const ModelConfig& config);

}  // namespace slipway::server
