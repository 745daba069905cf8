#include "slipway/status.h"

namespace slipway {
namespace {
const std::string kEmpty;
}

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInternal: return "internal";
    case Code::kUsage: return "usage";
    case Code::kNotFound: return "not-found";
    case Code::kInvalidModel: return "invalid-model";
    case Code::kUnsupported: return "unsupported";
    case Code::kInvalidInput: return "invalid-input";
    case Code::kMismatch: return "mismatch";
    case Code::kIo: return "io";
  }
  return "unknown";
}

Status::Status(Code code, std::string message, std::string hint) {
  if (code == Code::kOk) return;
  payload_ = std::make_shared<const Payload>(Payload{code, std::move(message), std::move(hint)});
}

const std::string& Status::message() const { return payload_ ? payload_->message : kEmpty; }
const std::string& Status::hint() const { return payload_ ? payload_->hint : kEmpty; }

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code(), std::string(context) + ": " + message(), hint());
}

Status Status::WithHint(std::string hint) const {
  if (ok() || !payload_->hint.empty()) return *this;
  return Status(code(), message(), std::move(hint));
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  return hint().empty() ? message() : message() + "\n  hint: " + hint();
}

}  // namespace slipway
