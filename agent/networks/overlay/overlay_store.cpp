// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/overlay/overlay_store.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/base/log.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

constexpr auto kAskAgain = std::chrono::seconds(2);

std::string new_host_word() {
  std::uint64_t number = 0;
  (void)!::getrandom(&number, sizeof number, 0);
  char word[17];
  std::snprintf(word, sizeof word, "%016llx", static_cast<unsigned long long>(number));
  return word;
}

}  // namespace

OverlayStore::OverlayStore(Services& services, Owner owner)
    : services_(services),
      owner_(std::move(owner)),
      client_(services.loop, services.settings.config.network.overlay),
      retry_(services.loop),
      renew_(services.loop) {}

std::string OverlayStore::identity_file() const {
  return services_.settings.networks() + "/overlay-host";
}

void OverlayStore::read_identity() {
  const auto text = runtime::read_file(AT_FDCWD, identity_file());
  const auto value = nlohmann::json::parse(text.value_or(""), nullptr, false);
  if (value.is_object() && value.contains("host") && value["host"].is_string()) host_ = value["host"];
  if (value.is_object() && value.contains("lease") && value["lease"].is_number_integer()) lease_ = value["lease"];
  if (!host_.empty()) return;
  host_ = new_host_word();
  save_identity();
}

void OverlayStore::save_identity() {
  const nlohmann::json value = {{"host", host_}, {"lease", lease_}};
  const auto saved = runtime::replace_file(identity_file(), value.dump() + "\n", 0600, runtime::Durability::volatile_);
  if (!saved) log_info("not kept: " + saved.error().what);
}

void OverlayStore::begin() {
  read_identity();
  start();
}

tl::unexpected<Error> OverlayStore::unreachable() const {
  return fail("networks over several machines: etcd does not answer: " +
              (why_.empty() ? "it was not asked yet" : why_));
}

void OverlayStore::start_soon(std::chrono::milliseconds wait) {
  client_.stop_following();
  ++attempt_;
  renew_.cancel();
  retry_.expires_after(wait);
  retry_.async_wait(alive_.guard([this] { start(); }));
}

void OverlayStore::start() {
  ++attempt_;
  client_.stop_following();
  auto opened = client_.open();
  const auto& advertise = services_.settings.config.network.overlay.advertise;
  if (opened) vtep_ = advertise ? *advertise : client_.own_address();
  if (opened && !vtep_) opened = tl::unexpected(vtep_.error());
  if (!opened) return lost(opened.error());
  renew_lease([this] { read_all(); });
}

void OverlayStore::renew_lease(const Then& then) {
  if (lease_ == 0) return grant_lease(then);
  client_.ask("lease/keepalive", etcd::keep_alive_request(lease_),
              alive_.guard_value([this, then, attempt = attempt_](const Result<std::string>& answer) {
                if (attempt != attempt_) return;
                const auto alive = answer ? etcd::parse_keep_alive(*answer) : tl::unexpected(answer.error());
                if (!alive) return lost(alive.error());
                if (!*alive) return grant_lease(then);
                then();
              }));
}

void OverlayStore::grant_lease(const Then& then) {
  client_.ask("lease/grant", etcd::grant_request(services_.settings.config.network.overlay.ttl),
              alive_.guard_value([this, then, attempt = attempt_](const Result<std::string>& answer) {
                if (attempt != attempt_) return;
                const auto lease = answer ? etcd::parse_grant(*answer) : tl::unexpected(answer.error());
                if (!lease) return lost(lease.error());
                lease_ = *lease;
                save_identity();
                then();
              }));
}

void OverlayStore::read_all() {
  client_.ask("kv/range", etcd::range_request(prefix()),
              alive_.guard_value([this, attempt = attempt_](const Result<std::string>& answer) {
                if (attempt != attempt_) return;
                auto all = answer ? etcd::parse_range(*answer) : tl::unexpected(answer.error());
                if (!all) return lost(all.error());
                records_ = {};
                for (auto& each : all->pairs) (void)take_change({false, std::move(each)});
                revision_ = all->revision;
                put_back([this] { found(); });
              }));
}

// False: another machine's value says nothing; that is told, and goes no further.
bool OverlayStore::take_change(const etcd::Change& change) {
  const auto applied = apply(prefix(), change, records_);
  if (!applied) log_info(applied.error().what);
  return applied.has_value();
}

void OverlayStore::put_back(const Then& then) {
  put_next(put_back_plan(prefix(), records_, owner_.own(), host_, lease_), then);
}

// One after the other: a machine with a thousand pods opens one connection at a time.
void OverlayStore::put_next(std::vector<etcd::Transaction> left, const Then& then) {
  if (left.empty()) return then();
  const etcd::Transaction next = std::move(left.front());
  left.erase(left.begin());
  transact(next, [this, next, left = std::move(left), then, attempt = attempt_](const Result<etcd::Outcome>& outcome) {
    if (attempt != attempt_) return;
    if (!outcome) return lost(outcome.error());
    for (const auto& each : next.then) {
      if (!outcome->succeeded) break;
      (void)take_change({each.does == etcd::Operation::Does::kRemove, {each.key, each.value}});
    }
    const auto& wanted = next.then.front();
    bool is_there = false;  // another machine has put back the same
    for (const auto& each : outcome->found) {
      (void)take_change({false, each});
      is_there |= each.key == wanted.key && each.value == wanted.value;
    }
    if (!outcome->succeeded && !is_there && wanted.does == etcd::Operation::Does::kPut) {
      services_.events.add({.severity = Severity::kWarning,
                            .reason = name_of(Reason::kOverlayConflict),
                            .message = "etcd's key " + next.then.front().key + " is another machine's by now"});
    }
    put_next(left, then);
  });
}

void OverlayStore::found() {
  connected_ = true;
  known_ = true;
  why_.clear();
  if (std::exchange(told_, false)) {
    services_.events.add({.severity = Severity::kNormal,
                          .reason = name_of(Reason::kOverlayFound),
                          .message = "etcd answers again; networks over several machines are as it says"});
  }
  watch(revision_ + 1);
  keep_alive();
  owner_.changed();
  answer_waiting();
}

void OverlayStore::answer_waiting() {
  asked_ = true;
  for (const auto& each : std::exchange(waiting_, {})) each();
}

void OverlayStore::lost(const Error& error) {
  why_ = error.what;
  connected_ = false;
  if (!std::exchange(told_, true)) {
    services_.events.add(
        {.severity = Severity::kWarning,
         .reason = name_of(Reason::kOverlayLost),
         .message = "Networks over several machines stay as they are, since etcd does not answer: " + error.what});
  }
  start_soon(kAskAgain);
  answer_waiting();
}

void OverlayStore::watch(etcd::Revision from) {
  client_.follow("watch", etcd::watch_request(prefix(), from),
                 {.line = [this](const std::string& line) { take_news(line); },
                  // Whether etcd is gone or has only ended this, the next start finds out.
                  .ended = [this](const Error&) { start_soon(std::chrono::milliseconds(100)); }});
}

void OverlayStore::take_news(const std::string& line) {
  const auto news = etcd::parse_news(line);
  // It does not have the revision any more (compaction), or has another opinion of it: all of it again.
  if (!news || news->over) return start_soon(std::chrono::milliseconds(100));
  if (news->changes.empty()) return;
  for (const auto& each : news->changes) (void)take_change(each);
  owner_.changed();
  // Somebody has removed what is this machine's: it is put back.
  if (lacks_own(news->changes)) start_soon(std::chrono::seconds(1));
}

bool OverlayStore::lacks_own(const std::vector<etcd::Change>& changes) const {
  if (std::none_of(changes.begin(), changes.end(), [](const auto& each) { return each.removed; })) return false;
  const auto removed = [&](const std::string& key) {
    return std::find(changes.begin(), changes.end(), etcd::Change{true, {key, {}}}) != changes.end();
  };
  const auto own = owner_.own();
  const auto lacks_network = [&](const OverlayNetwork& each) {
    return !records_.networks.contains(each.name) && removed(network_key(prefix(), each.name));
  };
  const auto lacks_member = [&](const OverlayMember& each) {
    const OverlayRecords::Place place = {each.network, each.address};
    return !records_.members.contains(place) && removed(member_key(prefix(), place));
  };
  const bool lacks_host = own.host && !records_.hosts.contains(host_) && removed(host_key(prefix(), host_));
  return lacks_host || std::any_of(own.networks.begin(), own.networks.end(), lacks_network) ||
         std::any_of(own.members.begin(), own.members.end(), lacks_member);
}

void OverlayStore::keep_alive() {
  renew_.expires_after(services_.settings.config.network.overlay.ttl / 3);
  renew_.async_wait(alive_.guard([this] {
    client_.ask("lease/keepalive", etcd::keep_alive_request(lease_),
                alive_.guard_value([this, attempt = attempt_](const Result<std::string>& answer) {
                  if (attempt != attempt_) return;
                  const auto alive = answer ? etcd::parse_keep_alive(*answer) : tl::unexpected(answer.error());
                  if (!alive) return lost(alive.error());
                  // Too late: the records are gone with it.
                  if (!*alive) return start();
                  keep_alive();
                }));
  }));
}

}  // namespace mete::agent
