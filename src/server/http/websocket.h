// An open WebSocket (RFC 6455). Private to the transport.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "server/http/shared.h"

namespace slipway::server {

// Lives as long as it is read from, as does its listener, which whatever reads has: a member would keep both
// for ever where the transport ends first, as listeners keep the sink. All of it runs on the stream's strand,
// but for what WebSocketSink offers.
template <class Stream>
class WebSocket : public WebSocketSink,
                  public Drainable,
                  public std::enable_shared_from_this<WebSocket<Stream>> {
 public:
  WebSocket(Stream stream, Shared& shared)
      : stream_(std::move(stream)), limits_(shared.limits), counted_(shared) {}

  // Where nobody listens at the path.
  Stream TakeStream() { return std::move(stream_.next_layer()); }

  template <class Fields>
  void Start(const boost::beast::http::header<true, Fields>& request, size_t max_message_bytes,
             WebSocketAnswer answer) {
    namespace ws = boost::beast::websocket;
    request_.base() = request;
    stream_.read_message_max(max_message_bytes);
    // The peer answers a ping that is sent after half of this.
    stream_.set_option(ws::stream_base::timeout{limits_.header_timeout, limits_.idle_timeout, true});
    if (!answer.protocol.empty()) {
      stream_.set_option(
          ws::stream_base::decorator([protocol = answer.protocol](ws::response_type& response) {
            response.set(boost::beast::http::field::sec_websocket_protocol, protocol);
          }));
    }
    stream_.async_accept(request_, [self = this->shared_from_this(),
                                    listener = std::move(answer.listener)](Error error) mutable {
      if (error) return self->End(*listener);
      self->is_open_ = true;
      self->SendClose();
      self->Read(std::move(listener));
    });
  }

  void SendText(std::string text) override {
    boost::asio::post(stream_.get_executor(),
                      [self = this->shared_from_this(), text = std::move(text)]() mutable {
                        if (self->is_over_ || self->closing_) return;
                        if (self->waiting_.size() >= kMostWaiting) return;
                        self->waiting_.push_back(std::move(text));
                        if (self->waiting_.size() == 1) self->Write();
                      });
  }

  void Drain() override { Close("the server stops"); }

  void Close(std::string reason) override {
    boost::asio::post(stream_.get_executor(), [self = this->shared_from_this(), reason = std::move(reason)] {
      if (self->closing_) return;
      self->closing_.emplace(boost::beast::websocket::close_code::going_away, reason.substr(0, kMostReason));
      self->SendClose();
    });
  }

 private:
  using Error = boost::beast::error_code;
  // Of a client that does not read: what comes behind is dropped.
  static constexpr size_t kMostWaiting = 16;
  static constexpr size_t kMostReason = 123;  // RFC 6455: what a control frame has room for

  void Read(std::unique_ptr<WebSocketListener> listener) {
    stream_.async_read(buffer_, [self = this->shared_from_this(), listener = std::move(listener)](
                                    Error error, size_t) mutable {
      if (error) return self->End(*listener);
      Body message(self->buffer_.size());
      boost::asio::buffer_copy(boost::asio::buffer(message.data(), message.size()), self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      listener->OnMessage(std::move(message), self->stream_.got_text());
      self->Read(std::move(listener));
    });
  }

  void Write() {
    stream_.text(true);
    stream_.async_write(boost::asio::buffer(waiting_.front()),
                        [self = this->shared_from_this()](Error error, size_t) {
                          self->waiting_.pop_front();
                          if (!error && !self->waiting_.empty()) return self->Write();
                          self->SendClose();
                        });
  }

  // Where it is to close, and nothing is in its way.
  void SendClose() {
    if (!closing_ || is_over_ || !is_open_ || !waiting_.empty()) return;
    stream_.async_close(*closing_, [self = this->shared_from_this()](Error) {});
  }

  void End(WebSocketListener& listener) {
    is_over_ = true;
    listener.OnClose();
  }

  boost::beast::websocket::stream<Stream> stream_;
  const TransportLimits& limits_;
  const Counted counted_;
  boost::beast::http::request<boost::beast::http::empty_body> request_;
  boost::beast::flat_buffer buffer_;
  std::deque<std::string> waiting_;  // the first is being written
  std::optional<boost::beast::websocket::close_reason> closing_;
  bool is_open_ = false, is_over_ = false;
};

}  // namespace slipway::server
