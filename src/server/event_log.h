// A line for everything that changes what is served: models that are loaded, replaced and unloaded, and what
// fails, in the form of the access log (text where there is none). Requests are the access log's.
#pragma once

#include <functional>
#include <string>

#include "server/access_log.h"
#include "server/models/repository.h"

namespace slipway::server {

// Every method may be called from any thread.
class EventLog {
 public:
  // write: takes a line, without its end; empty: nobody wants any. worker: as in ServerOptions.
  EventLog(LogForm form, std::string worker, std::function<void(const std::string& line)> write)
      : form_(form), worker_(std::move(worker)), write_(std::move(write)) {}

  void Write(const ModelEvent& event) const;
  // what: "reading the repositories".
  void WriteFailure(const std::string& what, const Status& status) const;

 private:
  // add_members: of the JSON, beside its time.
  template <class AddMembers>
  void Put(const std::string& text, const AddMembers& add_members) const;

  const LogForm form_;
  const std::string worker_;
  const std::function<void(const std::string&)> write_;
};

}  // namespace slipway::server
