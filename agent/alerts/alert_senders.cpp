// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_senders.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "agent/alerts/alert_json.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kLargestSecret = 64U << 10U;

Result<std::string> read_secret(const std::string& path) {
  METE_TRY(std::string text, runtime::read_file(AT_FDCWD, path, kLargestSecret));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty() || text.find_first_of("\r\n") != std::string::npos)
    return fail(path + ": found no text or several lines, expected one line");
  return text;
}

}  // namespace

AlertSender::AlertSender(Services& services, const config::AlertReceiver& receiver, std::string path)
    : services_(services), receiver_(receiver), path_(std::move(path)), timer_(services.loop) {}

Status AlertSender::open() {
  METE_TRY(url_, parse_url(receiver_.url));
  if (!path_.empty()) {
    while (url_.path.ends_with('/')) url_.path.pop_back();
    url_.path += path_;
  }
  if (url_.tls) {
    METE_TRY(tls_, client_tls(receiver_.ca_file));
  }
  if (const auto given = authorization(); !given) return fail_in("alerts: " + receiver_.url, given.error());
  return {};
}

Result<std::string> AlertSender::authorization() const {
  if (!receiver_.token_file.empty()) {
    METE_TRY(const std::string token, read_secret(receiver_.token_file));
    return "Bearer " + token;
  }
  if (receiver_.username.empty()) return std::string();
  METE_TRY(const std::string password, read_secret(receiver_.password_file));
  return basic_authorization(receiver_.username, password);
}

void AlertSender::look_at(Time time) {
  timer_.expires_at(time);
  timer_.async_wait(alive_.guard([this] { look(); }));
}

void AlertSender::look() {
  if (busy_) return;  // the end of what is being sent looks again
  const Time now = std::chrono::steady_clock::now();
  if (now < not_before_) return look_at(not_before_);
  if (auto body = next(now)) return send(std::move(*body));
  if (const auto due = next_due()) look_at(*due);
}

void AlertSender::send(Body body) {
  const std::size_t alerts = body.alerts;
  busy_ = true;
  auto header = authorization();
  if (!header) {
    // Told later: next() is not done yet.
    asio::post(services_.loop, [guarded = alive_.guard([this, alerts, error = header.error()] {
                 done(tl::unexpected(error), alerts);
               })]() mutable { guarded(); });
    return;
  }
  sending_ = send_post(services_.loop,
                       {.url = url_, .tls = tls_, .authorization = std::move(*header), .body = std::move(body.text)},
                       [this, alerts](const Status& status) { done(status, alerts); });
}

void AlertSender::done(const Status& status, std::size_t alerts) {
  // The call comes from within the sending, which ends after it.
  asio::post(services_.loop, [kept = std::exchange(sending_, nullptr)] {});
  constexpr auto kLongest = std::chrono::seconds(60);
  busy_ = false;
  const bool failed_before = back_off_ > std::chrono::seconds(0);
  ended(status.has_value());
  if (status) {
    services_.instruments.alerts_sent(receiver_.url, alerts);
    back_off_ = std::chrono::seconds(0);
    not_before_ = {};
    if (failed_before) {
      services_.events.add({.severity = Severity::kNormal,
                            .reason = name_of(Reason::kAlertsSentAgain),
                            .message = receiver_.url + " takes alerts again",
                            .fields = {{"receiver", receiver_.url}}});
    }
    return look();
  }
  services_.instruments.alerts_failed(receiver_.url);
  back_off_ = failed_before ? std::min(2 * back_off_, std::chrono::seconds(kLongest)) : std::chrono::seconds(1);
  not_before_ = std::chrono::steady_clock::now() + back_off_;
  if (!failed_before) {
    services_.events.add({.severity = Severity::kWarning,
                          .reason = name_of(Reason::kAlertsNotSent),
                          .message = status.error().what + "; mete tries again",
                          .fields = {{"receiver", receiver_.url}}});
  }
  look();
}

AlertmanagerSender::AlertmanagerSender(Services& services, const AlertTable& table,
                                       const config::AlertReceiver& receiver)
    : AlertSender(services, receiver, "/api/v2/alerts"),
      table_(table),
      again_(std::max<std::chrono::nanoseconds>(std::chrono::minutes(1), services.settings.config.alerts.interval)) {}

void AlertmanagerSender::see(const std::vector<const Alert*>& firing, const AlertStates::Changes& changes) {
  firing_.clear();
  for (const auto* alert : firing) firing_.push_back(*alert);
  for (const auto& alert : changes.resolved) ends_.push_back(alert);
  if (ends_.size() > kMostEnds) {
    // Those on their way stay: their number is known by their place.
    const std::size_t most = ends_.size() - kMostEnds;
    const auto first = ends_.begin() + static_cast<std::ptrdiff_t>(ends_sent_);
    const std::size_t dropped = std::min(most, ends_.size() - ends_sent_);
    ends_.erase(first, first + static_cast<std::ptrdiff_t>(dropped));
    services_.instruments.alerts_dropped(receiver_.url, dropped);
  }
  changed_ = changed_ || !changes.fired.empty() || !changes.resolved.empty();
  look();
}

std::optional<AlertSender::Time> AlertmanagerSender::next_due() const {
  if (firing_.empty() && ends_.empty()) return std::nullopt;
  if (changed_ || !sent_at_ || !ends_.empty()) return Time();
  return *sent_at_ + std::chrono::duration_cast<Time::duration>(again_);
}

std::optional<AlertSender::Body> AlertmanagerSender::next(Time now) {
  const auto due = next_due();
  if (!due || *due > now) return std::nullopt;
  changed_ = false;
  sent_at_ = now;
  ends_sent_ = ends_.size();
  std::vector<const Alert*> firing;
  for (const auto& alert : firing_) firing.push_back(&alert);
  const auto until = enforcers::WallTime(std::chrono::system_clock::now()) + 4 * again_;
  return Body{alertmanager_json(firing, ends_, until, table_), firing.size() + ends_.size()};
}

void AlertmanagerSender::ended(bool taken) {
  if (taken) {
    ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(ends_sent_));
  } else {
    changed_ = true;
  }
  ends_sent_ = 0;
}

WebhookSender::WebhookSender(Services& services, const AlertTable& table, const config::AlertReceiver& receiver)
    : AlertSender(services, receiver, ""), table_(table), groups_(services.settings.config.alerts, receiver.resolved) {}

void WebhookSender::see(const std::vector<const Alert*>& firing, const Inhibited& held_back, AlertMoment now) {
  groups_.see(firing, held_back, now);
  look();
}

std::optional<AlertSender::Body> WebhookSender::next(Time now) {
  on_its_way_ = groups_.due(now);
  if (!on_its_way_) return std::nullopt;
  groups_.sending(*on_its_way_);
  return Body{webhook_json(*on_its_way_, table_), on_its_way_->alerts.size()};
}

void WebhookSender::ended(bool taken) {
  const auto message = std::exchange(on_its_way_, std::nullopt);
  if (!message) return;
  if (!taken) return groups_.not_told(*message);
  groups_.told(*message, std::chrono::steady_clock::now());
  if (on_told_) on_told_();
}

}  // namespace mete::agent
