// SPDX-License-Identifier: Apache-2.0
// One metric family in Prometheus' protobuf format: a message io.prometheus.client.MetricFamily after its length
// (client_model's metrics.proto, encoding=delimited). It alone carries native histograms.
//
// A family grows at the end of a string. Its length stands before it as a varint of always five bytes, which is written
// again after each metric: so no one has to say that a family has ended. A library would need each family as objects
// first, in a format that is asked for rarely.
#pragma once

#include <string>
#include <string_view>

#include "collectors/exposition/exposition.h"
#include "collectors/exposition/native_histogram.h"

namespace mete::collectors {

class ProtobufFamily {
 public:
  // Nothing else may be written to `out`, and nothing taken from it, while metrics are added.
  ProtobufFamily(std::string& out, std::string_view name, std::string_view help, MetricType type);

  // As FamilyWriter::add_suffixed(). The lines of a histogram come as "_bucket", ..., "_sum", "_count" for each series.
  void add(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra,
           const Exemplar* exemplar);
  // Of the histogram whose "_count" comes next.
  void add_native(const NativeHistogram& histogram);

 private:
  void add_histogram_line(std::string_view suffix, const LabelBlock& labels, Value value, std::string_view extra,
                          const Exemplar* exemplar);
  void write_metric(std::string_view metric);

  std::string& out_;
  MetricType type_;
  std::size_t begin_;      // of the length in `out_`
  std::string histogram_;  // of the series that has begun
};

}  // namespace mete::collectors
