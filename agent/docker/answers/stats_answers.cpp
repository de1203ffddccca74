// SPDX-License-Identifier: Apache-2.0
// What a container uses, and which processes it has.
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "agent/docker/container/top_columns.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/stats_json.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

// A client that asks once and waits for two readings, a second apart.
class StatsOnce : public std::enable_shared_from_this<StatsOnce> {
 public:
  StatsOnce(Engine& engine, std::string id, std::shared_ptr<HttpStream> client)
      : engine_(engine), id_(std::move(id)), client_(std::move(client)), timer_(engine.services().loop) {}

  void begin(const Container& container) {
    client_->on_close([self = shared_from_this()] { self->finish(); });
    before_ = engine_.stats().moment_of(container);
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->tell();
    });
  }

 private:
  void tell() {
    const auto at = engine_.containers().all().find(id_);
    if (client_ && at != engine_.containers().all().end()) {
      const auto facts = engine_.stats().facts_of(at->second);
      const Container* const container = engine_.stats().running(id_);
      client_->write((container == nullptr ? no_stats_text(facts)
                                           : stats_text(facts, before_, engine_.stats().moment_of(*container))) +
                     "\n");
    }
    finish();
  }

  void finish() {
    timer_.cancel();
    if (const auto client = std::exchange(client_, nullptr)) client->on_close(nullptr);
  }

  Engine& engine_;
  std::string id_;
  std::shared_ptr<HttpStream> client_;
  StatsMoment before_;
  Timer timer_;
};

void follow_stats(Engine& engine, const std::string& id, std::shared_ptr<HttpStream> stream) {
  const auto client = std::make_shared<std::shared_ptr<HttpStream>>(std::move(stream));
  const auto let_go = [client] {
    if (const auto kept = std::exchange(*client, nullptr)) kept->on_close(nullptr);
  };
  (*client)->on_close(let_go);
  engine.stats().follow(
      id,
      [client](const std::string& line) {
        // Who has not read the last one gets none now.
        constexpr std::size_t kUnread = 64U << 10U;
        if (*client && (*client)->queued() < kUnread) (*client)->write(line);
        return *client != nullptr;
      },
      let_go);
}

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
  auto stream = call.reply->stream("application/json");
  if (!once) return follow_stats(engine, record->id, std::move(stream));
  const Container* const container = engine.stats().running(record->id);
  if (container != nullptr && !call.flag("one-shot"))
    return std::make_shared<StatsOnce>(engine, record->id, std::move(stream))->begin(*container);
  const auto facts = engine.stats().facts_of(*record);
  if (container == nullptr) {
    stream->write(no_stats_text(facts) + "\n");
    return;
  }
  const StatsMoment now = engine.stats().moment_of(*container);
  stream->write(stats_text(facts, now, now) + "\n");
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
