// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition/exposition.h"

#include <array>
#include <charconv>
#include <cmath>

#include "collectors/exposition/native_histogram.h"
#include "collectors/exposition/protobuf_family.h"

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

// The length of the UTF-8 character at the start of `text`; 0 when the bytes are invalid (overlong, surrogate, cut
// off...).
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

// The OpenMetrics units that metric names of mete end in.
std::string_view unit_of(std::string_view name) {
  for (const std::string_view unit : {"seconds", "bytes", "ratio", "cores", "celsius"}) {
    if (name.ends_with(unit) && name.size() > unit.size() && name[name.size() - unit.size() - 1] == '_') return unit;
  }
  return {};
}

}  // namespace

std::string_view type_name(MetricType type, Format format) {
  const bool open_metrics = format == Format::kOpenMetrics;
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kInfo:
      return open_metrics ? "info" : "gauge";
    case MetricType::kUntyped:
      return open_metrics ? "unknown" : "untyped";
  }
  return "untyped";
}

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

double Value::number() const {
  constexpr double kSecond = 1e9;
  switch (kind_) {
    case Kind::kAbsent:
      return 0;
    case Kind::kInteger:
      return static_cast<double>(bits_.integer);
    case Kind::kNanoseconds:
      return static_cast<double>(bits_.nanoseconds) / kSecond;
    case Kind::kReal:
      return bits_.real;
  }
  return 0;
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

FamilyWriter::FamilyWriter(std::string& out, std::string_view name, std::string_view help, MetricType type,
                           Format format)
    : out_(out), name_(name), help_(help), type_(type), format_(format) {}
FamilyWriter::FamilyWriter(FamilyWriter&&) noexcept = default;
FamilyWriter::~FamilyWriter() = default;

ProtobufFamily& FamilyWriter::protobuf() {
  if (!protobuf_) protobuf_ = std::make_unique<ProtobufFamily>(out_, name_, help_, type_);
  return *protobuf_;
}

void FamilyWriter::add_native(const NativeHistogram& histogram) {
  if (format_ == Format::kProtobuf) protobuf().add_native(histogram);
}

void FamilyWriter::write_head() {
  begun_ = true;
  std::string_view family = name_;
  const bool open_metrics = format_ == Format::kOpenMetrics;
  const auto take_off = [&](std::string_view end) {
    if (family.ends_with(end)) family.remove_suffix(end.size());
  };
  if (open_metrics && type_ == MetricType::kCounter) take_off("_total");
  if (open_metrics && type_ == MetricType::kInfo) take_off("_info");
  out_.append("# HELP ").append(family).append(" ");
  for (const char c : help_) {
    if (c == '\\') {
      out_ += "\\\\";
    } else if (c == '\n') {
      out_ += "\\n";
    } else if (c == '"' && open_metrics) {
      out_ += "\\\"";
    } else {
      out_ += c;
    }
  }
  out_.append("\n# TYPE ").append(family).append(" ").append(type_name(type_, format_)).append("\n");
  if (!open_metrics) return;
  if (const std::string_view unit = unit_of(family); !unit.empty()) {
    out_.append("# UNIT ").append(family).append(" ").append(unit).append("\n");
  }
}

void FamilyWriter::write_exemplar(const Exemplar& exemplar) {
  out_.append(" # {").append(exemplar.labels.text()).append("} ");
  exemplar.value.append_to(out_);
  if (!exemplar.at) return;
  out_ += ' ';
  append_seconds(out_, std::chrono::nanoseconds(exemplar.at->time_since_epoch()).count());
}

void FamilyWriter::add_suffixed(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra,
                                const Exemplar* exemplar) {
  if (value.absent()) return;
  if (format_ == Format::kProtobuf) return protobuf().add(suffix, labels, value, extra, exemplar);
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
  if (exemplar != nullptr && format_ == Format::kOpenMetrics) write_exemplar(*exemplar);
  out_ += '\n';
}

}  // namespace mete::collectors
