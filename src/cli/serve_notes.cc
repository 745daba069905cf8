#include "cli/serve_notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "server/asset_list.h"
#include "server/endpoints/photo.h"
#include "server/protocol/datatype.h"
#include "server/protocol/json_writer.h"

namespace slipway::cli {
namespace {

using server::JsonWriter;
using server::ServedModel;

// More numbers than these are no line to read: they come from /dev/zero.
constexpr int64_t kMostInJson = 64;
// A string, in binary, has its length before it; an empty one is that alone.
constexpr int64_t kEmptyStringBytes = 4;

struct ZeroInput {
  std::string name, datatype;
  Dims dims;
  int64_t count = 0, bytes = 0;
};

// Open extents are 1. nullopt: an input may have any rank, or a type that no request has.
std::optional<std::vector<ZeroInput>> ZeroInputsOf(const ServedModel& model) {
  std::vector<ZeroInput> inputs;
  for (const PortInfo& port : model.engine().inputs()) {
    ZeroInput& input = inputs.emplace_back();
    input.name = port.name;
    input.datatype = server::DatatypeOf(port.type.dtype);
    if (!port.type.shape || input.datatype.empty()) return std::nullopt;
    input.dims = WithUnknownsAsOne(*port.type.shape);
    const auto count = ElementCount(input.dims);
    if (!count.ok()) return std::nullopt;
    input.count = *count;
    input.bytes =
        port.type.dtype == DType::kString ? *count * kEmptyStringBytes : BytesOf(port.type.dtype, *count);
  }
  return inputs;
}

void WriteData(JsonWriter& json, const ZeroInput& input) {
  json.Key("data");
  json.BeginArray();
  for (int64_t i = 0; i < input.count; ++i) {
    if (input.datatype == "BYTES")
      json.String("");
    else if (input.datatype == "BOOL")
      json.Bool(false);
    else
      json.Integer(0);
  }
  json.EndArray();
}

enum class Form { kJson, kBinary };

std::string RequestJson(const std::vector<ZeroInput>& inputs, Form form) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Key("inputs");
  json.BeginArray();
  for (const ZeroInput& input : inputs) {
    json.BeginObject();
    json.Member("name", input.name);
    json.Member("datatype", input.datatype);
    json.Key("shape");
    json.BeginArray();
    for (const int64_t extent : input.dims) json.Integer(extent);
    json.EndArray();
    if (form == Form::kJson) WriteData(json, input);
    if (form == Form::kBinary) {
      json.Key("parameters");
      json.BeginObject();
      json.Member("binary_data_size", input.bytes);
      json.EndObject();
    }
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return text;
}

// For a shell: names of tensors may hold anything.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string InferLine(const ServedModel& model, const std::string& base, const std::string& curl) {
  const auto inputs = ZeroInputsOf(model);
  if (!inputs) return {};
  const std::string url = fmt::format("{}/v2/models/{}/infer", base, model.name());
  int64_t count = 0, bytes = 0;
  for (const ZeroInput& input : *inputs) {
    count += input.count;
    bytes += input.bytes;
  }
  if (count <= kMostInJson)
    return fmt::format("infer    {} -d {} {}", curl, Quoted(RequestJson(*inputs, Form::kJson)), url);
  const std::string json = RequestJson(*inputs, Form::kBinary);
  return fmt::format(
      "infer    {{ printf %s {}; head -c {} /dev/zero; }} | {} --data-binary @- -H "
      "'Inference-Header-Content-Length: {}' {}",
      Quoted(json), bytes, curl, json.size(), url);
}

}  // namespace

std::vector<std::string> NotesOn(const server::Repository& repository,
                                 const std::vector<std::string>& paths) {
  std::vector<std::string> notes;
  for (const std::string& path : paths) {
    if (std::string note = server::NoteOnName(path); !note.empty()) notes.push_back(std::move(note));
  }
  bool is_guessed = false;
  for (const auto& model : repository.Loaded()) {
    const std::vector<std::string>& guesses = model->manifest().notes;
    if (guesses.empty()) continue;
    notes.push_back(fmt::format("{}: {}", model->name(), fmt::join(guesses, "; ")));
    is_guessed = true;
  }
  if (is_guessed)
    notes.emplace_back("a guess may be wrong: a manifest says what is meant (docs/manifest.md)");
  return notes;
}

std::string LineToTry(const server::Repository& repository, const std::string& base,
                      const std::string& curl) {
  const auto ready = repository.Loaded();
  const auto with_photos =
      std::ranges::find_if(ready, [](const auto& model) { return server::TakesPhotos(*model); });
  if (with_photos != ready.end())
    return fmt::format("photo    {} --data-binary @photo.jpg {}/v2/models/{}/upload", curl, base,
                       (*with_photos)->name());
  return ready.empty() ? std::string() : InferLine(*ready.front(), base, curl);
}

std::string PageLine(const std::string& base) {
  if (!server::Assets().empty()) return fmt::format("page     {}/", base);
  return "page     not in this program: tools/setup/make_web.sh makes it, and the next build takes it in";
}

}  // namespace slipway::cli
