// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/limit_events.h"

#include "runtime/cgroup/text.h"

namespace mete::agent {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);
// A fork bomb runs into its limit ten thousand times a second: all of that time gives one event.
constexpr auto kTellAgain = std::chrono::seconds(10);

}  // namespace

LimitEvents::LimitEvents(Services& services, const runtime::cgroup::Group& group, Tell tell)
    : services_(services),
      group_(group),
      tell_(std::move(tell)),
      counters_{
          {"pids", "pids.events", "max", "PidsLimit",
           "forks were refused: it has as many processes and threads as it may"},
          {"memory", "memory.swap.events", "max", "SwapLimit", "times it was refused swap: it has as much as it may"},
          {"memory", "memory.swap.events", "fail", "SwapFull", "times there was no swap left on the machine for it"}},
      timer_(services.loop) {}

void LimitEvents::open(bool bounded) {
  if (!std::exchange(open_, true)) {
    for (auto& counter : counters_) see(counter, true);
  }
  timer_.cancel();
  if (bounded && services_.hierarchies.on_v1("pids")) look_later();
}

void LimitEvents::close() {
  open_ = false;
  timer_.cancel();
}

void LimitEvents::look_later() {
  timer_.expires_after(kEvery);
  timer_.async_wait(alive_.guard([this] {
    look();
    if (open_) look_later();
  }));
}

void LimitEvents::look() {
  if (!open_) return;
  for (auto& counter : counters_) see(counter, false);
}

void LimitEvents::see(Counter& counter, bool begin) {
  const auto text = group_.read(counter.controller, counter.file);
  const auto value = text ? runtime::cgroup::value_of(*text, counter.key) : std::nullopt;
  if (!value) return;  // the cgroup is gone, or the kernel lacks the file
  const auto now = std::chrono::steady_clock::now();
  // A counter that went back belongs to another cgroup.
  if (begin || *value < counter.told) counter.told = *value;
  if (*value == counter.told ||
      (counter.told_at != std::chrono::steady_clock::time_point() && now - counter.told_at < kTellAgain))
    return;
  const auto times = *value - std::exchange(counter.told, *value);
  counter.told_at = now;
  tell_(counter.reason, std::to_string(times) + " " + counter.what,
        {{"file", counter.file}, {"times", std::to_string(times)}, {"total", std::to_string(*value)}});
}

}  // namespace mete::agent
