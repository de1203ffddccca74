// SPDX-License-Identifier: Apache-2.0
// Prometheus' protobuf and its native histograms, read back by the wire format's rules
// (protobuf.dev/programming-guides/ encoding).
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "collectors/exposition/exposition.h"
#include "collectors/exposition/native_histogram.h"
#include "collectors/metrics/exposition_stream.h"

namespace mete::collectors {
namespace {

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) break;
  }
  return number;
}

struct Field {
  unsigned number = 0;
  std::uint64_t integer = 0;
  double real = 0;
  std::string bytes;
};

std::vector<Field> fields_of(std::string_view bytes) {
  std::vector<Field> all;
  while (!bytes.empty()) {
    const auto key = take_varint(bytes);
    Field field;
    field.number = static_cast<unsigned>(key >> 3U);
    if ((key & 7U) == 0) {
      field.integer = take_varint(bytes);
    } else if ((key & 7U) == 1) {
      std::uint64_t bits = 0;
      for (unsigned byte = 0; byte < 8; ++byte)
        bits |= std::uint64_t{static_cast<unsigned char>(bytes.at(byte))} << (8 * byte);
      bytes.remove_prefix(8);
      field.real = std::bit_cast<double>(bits);
    } else {
      EXPECT_EQ(key & 7U, 2U);
      const auto size = take_varint(bytes);
      EXPECT_LE(size, bytes.size());
      field.bytes = bytes.substr(0, size);
      bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
    }
    all.push_back(std::move(field));
  }
  return all;
}

std::vector<Field> only(const std::vector<Field>& all, unsigned number) {
  std::vector<Field> some;
  for (const auto& each : all) {
    if (each.number == number) some.push_back(each);
  }
  return some;
}

// The messages of a body, each after its length.
std::vector<std::vector<Field>> families_of(std::string_view body) {
  std::vector<std::vector<Field>> all;
  while (!body.empty()) {
    const auto size = take_varint(body);
    EXPECT_LE(size, body.size());
    all.push_back(fields_of(body.substr(0, size)));
    body.remove_prefix(std::min<std::size_t>(size, body.size()));
  }
  return all;
}

std::string labels_of(const std::vector<Field>& metric) {
  std::string text;
  for (const auto& label : only(metric, 1)) {
    const auto pair = fields_of(label.bytes);
    text += pair.at(0).bytes + "=" + pair.at(1).bytes + ";";
  }
  return text;
}

TEST(Protobuf, NamesHelpTypeLabelsAndValues) {
  std::string out;
  FamilyWriter counter(out, "mete_x_total", "Back\\slash \"and\"\nnewline.", MetricType::kCounter, Format::kProtobuf);
  counter.add(Value());
  EXPECT_EQ(out, "");
  counter.add(LabelBlock{{"a", "quoted \" \\ \n end"}, {"b", ""}}, std::uint64_t{7}, R"(cpu="total")");
  counter.add(std::chrono::nanoseconds(1'500'000'000));
  FamilyWriter(out, "info", "I", MetricType::kInfo, Format::kProtobuf).add(std::uint64_t{1});
  FamilyWriter(out, "odd", "O", MetricType::kUntyped, Format::kProtobuf).add(0.25);
  const auto families = families_of(out);
  ASSERT_EQ(families.size(), 3U);
  EXPECT_EQ(only(families[0], 1).at(0).bytes, "mete_x_total");
  EXPECT_EQ(only(families[0], 2).at(0).bytes, "Back\\slash \"and\"\nnewline.") << "nothing is escaped";
  EXPECT_EQ(only(families[0], 3).at(0).integer, 0U);
  const auto metrics = only(families[0], 4);
  ASSERT_EQ(metrics.size(), 2U);
  const auto first = fields_of(metrics[0].bytes);
  EXPECT_EQ(labels_of(first), "a=quoted \" \\ \n end;b=;cpu=total;");
  EXPECT_EQ(fields_of(only(first, 3).at(0).bytes).at(0).real, 7);
  EXPECT_EQ(fields_of(only(fields_of(metrics[1].bytes), 3).at(0).bytes).at(0).real, 1.5);
  EXPECT_EQ(only(families[1], 3).at(0).integer, 1U);
  EXPECT_EQ(only(families[2], 3).at(0).integer, 3U);
  EXPECT_EQ(fields_of(only(fields_of(only(families[2], 4).at(0).bytes), 5).at(0).bytes).at(0).real, 0.25);
}

TEST(Protobuf, AnExemplarHasLabelsValueAndTime) {
  std::string out;
  const Exemplar exemplar{LabelBlock{{"record", "r1"}}, std::uint64_t{3},
                          std::chrono::system_clock::time_point(std::chrono::milliseconds(1500))};
  FamilyWriter(out, "x_total", "x", MetricType::kCounter, Format::kProtobuf)
      .add_suffixed({}, LabelBlock(), std::uint64_t{3}, {}, &exemplar);
  const auto metric = fields_of(only(families_of(out).at(0), 4).at(0).bytes);
  const auto told = fields_of(only(fields_of(only(metric, 3).at(0).bytes), 2).at(0).bytes);
  EXPECT_EQ(labels_of(told), "record=r1;");
  EXPECT_EQ(only(told, 2).at(0).real, 3);
  const auto time = fields_of(only(told, 3).at(0).bytes);
  EXPECT_EQ(time.at(0).integer, 1U);
  EXPECT_EQ(time.at(1).integer, 500'000'000U);
}

NativeHistogram histogram_of(const std::vector<double>& values) {
  NativeHistogram histogram;
  for (const double value : values) histogram.observe(value);
  return histogram;
}

TEST(Protobuf, AHistogramHasFixedAndNativeBuckets) {
  std::string out;
  FamilyWriter writer(out, "h", "x", MetricType::kHistogram, Format::kProtobuf);
  for (const char* name : {"one", "two"}) {
    const LabelBlock labels{{"a", name}};
    writer.add_suffixed("_bucket", labels, std::uint64_t{2}, R"(le="0.5")");
    writer.add_suffixed("_bucket", labels, std::uint64_t{6}, R"(le="+Inf")");
    writer.add_suffixed("_sum", labels, 9.5);
    writer.add_native(histogram_of({0, 1, 1, 1.05, 1.5, 1.5}));
    writer.add_suffixed("_count", labels, std::uint64_t{6});
  }
  const auto families = families_of(out);
  ASSERT_EQ(families.size(), 1U);
  EXPECT_EQ(only(families[0], 3).at(0).integer, 4U);
  const auto metrics = only(families[0], 4);
  ASSERT_EQ(metrics.size(), 2U);
  const auto second = fields_of(metrics[1].bytes);
  EXPECT_EQ(labels_of(second), "a=two;");
  const auto histogram = fields_of(only(second, 7).at(0).bytes);
  EXPECT_EQ(only(histogram, 1).at(0).integer, 6U);
  EXPECT_EQ(only(histogram, 2).at(0).real, 9.5);
  const auto buckets = only(histogram, 3);
  ASSERT_EQ(buckets.size(), 1U) << "+Inf is the count";
  EXPECT_EQ(fields_of(buckets[0].bytes).at(0).integer, 2U);
  EXPECT_EQ(fields_of(buckets[0].bytes).at(1).real, 0.5);
  EXPECT_EQ(only(histogram, 5).at(0).integer, 6U) << "schema 3, zigzag";
  EXPECT_EQ(only(histogram, 7).at(0).integer, 1U);
  // 1 is in bucket 0, 1.05 in 1, 1.5 in 5: two runs, the second begins three buckets behind the first.
  const auto spans = only(histogram, 12);
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(fields_of(spans[0].bytes).at(0).integer, 0U);
  EXPECT_EQ(fields_of(spans[0].bytes).at(1).integer, 2U);
  EXPECT_EQ(fields_of(spans[1].bytes).at(0).integer, 6U) << "3, zigzag";
  EXPECT_EQ(fields_of(spans[1].bytes).at(1).integer, 1U);
  std::vector<std::uint64_t> deltas;
  for (const auto& each : only(histogram, 13)) deltas.push_back(each.integer);
  EXPECT_EQ(deltas, (std::vector<std::uint64_t>{4, 1, 2})) << "2, -1, 1, zigzag";
}

TEST(Protobuf, AFamilyIsNeverCut) {
  auto reading = std::make_shared<Reading>();
  const LabelBlock labels{{"id", "/a cgroup with a name that fills some bytes"}};
  Sample sample;
  sample.cpu.usage = std::chrono::seconds(1);
  sample.pids.current = 3;
  for (int i = 0; i < 50; ++i) {
    Series series;
    series.labels = std::make_shared<LabelBlock>(labels);
    series.sample = &sample;
    reading->series.push_back(std::move(series));
  }
  ExpositionStream stream(reading, Format::kProtobuf, {}, {});
  std::size_t metrics = 0;
  for (auto piece = stream.next(100); !piece.empty(); piece = stream.next(100)) {
    for (const auto& family : families_of(piece)) metrics += only(family, 4).size();
  }
  EXPECT_GE(metrics, 100U);
  EXPECT_EQ(metrics % 50, 0U);
}

TEST(NativeHistogram, BoundsAreInTheirBucket) {
  const auto index_of = [](double value) {
    const auto histogram = histogram_of({value});
    return histogram.buckets().begin()->first;
  };
  EXPECT_EQ(index_of(1), 0);
  EXPECT_EQ(index_of(2), 8);
  EXPECT_EQ(index_of(0.5), -8);
  EXPECT_EQ(index_of(std::nextafter(1.0, 2.0)), 1);
  EXPECT_EQ(index_of(std::numeric_limits<double>::infinity()), 8192);
  EXPECT_EQ(histogram_of({0, -1, 1e-10, std::nan("")}).zeros(), 3U);
  EXPECT_TRUE(histogram_of({0, std::nan("")}).buckets().empty());
}

TEST(NativeHistogram, StaysSmallAndKeepsTheCounts) {
  NativeHistogram histogram;
  std::uint64_t observed = 0;
  for (double value = 1e-8; value < 1e8; value *= 1.01, ++observed) histogram.observe(value);
  EXPECT_LE(histogram.buckets().size(), NativeHistogram::kMostBuckets);
  EXPECT_EQ(histogram.schema(), 0) << "54 powers of two";
  std::uint64_t counted = 0;
  for (const auto& [index, count] : histogram.buckets()) counted += count;
  EXPECT_EQ(counted, observed);
  // What was observed before the buckets became wider is in the same bucket as what is observed after.
  NativeHistogram again = histogram;
  again.observe(3);
  EXPECT_EQ(again.buckets().at(2), histogram.buckets().at(2) + 1);
}

}  // namespace
}  // namespace mete::collectors
