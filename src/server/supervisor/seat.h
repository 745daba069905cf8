// A worker's place among the workers of a supervisor: what it is given, and what it says.
//
// Workers and supervisor share a pipe each, in one direction. A worker's words are single bytes; an error is
// a byte and the text behind it, until the pipe is closed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "slipway/status.h"

namespace slipway::server {

enum class Word : char {
  kReady = 'R',   // it serves
  kBeat = 'B',    // it moves
  kEnough = 'E',  // it wants another in its place
  kFailed = 'F',  // it ends, and why follows
};

struct Seat {
  int index = 0;          // from 0, among the workers
  int socket = -1;        // listening, to accept from
  int grpc_socket = -1;   // likewise; -1: no gRPC
  int wire = -1;          // the pipe's end to write to, which does not block
  bool is_first = false;  // of all, and the only one until it serves

  // A word that does not fit the pipe is lost: the supervisor hears nothing for long then, and it has
  // stopped.
  void Tell(Word word) const;
  void TellFailure(const Status& status) const;
};

// The supervisor's ear for one worker.
class Hearing {
 public:
  // Takes what came over the pipe, and returns the words in it.
  std::string_view Take(std::string_view bytes);
  // Why the worker ends, where it has said so.
  std::optional<Status> failure() const;

 private:
  std::string words_, error_;
  bool has_failed_ = false;
};

}  // namespace slipway::server
