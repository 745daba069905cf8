// Every endpoint, by the file that it is in. router.cc says at which path.
#pragma once

#include "server/endpoints/call.h"

namespace slipway::server {

// health.cc
void ServerLive(Call call);
void ServerReady(Call call);
void ModelReady(Call call);
void Ping(Call call);

// metadata.cc
void ServerMetadata(Call call);
void ModelMetadata(Call call);
void ModelConfiguration(Call call);
void ModelTask(Call call);

// statistics.cc
void AllStatistics(Call call);
void ModelStatistics(Call call);
void Explain(Call call);

// metrics.cc
void Metrics(Call call);

// trace.cc
void DebugTrace(Call call);

// control.cc
void RepositoryIndex(Call call);
void LoadModelNow(Call call);
void UnloadModelNow(Call call);

// infer.cc
void Infer(Call call);

// photo.cc
void DetectPhoto(Call call);
void ClassifyPhoto(Call call);
void SegmentPhoto(Call call);
void AnyPhoto(Call call);  // whichever task the model is for

}  // namespace slipway::server
