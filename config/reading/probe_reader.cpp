// SPDX-License-Identifier: Apache-2.0
// Probes, hooks and restart rules of a container.
#include <algorithm>
#include <array>
#include <charconv>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/resolve/expand.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

struct ActionPort {
  std::uint16_t number = 0;
  std::string unknown = {};  // HttpGet::unknown_port
};

// A number, or the name of one of the container's ports. Kubernetes takes any name, and what is asked fails each time.
ActionPort read_port(const View& view, const View& ports) {
  const std::string text = view.text();
  for (const auto& port : ports.items()) {
    if (port["name"].text() == text) return {static_cast<std::uint16_t>(port["containerPort"].integer().value_or(0))};
  }
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!view || (error == std::errc() && end == text.data() + text.size() && number != 0)) return {number};
  if (check_port_name(text)) {
    view.warn({"no port of the container is named `" + text + "`: this fails each time", "`" + text + "`",
               "a port from 1 to 65535, or the name of one of the container's `ports`"});
    return {0, text};
  }
  view.error(mismatch(describe(view.node()), "a port from 1 to 65535, or the name of one of the container's `ports`"));
  return {};
}

// Refuses characters that could end a request line or header and begin another one.
void check_printable(const View& view, const std::string& text, bool spaces) {
  const bool fine = std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c > 0x20 && c != 0x7F ? true : spaces && (c == ' ' || c == '\t');
  });
  if (view && !fine)
    view.error(mismatch(describe(view.node()), spaces ? "no line breaks or other control characters"
                                                      : "neither blanks nor control characters"));
}

HttpGet read_http_get(const View& view, const View& ports) {
  HttpGet get;
  get.host = view["host"].text();
  check_printable(view["host"], get.host, false);
  auto port = read_port(view["port"], ports);
  get.port = port.number;
  get.unknown_port = std::move(port.unknown);
  get.path = view["path"].text();
  check_printable(view["path"], get.path, false);
  if (!get.path.starts_with('/')) get.path.insert(0, "/");
  get.https = view["scheme"].text() == "HTTPS";
  for (const auto& header : view["httpHeaders"].items()) {
    std::string name = header["name"].text();
    constexpr std::string_view kToken =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";  // RFC 9110, 5.6.2
    if (header["name"] && (name.empty() || name.find_first_not_of(kToken) != std::string::npos)) {
      header["name"].error(mismatch(describe(header["name"].node()), "the name of a header"));
    }
    check_printable(header["value"], header["value"].text(), true);
    get.headers.emplace_back(std::move(name), header["value"].text());
  }
  return get;
}

TcpConnect read_tcp(const View& view, const View& ports) {
  auto port = read_port(view["port"], ports);
  TcpConnect tcp{view["host"].text(), port.number, std::move(port.unknown)};
  check_printable(view["host"], tcp.host, false);
  return tcp;
}

ExecAction read_exec(const View& view) {
  ExecAction exec{view["command"].texts()};
  if (exec.command.empty()) view.error({"`command` is missing", "nothing", "`command`"});
  return exec;
}

// Which of `kinds` the view has. Kubernetes accepts exactly one.
std::string_view handler_of(const View& view, std::span<const std::string_view> kinds, const char* expected) {
  std::string_view found;
  std::size_t handlers = 0;
  for (const auto kind : kinds) {
    if (!view[kind]) continue;
    found = kind;
    ++handlers;
  }
  if (handlers == 1) return found;
  view.error(mismatch(std::to_string(handlers) + " handlers", expected));
  return {};
}

// A pause of 0 means none.
std::optional<HookAction> read_hook(const View& view, const View& ports) {
  constexpr std::array kKinds = std::to_array<std::string_view>({"exec", "httpGet", "tcpSocket", "sleep"});
  if (!view) return std::nullopt;
  const auto kind = handler_of(view, kKinds, "one of exec, httpGet, tcpSocket and sleep");
  if (kind == "exec") return read_exec(view[kind]);
  if (kind == "httpGet") return read_http_get(view[kind], ports);
  if (kind == "tcpSocket") return read_tcp(view[kind], ports);
  const auto seconds = view["sleep"]["seconds"].integer().value_or(0);
  return seconds > 0 ? std::optional(Pause{std::chrono::seconds(seconds)}) : std::nullopt;
}

std::optional<ProbeAction> read_action(const View& view, const View& ports) {
  constexpr std::array kKinds = std::to_array<std::string_view>({"exec", "httpGet", "tcpSocket", "grpc"});
  const auto kind = handler_of(view, kKinds, "one of exec, httpGet, tcpSocket and grpc");
  if (kind == "exec") return read_exec(view[kind]);
  if (kind == "httpGet") return read_http_get(view[kind], ports);
  if (kind == "tcpSocket") return read_tcp(view[kind], ports);
  if (kind != "grpc") return std::nullopt;
  return GrpcCheck{static_cast<std::uint16_t>(view[kind]["port"].integer().value_or(0)), view[kind]["service"].text()};
}

// 0 means the default, as in Kubernetes.
template <class T>
void take_positive(const View& view, T& to) {
  if (const auto value = view.integer().value_or(0); value > 0) to = T(value);
}

std::optional<Probe> read_probe(const View& view, const View& ports, bool readiness) {
  if (!view) return std::nullopt;
  Probe probe;
  const auto action = read_action(view, ports);
  if (!action) return std::nullopt;
  probe.action = *action;
  take_positive(view["initialDelaySeconds"], probe.initial_delay);
  take_positive(view["periodSeconds"], probe.period);
  take_positive(view["timeoutSeconds"], probe.timeout);
  take_positive(view["successThreshold"], probe.success_threshold);
  take_positive(view["failureThreshold"], probe.failure_threshold);
  const View success = view["successThreshold"];
  if (!readiness && probe.success_threshold != 1)
    success.error(mismatch(describe(success.node()), "1, as only a readinessProbe can ask for more"));
  const View grace = view["terminationGracePeriodSeconds"];
  if (grace && readiness) grace.error(mismatch(describe(grace.node()), "nothing, as a readinessProbe ends nothing"));
  if (const auto seconds = grace.integer()) probe.grace = std::chrono::seconds(*seconds);
  return probe;
}

// The names that Kubernetes allows: those of signal(7) with SIG, and the real-time signals from either end.
bool is_signal(std::string_view name) {
  constexpr std::array kNames = std::to_array<std::string_view>(
      {"SIGABRT", "SIGALRM",   "SIGBUS",  "SIGCHLD",   "SIGCLD",   "SIGCONT", "SIGFPE",  "SIGHUP",   "SIGILL",
       "SIGINT",  "SIGIO",     "SIGIOT",  "SIGKILL",   "SIGPIPE",  "SIGPOLL", "SIGPROF", "SIGPWR",   "SIGQUIT",
       "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS",    "SIGTERM",  "SIGTRAP", "SIGTSTP", "SIGTTIN",  "SIGTTOU",
       "SIGURG",  "SIGUSR1",   "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ", "SIGRTMIN", "SIGRTMAX"});
  if (std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return true;
  const bool from_below = name.starts_with("SIGRTMIN+");
  if (!from_below && !name.starts_with("SIGRTMAX-")) return false;
  int number = 0;
  const auto [end, error] = std::from_chars(name.data() + 9, name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number > 0 && number <= (from_below ? 15 : 14);
}

std::vector<RestartRule> read_rules(const View& view, bool has_policy) {
  constexpr std::size_t kMostRules = 20;  // Kubernetes' bounds
  constexpr std::size_t kMostCodes = 255;
  std::vector<RestartRule> rules;
  for (const auto& item : view.items()) {
    const View codes = item["exitCodes"];
    RestartRule rule{.in = codes["operator"].text() != "NotIn"};
    if (item["action"].text() == "RestartAllContainers") rule.action = RestartAction::kRestartAll;
    for (const auto& code : codes["values"].items()) rule.codes.push_back(static_cast<int>(code.integer().value_or(0)));
    if (rule.codes.empty() || rule.codes.size() > kMostCodes)
      codes.error(mismatch(std::to_string(rule.codes.size()) + " exit codes", "1 to 255 of them"));
    rules.push_back(std::move(rule));
  }
  if (rules.size() > kMostRules) view.error(mismatch(std::to_string(rules.size()) + " rules", "at most 20"));
  if (!rules.empty() && !has_policy)
    view.error(mismatch("`restartPolicyRules` alone", "the container's `restartPolicy` beside it"));
  return rules;
}

// As the kubelet does: variables whose value is in the manifest are put in as they stand there, those with `valueFrom`
// are empty, and those of `envFrom` are not known (ExpandContainerCommandOnlyStatic in its pkg/kubelet/container).
std::optional<Probe> with_variables(std::optional<Probe> probe, const std::vector<EnvVar>& env) {
  auto* const exec = probe ? std::get_if<ExecAction>(&probe->action) : nullptr;
  if (exec == nullptr) return probe;
  const auto value_of = [&](std::string_view name) -> std::optional<std::string> {
    const auto last = std::find_if(env.rbegin(), env.rend(), [&](const EnvVar& each) { return each.name == name; });
    if (last == env.rend()) return std::nullopt;
    const auto* const text = std::get_if<std::string>(&last->source);
    return text != nullptr ? *text : "";
  };
  for (auto& word : exec->command) word = expand(word, value_of);
  return probe;
}

}  // namespace

void read_care(const View& view, Container& to) {
  const View ports = view["ports"];
  const View lifecycle = view["lifecycle"];
  to.post_start = read_hook(lifecycle["postStart"], ports);
  to.pre_stop = read_hook(lifecycle["preStop"], ports);
  const View signal = lifecycle["stopSignal"];
  to.stop_signal = signal.text();
  if (signal && !is_signal(to.stop_signal))
    signal.error(mismatch(describe(signal.node()), "a signal such as SIGTERM or SIGRTMIN+3"));
  to.startup = with_variables(read_probe(view["startupProbe"], ports, false), to.env);
  to.liveness = with_variables(read_probe(view["livenessProbe"], ports, false), to.env);
  to.readiness = with_variables(read_probe(view["readinessProbe"], ports, true), to.env);
  const View policy = view["restartPolicy"];
  if (policy) to.restart = read_enum(policy, kRestartPolicyNames, RestartPolicy::kAlways);
  to.restart_rules = read_rules(view["restartPolicyRules"], bool(policy));
}

void check_no_care(const View& view) {
  for (const char* name : {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"}) {
    if (view[name])
      view[name].error(mismatch("`" + std::string(name) + "` of an init container that ends",
                                "`restartPolicy: Always` beside it, which makes a sidecar of it"));
  }
}

}  // namespace mete::config
