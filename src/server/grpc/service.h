// inference.GRPCInferenceService: which call is answered by what.
//
// Messages are taken as bytes, and read only when their parts are counted (wire.h).
#pragma once

#include "server/grpc/infer_rpc.h"
#include "server/grpc/inference.grpc.pb.h"
#include "server/grpc/transport.h"

namespace slipway::server {

// Of gRPC's generated classes, one layer a call.
struct RawCalls {
  using Calls = inference::GRPCInferenceService;
  template <class T>
  using Health = Calls::WithRawCallbackMethod_ServerLive<
      Calls::WithRawCallbackMethod_ServerReady<Calls::WithRawCallbackMethod_ModelReady<T>>>;
  template <class T>
  using About = Calls::WithRawCallbackMethod_ServerMetadata<Calls::WithRawCallbackMethod_ModelMetadata<
      Calls::WithRawCallbackMethod_ModelConfig<Calls::WithRawCallbackMethod_ModelStatistics<T>>>>;
  template <class T>
  using Control =
      Calls::WithRawCallbackMethod_RepositoryIndex<Calls::WithRawCallbackMethod_RepositoryModelLoad<
          Calls::WithRawCallbackMethod_RepositoryModelUnload<T>>>;
  template <class T>
  using Infer = Calls::WithRawCallbackMethod_ModelInfer<Calls::WithRawCallbackMethod_ModelStreamInfer<T>>;
  using All = Health<About<Control<Infer<Calls::Service>>>>;
};

class InferenceService final : public RawCalls::All {
 public:
  // The handlers outlive the service.
  InferenceService(Handler& http, InferHandler& infer) : http_(http), infer_(infer) {}

  // Ends what would go on for as long as the client likes.
  void Stop() { streams_.Stop(); }

 private:
  using Context = grpc::CallbackServerContext;
  using Bytes = grpc::ByteBuffer;
  using Unary = grpc::ServerUnaryReactor;

  Unary* ServerLive(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ServerReady(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ModelReady(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ServerMetadata(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ModelMetadata(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ModelConfig(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ModelStatistics(Context* context, const Bytes* in, Bytes* out) override;
  Unary* RepositoryIndex(Context* context, const Bytes* in, Bytes* out) override;
  Unary* RepositoryModelLoad(Context* context, const Bytes* in, Bytes* out) override;
  Unary* RepositoryModelUnload(Context* context, const Bytes* in, Bytes* out) override;
  Unary* ModelInfer(Context* context, const Bytes* in, Bytes* out) override;
  grpc::ServerBidiReactor<Bytes, Bytes>* ModelStreamInfer(Context* context) override;

  Handler& http_;
  InferHandler& infer_;
  InferStreams streams_;
};

}  // namespace slipway::server
