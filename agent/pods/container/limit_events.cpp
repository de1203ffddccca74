// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/limit_events.h"

#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/limits/refusals.h"
#include "runtime/cgroup/text.h"

namespace mete::agent {
namespace {

using runtime::cgroup::Refusal;

constexpr auto kEvery = std::chrono::seconds(1);
// A fork bomb runs into its limit ten thousand times a second: all of that time gives one event.
constexpr auto kTellAgain = std::chrono::seconds(10);

struct Told {
  Refusal kind;
  Reason reason;
  const char* what;
};
constexpr std::array<Told, 3> kToldOfContainer = {
    {{Refusal::kFork, Reason::kPidsLimit, "forks were refused: "},
     {Refusal::kSwapLimit, Reason::kSwapLimit, "times it was refused swap: it has as much as it may"},
     {Refusal::kSwapFull, Reason::kSwapFull, "times there was no swap left on the machine for it"}}};
constexpr std::array<Told, 1> kToldOfAbove = {{{Refusal::kForkLocal, Reason::kPidsLimit, "forks were refused: "}}};

}  // namespace

LimitEvents::LimitEvents(Services& services, const runtime::cgroup::Group& group, Whose whose, Report report)
    : services_(services), group_(group), whose_(whose), report_(std::move(report)), timer_(services.loop) {
  static_assert(std::tuple_size_v<decltype(counters_)> == kToldOfContainer.size());
}

void LimitEvents::open(bool bounded) {
  if (!std::exchange(open_, true)) {
    local_ = runtime::cgroup::refusals(group_, Refusal::kForkLocal).has_value();
    see_all(true);
  }
  timer_.cancel();
  if (!runtime::cgroup::refused_forks_are_silent(services_.hierarchies)) return;
  if (whose_ == Whose::kAbove) return;  // only v2 counts there
  if (bounded || !runtime::cgroup::pids_limits_of_path(group_).empty()) poll_later();
}

void LimitEvents::close() {
  open_ = false;
  timer_.cancel();
}

void LimitEvents::poll_later() {
  timer_.expires_after(kEvery);
  timer_.async_wait(alive_.guard([this] {
    poll();
    if (open_) poll_later();
  }));
}

void LimitEvents::poll() {
  if (open_) see_all(false);
}

void LimitEvents::see_all(bool begin) {
  const std::size_t kinds = whose_ == Whose::kAbove ? kToldOfAbove.size() : kToldOfContainer.size();
  for (std::size_t i = 0; i < kinds; ++i) see(i, begin);
}

void LimitEvents::see(std::size_t which, bool begin) {
  const auto& [kind, reason, what] = whose_ == Whose::kAbove ? kToldOfAbove.at(which) : kToldOfContainer.at(which);
  const auto [controller, file, key] = runtime::cgroup::counter_of(counted_as(kind));
  Counter& counter = counters_.at(which);
  const auto text = group_.read(controller, file);
  const auto value = text ? runtime::cgroup::value_of(*text, key) : std::nullopt;
  if (!value) return;  // the cgroup is gone, or the kernel lacks the file
  const auto now = std::chrono::steady_clock::now();
  // A counter that went back belongs to another cgroup.
  if (begin || *value < counter.told) counter.told = *value;
  if (*value == counter.told ||
      (counter.told_at != std::chrono::steady_clock::time_point() && now - counter.told_at < kTellAgain))
    return;
  const auto times = *value - std::exchange(counter.told, *value);
  counter.told_at = now;
  Fields fields = {{"file", file}, {"times", std::to_string(times)}, {"total", std::to_string(*value)}};
  std::string told = std::to_string(times) + " " + what;
  if (reason == Reason::kPidsLimit) told += name_pids_limit(fields);
  report_(name_of(reason), told, std::move(fields));
}

// Where the kernel has both, pids.events has what limits of groups below the container refused, too: the business of
// whoever made them in it.
Refusal LimitEvents::counted_as(Refusal kind) const {
  return kind == Refusal::kFork && local_ ? Refusal::kForkLocal : kind;
}

std::string LimitEvents::name_own_pids_limit(Fields& fields) const {
  const auto own = runtime::cgroup::pids_limit(group_);
  if (own) fields.emplace_back("limit", std::to_string(*own));
  if (whose_ == Whose::kContainer) return "it has as many processes and threads as it may";
  fields.emplace_back("limit_of", group_.path());
  return "cgroup " + group_.path() + " has as many processes and threads as it may" +
         (own ? ", " + std::to_string(*own) : "");
}

// An older kernel counts a fork where it was refused, whosever limit it was.
std::string LimitEvents::name_pids_limit(Fields& fields) const {
  if (local_ || whose_ == Whose::kAbove) return name_own_pids_limit(fields);
  const auto path = runtime::cgroup::pids_limits_of_path(group_);
  const auto* const limit = runtime::cgroup::refusing(path);
  if (limit == nullptr) return "it or a cgroup above it had as many processes and threads as it may";
  fields.emplace_back("limit", std::to_string(limit->limit));
  if (limit->path == group_.path()) return "it has as many processes and threads as it may";
  fields.emplace_back("limit_of", limit->path);
  return "cgroup " + limit->path + " above it has as many processes and threads as it may, " +
         std::to_string(limit->limit);
}

}  // namespace mete::agent
