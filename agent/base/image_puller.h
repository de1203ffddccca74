// SPDX-License-Identifier: Apache-2.0
// Pulls the images of containers. Each pull is a process of its own (`mete pull-for-agent`), because it waits for the
// network and unpacks for minutes, and its memory and faults must not be the agent's. Containers of the same image
// share one pull. A failed pull is tried again after 10 s, then after twice the time, at most 5 minutes: the kubelet's
// rule.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/event_reasons.h"
#include "agent/base/settings.h"
#include "config/model/volume.h"
#include "runtime/image/store.h"

namespace mete::agent {

struct WantedImage {
  std::string name;
  config::PullPolicy policy = config::PullPolicy::kIfNotPresent;
  std::vector<std::string> logins;  // docker's config.json, of imagePullSecrets
};

// Why a container cannot be launched yet.
struct ImageWait {
  std::optional<Reason> event;  // empty: nothing is told of it
  std::string reason;           // that the container shows: the kubelet's names
  std::string message;
  std::chrono::seconds again{10};  // until it is looked at again
};

class ImagePuller {
 public:
  ImagePuller(asio::io_context& loop, const Settings& settings, const runtime::image::Store& images);
  ImagePuller(const ImagePuller&) = delete;
  ImagePuller& operator=(const ImagePuller&) = delete;

  // The one who asks. Both are called on the loop, `again` never from within a call.
  struct Asker {
    std::string user;                                              // the container
    std::function<void(Reason reason, std::string message)> tell;  // events: "Pulling", "Pulled"
    std::function<void()> again;                                   // the pull has ended: to be asked again
  };
  // Empty: the image is in the store, and was asked for as the policy says.
  [[nodiscard]] std::optional<ImageWait> ask(const WantedImage& wanted, const Asker& asker);
  // The container is launched: with Always the next launch asks anew.
  void launched(const std::string& user);

 private:
  struct Pull {
    bool running = false;
    int failures = 0;
    std::string error;
    int code = 0;  // errno; ECONNREFUSED, EHOSTUNREACH: no registry can be asked
    std::chrono::steady_clock::time_point begun{};
    std::chrono::steady_clock::time_point failed_at{};
    std::chrono::steady_clock::time_point next{};
    std::set<std::string> known;          // who has asked: one who has not does not wait for the next time
    std::map<std::string, Asker> askers;  // who waits, by user
  };
  [[nodiscard]] static ImageWait failure(const WantedImage& wanted, const Pull& pull, const Error* missing);
  [[nodiscard]] Status start(const WantedImage& wanted, const std::string& key);
  void take(const std::string& key, const std::string& name, int exit_code, const std::string& output);

  asio::io_context& loop_;
  const Settings& settings_;
  const runtime::image::Store& images_;
  std::map<std::string, Pull> pulls_;  // by name and logins
  std::set<std::string> granted_;      // "USER IMAGE": asked for, and not launched yet
  Alive alive_;
};

}  // namespace mete::agent
