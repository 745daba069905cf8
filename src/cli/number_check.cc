#include "cli/number_check.h"

#include <fmt/format.h>

#include <limits>

namespace slipway::cli {

CLI::Validator NumberWithin(double low, double high) {
  const std::string range = high == std::numeric_limits<double>::infinity()
                                ? fmt::format("{:g} or more", low)
                                : fmt::format("between {:g} and {:g}", low, high);
  return {[low, high, range](std::string& text) {
            double number = 0;
            const bool is_number = CLI::detail::lexical_cast(text, number);
            if (is_number && number >= low && number <= high) return std::string();
            return fmt::format("must be {}, not '{}'", range, text);
          },
          ""};
}

CLI::Validator NumberFrom(double low) { return NumberWithin(low, std::numeric_limits<double>::infinity()); }

}  // namespace slipway::cli
