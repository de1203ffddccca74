// SPDX-License-Identifier: Apache-2.0
// `mete advise`: advises requests and limits by past usage. The models come from the agent when one answers, else from
// its stored state, or from a recording.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>

#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/cli/usage_recording.h"
#include "agent/export/usage_models.h"
#include "enforcers/advice.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

using enforcers::Advice;

struct AdviseOptions {
  std::vector<std::string> names;  // pods or containers; empty: all
  std::string recording;           // a file with samples, instead of the agent's models
  enforcers::AdviceOptions advice;
  std::int64_t least_cpu = advice.least_cpu.count();              // thousandths of a core
  std::int64_t least_memory = advice.least_memory.count() >> 20;  // MiB
};

std::string cpu_text(MilliCpu cpu) {
  return std::to_string(cpu.count()) + "m";
}
std::string memory_text(Bytes memory) {
  return std::to_string(memory.count() >> 20) + "Mi";
}
std::string cpu_text(const std::optional<MilliCpu>& cpu) {
  return cpu ? cpu_text(*cpu) : "-";
}
std::string memory_text(const std::optional<Bytes>& memory) {
  return memory ? bytes_text(memory->count()) : "-";
}

std::string decimal(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Result<std::vector<NamedModel>> read_models(const Common& common) {
  std::vector<NamedModel> models;
  const auto answer = Client(common.socket).request("GET", "/mete/v1/usage");
  if (answer && answer->status == 200) {
    std::istringstream lines(answer->body);
    for (std::string line; std::getline(lines, line);) {
      METE_TRY(NamedModel named, parse_usage_model(line));
      models.push_back(std::move(named));
    }
    return models;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(common.settings.usage(), error)) {
    if (entry.path().extension() != ".json") continue;
    METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, entry.path()));
    auto named = parse_usage_model(text);
    if (!named) return fail(entry.path().string() + ": " + named.error().what);
    models.push_back(std::move(*named));
  }
  std::sort(models.begin(), models.end(), [](const auto& a, const auto& b) { return a.container < b.container; });
  return models;
}

bool is_asked(const std::string& container, const std::vector<std::string>& names) {
  const auto is_in = [&](const std::string& key) { return container == key || container.starts_with(key + "/"); };
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& name) {
           const auto keys = pod_keys(name);
           return std::any_of(keys.begin(), keys.end(), is_in);
         });
}

template <class T>
Json advised_json(const enforcers::Advised<T>& advised) {
  return {{"request", advised.request.count()},
          {"limit", advised.limit.count()},
          {"lower", advised.lower.count()},
          {"upper", advised.upper.count()}};
}

Json json_of(const NamedModel& named, const Advice& advice) {
  const auto& model = named.model;
  Json value = {{"container", named.container},
                {"milliCpu", advised_json(advice.cpu)},
                {"memoryBytes", advised_json(advice.memory)},
                {"evidence",
                 {{"days", advice.days},
                  {"samples", model.samples},
                  {"confidence", advice.confidence},
                  {"peakMemoryBytes", model.peak().count()},
                  {"throttledSeconds", advice.throttled_seconds},
                  {"throttledSecondsAvoided", advice.throttled_avoided},
                  {"oomKills", model.ooms},
                  {"oomKillsLookedAt", advice.ooms},
                  {"oomKillsAvoided", advice.ooms_avoided}}},
                {"notes", advice.notes}};
  if (advice.cpu_freed) value["milliCpuFreed"] = advice.cpu_freed->count();
  if (advice.memory_freed) value["memoryBytesFreed"] = advice.memory_freed->count();
  return value;
}

std::string advice_text(const NamedModel& named, const Advice& advice, const enforcers::AdviceOptions& options) {
  const auto& model = named.model;
  const auto& [requests, limits] = model.resources;
  std::string text = "Container " + printable(named.container) + ": " + decimal(advice.days, 1) + " days, " +
                     std::to_string(model.samples) + " samples\n\n";
  Table table({"", "NOW", "ADVISED", "BETWEEN", "FREED"});
  table.add({"cpu request", cpu_text(requests.cpu), cpu_text(advice.cpu.request),
             cpu_text(advice.cpu.lower) + " and " + cpu_text(advice.cpu.upper), cpu_text(advice.cpu_freed)});
  table.add({"cpu limit", cpu_text(limits.cpu), cpu_text(advice.cpu.limit), "", ""});
  table.add({"memory request", memory_text(requests.memory), memory_text(advice.memory.request),
             memory_text(advice.memory.lower) + " and " + memory_text(advice.memory.upper),
             memory_text(advice.memory_freed)});
  table.add({"memory limit", memory_text(limits.memory), memory_text(advice.memory.limit), "", ""});
  text += table.text() + "\n";
  text += "Peak memory " + bytes_text(model.peak().count()) + ". Throttled for " +
          decimal(advice.throttled_seconds, 1) + " s, of which the advised limit would have avoided " +
          decimal(advice.throttled_avoided, 1) + " s. OOM kills: " + std::to_string(model.ooms);
  if (advice.ooms > 0)
    text += ", of the last " + std::to_string(advice.ooms) + " it would have avoided " +
            std::to_string(advice.ooms_avoided);
  text += ".\nBy: requests p" + decimal(options.target * 100, 0) + ", limits p" + decimal(options.upper * 100, 0) +
          " and no less than the peak, margin " + decimal(options.margin * 100, 0) + "%, at least " +
          cpu_text(options.least_cpu) + " and " + memory_text(options.least_memory) + "; half-life 24 h.\n";
  for (const auto& note : advice.notes) text += "Note: " + note + ".\n";
  return text;
}

struct Line {
  NamedModel named;
  Advice advice;
};

// A patch for the manifests, one document per pod; also for `kubectl patch --patch-file`. A limit that the manifest
// does not set is not added.
std::string patch_of(const std::vector<Line>& lines) {
  std::string text;
  std::string pod_before;
  for (const auto& [named, advice] : lines) {
    const auto slash = named.container.rfind('/');
    const std::string pod = named.container.substr(0, slash);
    if (pod != pod_before) {
      const auto middle = pod.find('/');
      text += (text.empty() ? "" : "---\n") + std::string("apiVersion: v1\nkind: Pod\nmetadata: {name: ") +
              pod.substr(middle + 1) + ", namespace: " + pod.substr(0, middle) + "}\nspec:\n  containers:\n";
      pod_before = pod;
    }
    const auto& limits = named.model.resources.limits;
    text += "  - name: " + named.container.substr(slash + 1) +
            "\n    resources:\n      requests: {cpu: " + cpu_text(advice.cpu.request) +
            ", memory: " + memory_text(advice.memory.request) + "}\n";
    std::string given;
    if (limits.cpu) given += "cpu: " + cpu_text(advice.cpu.limit);
    if (limits.memory)
      given += (given.empty() ? "" : ", ") + std::string("memory: ") + memory_text(advice.memory.limit);
    if (!given.empty()) text += "      limits: {" + given + "}\n";
  }
  return text;
}

// Works with and without an agent.
int advise(const Common& common, const AdviseOptions& options) {
  Result<std::vector<NamedModel>> models = std::vector<NamedModel>();
  if (options.recording.empty()) {
    models = read_models(common);
  } else if (auto recorded = read_recording(options.recording); recorded) {
    models->push_back(std::move(*recorded));
  } else {
    models = tl::unexpected(recorded.error());
  }
  if (!models) return complain(models.error().what);
  std::vector<Line> lines;
  for (auto& named : *models) {
    if (!options.recording.empty() || is_asked(named.container, options.names)) {
      auto advice = enforcers::advise(named.model, options.advice);
      if (advice) lines.push_back({std::move(named), std::move(*advice)});
    }
  }
  if (lines.empty() && !options.recording.empty())
    return complain(options.recording + ": found no sample in it", kNotFound);
  if (lines.empty())
    return complain("nothing is known of " +
                        (options.names.empty() ? "any container" : printable(options.names.front())) +
                        " yet: the agent looks once a minute",
                    kNotFound);
  if (common.output == "yaml") {
    if (!options.recording.empty())
      return complain("advise: found -o yaml and a recording, which belongs to no pod; expected -o table or json", 2);
    print(patch_of(lines));
    return kDone;
  }
  Json list = Json::array();
  for (const auto& [named, advice] : lines) list.push_back(json_of(named, advice));
  if (print_structured(common, {{"containers", std::move(list)}})) return kDone;
  if (lines.size() == 1) {
    print(advice_text(lines.front().named, lines.front().advice, options.advice));
    return kDone;
  }
  Table table(
      {"CONTAINER", "DAYS", "CPU REQUEST", "CPU LIMIT", "MEMORY REQUEST", "MEMORY LIMIT", "CPU FREED", "MEMORY FREED"});
  const auto change = [](const std::string& before, const std::string& after) {
    return before == "-" ? after : before + " -> " + after;
  };
  for (const auto& [named, advice] : lines) {
    const auto& [requests, limits] = named.model.resources;
    table.add({printable(named.container), decimal(advice.days, 1),
               change(cpu_text(requests.cpu), cpu_text(advice.cpu.request)),
               change(cpu_text(limits.cpu), cpu_text(advice.cpu.limit)),
               change(memory_text(requests.memory), memory_text(advice.memory.request)),
               change(memory_text(limits.memory), memory_text(advice.memory.limit)), cpu_text(advice.cpu_freed),
               memory_text(advice.memory_freed)});
  }
  print(table.text());
  return kDone;
}

}  // namespace

void add_advise(CommandLine& line) {
  auto options = std::make_shared<AdviseOptions>();
  const Common& common = line.common();
  auto* command = line.add(
      {"advise", "What containers should ask for, by what they have used",
       "  mete advise\n  mete advise web\n  mete advise web -o yaml > patch.yaml\n  mete advise --recording day.csv"},
      [&common, options] {
        options->advice.least_cpu = MilliCpu(options->least_cpu);
        options->advice.least_memory = Bytes(options->least_memory << 20);
        return advise(common, *options);
      });
  auto& advice = options->advice;
  command->add_option("names", options->names, "Pods or containers (NAMESPACE/POD/CONTAINER); default: all")
      ->type_name(kPod);
  command
      ->add_option("--recording", options->recording,
                   "Of a file instead: lines of seconds,cores,throttled cores,bytes,OOM kills")
      ->type_name(kFile);
  const auto add_share = [&](const char* name, double& value, const char* help, double most = 1.0) {
    command->add_option(name, value, help)->type_name("SHARE")->check(CLI::Range(0.0, most))->capture_default_str();
  };
  add_share("--target", advice.target, "Percentile that requests cover");
  add_share("--lower", advice.lower, "Percentile of the lower bound");
  add_share("--upper", advice.upper, "Percentile that limits cover");
  add_share("--margin", advice.margin, "On top of each", 10.0);
  command->add_option("--min-cpu", options->least_cpu, "Least CPU, in thousandths of a core")
      ->type_name("MILLICPUS")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->capture_default_str();
  command->add_option("--min-memory", options->least_memory, "Least memory, in MiB")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  line.add_output(command);
}

}  // namespace mete::agent::cli
