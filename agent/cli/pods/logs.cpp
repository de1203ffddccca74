// SPDX-License-Identifier: Apache-2.0
// `mete logs`: prints a container's output. The command reads the files itself, so that logs can be read without an
// agent.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "agent/cli/objects/chosen_pod.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/output.h"
#include "agent/cli/pods/log_reader.h"
#include "agent/pods/record/pod_paths.h"
#include "config/values/quantity.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::cli {
namespace {

struct LogOptions {
  std::string pod;
  std::string space;
  std::string lines_or_space;  // -n
  std::string container;
  std::string since;       // a duration
  std::string since_time;  // RFC 3339, in UTC
  std::string until;       // a duration, or a time as `since_time`
  bool follow = false;
  bool timestamps = false;
  bool previous = false;
  bool all_containers = false;
  bool prefix = false;
  std::optional<std::uint64_t> tail;
};

int follow_all(std::vector<LogReader> readers) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  while (true) {
    std::erase_if(readers, [](LogReader& each) { return !each.follow(); });
    if (readers.empty()) return kDone;
    std::this_thread::sleep_for(kLook);
  }
}

// Without an agent: the log, if only one container has one. Empty: no container has a log, or several have.
std::string only_log(const std::string& directory) {
  std::string found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".log") continue;
    if (!found.empty()) return {};
    found = entry.path().string();
  }
  return found;
}

// Says why there is no log: the container never ran. `container`: as the API returns it.
std::string why_no_log(const std::string& pod, const Json& container) {
  std::string text = "container " + container["name"].get<std::string>() + " of pod " + pod +
                     " has written no log, because it has not started";
  const auto reason = container.value("reason", std::string());
  const auto message = container.value("message", std::string());
  if (!reason.empty()) text += ": " + reason;
  if (!message.empty()) text += ": " + message;
  return text;
}

struct LogSource {
  std::string container;  // empty: not asked for
  std::string path;
  LogSpan span;
};

Result<std::string> time_in_log(const char* flag, const std::string& time) {
  constexpr std::size_t kSeconds = 19;  // of 2026-01-02T03:04:05
  if (time.size() <= kSeconds || time[10] != 'T' || time.back() != 'Z')
    return fail(std::string(flag) + ": found \"" + time + "\", expected a time in UTC such as 2026-01-02T03:04:05Z");
  return time.substr(0, time.size() - 1);
}

Result<LogSpan> span_of(const LogOptions& options) {
  if (!options.since.empty() && !options.since_time.empty())
    return fail("logs: found --since and --since-time, expected one of them");
  LogSpan span;
  if (!options.since.empty()) {
    auto since = config::parse_duration(options.since);
    if (!since) return fail_in("--since", since.error());
    span.from = runtime::shim::format_time(std::chrono::system_clock::now().time_since_epoch() - *since).data();
  }
  if (!options.since_time.empty()) {
    METE_TRY(span.from, time_in_log("--since-time", options.since_time));
  }
  if (options.until.empty()) return span;
  if (options.follow) return fail("logs: found --until and --follow, expected one of them");
  if (const auto ago = config::parse_duration(options.until)) {
    span.until = runtime::shim::format_time(std::chrono::system_clock::now().time_since_epoch() - *ago).data();
  } else {
    METE_TRY(span.until, time_in_log("--until", options.until));
  }
  return span;
}

// The attempt before the present one, or the last one where none runs.
Result<LogSpan> previous_of(const Json& container, LogSpan span) {
  const auto name = container["name"].get<std::string>();
  // kubectl's sentence.
  if (!container.contains("last")) return fail("previous terminated container \"" + name + "\" not found");
  span.from = std::max(span.from, container["last"].value("startedAt", std::string()));
  const bool runs = container["state"] == "running";
  const auto present = container.value("startedAt", std::string());
  if (runs && (span.until.empty() || present < span.until)) span.until = present;
  return span;
}

// By the agent's knowledge. Several with --all-containers.
std::optional<std::vector<LogSource>> known_sources(const Common& common, const LogOptions& options,
                                                    const LogSpan& span, int& code) {
  const std::string key = pod_key(options.pod);
  const auto fetched = fetch(common, "GET", "/mete/v1/pods/" + key);
  code = fetched.code;
  if (fetched.code != kDone) return std::nullopt;
  code = kNotFound;
  std::vector<Json> wanted;
  if (options.all_containers) {
    for (const auto& each : fetched.value["containers"]) wanted.push_back(each);
  } else if (const auto container = find_container(fetched.value, options.container)) {
    wanted.push_back(*container);
  }
  std::vector<LogSource> sources;
  for (const auto& each : wanted) {
    LogSource source{each["name"].get<std::string>(), each["log"].get<std::string>(), span};
    if (options.previous) {
      auto before = previous_of(each, span);
      if (!before) {
        code = complain(before.error().what);
        return std::nullopt;
      }
      source.span = std::move(*before);
    }
    if (source.path.empty()) {
      complain("configured logging driver does not support reading");  // docker's sentence
      code = kFailed;
    } else if (::access(source.path.c_str(), F_OK) == 0) {
      sources.push_back(std::move(source));
    } else if (!options.all_containers) {
      complain(why_no_log(key, each), kNotFound);
    }
  }
  if (sources.empty()) return std::nullopt;
  code = kDone;
  return sources;
}

// -n of docker and of kubectl.
Status settle(LogOptions& options) {
  if (!options.lines_or_space.empty()) {
    METE_TRY(LogsN n, read_logs_n(options.lines_or_space));
    if (n.tail && options.tail) return fail("found -n " + options.lines_or_space + " and --tail, expected one of them");
    if (!n.tail && !options.space.empty()) return fail("found -n and --namespace, expected one of them");
    if (n.tail) options.tail = n.tail;
    if (!n.tail) options.space = std::move(n.space);
  }
  return {};
}

int logs(const Common& common, LogOptions options) {
  if (const auto settled = settle(options); !settled) return complain("logs: " + settled.error().what, kUsage);
  auto chosen = choose_pod(common, options.pod, options.space, PodUse::kLogs);
  if (chosen.code != kDone) return chosen.code;
  options.pod = std::move(chosen.word);
  const auto span = span_of(options);
  if (!span) return complain(span.error().what, kUsage);
  const std::string key = pod_key(options.pod);
  const auto slash = key.find('/');
  const PodPaths paths(common.settings, {.namespace_ = key.substr(0, slash), .name = key.substr(slash + 1)});
  const std::string path = options.container.empty() ? only_log(paths.logs()) : paths.log(options.container);
  std::vector<LogSource> sources;
  if (path.empty() || ::access(path.c_str(), R_OK) != 0 || options.previous || options.all_containers) {
    int code = kDone;
    auto known = known_sources(common, options, *span, code);
    if (!known) return code;
    sources = std::move(*known);
  } else {
    sources.push_back({std::filesystem::path(path).stem().string(), path, *span});
  }
  std::vector<LogReader> readers;
  for (const auto& each : sources) {
    const std::string prefix = options.prefix ? "[pod/" + key.substr(slash + 1) + "/" + each.container + "] " : "";
    LogReader reader(each.path, {options.timestamps, prefix});
    if (const auto begun = reader.begin(each.span, options.tail); !begun)
      return complain(begun.error().what, begun.error().code == ENOENT ? kNotFound : kFailed);
    readers.push_back(std::move(reader));
  }
  return options.follow && !options.previous ? follow_all(std::move(readers)) : kDone;
}

}  // namespace

void add_logs(CommandLine& line) {
  auto options = std::make_shared<LogOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"logs", "What a container has written",
                "  mete logs web\n  mete logs web -c nginx -f --tail 20\n  mete logs web --previous --since 10m\n"
                "  mete logs deploy/web\n  mete logs job/sum"},
               [&common, options] { return logs(common, *options); });
  command->add_option("pod", options->pod, kPodName)->type_name(kPod)->required();
  command->add_option("-c,--container", options->container, "Which container")->type_name(kContainer);
  command->add_flag("-f,--follow", options->follow, "Go on as it comes");
  command->add_flag("-t,--timestamps", options->timestamps, "With the time of each line");
  command->add_flag("-p,--previous", options->previous, "Of the attempt before this one");
  command->add_flag("--all-containers", options->all_containers, "Of all, one after the other; with -f as it comes");
  command->add_flag("--prefix", options->prefix, "With pod and container before each line");
  command->add_option("--since", options->since, "Only what is no older: 5s, 2m, 3h")->type_name("TIME");
  command->add_option("--since-time", options->since_time, "Only what is no older: 2026-01-02T03:04:05Z")
      ->type_name("TIME");
  command->add_option("--until", options->until, "Only what is older: 5s, 2m, 2026-01-02T03:04:05Z")->type_name("TIME");
  command->add_option("--tail", options->tail, "Only the last lines")->type_name("N");
  command->add_option("--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
  command->add_option("-n", options->lines_or_space, "A number is --tail, as with docker; a name is --namespace")
      ->type_name("N|NAMESPACE");
}

}  // namespace mete::agent::cli
