#include "ops/attention/contrib.h"

namespace slipway {

std::vector<ForeignRow> ContribAttentionRows() { return {}; }

}  // namespace slipway
