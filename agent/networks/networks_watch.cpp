// SPDX-License-Identifier: Apache-2.0
// What keeps the networks as they were made.
#include <utility>

#include "agent/base/event_reasons.h"
#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

// A removed bridge tells nobody that would not hear of each link of each container, too.
constexpr auto kVerifyEvery = std::chrono::seconds(10);

}  // namespace

void Networks::drifted(const std::string& what) {
  ++drifts_;
  services_.events.add({.severity = Severity::kWarning,
                        .reason = name_of(Reason::kNetworkDrift),
                        .message = what + "; it is put back",
                        .fields = {{"found", what}}});
}

void Networks::rules_changed(const std::string& who) {
  if (state_ != State::kUp) return;
  if (healing_) {
    // Perhaps after the rules were written, and before we heard of that.
    changed_by_ = who;
    return;
  }
  healing_ = true;
  drifted("The rules of mete's networks were changed by " + who);
  thread_.write_rules(all_networks(), all_endpoints(), [this](const Status& written) {
    healing_ = false;
    if (const std::string again = std::exchange(changed_by_, {}); !again.empty()) return rules_changed(again);
    if (written) return;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kNetworkFailed),
                          .message = "The rules of mete's networks could not be put back: " + written.error().what});
  });
}

void Networks::verify_soon() {
  verify_.expires_after(kVerifyEvery);
  verify_.async_wait(alive_.guard([this] {
    if (state_ != State::kUp) return;
    measure();
    thread_.verify(all_networks(), all_endpoints(), [this](const Result<std::vector<std::string>>& found) {
      for (const auto& each : found.value_or(std::vector<std::string>())) drifted(each);
      verify_soon();
    });
  }));
}

}  // namespace mete::agent
