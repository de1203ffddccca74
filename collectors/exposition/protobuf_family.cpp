// SPDX-License-Identifier: Apache-2.0
#include "collectors/exposition/protobuf_family.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace mete::collectors {
namespace {

// Field numbers of metrics.proto, by message.
namespace family_field {
constexpr unsigned kName = 1, kHelp = 2, kType = 3, kMetric = 4;
}
namespace metric_field {
constexpr unsigned kLabel = 1, kGauge = 2, kCounter = 3, kUntyped = 5, kHistogram = 7;
}
namespace value_field {  // of Gauge, Counter and Untyped
constexpr unsigned kValue = 1, kExemplar = 2;
}
namespace histogram_field {
constexpr unsigned kCount = 1, kSum = 2, kBucket = 3, kSchema = 5, kZeroThreshold = 6, kZeroCount = 7,
                   kPositiveSpan = 12, kPositiveDelta = 13;
}
namespace bucket_field {
constexpr unsigned kCumulativeCount = 1, kUpperBound = 2, kExemplar = 3;
}
namespace exemplar_field {
constexpr unsigned kLabel = 1, kValue = 2, kTimestamp = 3;
}

constexpr std::size_t kLengthBytes = 5;  // 35 bits

void put_varint(std::string& out, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) out += static_cast<char>(number | 0x80U);
  out += static_cast<char>(number);
}

void put_key(std::string& out, unsigned field, unsigned wire) {
  put_varint(out, (field << 3U) | wire);
}

void put_unsigned(std::string& out, unsigned field, std::uint64_t number) {
  put_key(out, field, 0);
  put_varint(out, number);
}

// sint32, sint64: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
void put_signed(std::string& out, unsigned field, std::int64_t number) {
  put_unsigned(out, field, (static_cast<std::uint64_t>(number) << 1U) ^ static_cast<std::uint64_t>(number >> 63));
}

void put_double(std::string& out, unsigned field, double number) {
  put_key(out, field, 1);
  auto bits = std::bit_cast<std::uint64_t>(number);
  for (int byte = 0; byte < 8; ++byte, bits >>= 8U) out += static_cast<char>(bits);
}

void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_key(out, field, 2);
  put_varint(out, bytes.size());
  out += bytes;
}

// The value of the label that begins behind `at`'s quote, without its escapes. `at` is moved behind the last quote.
std::string unescaped(std::string_view& at) {
  std::string value;
  while (!at.empty() && at.front() != '"') {
    if (at.front() == '\\' && at.size() > 1) {
      at.remove_prefix(1);
      value += at.front() == 'n' ? '\n' : at.front();
    } else {
      value += at.front();
    }
    at.remove_prefix(1);
  }
  if (!at.empty()) at.remove_prefix(1);
  return value;
}

// Labels as LabelBlock renders them, as messages LabelPair. The value of "le" goes to `bound` where that is asked for.
void put_labels(std::string& out, unsigned field, std::string_view text, std::string* bound = nullptr) {
  while (!text.empty()) {
    const auto equals = text.find("=\"");
    if (equals == std::string_view::npos) return;
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 2);
    std::string value = unescaped(text);
    if (!text.empty()) text.remove_prefix(1);  // the comma
    if (bound != nullptr && name == "le") {
      *bound = std::move(value);
      continue;
    }
    std::string pair;
    put_bytes(pair, 1, name);
    put_bytes(pair, 2, value);
    put_bytes(out, field, pair);
  }
}

double bound_of(const std::string& text) {
  double bound = std::numeric_limits<double>::infinity();
  if (text != "+Inf") std::from_chars(text.data(), text.data() + text.size(), bound);
  return bound;
}

std::string exemplar_message(const Exemplar& exemplar) {
  std::string message;
  put_labels(message, exemplar_field::kLabel, exemplar.labels.text());
  put_double(message, exemplar_field::kValue, exemplar.value.number());
  if (!exemplar.at) return message;
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto since = std::chrono::nanoseconds(exemplar.at->time_since_epoch()).count();
  std::string timestamp;
  put_unsigned(timestamp, 1, static_cast<std::uint64_t>(since / kSecond));
  put_unsigned(timestamp, 2, static_cast<std::uint64_t>(since % kSecond));
  put_bytes(message, exemplar_field::kTimestamp, timestamp);
  return message;
}

struct Kind {
  unsigned type;   // of the enumeration MetricType
  unsigned field;  // of Metric
};

Kind kind_of(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return {0, metric_field::kCounter};
    case MetricType::kGauge:
    case MetricType::kInfo:
      return {1, metric_field::kGauge};
    case MetricType::kHistogram:
      return {4, metric_field::kHistogram};
    case MetricType::kUntyped:
      break;
  }
  return {3, metric_field::kUntyped};
}

}  // namespace

ProtobufFamily::ProtobufFamily(std::string& out, std::string_view name, std::string_view help, MetricType type)
    : out_(out), type_(type), begin_(out.size()) {
  out_.append(kLengthBytes, '\0');
  put_bytes(out_, family_field::kName, name);
  put_bytes(out_, family_field::kHelp, help);
  put_unsigned(out_, family_field::kType, kind_of(type).type);
}

void ProtobufFamily::write_metric(std::string_view metric) {
  put_bytes(out_, family_field::kMetric, metric);
  std::uint64_t length = out_.size() - begin_ - kLengthBytes;
  for (std::size_t i = 0; i < kLengthBytes; ++i, length >>= 7U) {
    const unsigned more = i + 1 < kLengthBytes ? 0x80U : 0U;
    out_[begin_ + i] = static_cast<char>((length & 0x7fU) | more);
  }
}

void ProtobufFamily::add(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra,
                         const Exemplar* exemplar) {
  if (type_ == MetricType::kHistogram) return add_histogram_line(suffix, labels, value, extra, exemplar);
  std::string metric;
  put_labels(metric, metric_field::kLabel, labels.text());
  put_labels(metric, metric_field::kLabel, extra);
  std::string message;
  put_double(message, value_field::kValue, value.number());
  if (exemplar != nullptr && type_ == MetricType::kCounter)
    put_bytes(message, value_field::kExemplar, exemplar_message(*exemplar));
  put_bytes(metric, kind_of(type_).field, message);
  write_metric(metric);
}

void ProtobufFamily::add_histogram_line(std::string_view suffix, const LabelBlock& labels, Value value,
                                        std::string_view extra, const Exemplar* exemplar) {
  const auto count = [](const Value& number) { return static_cast<std::uint64_t>(number.number()); };
  std::string further;
  std::string bound;
  put_labels(further, metric_field::kLabel, extra, &bound);
  if (suffix == "_bucket") {
    // "+Inf" is the sum of all, and goes without saying unless it has an exemplar.
    if (bound == "+Inf" && exemplar == nullptr) return;
    std::string bucket;
    put_unsigned(bucket, bucket_field::kCumulativeCount, count(value));
    put_double(bucket, bucket_field::kUpperBound, bound_of(bound));
    if (exemplar != nullptr) put_bytes(bucket, bucket_field::kExemplar, exemplar_message(*exemplar));
    put_bytes(histogram_, histogram_field::kBucket, bucket);
  } else if (suffix == "_sum") {
    put_double(histogram_, histogram_field::kSum, value.number());
  } else {
    put_unsigned(histogram_, histogram_field::kCount, count(value));
    std::string metric;
    put_labels(metric, metric_field::kLabel, labels.text());
    metric += further;
    put_bytes(metric, metric_field::kHistogram, histogram_);
    histogram_.clear();
    write_metric(metric);
  }
}

// Spans are runs of buckets without a gap, told by the distance from the run before. Counts are told as differences.
void ProtobufFamily::add_native(const NativeHistogram& histogram) {
  put_signed(histogram_, histogram_field::kSchema, histogram.schema());
  put_double(histogram_, histogram_field::kZeroThreshold, NativeHistogram::kZeroThreshold);
  put_unsigned(histogram_, histogram_field::kZeroCount, histogram.zeros());
  const auto put_span = [&](std::int32_t offset, std::uint32_t length) {
    std::string span;
    put_signed(span, 1, offset);
    put_unsigned(span, 2, length);
    put_bytes(histogram_, histogram_field::kPositiveSpan, span);
  };
  std::int32_t offset = 0;
  std::uint32_t length = 0;
  std::int32_t next = 0;  // the index behind the run
  std::string deltas;
  std::uint64_t before = 0;
  for (const auto& [index, count] : histogram.buckets()) {
    if (length > 0 && index != next) {
      put_span(offset, length);
      length = 0;
    }
    if (length == 0) offset = index - next;
    ++length;
    next = index + 1;
    put_signed(deltas, histogram_field::kPositiveDelta, static_cast<std::int64_t>(count - before));
    before = count;
  }
  // A histogram without any observation has one span of nothing: so it is told from one without native buckets.
  if (length > 0 || histogram.zeros() == 0) put_span(offset, length);
  histogram_ += deltas;
}

}  // namespace mete::collectors
