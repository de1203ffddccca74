// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alerts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "agent/alerts/alert_json.h"
#include "agent/export/targets.h"
#include "runtime/file.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using std::chrono::steady_clock;

AlertMoment alert_moment() {
  return {steady_clock::now(), std::chrono::system_clock::now()};
}

std::string own_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// Counted moments are stored for twenty minutes. A machine on which something happens all the time must not fill its
// memory with them: beyond so many, a look counts as if it had taken so long, and about one a second remains.
constexpr std::size_t kManyMoments = 10'000;
constexpr std::chrono::nanoseconds kCostOfManyMoments = std::chrono::seconds(1) / LookBudget::kShare;

}  // namespace

Alerts::Alerts(Services& services, const Reconciler& reconciler, Exporter& exporter, CollectingThread& collecting)
    : services_(services),
      reconciler_(reconciler),
      exporter_(exporter),
      collecting_(collecting),
      policy_(services.settings.config.alerts),
      reading_(services.loop),
      look_(services.loop) {}

Alerts::~Alerts() {
  if (listener_) services_.events.forget(*listener_);
}

Status Alerts::open() {
  METE_TRY(table_, read_alert_table(builtin_alert_table(), policy_));
  METE_TRY(AlertTable engines, read_alert_table(builtin_alert_table(), policy_));
  engine_ = std::make_shared<AlertEngine>(std::move(engines), policy_.instance.empty() ? own_name() : policy_.instance);
  states_ = std::make_unique<AlertStates>(table_, policy_.labels);
  for (const auto& receiver : policy_.alertmanagers) {
    METE_CHECK(alertmanagers_.emplace_back(std::make_unique<AlertmanagerSender>(services_, table_, receiver))->open());
  }
  for (const auto& receiver : policy_.webhooks) {
    auto& webhook = webhooks_.emplace_back(std::make_unique<WebhookSender>(services_, table_, receiver));
    METE_CHECK(webhook->open());
    webhook->on_told([this] { save(); });
  }
  return {};
}

void Alerts::start() {
  restore();
  listener_ = services_.events.listen([this](const Event&) { look_soon(); });
  read_all();
}

void Alerts::read_later() {
  reading_.expires_after(policy_.interval);
  reading_.async_wait(alive_.guard([this] { read_all(); }));
}

void Alerts::read_all() {
  exporter_.read([this](const std::shared_ptr<const collectors::Reading>& reading) {
    const auto now = alert_moment();
    evaluate({.reading = reading,
              .counted = counted_of(reconciler_),
              .own = exporter_.own_families(*reading, collectors::Format::kText),
              .at = now.steady,
              .wall = std::chrono::time_point_cast<std::chrono::system_clock::duration>(now.wall)});
    read_later();
  });
}

void Alerts::look_soon() {
  if (looking_) {
    look_again_ = true;
    return;
  }
  looking_ = true;
  // Not at once: the event comes in the middle of what it reports.
  const auto now = steady_clock::now();
  if (now >= look_budget_.free_at())
    return asio::post(services_.loop, [guarded = alive_.guard([this] { look_at_counted(); })]() mutable { guarded(); });
  look_.expires_at(look_budget_.free_at());
  look_.async_wait(alive_.guard([this] { look_at_counted(); }));
}

void Alerts::look_at_counted() {
  look_again_ = false;
  std::string own;
  services_.instruments.write(own, collectors::Format::kText);
  const auto now = alert_moment();
  evaluate({.reading = nullptr,
            .counted = counted_of(reconciler_),
            .own = std::move(own),
            .at = now.steady,
            .wall = std::chrono::time_point_cast<std::chrono::system_clock::duration>(now.wall)});
}

// On the collecting thread, which may still run when this object has ended: so it holds the engine. The loop, to which
// the result is posted, does not run any more then.
void Alerts::evaluate(AlertEngine::Input input) {
  const bool counted_only = input.reading == nullptr;
  auto shared = std::make_shared<AlertEngine::Input>(std::move(input));
  asio::post(collecting_.context(), [this, engine = engine_, shared, counted_only] {
    auto found = engine->sample(*shared);
    const auto cost = engine->counted_moments() > kManyMoments ? std::max(engine->last_cost(), kCostOfManyMoments)
                                                               : engine->last_cost();
    shared->reading.reset();
    shared->counted.reset();
    asio::post(services_.loop,
               [this, found = std::move(found), counted_only, cost, now = AlertMoment{shared->at, shared->wall}] {
                 if (counted_only) looked(cost);
                 if (found) see(*found, now);
               });
  });
}

void Alerts::looked(std::chrono::nanoseconds cost) {
  look_budget_.spend(steady_clock::now(), cost);
  looking_ = false;
  if (look_again_) look_soon();
}

void Alerts::see(const AlertsFound& found, AlertMoment now) {
  services_.instruments.alert_evaluation(found.cost, found.failures.size());
  if (found.all) services_.instruments.alert_store(found.stored.series, found.stored.bytes);
  report(found.failures);
  const auto changes = states_->see(found, now);
  const auto firing = states_->firing();
  services_.instruments.alerts_now(states_->all().size() - firing.size(), firing.size());
  for (const auto& sender : alertmanagers_) sender->see(firing, changes);
  const Inhibited held_back(firing, table_);
  for (const auto& webhook : webhooks_) webhook->see(firing, held_back, now);
  if (changes.fired.empty() && changes.resolved.empty()) return;
  save();
  report(changes);
}

void Alerts::report(const AlertStates::Changes& changes) {
  const auto add = [&](const Alert& alert, bool fired) {
    Event event{.severity = fired ? Severity::kWarning : Severity::kNormal,
                .reason = name_of(fired ? Reason::kAlertFiring : Reason::kAlertResolved),
                .message = alert.summary};
    if (!alert.label("pod").empty()) {
      event.pod = std::string(alert.label("namespace")).append("/").append(alert.label("pod"));
      event.container = alert.label("container");
    }
    event.fields.emplace_back("alert", alert.label("alertname"));
    if (fired) event.fields.emplace_back("severity", alert.label("severity"));
    services_.events.add(std::move(event));
  };
  for (const auto& alert : changes.fired) add(alert, true);
  for (const auto& alert : changes.resolved) add(alert, false);
}

void Alerts::report(const std::vector<std::string>& failures) {
  for (const auto& failure : failures) {
    const std::string rule = failure.substr(0, failure.find(": "));
    if (!failed_.insert(rule).second) continue;
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kAlertsNotEvaluated),
                          .message = failure + "; reported once"});
  }
}

void Alerts::restore() {
  const auto now = alert_moment();
  const auto text = runtime::read_file(AT_FDCWD, services_.settings.alerts());
  if (!text && text.error().code == ENOENT) return;
  auto kept = text ? parse_kept_alerts(*text, now) : tl::unexpected(text.error());
  if (!kept) {
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kAlertsNotEvaluated),
                          .message = services_.settings.alerts() + ": " + kept.error().what +
                                     "; alerts that fired before are told anew if they still do"});
    return;
  }
  for (auto& alert : kept->firing) states_->restore(std::move(alert), now);
  for (auto& [address, told] : kept->told) {
    for (const auto& webhook : webhooks_) {
      if (webhook->address() == address) webhook->groups().restore(std::move(told));
    }
  }
}

void Alerts::save() {
  KeptAlerts kept;
  for (const auto* alert : states_->firing()) kept.firing.push_back(*alert);
  for (const auto& webhook : webhooks_) {
    for (auto& told : webhook->groups().told()) kept.told.emplace_back(webhook->address(), std::move(told));
  }
  const auto written = runtime::replace_file(services_.settings.alerts(), to_json(kept, alert_moment()), 0600,
                                             runtime::Durability::volatile_);
  if (!written && !save_failed_) {
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kAlertsNotEvaluated),
                          .message = written.error().what + "; after a restart, what fires now may be told again"});
  }
  save_failed_ = !written;
}

nlohmann::ordered_json Alerts::as_json() const {
  return alerts_json(states_->all(), Inhibited(states_->firing(), table_), table_);
}

}  // namespace mete::agent
