// Status and Result: how every fallible call of Slipway reports what went wrong.
//
// A message starts in lower case, names the culprit and shows both sides ("conv2d 'c1': weight has 3 input
// channels, input has 4"); `hint` says what to do about it. The library neither prints nor aborts.
#pragma once

#include <cassert>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace slipway {

// Also the vocabulary of the command line's exit status (see docs/cli.md). Never renumber.
enum class Code : int {
  kOk = 0,
  kInternal = 1,      // a defect of Slipway itself
  kUsage = 2,         // the caller's flags or arguments
  kNotFound = 3,      // no such file, tensor, node or label
  kInvalidModel = 4,  // a model, plan or manifest that is broken or inconsistent
  kUnsupported = 5,   // a valid model that needs what Slipway lacks
  kInvalidInput = 6,  // an image or tensor of the wrong kind or shape
  kMismatch = 7,      // results differ from those expected (doctor)
  kIo = 8,            // the operating system refused to read or write
};

std::string_view CodeName(Code code);

// One pointer, null when OK. Copies share the immutable payload.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message, std::string hint = {});

  static Status Ok() { return {}; }

  bool ok() const { return payload_ == nullptr; }
  Code code() const { return payload_ ? payload_->code : Code::kOk; }
  const std::string& message() const;
  const std::string& hint() const;

  // The same error seen from one level further out: "<context>: <message>".
  Status WithContext(std::string_view context) const;
  // The same error with advice, kept only if it has none yet.
  Status WithHint(std::string hint) const;

  // "message\n  hint: ..." for people.
  std::string ToString() const;

 private:
  struct Payload {
    Code code;
    std::string message;
    std::string hint;
  };
  std::shared_ptr<const Payload> payload_;
};

// A value or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}  // NOLINT: implicit by design
  Result(Status status) : state_(std::move(status)) { assert(!this->status().ok()); }  // NOLINT

  bool ok() const { return std::holds_alternative<T>(state_); }
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }

  T& value() & { return std::get<T>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

#define SLIPWAY_CONCAT_INNER(a, b) a##b
#define SLIPWAY_CONCAT(a, b) SLIPWAY_CONCAT_INNER(a, b)

// Returns from the enclosing function with the status of `expr` unless it is OK.
#define SLIPWAY_RETURN_IF_ERROR(expr)                                      \
  do {                                                                     \
    if (::slipway::Status status_ = (expr); !status_.ok()) return status_; \
  } while (false)

// SLIPWAY_ASSIGN_OR_RETURN(auto file, Open(path));
#define SLIPWAY_ASSIGN_OR_RETURN(declaration, expr) \
  SLIPWAY_ASSIGN_OR_RETURN_INNER(SLIPWAY_CONCAT(result_, __LINE__), declaration, expr)
#define SLIPWAY_ASSIGN_OR_RETURN_INNER(result, declaration, expr) \
  auto result = (expr);                                           \
  if (!result.ok()) return result.status();                       \
  declaration = std::move(result).value()

}  // namespace slipway
