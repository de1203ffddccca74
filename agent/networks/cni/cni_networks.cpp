// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/cni/cni_networks.h"

#include <sys/eventfd.h>

#include <utility>

#include "agent/base/event_reasons.h"
#include "runtime/unfinished_files.h"

namespace mete::agent {
namespace {

constexpr auto kAgain = std::chrono::seconds(10);
constexpr const char* kRecords = "/attachments";

CniWork work_of(const Services& services, const runtime::UniqueFd& stop) {
  const auto& settings = services.settings;
  CniWork::Places places;
  places.configurations = settings.config.network.cni.configurations;
  places.limits.folders = settings.config.network.cni.plugins;
  places.limits.timeout = settings.config.network.cni.timeout;
  places.limits.stop = stop.get();
  places.records = settings.networks() + kRecords;
  places.spaces = settings.run + "/netns";
  return CniWork(std::move(places));
}

}  // namespace

CniNetworks::CniNetworks(Services& services)
    : services_(services),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      again_(services.loop),
      workers_(services.loop) {
  runtime::remove_unfinished(services.settings.networks() + kRecords);
}

CniNetworks::~CniNetworks() {
  (void)::eventfd_write(stop_.get(), 1);
}

// `work` on a thread when those of the container that were asked for before have ended, then `take` with its result.
template <class Work, class Take>
void CniNetworks::run(const std::string& uid, Work work, Take take) {
  using Value = decltype(work());
  auto result = std::make_shared<std::optional<Value>>();
  auto& queue = jobs_[uid];
  queue.push_back({[work = std::move(work), result]() mutable { result->emplace(work()); },
                   [take = std::move(take), result]() mutable { take(std::move(**result)); }});
  if (queue.size() == 1) run_next(uid);
}

void CniNetworks::run_next(const std::string& uid) {
  workers_.run(jobs_.at(uid).front().work, alive_.guard([this, uid] {
    const auto queue = jobs_.find(uid);
    const Job job = std::move(queue->second.front());
    queue->second.pop_front();
    if (queue->second.empty()) {
      jobs_.erase(queue);
    } else {
      run_next(uid);
    }
    job.done();
  }));
}

void CniNetworks::look_at(const std::string& configuration, Done done) {
  run(
      "configuration " + configuration,
      [work = work_of(services_, stop_), configuration] { return work.look_at(configuration); }, std::move(done));
}

void CniNetworks::add(Wish wish, Connected connected) {
  const CniWork::Member member = wish.member;
  // The work begins with it.
  failed_.erase({member.uid, member.network});
  run(
      member.uid, [work = work_of(services_, stop_), wish = std::move(wish)] { return work.add(wish); },
      std::move(connected));
}

void CniNetworks::remove(const std::string& uid, const std::string& network, Done done) {
  run(
      uid,
      [work = work_of(services_, stop_), uid, network] {
        return work.remove({uid, network});
      },
      [this, uid, network, done = std::move(done)](const Status& removed) {
        if (removed) {
          failed_.erase({uid, network});
        } else {
          failed_removal(uid, network, removed.error());
        }
        done(removed);
      });
}

void CniNetworks::failed_removal(const std::string& uid, const std::string& network, const Error& error) {
  const bool is_new = failed_.emplace(uid, network).second;
  if (is_new) {
    services_.events.add(
        {.severity = Severity::kWarning,
         .reason = name_of(Reason::kNetworkFailed),
         .message = "A pod could not be taken out of network " + network + " and is tried again: " + error.what});
  }
  if (failed_.size() == 1 || !is_new) try_again();
}

void CniNetworks::try_again() {
  again_.expires_after(kAgain);
  again_.async_wait(alive_.guard([this] {
    const auto all = failed_;
    for (const auto& [uid, network] : all) remove(uid, network, [](const Status&) {});
  }));
}

void CniNetworks::check(const std::string& uid, const std::string& network, Done done) {
  run(
      uid,
      [work = work_of(services_, stop_), uid, network] {
        return work.check({uid, network});
      },
      std::move(done));
}

void CniNetworks::collect_garbage(const std::string& configuration, Done done) {
  run(
      "configuration " + configuration,
      [work = work_of(services_, stop_), configuration] { return work.collect_garbage(configuration); },
      std::move(done));
}

std::vector<std::pair<std::string, std::string>> CniNetworks::recorded() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto& each : work_of(services_, stop_).recorded()) all.emplace_back(each.uid, each.network);
  return all;
}

}  // namespace mete::agent
