// One client's connection: request after request, and perhaps a WebSocket at last. Private to the transport.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "server/http/body_buffer.h"
#include "server/http/request_head.h"
#include "server/http/shared.h"
#include "server/http/websocket.h"

namespace slipway::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using TlsStream = beast::ssl_stream<Tcp::socket>;

// Stream: Tcp::socket or TlsStream. Lives as long as an operation of its own is pending. All of it runs on
// the stream's strand.
//
// A read is pending wherever nothing is read ahead: between requests it waits for the next one, while a
// request is being answered it learns that the client has left. Two reads at once would tear the buffer.
template <class Stream>
class Connection : public Drainable, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(Stream stream, std::string peer, Shared& shared)
      : executor_(stream.get_executor()),
        stream_(std::move(stream)),
        deadline_(executor_),
        peer_(std::move(peer)),
        shared_(shared),
        counted_(shared),
        buffer_(MaxBuffered()),
        body_(shared.reading_bytes, shared.limits.max_reading_bytes) {}

  void Start() {
    asio::dispatch(executor_, [self = this->shared_from_this()] { self->Begin(); });
  }

  // Closes behind the next answer, or where none is asked for within a moment: a request may be on its way.
  void Drain() override {
    asio::dispatch(executor_, [self = this->shared_from_this()] {
      if (self->state_ == State::kIdle) self->SetDeadline(kLinger);
    });
  }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;
  enum class State { kIdle, kHeader, kBody, kAnswering, kLingering, kClosed };
  using Error = beast::error_code;

  Tcp::socket& socket() {
    if constexpr (kIsTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  void Begin() {
    Error ignored;
    socket().set_option(Tcp::no_delay(true), ignored);
    if constexpr (kIsTls) {
      SetDeadline(shared_.limits.header_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](Error error) {
        if (error) return self->Close();
        self->WaitForRequest();
      });
    } else {
      WaitForRequest();
    }
  }

  // Nothing else bounds how long a client takes.
  void SetDeadline(std::chrono::milliseconds time) {
    deadline_.expires_after(time);
    deadline_.async_wait([weak = this->weak_from_this()](Error error) {
      const auto self = weak.lock();
      if (!error && self) self->OnDeadline();
    });
  }

  void OnDeadline() {
    // One that was put off when this call was on its way already.
    if (deadline_.expiry() > asio::steady_timer::clock_type::now()) return;
    if (state_ == State::kHeader || state_ == State::kBody) return Refuse(408, "the request came too slowly");
    Close();
  }

  void NoDeadline() { deadline_.expires_at(asio::steady_timer::time_point::max()); }

  // Also while draining: a client that was not told so may have sent a request.
  void WaitForRequest() {
    state_ = State::kIdle;
    parser_.reset();
    if (buffer_.size() > 0) return ReadHeader();
    if (has_ended_) return Close();
    if (!is_listening_) buffer_ = beast::flat_buffer(MaxBuffered());  // one that is idle holds little memory
    SetDeadline(shared_.is_draining ? kLinger : shared_.limits.idle_timeout);
    Listen();
  }

  // Reads ahead, unless a read is pending already or something was read ahead: the parser moves what is in
  // the buffer, and no other read may be filling it then.
  void Listen() {
    if (is_listening_ || has_ended_ || buffer_.size() > 0) return;
    is_listening_ = true;
    stream_.async_read_some(
        buffer_.prepare(kReadAhead),
        [self = this->shared_from_this()](Error error, size_t size) { self->OnHeard(error, size); });
  }

  void OnHeard(Error error, size_t size) {
    is_listening_ = false;
    if (state_ == State::kClosed) return;
    if (state_ == State::kLingering) return error ? Close() : Discard();
    buffer_.commit(size);
    if (error == asio::error::eof && state_ == State::kAnswering && !kIsTls) {
      has_ended_ = true;
      return Probe();
    }
    if (error) return Close();
    if (state_ == State::kIdle) ReadHeader();
  }

  // The client sends no more. Whether it still listens shows when something is sent: a client that is gone
  // resets the connection; one that merely shut its side reads over an interim answer (RFC 9110, 15.2).
  void Probe() {
    static const std::string interim = "HTTP/1.1 102 Processing\r\n\r\n";
    if (version_ < 11 || answer_) return;
    is_writing_ = true;
    asio::async_write(stream_, asio::buffer(interim), [self = this->shared_from_this()](Error error, size_t) {
      self->is_writing_ = false;
      if (error) return self->Close();
      if (self->answer_) return self->WriteAnswer();
      self->socket().async_wait(Tcp::socket::wait_error, [self](Error failed) {
        if (!failed && self->state_ == State::kAnswering) self->Close();
      });
    });
  }

  void ReadHeader() {
    state_ = State::kHeader;
    began_ = std::chrono::steady_clock::now();
    SetDeadline(shared_.limits.header_timeout);
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(shared_.limits.max_header_bytes));
    parser_->body_limit(boost::none);  // known when the header is
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](Error error, size_t) { self->OnHeader(error); });
  }

  void OnHeader(Error error) {
    if (state_ != State::kHeader) return;  // it took too long
    if (error == http::error::header_limit) {
      return Refuse(
          431, "the headers are longer than " + std::to_string(shared_.limits.max_header_bytes) + " bytes");
    }
    if (error == http::error::end_of_stream || error == asio::error::eof ||
        error == http::error::partial_message)
      return Close();
    if (IsOfParser(error)) return Refuse(400, "this is no HTTP/1.1 request: " + error.message());
    if (error) return Close();
    TakeHeader();
    if (const auto fault = FaultOf(*parser_)) return Refuse(fault->status, fault->message);
    const auto& message = parser_->get();
    // One with a body is a request like others: a server need not change the protocol (RFC 9110,
    // section 7.8).
    if (beast::websocket::is_upgrade(message) && parser_->is_done()) return OpenWebSocket();
    max_body_ = shared_.handler.MaxBodyBytes(request_);
    if (const auto length = parser_->content_length(); length && *length > max_body_)
      return RefuseBody(*length);
    parser_->body_limit(max_body_);
    if (beast::iequals(message[http::field::expect], "100-continue") && !parser_->is_done())
      return InviteBody();
    ReadBody();
  }

  // Of the message, not of the connection.
  static bool IsOfParser(Error error) {
    return error.category() == make_error_code(http::error::bad_version).category();
  }

  void TakeHeader() {
    request_ = RequestFrom(*parser_);
    request_.peer = peer_;
    has_left_ = std::make_shared<std::atomic<bool>>(false);
    request_.has_left = has_left_;
    version_ = parser_->get().version();
    keeps_alive_ = parser_->get().keep_alive();
  }

  void RefuseBody(uint64_t length) {
    Refuse(413, "the body has " + std::to_string(length) + " bytes; " + std::to_string(max_body_) +
                    " are allowed here");
  }

  void InviteBody() {
    static const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
    is_writing_ = true;
    asio::async_write(stream_, asio::buffer(interim), [self = this->shared_from_this()](Error error, size_t) {
      self->is_writing_ = false;
      if (error) return self->Close();
      if (self->answer_) return self->WriteAnswer();  // refused meanwhile: it took too long
      self->ReadBody();
    });
  }

  void ReadBody() {
    state_ = State::kBody;
    SetDeadline(shared_.limits.body_timeout);
    ReadBodyPart();
  }

  void ReadBodyPart() {
    const auto length = parser_->content_length();
    if (parser_->is_done() || (length && body_.size() == *length)) return Ask();
    // One more than allowed where no length is given: to see that it is too long.
    const auto room = body_.Room(length.value_or(max_body_ + 1));
    if (room.empty()) return Refuse(503, "too much is being sent to this server: try again later");
    if (length && buffer_.size() == 0) return ReadPlainPart(room);
    auto& part = parser_->get().body();
    part.data = room.data();
    part.size = room.size();
    part.more = true;
    auto done = [self = this->shared_from_this(), size = room.size()](Error error, size_t) {
      self->OnBodyPart(error, size);
    };
    if (length) return http::async_read_some(stream_, buffer_, *parser_, std::move(done));
    buffer_.reserve(kReadAtOnce);
    http::async_read(stream_, buffer_, *parser_, std::move(done));
  }

  // What is left of a body whose length is known goes to where it belongs at once: through the parser it
  // would come in small parts. room: no longer than that.
  void ReadPlainPart(std::span<uint8_t> room) {
    stream_.async_read_some(asio::buffer(room.data(), room.size()),
                            [self = this->shared_from_this()](Error error, size_t size) {
                              if (self->state_ != State::kBody) return;  // it took too long
                              if (error) return self->Close();
                              self->body_.Add(size);
                              self->ReadBodyPart();
                            });
  }

  void OnBodyPart(Error error, size_t room) {
    if (state_ != State::kBody) return;  // it took too long
    if (error == http::error::need_buffer) error = {};
    if (error == http::error::body_limit) return RefuseLongBody();
    if (error == http::error::partial_message || error == http::error::end_of_stream) return Close();
    if (IsOfParser(error)) return Refuse(400, "the body cannot be read: " + error.message());
    if (error) return Close();
    body_.Add(room - parser_->get().body().size);
    if (body_.size() > max_body_) return RefuseLongBody();
    ReadBodyPart();
  }

  void RefuseLongBody() {
    Refuse(413, "the body is longer than the " + std::to_string(max_body_) + " bytes that are allowed here");
  }

  void Ask() {
    NoDeadline();
    state_ = State::kAnswering;
    request_.body = body_.Take();
    Listen();
    const auto replied = std::make_shared<std::atomic<bool>>(false);
    shared_.handler.Handle(
        std::move(request_), [self = this->shared_from_this(), replied](Response response) {
          if (replied->exchange(true)) return;
          auto answer = std::make_shared<Response>(std::move(response));
          asio::dispatch(self->executor_, [self, answer] { self->Answer(std::move(*answer)); });
        });
  }

  // What is wrong with a request that was not read to its end: nothing behind it can be trusted.
  void Refuse(int status, const std::string& message) {
    if (!parser_->is_header_done()) TakeHeader();  // as much as there is
    request_.arrived = began_;
    keeps_alive_ = false;
    state_ = State::kAnswering;
    Response response = Refusal(status, message);
    shared_.handler.OnRefused(request_, response);
    Answer(std::move(response));
  }

  void Answer(Response response) {
    if (state_ != State::kAnswering) return;
    answer_.emplace(static_cast<http::status>(response.status), version_);
    auto& message = *answer_;
    message.set(http::field::server, "slipway");
    const bool has_content = response.status != 204 && response.status != 304;
    if (has_content) message.set(http::field::content_type, response.content_type);
    for (const auto& [name, value] : response.headers.fields()) message.insert(name, value);
    message.body() = std::move(response.body);
    message.keep_alive(keeps_alive_ && !has_ended_ && !shared_.is_draining);
    message.prepare_payload();
    if (!has_content) message.erase(http::field::content_length);  // RFC 9110, section 8.6
    SetDeadline(shared_.limits.write_timeout);
    if (!is_writing_) WriteAnswer();
  }

  void WriteAnswer() {
    is_writing_ = true;
    auto done = [self = this->shared_from_this()](Error error, size_t) {
      self->is_writing_ = false;
      self->OnAnswered(error);
    };
    const bool is_head = parser_ && parser_->get().method() == http::verb::head;
    serializer_.emplace(*answer_);
    if (is_head)
      http::async_write_header(stream_, *serializer_, std::move(done));
    else
      http::async_write(stream_, *serializer_, std::move(done));
  }

  void OnAnswered(Error error) {
    if (state_ == State::kClosed) return;
    const bool keeps_alive = answer_->keep_alive();
    serializer_.reset();
    answer_.reset();
    if (error) return Close();
    if (!keeps_alive) return Linger();
    WaitForRequest();
  }

  // Sends the end, and reads what is on its way for a moment: closing at once would reset the connection, and
  // the client might lose the answer.
  void Linger() {
    Error ignored;
    socket().shutdown(Tcp::socket::shutdown_send, ignored);
    if (has_ended_) return Close();
    state_ = State::kLingering;
    SetDeadline(kLinger);
    Discard();
  }

  void Discard() {
    if (is_listening_) return;  // its end closes
    socket().async_read_some(asio::buffer(discarded_),
                             [self = this->shared_from_this()](Error error, size_t) {
                               if (error || self->state_ == State::kClosed) return self->Close();
                               self->Discard();
                             });
  }

  void OpenWebSocket() {
    // A client has to wait for the answer (RFC 6455, section 4.1). What was read here would be lost.
    if (buffer_.size() > 0)
      return Refuse(400, "a WebSocket's frames come before it is open: wait for the answer");
    state_ = State::kAnswering;
    NoDeadline();
    const auto socket = std::make_shared<WebSocket<Stream>>(std::move(stream_), shared_);
    WebSocketAnswer answer = shared_.handler.OpenWebSocket(request_, socket);
    if (answer.listener == nullptr) {
      stream_ = socket->TakeStream();
      keeps_alive_ = false;  // a body may follow that nobody has read
      return Answer(std::move(answer.refusal));
    }
    state_ = State::kClosed;
    shared_.drains.Add(socket, shared_.count);
    if (shared_.is_draining) socket->Drain();  // the others were told before it was among them
    socket->Start(parser_->release().base(), shared_.handler.MaxBodyBytes(request_), std::move(answer));
  }

  void Close() {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    if (has_left_) *has_left_ = true;
    deadline_.cancel();
    Error ignored;
    socket().shutdown(Tcp::socket::shutdown_both, ignored);
    socket().close(ignored);
  }

  // What a header may take and what is read at once: a line that does not end (of a chunk, say) takes no
  // more.
  size_t MaxBuffered() const { return shared_.limits.max_header_bytes + kReadAtOnce; }

  static constexpr size_t kReadAhead = 1024;
  static constexpr size_t kReadAtOnce = 64 << 10;  // by Beast
  static constexpr std::chrono::milliseconds kLinger{1000};

  const asio::any_io_executor executor_;  // the strand; other threads use it, also while the stream moves
  Stream stream_;
  asio::steady_timer deadline_;
  const std::string peer_;
  Shared& shared_;
  const Counted counted_;
  State state_ = State::kIdle;
  beast::flat_buffer buffer_;
  bool is_listening_ = false, is_writing_ = false, has_ended_ = false, keeps_alive_ = true;
  std::optional<RequestParser> parser_;
  Request request_;
  std::chrono::steady_clock::time_point began_;  // its first byte was there
  std::shared_ptr<std::atomic<bool>> has_left_;
  unsigned version_ = 11;
  size_t max_body_ = 0;
  BodyBuffer body_;
  std::optional<http::response<http::string_body>> answer_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  std::array<char, 512> discarded_;
};

}  // namespace slipway::server
