// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition/exposition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "collectors/exposition/native_histogram.h"
#include "collectors/exposition/protobuf_family.h"

namespace mete::collectors {
namespace {

// Each writes to `at`, where Value::kLongest bytes are free, and returns the end.
char* put_integer(char* at, std::uint64_t number) {
  return std::to_chars(at, at + Value::kLongest, number).ptr;
}

// Nanoseconds as seconds, exactly: "1.5", "0.000000001", "3".
char* put_seconds(char* at, std::int64_t nanoseconds) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::uint64_t rest = static_cast<std::uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    *at++ = '-';
    rest = 0 - rest;
  }
  at = std::to_chars(at, at + Value::kLongest - 1, rest / kSecond).ptr;
  rest %= kSecond;
  if (rest == 0) return at;
  constexpr std::size_t kPlaces = 9;
  *at = '.';
  for (std::size_t i = kPlaces; i > 0; --i) {
    at[i] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  at += kPlaces;
  while (*at == '0') --at;
  return at + 1;
}

char* put_text(char* at, std::string_view text) {
  return at + text.copy(at, text.size());
}

char* put_real(char* at, double number) {
  if (std::isnan(number)) return put_text(at, "NaN");
  if (std::isinf(number)) return put_text(at, number > 0 ? "+Inf" : "-Inf");
  return std::to_chars(at, at + Value::kLongest, number).ptr;
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

char* Value::put(char* at) const {
  switch (kind_) {
    case Kind::kAbsent:
      return at;
    case Kind::kInteger:
      return put_integer(at, bits_.integer);
    case Kind::kNanoseconds:
      return put_seconds(at, bits_.nanoseconds);
    case Kind::kReal:
      return put_real(at, bits_.real);
  }
  return at;
}

void Value::append_to(std::string& out) const {
  std::array<char, Value::kLongest> text;
  out.append(text.data(), put(text.data()));
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
  const auto is_plain = [](char c) {
    return static_cast<unsigned char>(c) < 0x80 && c != '\\' && c != '"' && c != '\n';
  };
  while (!value.empty()) {
    const auto special = std::find_if_not(value.begin(), value.end(), is_plain);
    out.append(value.begin(), special);
    value.remove_prefix(static_cast<std::size_t>(special - value.begin()));
    if (value.empty()) return;
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
  constexpr std::size_t kSigns = 4;  // ,=""
  text_.reserve(text_.size() + name.size() + value.size() + kSigns);
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
  Value(std::chrono::nanoseconds(exemplar.at->time_since_epoch())).append_to(out_);
}

void FamilyWriter::add_suffixed(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra,
                                const Exemplar* exemplar) {
  if (value.absent()) return;
  if (format_ == Format::kProtobuf) return protobuf().add(suffix, labels, value, extra, exemplar);
  if (!begun_) write_head();
  out_.append(name_);
  if (!suffix.empty()) out_.append(suffix);
  const std::string& block = labels.text();
  std::array<char, Value::kLongest + 3> end;  // "} ", the number, a line's end: one append for all of it
  char* at = end.data();
  if (!block.empty() || !extra.empty()) {
    out_ += '{';
    out_.append(block);
    if (!block.empty() && !extra.empty()) out_ += ',';
    out_.append(extra);
    *at++ = '}';
  }
  *at++ = ' ';
  at = value.put(at);
  if (exemplar != nullptr && format_ == Format::kOpenMetrics) {
    out_.append(end.data(), at);
    write_exemplar(*exemplar);
    at = end.data();
  }
  *at++ = '\n';
  out_.append(end.data(), at);
}

}  // namespace mete::collectors
