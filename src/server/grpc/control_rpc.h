// Calls that ask for what an HTTP request asks for, too: they become that request, and its JSON the answer.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "server/grpc/caller.h"
#include "server/grpc/wire.h"
#include "server/http/transport.h"

namespace slipway::server {

struct HttpQuestion {
  std::string method = "GET";
  std::string path;
  std::string body;
  // The answer's member that the JSON is; empty: the JSON is the answer.
  std::string member;
};

// "/v2/models/NAME/versions/VERSION", the version only where it is not empty.
std::string ModelPath(const std::string& name, const std::string& version);

// Finishes the reactor with the handler's answer, which is written to `out` as a message of the kind of
// `answer`.
void AskHttp(const grpc::CallbackServerContext& context, Handler& handler, HttpQuestion question,
             std::shared_ptr<google::protobuf::Message> answer, grpc::ByteBuffer& out,
             grpc::ServerUnaryReactor& reactor);

// A whole call: ask(const Question&) -> Result<HttpQuestion>.
template <class Question, class Answer, class Ask>
grpc::ServerUnaryReactor* AnswerByHttp(grpc::CallbackServerContext& context, Handler& handler,
                                       const grpc::ByteBuffer& in, grpc::ByteBuffer& out, Ask ask) {
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  Question message;
  const Status status = ReadMessage(in, message);
  auto question = status.ok() ? ask(message) : Result<HttpQuestion>(status);
  if (question.ok())
    AskHttp(context, handler, *std::move(question), std::make_shared<Answer>(), out, *reactor);
  else
    reactor->Finish(GrpcStatusOf(question.status()));
  return reactor;
}

}  // namespace slipway::server
