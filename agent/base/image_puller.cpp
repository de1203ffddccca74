// SPDX-License-Identifier: Apache-2.0
#include "agent/base/image_puller.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "agent/base/child_process.h"
#include "agent/base/spawn.h"
#include "runtime/file.h"
#include "runtime/json_numbers.h"

namespace mete::agent {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kFirstPause = std::chrono::seconds(10);
constexpr auto kLongestPause = std::chrono::seconds(300);
// After this a failure is shown as the back-off that it leads to.
constexpr auto kFailureShown = std::chrono::seconds(2);

std::chrono::seconds pause_after(int failures) {
  auto pause = kFirstPause;
  for (int i = 1; i < failures && pause < kLongestPause; ++i) pause *= 2;
  return std::min(pause, kLongestPause);
}

std::string request_of(const config::RegistryPolicy& policy, const std::vector<std::string>& logins) {
  nlohmann::json mirrors = nlohmann::json::array();
  for (const auto& each : policy.mirrors) mirrors.push_back({{"registry", each.registry}, {"hosts", each.hosts}});
  return nlohmann::json{
      {"insecure", policy.insecure}, {"blocked", policy.blocked}, {"mirrors", mirrors}, {"logins", logins}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<runtime::UniqueFd> memory_file(const char* name, const std::string& text) {
  runtime::UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create");
  METE_CHECK(runtime::write_all(file.get(), text));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  return file;
}

std::string seconds_text(std::chrono::nanoseconds time) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.3gs", std::chrono::duration<double>(time).count());
  return text;
}

}  // namespace

ImagePuller::ImagePuller(asio::io_context& loop, const Settings& settings, const runtime::image::Store& images)
    : loop_(loop), settings_(settings), images_(images) {}

void ImagePuller::launched(const std::string& user) {
  std::erase_if(granted_, [&](const std::string& each) { return each.starts_with(user + " "); });
}

std::optional<ImageWait> ImagePuller::ask(const WantedImage& wanted, const Asker& asker) {
  const auto local = images_.find(wanted.name);
  // Another error than a missing image is the launch's to report.
  const bool there = local || local.error().code != ENOENT;
  if (there && wanted.policy != config::PullPolicy::kAlways) return std::nullopt;
  if (wanted.policy == config::PullPolicy::kNever) {
    return ImageWait{Reason::kErrImageNeverPull, name_of(Reason::kErrImageNeverPull),
                     "Container image \"" + wanted.name + "\" is not present with pull policy of Never"};
  }
  if (there && granted_.contains(asker.user + " " + wanted.name)) return std::nullopt;
  std::string key = wanted.name;
  for (const auto& login : wanted.logins) key += "\n" + login;
  Pull& pull = pulls_[key];
  const bool is_new = pull.known.insert(asker.user).second;
  const ImageWait running{std::nullopt, "ContainerCreating", "Pulling image \"" + wanted.name + "\""};
  if (!pull.running) {
    const Error* const missing = local ? nullptr : &local.error();
    if (!is_new && pull.failures > 0 && Clock::now() < pull.next) return failure(wanted, pull, missing);
    if (const auto started = start(wanted, key); !started) {
      return ImageWait{Reason::kErrImagePull, name_of(Reason::kErrImagePull), started.error().what};
    }
    if (is_new || pull.failures == 0) asker.tell(Reason::kPulling, running.message);
  }
  pull.askers.insert_or_assign(asker.user, asker);
  // While it is asked again the reason stays what it was.
  return is_new || pull.failures == 0 ? running : failure(wanted, pull, local ? nullptr : &local.error());
}

ImageWait ImagePuller::failure(const WantedImage& wanted, const Pull& pull, const Error* missing) {
  const bool fresh = Clock::now() < pull.failed_at + kFailureShown;
  const bool nobody = pull.code == ECONNREFUSED || pull.code == EHOSTUNREACH;
  if (nobody && missing != nullptr && wanted.policy == config::PullPolicy::kIfNotPresent) {
    return {Reason::kImageNotFound, name_of(Reason::kImageNotFound),
            missing->what + "; no registry can be asked: " + pull.error};
  }
  if (fresh) {
    return {Reason::kErrImagePull, name_of(Reason::kErrImagePull),
            "Failed to pull image \"" + wanted.name + "\": " + pull.error, kFailureShown + std::chrono::seconds(1)};
  }
  return {Reason::kImagePullBackOff, name_of(Reason::kImagePullBackOff),
          "Back-off pulling image \"" + wanted.name + "\": ErrImagePull: " + pull.error};
}

Status ImagePuller::start(const WantedImage& wanted, const std::string& key) {
  METE_TRY(const auto input, memory_file("mete-pull-request", request_of(settings_.config.registries, wanted.logins)));
  METE_TRY(auto output, memory_file("mete-pull-answer", ""));
  METE_TRY(const pid_t pid, spawn_self({"mete", "--state", settings_.state, "pull-for-agent", wanted.name},
                                       {input.get(), output.get()}));
  Pull& pull = pulls_[key];
  pull.running = true;
  pull.begun = Clock::now();
  const auto shared = std::make_shared<runtime::UniqueFd>(std::move(output));
  const auto exit_code = std::make_shared<int>(-1);
  auto end = alive_.guard([this, key, name = wanted.name, shared, exit_code] {
    std::string text;
    if (::lseek(shared->get(), 0, SEEK_SET) == 0)
      text = runtime::read_all(shared->get(), "a pull's answer", 1U << 20U).value_or("");
    take(key, name, *exit_code, text);
  });
  await_child(loop_, pid, [exit_code, end = std::move(end)](int code) mutable {
    *exit_code = code;
    end();
  });
  return {};
}

void ImagePuller::take(const std::string& key, const std::string& name, int exit_code, const std::string& output) {
  Pull& pull = pulls_[key];
  const auto answer = nlohmann::json::parse(output, nullptr, false);
  const bool said = answer.is_object() && answer.contains("error") && answer.contains("code");
  const auto took = Clock::now() - pull.begun;
  pull.running = false;
  const auto askers = std::exchange(pull.askers, {});
  if (exit_code == 0 && said) {
    const auto size = answer.value("size", std::int64_t{0});
    pulls_.erase(key);
    for (const auto& [user, asker] : askers) {
      granted_.insert(user + " " + name);
      asker.tell(Reason::kPulled, "Successfully pulled image \"" + name + "\" in " + seconds_text(took) +
                                      ". Image size: " + std::to_string(size) + " bytes.");
    }
  } else {
    ++pull.failures;
    pull.failed_at = Clock::now();
    pull.error = said ? answer["error"].get<std::string>()
                      : "the pull ended without an answer, with code " + std::to_string(exit_code);
    pull.code = said ? runtime::whole<int>(answer["code"]).value_or(0) : 0;
    pull.next = Clock::now() + pause_after(pull.failures);
  }
  for (const auto& [user, asker] : askers) asker.again();
}

}  // namespace mete::agent
