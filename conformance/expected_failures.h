// The list of cases that do not pass yet, each under one reason.
//
//   not yet: operator DeformConv
//     node/test_basic_deform_conv_with_padding
//
// A line that starts in the first column is a reason, an indented one a case under it; '#' starts a comment.
// Reasons that start with "not yet: " are written by --update; others are written by hand and kept while
// their cases fail. Cases whose reason starts with "random" pass now and then. A case that fails on one
// backend only is written as "node/test_x @cpu".
#pragma once

#include <map>
#include <string>

#include "slipway/status.h"

namespace slipway::conformance {

class ExpectedFailures {
 public:
  // A missing file is an empty list.
  static Result<ExpectedFailures> Read(const std::string& path);
  Status Write(const std::string& path) const;

  // The reason for `name` on `backend`; empty when it should pass.
  std::string ReasonFor(const std::string& name, const std::string& backend) const;
  // Whether cases of that reason pass now and then.
  static bool IsRandom(const std::string& reason) { return reason.starts_with("random"); }
  // Reasons written by hand survive.
  void Set(const std::string& name, const std::string& backend, const std::string& reason);
  // `name` passes on `backend`.
  void Remove(const std::string& name, const std::string& backend);

  const std::map<std::string, std::string>& entries() const { return reasons_; }

 private:
  std::map<std::string, std::string> reasons_;  // "name" or "name @backend" to reason
};

}  // namespace slipway::conformance
