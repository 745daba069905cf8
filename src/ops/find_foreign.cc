// The look-up of foreign operators over the records' rows.
#include <map>

#include "ops/dynamic_ops.h"
#include "ops/op.h"

namespace slipway {
namespace {

bool IsMainDomain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

}  // namespace

ForeignMatch FindForeign(Format format, std::string_view domain, std::string_view op, int64_t version) {
  using Index = std::multimap<std::string, ForeignMatch, std::less<>>;
  static const Index index = [] {
    Index rows;
    for (const OpDef& def : AllOps()) {
      for (const ForeignRow& row : def.foreign) rows.emplace(row.op, ForeignMatch{&def, &row});
    }
    return rows;
  }();
  const auto [begin, end] = index.equal_range(op);
  for (auto it = begin; it != end; ++it) {
    const ForeignRow& row = *it->second.row;
    const bool is_same_domain = row.domain == domain || (IsMainDomain(row.domain) && IsMainDomain(domain));
    if (row.format == format && is_same_domain && row.since <= version && version <= row.until)
      return it->second;
  }
  return FindDynamicForeign(format, IsMainDomain(domain) ? "" : domain, op, version);
}

}  // namespace slipway
