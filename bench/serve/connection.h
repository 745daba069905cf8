// One connection of the load generator: sends a request, reads the answer, again and again. Kept open where
// the server keeps it; opened when a request is there to be sent, never before: servers that serve one
// connection at a time would wait for a silent one.
//
// Left out on purpose: TLS, pipelining, interim answers (100 Continue), retries (a request that fails is
// counted).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::serve {

struct Answer {
  std::string error;  // empty: an answer came, of whatever status
  bool has_connected = false;
  int status = 0;
  std::string body;
  uint64_t size_bytes = 0;  // with its header
};

// Used by the thread that runs `io`; must outlive what it asked.
class Connection {
 public:
  using Tcp = boost::asio::ip::tcp;
  using Done = std::function<void(const Answer&)>;
  static constexpr uint64_t kMaxBodyBytes = uint64_t{256} << 20;

  Connection(boost::asio::io_context& io, const Tcp::endpoint& peer) : socket_(io), peer_(peer) {}

  // Calls `done` once, later. `request`: a whole HTTP/1.1 message, alive until then. REQUIRES: not busy.
  void Ask(std::string_view request, Done done);
  // What is being asked ends with this error. Nothing happens where nothing is asked.
  void GiveUp(std::string reason);

  bool is_busy() const { return done_ != nullptr; }
  // How often it connected.
  uint64_t connects() const { return connects_; }

 private:
  using Parser = boost::beast::http::response_parser<boost::beast::http::string_body>;
  enum class Line { kReady, kClosed, kHasStrayBytes };

  Line Look();
  void Connect();
  void Send();
  void Receive();
  void OnReceived(const boost::system::error_code& error, uint64_t size_bytes);
  void Fail(std::string_view step, const boost::system::error_code& error);
  void Finish(Answer answer);
  void Close();

  Tcp::socket socket_;
  Tcp::endpoint peer_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string_view request_;
  Done done_;
  std::string give_up_reason_;
  boost::system::error_code send_error_;
  uint64_t connects_ = 0;
};

}  // namespace slipway::serve
