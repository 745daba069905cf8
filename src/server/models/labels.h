// Labels of outputs: what the files say that a configuration's keys label_filename name, a label a line.
//
// They are of the classification extension alone: what a photo shows is named by the manifest's labels.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "server/models/config.h"

namespace slipway::server {

// By the output's name; an output without label_filename is not among them.
using OutputLabels = std::map<std::string, std::vector<std::string>>;

// folder: the model's, which the files lie in; empty: it has none. An empty line is a class without a label.
// Errors (kInvalidModel) name model, key and file: it is not there, no file, too large, cannot be read.
Result<OutputLabels> ReadLabels(const ModelConfig& config, const std::string& folder);

}  // namespace slipway::server
