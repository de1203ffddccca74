// SPDX-License-Identifier: Apache-2.0
// Prometheus text format 0.0.4, OpenMetrics 1.0 and Prometheus' protobuf, written into one string. Labels are rendered
// once per container and reused; numbers go through std::to_chars. No timestamps.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/base/units.h"

namespace mete::collectors {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram, kInfo, kUntyped };
enum class Format : std::uint8_t { kText, kOpenMetrics, kProtobuf };  // text 0.0.4, OpenMetrics 1.0, MetricFamily

[[nodiscard]] std::string_view type_name(MetricType type, Format format = Format::kText);

// A number as the kernel gave it. Only append_to() turns it into text, in seconds or bytes.
class Value {
 public:
  enum class Kind : std::uint8_t { kAbsent, kInteger, kNanoseconds, kReal };
  constexpr Value() = default;  // absent: no line is written
  constexpr Value(std::uint64_t number) : bits_{.integer = number}, kind_(Kind::kInteger) {}               // NOLINT
  constexpr Value(Bytes size) : Value(static_cast<std::uint64_t>(size.count() < 0 ? 0 : size.count())) {}  // NOLINT
  constexpr Value(std::chrono::nanoseconds time)
      : bits_{.nanoseconds = time.count()}, kind_(Kind::kNanoseconds) {}         // NOLINT
  constexpr Value(double number) : bits_{.real = number}, kind_(Kind::kReal) {}  // NOLINT
  // std::optional, or what is used as one. Empty: absent.
  template <class Optional>
  requires requires(const Optional& value) { value.has_value(); }
  constexpr Value(const Optional& value) : Value(value ? Value(*value) : Value()) {}  // NOLINT

  [[nodiscard]] constexpr Kind kind() const { return kind_; }
  [[nodiscard]] constexpr bool absent() const { return kind_ == Kind::kAbsent; }
  // "12", "0.5", "NaN", "+Inf"
  void append_to(std::string& out) const;
  // The same into a buffer with room for kLongest bytes; returns the end of the text.
  static constexpr std::size_t kLongest = 32;
  [[nodiscard]] char* put(char* at) const;
  // The same as a number; 0 when it is absent.
  [[nodiscard]] double number() const;

 private:
  union {
    std::uint64_t integer;
    std::int64_t nanoseconds;
    double real;
  } bits_{.integer = 0};
  Kind kind_ = Kind::kAbsent;
};

// name="value",name="value" rendered once: escaped, invalid UTF-8 replaced by U+FFFD. Names must be valid label names.
class LabelBlock {
 public:
  using Pair = std::pair<std::string_view, std::string_view>;
  LabelBlock() = default;
  LabelBlock(std::initializer_list<Pair> labels) {
    for (const Pair& label : labels) add(label.first, label.second);
  }
  void add(std::string_view name, std::string_view value);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void append_label_value(std::string& out, std::string_view value);  // escaped, without the quotes

// The trace or event that an OpenMetrics counter or bucket refers to. Text 0.0.4 has no exemplars.
struct Exemplar {
  LabelBlock labels;  // at most 128 characters, names and values together (OpenMetrics 1.0)
  Value value;
  std::optional<std::chrono::system_clock::time_point> at;
};

class NativeHistogram;
class ProtobufFamily;

// Writes one metric family: HELP and TYPE once, before the first line; nothing at all when no line is added. In
// OpenMetrics a counter's family goes without the "_total" of its samples, and a name that ends in a unit has a UNIT
// line.
class FamilyWriter {
 public:
  // `name` and `help` must outlive the writer. A counter's name ends in "_total".
  FamilyWriter(std::string& out, std::string_view name, std::string_view help, MetricType type,
               Format format = Format::kText);
  FamilyWriter(FamilyWriter&&) noexcept;
  FamilyWriter& operator=(FamilyWriter&&) = delete;
  ~FamilyWriter();
  // `extra` is rendered label text besides the block: R"(cpu="total")" or empty.
  void add(const LabelBlock& labels, Value value, std::string_view extra = {}) {
    add_suffixed({}, labels, value, extra);
  }
  void add(Value value) { add(LabelBlock(), value); }
  // For the lines of a histogram: "_bucket", "_sum", "_count".
  void add_suffixed(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra = {},
                    const Exemplar* exemplar = nullptr);
  // For a histogram, before its "_count". Formats without native histograms leave it out.
  void add_native(const NativeHistogram& histogram);

 private:
  void write_head();
  ProtobufFamily& protobuf();
  void write_exemplar(const Exemplar& exemplar);
  std::string& out_;
  std::string_view name_;
  std::string_view help_;
  MetricType type_;
  Format format_;
  bool begun_ = false;
  std::unique_ptr<ProtobufFamily> protobuf_;  // made by the first line
};

}  // namespace mete::collectors
