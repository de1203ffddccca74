// SPDX-License-Identifier: Apache-2.0
#include "agent/http/http_negotiate.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "runtime/cgroup/text.h"

namespace mete::agent {
namespace {

// The part before the separator, without blanks around it; the rest stays in `text`.
std::string_view next_trimmed(std::string_view& text, char separator) {
  return runtime::cgroup::trim(runtime::cgroup::next_part(text, separator));
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

struct Choice {
  std::string name;     // "text/plain", "gzip"
  std::string version;  // the parameters of these names
  std::string proto;
  std::string encoding;
  double quality = 1;
};

// "text/plain;version=0.0.4;q=0.5"
Choice parse_choice(std::string_view text) {
  Choice choice;
  choice.name = lower(next_trimmed(text, ';'));
  while (!text.empty()) {
    std::string_view parameter = next_trimmed(text, ';');
    const std::string key = lower(next_trimmed(parameter, '='));
    std::string_view value = parameter;
    if (value.size() > 1 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (key == "version") choice.version = value;
    if (key == "proto") choice.proto = value;
    if (key == "encoding") choice.encoding = value;
    if (key != "q") continue;
    double quality = 0;  // an invalid number counts as 0: not wanted
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), quality);
    choice.quality = parsed.ec == std::errc() && quality >= 0 && quality <= 1 ? quality : 0;
  }
  return choice;
}

}  // namespace

collectors::Format choose_format(std::string_view accept) {
  double protobuf = 0;
  double open_metrics = 0;
  double text = 0;
  while (!accept.empty()) {
    const Choice choice = parse_choice(next_trimmed(accept, ','));
    if (choice.name == "application/vnd.google.protobuf") {
      if (choice.proto == "io.prometheus.client.MetricFamily" && choice.encoding == "delimited")
        protobuf = std::max(protobuf, choice.quality);
    } else if (choice.name == "application/openmetrics-text") {
      const bool ours = choice.version.empty() || choice.version == "1.0.0" || choice.version == "0.0.1";
      if (ours) open_metrics = std::max(open_metrics, choice.quality);
    } else if (choice.name == "text/plain") {
      // 1.0.0 is the text format with quoted UTF-8 names, which mete neither has nor announces.
      if (choice.version.empty() || choice.version == "0.0.4") text = std::max(text, choice.quality);
    } else if (choice.name == "text/*" || choice.name == "*/*") {
      text = std::max(text, choice.quality);
    }
  }
  if (protobuf > std::max(open_metrics, text)) return collectors::Format::kProtobuf;
  return open_metrics > 0 && open_metrics >= text ? collectors::Format::kOpenMetrics : collectors::Format::kText;
}

const char* content_type(collectors::Format format) {
  switch (format) {
    case collectors::Format::kProtobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    case collectors::Format::kOpenMetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case collectors::Format::kText:
      break;
  }
  return "text/plain; version=0.0.4; charset=utf-8";
}

bool accepts_gzip(std::string_view accept_encoding) {
  double any = -1;
  double gzip = -1;
  while (!accept_encoding.empty()) {
    const Choice choice = parse_choice(next_trimmed(accept_encoding, ','));
    if (choice.name == "gzip" || choice.name == "x-gzip") gzip = std::max(gzip, choice.quality);
    if (choice.name == "*") any = choice.quality;
  }
  return gzip >= 0 ? gzip > 0 : any > 0;
}

}  // namespace mete::agent
