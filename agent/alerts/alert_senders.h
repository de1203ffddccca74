// SPDX-License-Identifier: Apache-2.0
// The receivers of alerts: Alertmanagers and webhooks. A message is made at the moment at which it is sent, from the
// alerts as they are then, so nothing queues up for a receiver that does not answer. After a failure the sender tries
// again, first after 1 s, then after twice the time, at most a minute. The loop never waits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/alert_groups.h"
#include "agent/alerts/alert_states.h"
#include "agent/base/services.h"
#include "agent/http/http_client.h"

namespace mete::agent {

class AlertSender {
 public:
  using Time = AlertGroups::Time;

  // `path` is added to the receiver's address.
  AlertSender(Services& services, const config::AlertReceiver& receiver, std::string path);
  virtual ~AlertSender() = default;
  AlertSender(const AlertSender&) = delete;
  AlertSender& operator=(const AlertSender&) = delete;

  // Reads the certificates, and tries to read the file of the password or token, which is read again for each message.
  [[nodiscard]] Status open();
  [[nodiscard]] const std::string& address() const { return receiver_.url; }

 protected:
  struct Body {
    std::string text;
    std::size_t alerts = 0;
  };
  // Sends what is due, now or when it will be. Called after every change.
  void look();

  Services& services_;
  const config::AlertReceiver& receiver_;

 private:
  [[nodiscard]] virtual std::optional<Body> next(Time now) = 0;  // empty: nothing is due
  [[nodiscard]] virtual std::optional<Time> next_due() const = 0;
  virtual void ended(bool taken) = 0;  // the sending of what next() gave

  [[nodiscard]] Result<std::string> authorization() const;
  void send(Body body);
  void done(const Status& status, std::size_t alerts);
  void look_at(Time time);

  std::string path_;
  HttpUrl url_;
  std::shared_ptr<asio::ssl::context> tls_;
  std::shared_ptr<HttpSending> sending_;
  bool busy_ = false;                 // from send() to done()
  std::chrono::seconds back_off_{0};  // 0: the last message was taken
  Time not_before_{};
  Timer timer_;
  Alive alive_;
};

// Sends all that fire, again each minute, and the ends; grouping is the Alertmanager's.
class AlertmanagerSender : public AlertSender {
 public:
  static constexpr std::size_t kMostEnds = 2'000;  // the oldest are dropped

  AlertmanagerSender(Services& services, const AlertTable& table, const config::AlertReceiver& receiver);
  void see(const std::vector<const Alert*>& firing, const AlertStates::Changes& changes);

 private:
  [[nodiscard]] std::optional<Body> next(Time now) override;
  [[nodiscard]] std::optional<Time> next_due() const override;
  void ended(bool taken) override;

  const AlertTable& table_;
  std::chrono::nanoseconds again_;  // after so long it is sent again
  std::vector<Alert> firing_;
  std::vector<Alert> ends_;      // not taken yet
  std::size_t ends_sent_ = 0;    // of those, in the message that is on its way
  bool changed_ = false;         // since the last message that was begun
  std::optional<Time> sent_at_;  // begun
};

class WebhookSender : public AlertSender {
 public:
  WebhookSender(Services& services, const AlertTable& table, const config::AlertReceiver& receiver);
  // `on_told`: something was told, which is to be kept over a restart.
  void on_told(std::function<void()> callback) { on_told_ = std::move(callback); }
  void see(const std::vector<const Alert*>& firing, const Inhibited& held_back, AlertMoment now);
  [[nodiscard]] AlertGroups& groups() { return groups_; }

 private:
  [[nodiscard]] std::optional<Body> next(Time now) override;
  [[nodiscard]] std::optional<Time> next_due() const override { return groups_.next_due(); }
  void ended(bool taken) override;

  const AlertTable& table_;
  AlertGroups groups_;
  std::optional<AlertMessage> on_its_way_;
  std::function<void()> on_told_;
};

}  // namespace mete::agent
