// SPDX-License-Identifier: Apache-2.0
// One service of a compose file as a Pod: the parts, one file each. `docker run` comes here too, as a service. Internal
// to config/.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>

#include "config/convert/convert.h"
#include "config/convert/value.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

struct ServiceContext {
  const ConvertSources& sources;
  std::set<std::string> claims;             // named volumes that services use
  std::map<std::string, std::string> data;  // names of top-level configs and secrets, and the kind of each
};

// The Pod (or Deployment) of a service. What has no translation is warned of at its place.
[[nodiscard]] Value manifest_of_service(const std::string& name, const View& service, ServiceContext& context);

// How many containers the service is.
[[nodiscard]] std::int64_t replicas_of(const View& service);
// The pods of a Deployment have names of their own: a Service without an address answers for all of them by the
// service's name.
[[nodiscard]] Value name_of_replicas(const std::string& name);

// `words` behind `docker run`, as a service. `name`: that of the container, or of its image. Errors are in the report.
[[nodiscard]] YamlNode service_of_run(const std::vector<std::string>& words, std::string& name, Report& report);

// The parts. Each translates the keys that its file names.
void add_process(const View& service, const ConvertSources& sources, Value& pod,
                 Value& container);                                                             // service_process.cpp
void add_network(const View& service, Value& spec, Value& container);                           // service_network.cpp
void add_storage(const View& service, ServiceContext& context, Value& spec, Value& container);  // service_storage.cpp
void add_health(const View& service, Value& container);                                         // service_health.cpp
void add_limits(const View& service, Value& spec, Value& container);                            // service_limits.cpp

// "found X, which has no translation: WHY" at `view`.
void leave_out(const View& view, const std::string& why);

// The same of all members of a mapping but these.
void leave_out_others(const View& map, std::initializer_list<std::string_view> read, const std::string& why);

// A list of texts, or one text as the only item.
[[nodiscard]] std::vector<View> one_or_more(const View& view);
// Pairs of a mapping, or of a list of KEY=VALUE (`separator`); a pair without a value has a view of nothing.
struct Pair {
  std::string key;
  std::optional<std::string> value;
  View at;
};
[[nodiscard]] std::vector<Pair> pairs_of(const View& view, std::string_view separators = "=");
// A command: a list, or a text that a shell would split. A Pod expands $(NAME) in it, compose and docker do not: it is
// escaped.
[[nodiscard]] Value command_of(const View& view);

}  // namespace mete::config
