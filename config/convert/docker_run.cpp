// SPDX-License-Identifier: Apache-2.0
// The words of `docker run` as a service of a compose file.
#include <algorithm>
#include <array>

#include "config/base/csv_fields.h"
#include "config/convert/docker_amounts.h"
#include "config/convert/service.h"
#include "config/model/diagnostics.h"

namespace mete::config {
namespace {

enum class Kind {
  kText,     // the value of a key
  kOneWord,  // a list of one word, or of none: --entrypoint is not split, and the last one counts
  kItem,     // one more item of a list
  kTruth,    // true
  kHealth,   // a key of `healthcheck`
  kName,
  kMount,    // type=bind,source=...,target=...
  kNothing,  // says nothing about the container
  kNothingTruth,
  kLeftOut,
};

struct Flag {
  std::string_view name;  // with its dashes
  std::string_view brief;
  Kind kind;
  std::string_view key = {};  // of a service; of kLeftOut: why
};

constexpr auto kFlags = std::to_array<Flag>({
    {"--name", "", Kind::kName},
    {"--env", "-e", Kind::kItem, "environment"},
    {"--env-file", "", Kind::kItem, "env_file"},
    {"--publish", "-p", Kind::kItem, "ports"},
    {"--expose", "", Kind::kItem, "expose"},
    {"--volume", "-v", Kind::kItem, "volumes"},
    {"--mount", "", Kind::kMount, "volumes"},
    {"--tmpfs", "", Kind::kItem, "tmpfs"},
    {"--workdir", "-w", Kind::kText, "working_dir"},
    {"--user", "-u", Kind::kText, "user"},
    {"--group-add", "", Kind::kItem, "group_add"},
    {"--entrypoint", "", Kind::kOneWord, "entrypoint"},
    {"--memory", "-m", Kind::kText, "mem_limit"},
    {"--memory-reservation", "", Kind::kText, "mem_reservation"},
    {"--cpus", "", Kind::kText, "cpus"},
    {"--restart", "", Kind::kText, "restart"},
    {"--read-only", "", Kind::kTruth, "read_only"},
    {"--privileged", "", Kind::kTruth, "privileged"},
    {"--init", "", Kind::kTruth, "init"},
    {"--interactive", "-i", Kind::kTruth, "stdin_open"},
    {"--tty", "-t", Kind::kTruth, "tty"},
    {"--cap-add", "", Kind::kItem, "cap_add"},
    {"--cap-drop", "", Kind::kItem, "cap_drop"},
    {"--security-opt", "", Kind::kItem, "security_opt"},
    {"--sysctl", "", Kind::kItem, "sysctls"},
    {"--hostname", "-h", Kind::kText, "hostname"},
    {"--add-host", "", Kind::kItem, "extra_hosts"},
    {"--dns", "", Kind::kItem, "dns"},
    {"--dns-search", "", Kind::kItem, "dns_search"},
    {"--dns-option", "", Kind::kItem, "dns_opt"},
    {"--label", "-l", Kind::kItem, "labels"},
    {"--annotation", "", Kind::kItem, "annotations"},
    {"--network", "", Kind::kText, "network_mode"},
    {"--net", "", Kind::kText, "network_mode"},
    {"--pid", "", Kind::kText, "pid"},
    {"--ipc", "", Kind::kText, "ipc"},
    {"--shm-size", "", Kind::kText, "shm_size"},
    {"--stop-signal", "", Kind::kText, "stop_signal"},
    {"--stop-timeout", "", Kind::kText, "stop_grace_period"},
    {"--pull", "", Kind::kText, "pull_policy"},
    {"--health-cmd", "", Kind::kHealth, "test"},
    {"--health-interval", "", Kind::kHealth, "interval"},
    {"--health-timeout", "", Kind::kHealth, "timeout"},
    {"--health-retries", "", Kind::kHealth, "retries"},
    {"--health-start-period", "", Kind::kHealth, "start_period"},
    {"--detach", "-d", Kind::kNothingTruth},
    {"--rm", "", Kind::kNothingTruth},
    {"--quiet", "-q", Kind::kNothingTruth},
    {"--no-healthcheck", "", Kind::kNothingTruth},
    {"--platform", "", Kind::kNothing},
    {"--device", "", Kind::kLeftOut, "devices.allow of a Policy gives a container devices"},
    {"--gpus", "", Kind::kLeftOut, "devices.allow of a Policy gives a container devices"},
    {"--ulimit", "", Kind::kLeftOut, "set it in the program or its entrypoint"},
    {"--cpu-shares", "-c", Kind::kLeftOut, "a request of CPU is a share in Kubernetes' units"},
    {"--cpuset-cpus", "", Kind::kLeftOut, "a Policy gives a container exclusive CPUs"},
    {"--storage-opt", "", Kind::kLeftOut, "a limit of `ephemeral-storage` bounds what a Pod's container writes"},
    {"--pids-limit", "", Kind::kLeftOut, "a Policy limits the number of tasks"},
    {"--memory-swap", "", Kind::kLeftOut, "a Policy limits swap"},
    {"--log-driver", "", Kind::kLeftOut, "`mete logs` reads all logs"},
    {"--log-opt", "", Kind::kLeftOut, "`log` in agent.yaml bounds logs"},
    {"--link", "", Kind::kLeftOut, "a Pod finds others by their names"},
    {"--ip", "", Kind::kLeftOut, "mete chooses the address"},
    {"--userns", "", Kind::kLeftOut, "`hostUsers: false` gives a Pod users of its own"},
    {"--runtime", "", Kind::kLeftOut, "mete hands containers to no other runtime"},
    {"--volumes-from", "", Kind::kLeftOut, "name the volumes themselves"},
    {"--network-alias", "", Kind::kLeftOut, "a Pod is found by its name"},
});

bool takes_value(Kind kind) {
  return kind != Kind::kTruth && kind != Kind::kNothingTruth;
}

class RunLine {
 public:
  RunLine(const std::vector<std::string>& words, Report& report) : words_(words), report_(report) {
    service_.kind = YamlNode::Kind::kMap;
    service_.line = 1;
    service_.column = 1;
    int column = 1;
    for (const auto& word : words) {
      columns_.push_back(column);
      column += static_cast<int>(word.size()) + 1;
    }
    columns_.push_back(column);
  }

  YamlNode read(std::string& name) {
    while (at_ < words_.size() && words_[at_].size() > 1 && words_[at_].front() == '-') {
      if (words_[at_] == "--") {
        ++at_;
        break;
      }
      if (!flag()) return service_;
    }
    if (at_ == words_.size()) {
      error("found no image, expected one behind the flags of `docker run`");
      return service_;
    }
    set("image", scalar(words_[at_]));
    name = name_.empty() ? name_from_image(words_[at_]) : name_;
    for (++at_; at_ < words_.size(); ++at_) push("command", scalar(words_[at_]));
    return std::move(service_);
  }

 private:
  // One word that begins with a dash, and its value. False: it is an error.
  bool flag() {
    const std::string word = words_[at_];
    if (!word.starts_with("--")) return brief_flags(word);
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Flag* const known =
        std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& each) { return each.name == name; });
    if (known == kFlags.end()) return unknown(name);
    if (equals != std::string::npos) return apply(*known, word.substr(equals + 1));
    return takes_value(known->kind) ? apply_next(*known) : apply(*known, "true");
  }

  // "-it", "-p80:80", "-p 80:80"
  bool brief_flags(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = std::string("-") + word[i];
      const Flag* const known =
          std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& each) { return each.brief == name; });
      if (known == kFlags.end()) return unknown(name);
      if (takes_value(known->kind)) return i + 1 < word.size() ? apply(*known, word.substr(i + 1)) : apply_next(*known);
      if (i + 1 < word.size()) {
        take(*known, "true");
      } else {
        return apply(*known, "true");
      }
    }
    return true;
  }

  bool apply_next(const Flag& flag) {
    if (at_ + 1 >= words_.size()) return error("found `" + std::string(flag.name) + "` without a value");
    ++at_;
    return apply(flag, words_[at_]);
  }

  bool apply(const Flag& flag, const std::string& value) {
    take(flag, value);
    ++at_;
    return true;
  }

  void take(const Flag& flag, const std::string& value) {
    const std::string key(flag.key);
    switch (flag.kind) {
      case Kind::kText:
        return set(key, scalar(value));
      case Kind::kOneWord:
        set(key, scalar(""));
        member(key).kind = YamlNode::Kind::kList;
        if (!value.empty()) push(key, scalar(value));
        return;
      case Kind::kItem:
        return push(key, scalar(value));
      case Kind::kTruth:
        if (value != "false") set(key, scalar("true", true));
        return;
      case Kind::kHealth:
        return member("healthcheck").entries.push_back({key, 1, columns_[at_], scalar(value)});
      case Kind::kName:
        name_ = value;
        return;
      case Kind::kMount:
        return push(key, mount(value));
      case Kind::kLeftOut: {
        const YamlNode node = scalar(value);
        return leave_out(View(&node, std::string(flag.name), report_), key);
      }
      case Kind::kNothing:
      case Kind::kNothingTruth:
        return;
    }
  }

  [[nodiscard]] YamlNode scalar(const std::string& text, bool plain = false) const {
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.text = text;
    node.plain = plain || (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos);
    node.line = 1;
    node.column = columns_[at_];
    return node;
  }

  YamlNode& member(const std::string& key) {
    const auto same = std::find_if(service_.entries.begin(), service_.entries.end(),
                                   [&](const auto& each) { return each.key == key; });
    if (same != service_.entries.end()) return same->value;
    YamlNode node;
    node.kind = YamlNode::Kind::kMap;
    node.line = 1;
    node.column = columns_[at_];
    service_.entries.push_back({key, 1, columns_[at_], std::move(node)});
    return service_.entries.back().value;
  }
  void set(const std::string& key, YamlNode value) { member(key) = std::move(value); }
  void push(const std::string& key, YamlNode item) {
    YamlNode& list = member(key);
    list.kind = YamlNode::Kind::kList;
    list.items.push_back(std::move(item));
  }

  // The long form of compose; docker has more than one name for some keys.
  YamlNode mount(const std::string& text) {
    YamlNode node = scalar("");
    node.kind = YamlNode::Kind::kMap;
    const auto fields = csv_fields(text);
    if (!fields) error("--mount: " + fields.error().what);
    for (const std::string& part : fields.value_or(std::vector<std::string>())) {
      const auto equals = part.find('=');
      std::string key = part.substr(0, equals);
      if (key == "src") key = "source";
      if (key == "dst" || key == "destination") key = "target";
      if (key == "ro") key = "readonly";
      const bool truth = equals == std::string::npos;
      node.entries.push_back(
          {key, 1, node.column, scalar(truth ? "true" : part.substr(equals + 1), key == "readonly")});
    }
    return node;
  }

  static std::string name_from_image(std::string image) {
    image = image.substr(0, image.find('@'));
    image = image.substr(image.rfind('/') == std::string::npos ? 0 : image.rfind('/') + 1);
    return image.substr(0, image.find(':'));
  }

  bool unknown(const std::string& name) {
    std::vector<std::string_view> names;
    for (const auto& flag : kFlags) names.push_back(flag.name);
    const std::string near = nearest(name, names);
    return error("unknown flag `" + name + "` of `docker run`" +
                 (near.empty() ? "" : ", did you mean `" + near + "`?"));
  }

  bool error(const std::string& message) {
    report_.out.errors.push_back(
        {{report_.file, 1, columns_[std::min(at_, words_.size())]}, "", "", message, "", "", ""});
    return false;
  }

  const std::vector<std::string>& words_;
  Report& report_;
  std::vector<int> columns_;
  std::size_t at_ = 0;
  std::string name_;
  YamlNode service_;
};

}  // namespace

YamlNode service_of_run(const std::vector<std::string>& words, std::string& name, Report& report) {
  return RunLine(words, report).read(name);
}

}  // namespace mete::config
