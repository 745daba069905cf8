// What the server and its models are.
#include "server/endpoints/endpoints.h"
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
    json.Key("name");
    json.String(port.name);
    json.Key("datatype");
    json.String(DatatypeOf(port.type.dtype));
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
  json.Key("name");
  json.String("slipway");
  json.Key("version");
  json.String(call.site.version);
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
  json.Key("name");
  json.String(model->name());
  json.Key("versions");
  json.BeginArray();
  for (const std::string& version : call.site.repository.VersionsOf(model->name())) json.String(version);
  json.EndArray();
  json.Key("platform");
  json.String(model->platform());
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
  json.Key("task");
  json.String(NameOf(manifest.task));
  json.Key("labels");
  json.BeginArray();
  for (const std::string& label : manifest.labels) json.String(label);
  json.EndArray();
  const Thresholds& thresholds = manifest.thresholds;
  json.Key("thresholds");
  json.BeginObject();
  json.Key("score");
  json.Real(thresholds.score);
  json.Key("iou");
  json.Real(thresholds.iou);
  json.Key("cross_iou");
  json.Real(thresholds.cross_class_iou);
  json.Key("max");
  json.Integer(thresholds.max_detections);
  json.Key("top_k");
  json.Integer(thresholds.top_k);
  json.EndObject();
  json.EndObject();
  call.AnswerJson(std::move(text));
}

}  // namespace slipway::server
