// What `slipway serve` says of its models when it starts, beside their list: what of them was guessed, and a
// line to try one with.
#pragma once

#include <string>
#include <vector>

#include "server/models/repository.h"

namespace slipway::cli {

// A sentence for each model of whose manifest something was guessed, and for each of `paths` whose model is
// not called like its file.
std::vector<std::string> NotesOn(const server::Repository& repository, const std::vector<std::string>& paths);

// "photo    curl ..." for a model that takes photos, or else "infer    curl ..." with zeros for the first
// that serves; empty: none serves, or its inputs may have any rank. base: "http://localhost:8000". curl: the
// command with what every request needs, such as a key.
std::string LineToTry(const server::Repository& repository, const std::string& base, const std::string& curl);
// "page     http://localhost:8000/", or why there is none.
std::string PageLine(const std::string& base);

}  // namespace slipway::cli
