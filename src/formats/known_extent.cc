#include "formats/known_extent.h"

#include <limits>

namespace slipway {

Result<int64_t> KnownExtent(const DimList& dims, int64_t axis, const char* hint) {
  const auto refuse = [](const std::string& message, std::string how = {}) {
    return Status(Code::kInvalidModel, message, std::move(how));
  };
  if (axis >= static_cast<int64_t>(dims.size()))
    return refuse("input " + ToString(dims) + " has no axis " + std::to_string(axis));
  const Dim& dim = dims[static_cast<size_t>(axis)];
  if (dim.IsKnown() && dim.value() > std::numeric_limits<int32_t>::max())
    return refuse("axis " + std::to_string(axis) + " of the input " + ToString(dims) + " is too long");
  if (dim.IsKnown()) return dim.value();
  return refuse("axis " + std::to_string(axis) + " of the input " + ToString(dims) + " must be known", hint);
}

}  // namespace slipway
