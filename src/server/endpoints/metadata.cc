// What the server and its models are.
#include "server/endpoints/endpoints.h"
#include "server/endpoints/photo.h"
#include "server/models/config_json.h"
#include "server/protocol/datatype.h"
#include "server/protocol/json_writer.h"

namespace slipway::server {
namespace {

// Only what is implemented.
constexpr const char* kExtensions[] = {"classification",     "model_repository", "model_configuration",
                                       "binary_tensor_data", "parameters",       "statistics"};

void WritePorts(JsonWriter& json, const std::vector<PortInfo>& ports) {
  json.BeginArray();
  for (const PortInfo& port : ports) {
    json.BeginObject();
    json.Member("name", port.name);
    json.Member("datatype", DatatypeOf(port.type.dtype));
    json.Key("shape");
    json.BeginArray();
    if (port.type.shape) {
      for (const Dim& dim : *port.type.shape) json.Integer(dim.IsKnown() ? dim.value() : int64_t{-1});
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

void ServerMetadata(Call call) {
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Member("name", "slipway");
  json.Member("version", call.site.version);
  json.Key("extensions");
  json.BeginArray();
  for (const char* extension : kExtensions) json.String(extension);
  json.EndArray();
  json.EndObject();
  call.AnswerJson(std::move(text));
}

void ModelMetadata(Call call) {
  const auto model = call.FindModel();
  if (model == nullptr) return;
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Member("name", model->name());
  json.Key("versions");
  json.BeginArray();
  for (const std::string& version : call.site.repository.VersionsOf(model->name())) json.String(version);
  json.EndArray();
  json.Member("platform", model->platform());
  json.Key("inputs");
  WritePorts(json, model->engine().inputs());
  json.Key("outputs");
  WritePorts(json, model->engine().outputs());
  json.EndObject();
  call.AnswerJson(std::move(text));
}

void ModelConfiguration(Call call) {
  const auto model = call.FindModel();
  if (model == nullptr) return;
  call.AnswerJson(FormatModelConfig(model->config(), model->engine().inputs(), model->engine().outputs()));
}

void ModelTask(Call call) {
  const auto model = call.FindModel();
  if (model == nullptr) return;
  const Manifest& manifest = model->manifest();
  std::string text;
  JsonWriter json(text);
  json.BeginObject();
  json.Member("task", NameOf(manifest.task));
  json.Key("labels");
  json.BeginArray();
  for (const std::string& label : manifest.labels) json.String(label);
  json.EndArray();
  json.Member("photos", TakesPhotos(*model));
  if (manifest.task == TaskKind::kClassification)
    json.Member("scores", model->gives_probabilities() ? "probability" : "score");
  json.Key("guessed");
  json.BeginArray();
  for (const std::string& note : manifest.notes) json.String(note);
  json.EndArray();
  const Thresholds& thresholds = manifest.thresholds;
  json.Key("thresholds");
  json.BeginObject();
  json.Member("score", thresholds.score);
  json.Member("iou", thresholds.iou);
  json.Member("cross_iou", thresholds.cross_class_iou);
  json.Member("max", thresholds.max_detections);
  json.Member("top_k", thresholds.top_k);
  json.EndObject();
  json.EndObject();
  call.AnswerJson(std::move(text));
}

}  // namespace slipway::server
