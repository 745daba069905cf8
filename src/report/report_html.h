// A profile as one HTML page for people: nothing is fetched, everything is in the file.
#pragma once

#include <string>
#include <string_view>

#include "report/profile.h"

namespace slipway {

std::string ToHtml(const Profile& profile);

// As text or as an attribute in quotes; control characters become blanks.
std::string EscapeHtml(std::string_view text);

}  // namespace slipway
