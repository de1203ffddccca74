// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

namespace mete::collectors {
namespace {

void append_integer(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// Nanoseconds as seconds, exactly: "1.5", "0.000000001", "3".
void append_seconds(std::string& out, std::int64_t nanoseconds) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::uint64_t rest = static_cast<std::uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    out += '-';
    rest = 0 - rest;
  }
  append_integer(out, rest / kSecond);
  rest %= kSecond;
  if (rest == 0) return;
  std::array<char, 10> fraction;
  fraction[0] = '.';
  for (std::size_t i = 9; i > 0; --i) {
    fraction[i] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  std::size_t size = fraction.size();
  while (fraction[size - 1] == '0') --size;
  out.append(fraction.data(), size);
}

void append_real(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
  }
}

// The length of the UTF-8 character at the start of `text`; 0 when it is none (overlong, surrogate, cut off...).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kUntyped:
      return "untyped";
  }
  return "untyped";
}

}  // namespace

void Value::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::kAbsent:
      return;
    case Kind::kInteger:
      return append_integer(out, bits_.integer);
    case Kind::kNanoseconds:
      return append_seconds(out, bits_.nanoseconds);
    case Kind::kReal:
      return append_real(out, bits_.real);
  }
}

void append_label_value(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const std::size_t length = utf8_length(value);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      value.remove_prefix(1);
      continue;
    }
    switch (value.front()) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      default:
        out += value.substr(0, length);
    }
    value.remove_prefix(length);
  }
}

void LabelBlock::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  text_ += name;
  text_ += "=\"";
  append_label_value(text_, value);
  text_ += '"';
}

void FamilyWriter::write_head() {
  begun_ = true;
  out_.append("# HELP ").append(name_).append(" ");
  for (const char c : help_) {
    if (c == '\\') {
      out_ += "\\\\";
    } else if (c == '\n') {
      out_ += "\\n";
    } else {
      out_ += c;
    }
  }
  out_.append("\n# TYPE ").append(name_).append(" ").append(type_name(type_)).append("\n");
}

void FamilyWriter::add_suffixed(std::string_view suffix, const LabelBlock& labels, Value value,
                                std::string_view extra) {
  if (value.absent()) return;
  if (!begun_) write_head();
  out_.append(name_);
  if (!suffix.empty()) out_.append(suffix);
  const std::string& block = labels.text();
  if (!block.empty() || !extra.empty()) {
    out_ += '{';
    out_.append(block);
    if (!block.empty() && !extra.empty()) out_ += ',';
    out_.append(extra);
    out_ += '}';
  }
  out_ += ' ';
  value.append_to(out_);
  out_ += '\n';
}

}  // namespace mete::collectors
