// SPDX-License-Identifier: Apache-2.0
// What a container uses, and which processes it has.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "agent/docker/container/top_columns.h"
#include "agent/docker/routes.h"
#include "agent/docker/stats_json.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);

StatsMoment moment_of(const Container& container) {
  const auto text = runtime::read_file(AT_FDCWD, "/proc/stat");
  return {container.read(), text ? system_time(*text, ::sysconf(_SC_CLK_TCK)) : 0};
}

// One client that looks at a container: every second, or twice and then no more.
class StatsStream : public std::enable_shared_from_this<StatsStream> {
 public:
  StatsStream(Engine& engine, std::string id, bool once, std::shared_ptr<HttpStream> client)
      : engine_(engine), id_(std::move(id)), once_(once), client_(std::move(client)), timer_(engine.services().loop) {}

  void begin(bool at_once) {
    client_->on_close([self = shared_from_this()] { self->finish(); });
    if (const Container* const container = running()) before_ = moment_of(*container);
    if (!once_ || at_once || running() == nullptr) tell();
    if (client_) later();
  }

 private:
  [[nodiscard]] const Container* running() {
    const auto at = engine_.containers().all().find(id_);
    if (at == engine_.containers().all().end()) return nullptr;
    const Container* const container = engine_.containers().container(at->second);
    return container != nullptr && engine_.containers().state(at->second).has_process() ? container : nullptr;
  }

  void tell() {
    const auto at = engine_.containers().all().find(id_);
    if (at == engine_.containers().all().end()) return finish();
    const StatsFacts facts{id_, at->second.name, engine_.services().machine_memory.count(),
                           std::max(1U, std::thread::hardware_concurrency())};
    const Container* const container = running();
    Json value;
    if (container == nullptr) {
      value = no_stats_json(facts);
    } else {
      StatsMoment now = moment_of(*container);
      value = stats_json(facts, before_, now);
      before_ = std::move(now);
    }
    // Who has not read the last one gets none now.
    constexpr std::size_t kUnread = 64U << 10U;
    if (client_->queued() < kUnread) client_->write(value.dump() + "\n");
    if (once_) finish();
  }

  void later() {
    timer_.expires_after(kEvery);
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (error || !self->client_) return;
      self->tell();
      if (self->client_) self->later();
    });
  }

  void finish() {
    timer_.cancel();
    if (const auto client = std::exchange(client_, nullptr)) client->on_close(nullptr);
  }

  Engine& engine_;
  std::string id_;
  bool once_;
  std::shared_ptr<HttpStream> client_;
  StatsMoment before_;
  Timer timer_;
};

std::string clock_text(std::uint64_t seconds) {
  char text[48];
  std::snprintf(text, sizeof text, "%02llu:%02llu:%02llu", static_cast<unsigned long long>(seconds / 3600),
                static_cast<unsigned long long>(seconds / 60 % 60), static_cast<unsigned long long>(seconds % 60));
  return text;
}

std::string name_of_user(uid_t uid) {
  struct passwd entry {};
  struct passwd* found = nullptr;
  char buffer[4096];
  return ::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr ? entry.pw_name
                                                                                           : std::to_string(uid);
}

// As `ps -ef` shows a process; empty: it has ended.
std::vector<std::string> process_row(pid_t pid, std::time_t boot) {
  const std::string folder = "/proc/" + std::to_string(pid);
  struct stat owner {};
  const auto stat = runtime::read_file(AT_FDCWD, folder + "/stat");
  if (!stat || ::stat(folder.c_str(), &owner) != 0) return {};
  const auto close = stat->rfind(')');
  if (close == std::string::npos) return {};
  const std::string name = stat->substr(stat->find('(') + 1, close - stat->find('(') - 1);
  std::vector<std::string> words;
  for (std::size_t at = close + 2; at < stat->size();) {
    const auto end = std::min(stat->find(' ', at), stat->size());
    words.push_back(stat->substr(at, end - at));
    at = end + 1;
  }
  constexpr std::size_t kLast = 19;  // starttime, from the state on
  if (words.size() <= kLast) return {};
  const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  const std::uint64_t cpu = (std::stoull(words[11]) + std::stoull(words[12])) / ticks;
  const std::time_t began = boot + static_cast<std::time_t>(std::stoull(words[19]) / ticks);
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&began, &parts);
  char clock[16];
  constexpr std::time_t kDay = 86'400;
  std::strftime(clock, sizeof clock, now - began < kDay ? "%H:%M" : "%b%d", &parts);
  std::string command = runtime::read_file(AT_FDCWD, folder + "/cmdline").value_or("");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (command.empty()) command = "[" + name + "]";
  const auto lived = static_cast<std::uint64_t>(std::max<std::time_t>(1, now - began));
  const std::string terminal = words[4] == "0" ? "?" : "pts/" + std::to_string(std::stoull(words[4]) & 0xffU);
  return {name_of_user(owner.st_uid),
          std::to_string(pid),
          words[1],
          std::to_string(100 * cpu / lived),
          clock,
          terminal,
          clock_text(cpu),
          command};
}

std::time_t boot_time() {
  const auto text = runtime::read_file(AT_FDCWD, "/proc/stat");
  const auto at = text ? text->find("btime ") : std::string::npos;
  return at == std::string::npos ? 0 : static_cast<std::time_t>(std::stoull(text->substr(at + 6, 20)));
}

}  // namespace

void container_stats(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const std::string streams = call.parameter("stream");
  const bool once = !streams.empty() && !call.flag("stream");
  std::make_shared<StatsStream>(engine, record->id, once, call.reply->stream("application/json"))
      ->begin(call.flag("one-shot"));
}

void container_top(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const Container* const container = engine.containers().container(*record);
  if (container == nullptr || !engine.containers().state(*record).has_process())
    return refuse(call, 409, "Container " + record->id + " is not running");
  const auto columns = top_columns(call.parameter("ps_args"));
  if (!columns) return refuse(call, 400, columns.error().what);
  const auto pids = container->cgroup().processes();
  if (!pids) return refuse(call, 500, pids.error().what);
  Json titles = Json::array();
  for (const auto& each : *columns) titles.push_back(each.title);
  Json rows = Json::array();
  const std::time_t boot = boot_time();
  for (const pid_t pid : *pids) {
    const auto whole = process_row(pid, boot);
    if (whole.empty()) continue;
    Json row = Json::array();
    for (const auto& each : *columns) row.push_back(whole[each.of]);
    rows.push_back(std::move(row));
  }
  engine.containers().tell(*record, "top");
  answer(call, {{"Titles", std::move(titles)}, {"Processes", std::move(rows)}});
}

}  // namespace mete::agent::docker
