#include "serve/connection.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <cerrno>
#include <utility>

namespace slipway::serve {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;

void Connection::Ask(std::string_view request, Done done) {
  request_ = request;
  done_ = std::move(done);
  give_up_reason_.clear();
  send_error_ = {};
  switch (Look()) {
    case Line::kReady: return Send();
    case Line::kClosed: return Connect();
    case Line::kHasStrayBytes:
      asio::post(socket_.get_executor(), [this] {
        Close();
        Finish({.error = "receive: bytes that no request asked for", .has_connected = true});
      });
  }
}

void Connection::GiveUp(std::string reason) {
  if (!is_busy()) return;
  give_up_reason_ = std::move(reason);
  Close();
}

// A server may close an idle connection at any time: seen here, it costs a connect and not the request.
Connection::Line Connection::Look() {
  if (!socket_.is_open()) return Line::kClosed;
  char byte = 0;
  const ssize_t size = recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size > 0) return Line::kHasStrayBytes;
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Line::kReady;
  Close();
  return Line::kClosed;
}

void Connection::Connect() {
  buffer_.clear();
  socket_.async_connect(peer_, [this](const ErrorCode& error) {
    if (error) return Fail("connect", error);
    ++connects_;
    ErrorCode ignored;
    socket_.set_option(Tcp::no_delay(true), ignored);
    Send();
  });
}

void Connection::Send() {
  // All that the socket takes at once; Asio's own way is 64 KB a call.
  const auto what_is_left = [this](const ErrorCode& error, size_t sent) {
    return error ? 0 : request_.size() - sent;
  };
  asio::async_write(socket_, asio::buffer(request_), what_is_left, [this](const ErrorCode& error, size_t) {
    // A server that refuses a request may answer and close before it has read all of it.
    send_error_ = error;
    Receive();
  });
}

void Connection::Receive() {
  parser_.emplace();
  parser_->body_limit(kMaxBodyBytes);
  parser_->skip(request_.starts_with("HEAD "));
  http::async_read(socket_, buffer_, *parser_,
                   [this](const ErrorCode& error, size_t size) { OnReceived(error, size); });
}

void Connection::OnReceived(const ErrorCode& error, uint64_t size_bytes) {
  if (error) return send_error_ ? Fail("send", send_error_) : Fail("receive", error);
  Answer answer{.has_connected = true, .size_bytes = size_bytes};
  const bool can_stay = parser_->get().keep_alive() && !send_error_;
  answer.status = static_cast<int>(parser_->get().result_int());
  answer.body = std::move(parser_->get().body());
  if (buffer_.size() != 0) answer.error = "receive: bytes behind the answer";
  if (!can_stay || buffer_.size() != 0) Close();
  Finish(std::move(answer));
}

void Connection::Fail(std::string_view step, const ErrorCode& error) {
  Answer answer{.has_connected = step != "connect"};
  answer.error = std::string(step) + ": " + (give_up_reason_.empty() ? error.message() : give_up_reason_);
  Close();
  Finish(std::move(answer));
}

void Connection::Finish(Answer answer) {
  // Empty before the call, which may ask anew.
  const Done done = std::exchange(done_, nullptr);
  done(answer);
}

void Connection::Close() {
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace slipway::serve
