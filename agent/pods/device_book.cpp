// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/device_book.h"

#include <algorithm>

#include "agent/base/cdi_folders.h"
#include "config/model/documents.h"

namespace mete::agent {
namespace {

// There is no notification that covers a folder that is not there yet.
constexpr auto kLookAtSpecs = std::chrono::seconds(1);

}  // namespace

const config::CdiDevices& DeviceBook::devices() {
  const auto& folders = services_.settings.config.devices.cdi;
  auto now = cdi_folders_text(folders);
  if (now == seen_) return devices_;
  seen_ = std::move(now);
  CdiFolders read = read_cdi_folders(folders);
  for (const auto& fault : read.faults) tell(fault);
  devices_ = config::CdiDevices(std::move(read.specs));
  for (const auto& name : devices_.conflicts())
    tell("device " + name + ": found two specifications of it in one folder, expected one; nobody gets it");
  call_waiting_soon();  // whoever has asked and made this be noticed
  return devices_;
}

void DeviceBook::tell(const std::string& what) {
  if (!std::exchange(told_[what], true))
    services_.events.add(
        {.severity = Severity::kWarning, .reason = name_of(Reason::kDeviceSpecFailed), .message = what});
}

std::map<std::string, std::vector<std::string>> DeviceBook::free(const std::vector<std::string>& kinds) {
  std::map<std::string, std::vector<std::string>> free;
  const auto is_held = [&](const std::string& name) {
    return std::any_of(held_.begin(), held_.end(), [&](const auto& pod) {
      return std::find(pod.second.begin(), pod.second.end(), name) != pod.second.end();
    });
  };
  for (const auto& kind : kinds) {
    auto& list = free[kind] = devices().of_kind(kind);
    std::erase_if(list, is_held);
  }
  return free;
}

bool DeviceBook::hold(const std::string& uid, const std::vector<std::string>& names) {
  for (const auto& [other, theirs] : held_) {
    const auto has = [&theirs = theirs](const std::string& name) {
      return std::find(theirs.begin(), theirs.end(), name) != theirs.end();
    };
    if (other != uid && std::any_of(names.begin(), names.end(), has)) return false;
  }
  held_[uid] = names;
  return true;
}

void DeviceBook::release(const std::string& uid) {
  std::erase_if(waiting_, [&](const auto& each) { return each.first == uid; });
  if (held_.erase(uid) > 0) call_waiting_soon();
}

void DeviceBook::wait(const std::string& uid, std::function<void()> again) {
  const bool first = waiting_.empty();
  const auto own = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& each) { return each.first == uid; });
  if (own == waiting_.end()) {
    waiting_.emplace_back(uid, std::move(again));
  } else {
    own->second = std::move(again);
  }
  if (first) look_again();
}

void DeviceBook::look_again() {
  look_.expires_after(kLookAtSpecs);
  look_.async_wait(alive_.guard([this] {
    if (waiting_.empty()) return;
    (void)devices();
    look_again();
  }));
}

void DeviceBook::call_waiting_soon() {
  if (!waiting_.empty()) asio::post(services_.loop, alive_.guard([this] { call_waiting(); }));
}

// In their order: whoever still has to wait comes before those who come later.
void DeviceBook::call_waiting() {
  look_.cancel();
  for (auto& [uid, again] : std::exchange(waiting_, {})) again();
}

}  // namespace mete::agent
