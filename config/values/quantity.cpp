// SPDX-License-Identifier: Apache-2.0
#include "config/values/quantity.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace mete::config {
namespace {

// No sensible amount within 64 bits is longer; bounds the work on malformed text.
constexpr std::size_t kMaxLength = 64;
constexpr int kMaxExponent = 99;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// digits * 10^-scale, exact. Arithmetic on decimal text: amounts are short, and nothing can round or overflow.
struct Decimal {
  bool negative = false;
  std::string digits;
  int scale = 0;

  void multiply(unsigned factor) {
    unsigned carry = 0;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
      carry += static_cast<unsigned>(*digit - '0') * factor;
      *digit = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
    for (; carry > 0; carry /= 10) digits.insert(digits.begin(), static_cast<char>('0' + carry % 10));
  }
  void shift(int places) { scale -= places; }
};

// Removes sign, digits and point from the front of `text`; empty when there is no digit.
std::optional<Decimal> take_decimal(std::string_view& text, bool with_sign) {
  Decimal number;
  std::size_t at = 0;
  if (with_sign && !text.empty() && (text[0] == '-' || text[0] == '+')) number.negative = text[at++] == '-';
  bool point = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !point) {
      point = true;
    } else if (is_digit(text[at])) {
      number.digits += text[at];
      if (point) ++number.scale;
    } else {
      break;
    }
  }
  if (number.digits.empty()) return std::nullopt;
  text.remove_prefix(at);
  return number;
}

enum class Rounding { kUp, kExact };
enum class Misfit { kOverflow, kFraction };

// The number as an integer; rounding up means away from zero, as in Kubernetes.
tl::expected<std::int64_t, Misfit> to_integer(const Decimal& number, Rounding rounding) {
  std::string digits = number.digits;
  if (number.scale < 0) digits.append(static_cast<std::size_t>(-number.scale), '0');
  const auto fraction = std::min(digits.size(), static_cast<std::size_t>(std::max(number.scale, 0)));
  const bool rest = digits.find_first_not_of('0', digits.size() - fraction) != std::string::npos;
  if (rest && rounding == Rounding::kExact) return tl::unexpected(Misfit::kFraction);
  digits.resize(digits.size() - fraction);

  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (kMax - digit) / 10) return tl::unexpected(Misfit::kOverflow);
    value = value * 10 + digit;
  }
  if (rest && value++ == kMax) return tl::unexpected(Misfit::kOverflow);
  const auto magnitude = static_cast<std::int64_t>(value);
  return number.negative ? -magnitude : magnitude;
}

struct Suffix {
  std::string_view text;
  int power_of_ten;
  int power_of_1024;
};
constexpr std::array<Suffix, 16> kSuffixes = {{{"", 0, 0},
                                               {"n", -9, 0},
                                               {"u", -6, 0},
                                               {"m", -3, 0},
                                               {"k", 3, 0},
                                               {"M", 6, 0},
                                               {"G", 9, 0},
                                               {"T", 12, 0},
                                               {"P", 15, 0},
                                               {"E", 18, 0},
                                               {"Ki", 0, 1},
                                               {"Mi", 0, 2},
                                               {"Gi", 0, 3},
                                               {"Ti", 0, 4},
                                               {"Pi", 0, 5},
                                               {"Ei", 0, 6}}};

std::optional<int> parse_exponent(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(1);
  const bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  int value = 0;
  for (const char c : text) value = std::min(value * 10 + (c - '0'), kMaxExponent);
  return negative ? -value : value;
}

bool apply_suffix(Decimal& number, std::string_view suffix) {
  for (const auto& known : kSuffixes) {
    if (suffix != known.text) continue;
    for (int i = 0; i < known.power_of_1024; ++i) number.multiply(1024);
    number.shift(known.power_of_ten);
    return true;
  }
  const auto exponent = parse_exponent(suffix);
  if (exponent) number.shift(*exponent);
  return exponent.has_value();
}

tl::unexpected<Error> misread(std::string_view text, std::string_view expected) {
  std::string shown(text.substr(0, kMaxLength));
  if (text.size() > kMaxLength) shown += "...";
  return fail("found \"" + shown + "\", expected " + std::string(expected));
}

Result<std::int64_t> parse_quantity(std::string_view text, int unit, std::string_view expected) {
  std::string_view rest = text;
  auto number = text.size() <= kMaxLength ? take_decimal(rest, true) : std::nullopt;
  if (!number || !apply_suffix(*number, rest)) return misread(text, expected);
  number->shift(unit);
  const auto value = to_integer(*number, Rounding::kUp);
  if (!value) return misread(text, "an amount that fits 64 bits");
  return *value;
}

struct TimeUnit {
  std::string_view text;
  int power_of_ten;  // of one nanosecond
  unsigned factor;
};
// When one name begins with another, the longer one comes first.
constexpr std::array<TimeUnit, 7> kTimeUnits = {
    {{"ns", 0, 1}, {"us", 3, 1}, {"ms", 6, 1}, {"s", 9, 1}, {"m", 9, 60}, {"h", 9, 3600}, {"d", 9, 86400}}};

const TimeUnit* take_unit(std::string_view& text) {
  for (const auto& unit : kTimeUnits) {
    if (text.substr(0, unit.text.size()) != unit.text) continue;
    text.remove_prefix(unit.text.size());
    return &unit;
  }
  return nullptr;
}

Result<Ratio> parse_ratio(std::string_view text, std::string_view suffix, int power_of_ten, std::string_view expected) {
  std::string_view rest = text;
  auto number = text.size() <= kMaxLength ? take_decimal(rest, false) : std::nullopt;
  if (!number || rest != suffix) return misread(text, expected);
  number->shift(power_of_ten);
  const auto value = to_integer(*number, Rounding::kExact);
  if (!value) return misread(text, "a share that is a whole number of millionths and fits 64 bits");
  return Ratio(*value);
}

}  // namespace

Result<MilliCpu> parse_cpu(std::string_view text) {
  METE_TRY(const auto count, parse_quantity(text, 3, "CPUs such as \"500m\", \"0.5\" or \"2\""));
  return MilliCpu(count);
}

Result<Bytes> parse_bytes(std::string_view text) {
  METE_TRY(const auto count, parse_quantity(text, 0, "bytes such as \"128Mi\", \"1G\" or \"104960000\""));
  return Bytes(count);
}

Result<std::int64_t> parse_count(std::string_view text) {
  return parse_quantity(text, 0, "a number such as \"256\" or \"2k\"");
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kExpected = "a duration such as \"50ms\", \"10s\", \"1m30s\" or \"2h\"";
  if (text.empty() || text.size() > kMaxLength) return misread(text, kExpected);
  std::int64_t total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    auto number = take_decimal(rest, false);
    const auto* unit = number ? take_unit(rest) : nullptr;
    if (unit == nullptr) return misread(text, kExpected);
    number->multiply(unit->factor);
    number->shift(unit->power_of_ten);
    const auto part = to_integer(*number, Rounding::kExact);
    if (!part || __builtin_add_overflow(total, *part, &total)) {
      return misread(text, "a whole number of nanoseconds that fits 64 bits");
    }
  }
  return std::chrono::nanoseconds(total);
}

Result<Ratio> parse_percent(std::string_view text) {
  return parse_ratio(text, "%", 4, "a percentage such as \"25%\"");
}

Result<Ratio> parse_factor(std::string_view text) {
  return parse_ratio(text, "", 6, "a factor such as \"1.2\"");
}

}  // namespace mete::config
