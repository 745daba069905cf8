#include "server/grpc/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <algorithm>
#include <limits>

namespace slipway::server {
namespace {

namespace pb = google::protobuf;
using Wire = pb::internal::WireFormatLite;

// A string or a small message of protobuf 3.21 with what the allocator adds, generously.
constexpr size_t kPartBytes = 160;
// What the parts of a message may take: that much, and so many times its length.
constexpr size_t kFreeBytes = size_t{16} << 20, kTimes = 4;

class PartCounter {
 public:
  PartCounter(pb::io::CodedInputStream& stream, size_t most) : stream_(stream), most_(most) {}

  // False: too many, or bytes that are no message.
  bool Count(const pb::Descriptor& kind) {
    while (const uint32_t tag = stream_.ReadTag()) {
      switch (Wire::GetTagWireType(tag)) {
        case Wire::WIRETYPE_START_GROUP:
        case Wire::WIRETYPE_END_GROUP: return false;
        case Wire::WIRETYPE_LENGTH_DELIMITED:
          if (++count_ > most_ || !CountInside(kind.FindFieldByNumber(Wire::GetTagFieldNumber(tag))))
            return false;
          break;
        default:
          if (!Wire::SkipField(&stream_, tag)) return false;
      }
    }
    return stream_.ConsumedEntireMessage();
  }

 private:
  bool CountInside(const pb::FieldDescriptor* field) {
    uint32_t length = 0;
    if (!stream_.ReadVarint32(&length) || length > std::numeric_limits<int>::max()) return false;
    if (field == nullptr || field->message_type() == nullptr) return stream_.Skip(static_cast<int>(length));
    const auto limit = stream_.PushLimit(static_cast<int>(length));
    if (!Count(*field->message_type())) return false;
    stream_.PopLimit(limit);
    return true;
  }

  pb::io::CodedInputStream& stream_;
  const size_t most_;
  size_t count_ = 0;
};

bool HasFewParts(const grpc::ByteBuffer& bytes, const pb::Descriptor& kind) {
  grpc::ByteBuffer shared = bytes;
  grpc::ProtoBufferReader reader(&shared);
  if (!reader.status().ok()) return false;
  pb::io::CodedInputStream stream(&reader);
  return PartCounter(stream, (kFreeBytes + kTimes * bytes.Length()) / kPartBytes).Count(kind);
}

}  // namespace

Status ReadMessage(const grpc::ByteBuffer& bytes, pb::Message& message) {
  if (!HasFewParts(bytes, *message.GetDescriptor())) {
    return Status(Code::kInvalidInput,
                  "the request is no " + message.GetDescriptor()->full_name() + ", or one of too many parts",
                  "send many strings as raw_input_contents");
  }
  grpc::ByteBuffer taken;
  // gRPC keeps the buffer until the call ends, and does nothing with it.
  taken.Swap(const_cast<grpc::ByteBuffer*>(&bytes));
  grpc::ProtoBufferReader reader(&taken);
  if (reader.status().ok() && message.ParseFromZeroCopyStream(&reader)) return Status::Ok();
  return Status(Code::kInvalidInput, "the request is no " + message.GetDescriptor()->full_name());
}

Result<grpc::ByteBuffer> WriteMessage(const pb::Message& message) {
  grpc::ByteBuffer bytes;
  {
    const size_t size = std::min<size_t>(message.ByteSizeLong(), std::numeric_limits<int>::max());
    grpc::ProtoBufferWriter writer(&bytes, grpc::kProtoBufferWriterMaxBufferLength, static_cast<int>(size));
    if (!message.SerializeToZeroCopyStream(&writer))
      return Status(Code::kInternal, "the answer is too long for gRPC: more than 2 GB");
  }
  return bytes;
}

}  // namespace slipway::server
