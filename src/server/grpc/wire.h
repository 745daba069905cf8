// Messages from and to gRPC's bytes. Incoming ones are looked through before memory is taken for them: two
// bytes can stand for an object of a hundred.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include "slipway/status.h"

namespace slipway::server {

// Fails where the bytes are no message of that kind, or one of too many parts. Takes the bytes: the buffer is
// empty afterwards.
Status ReadMessage(const grpc::ByteBuffer& bytes, google::protobuf::Message& message);
Result<grpc::ByteBuffer> WriteMessage(const google::protobuf::Message& message);

}  // namespace slipway::server
