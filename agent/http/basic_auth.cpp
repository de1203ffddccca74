// SPDX-License-Identifier: Apache-2.0
#include "agent/http/basic_auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "agent/base/blocked_signals.h"
#include "config/base/base64.h"
#include "config/model/web_config.h"

namespace mete::agent {
namespace {

// A hash of the usual cost and of an unknown password: an unknown user's password is compared with it.
std::string decoy(const WebUsers& users) {
  int most = 10;
  for (const auto& [name, hash] : users) most = std::max(most, config::bcrypt_cost(hash).value_or(0));
  return std::string("$2b$") + (most < 10 ? "0" : "") + std::to_string(most) +
         "$eImiTXuWVxfM37uY4JANjOTsH1ibgRfCgwjQy5Ie8YCVDa0nQXqmC";
}

void add_part(std::string& text, std::string_view part) {
  text += std::to_string(part.size()) + ":";
  text += part;
}

}  // namespace

std::optional<Credentials> basic_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  const auto same = [](unsigned char a, unsigned char b) { return (a | 0x20U) == (b | 0x20U); };
  if (!std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), same)) return std::nullopt;
  auto decoded = config::decode_base64(authorization.substr(kScheme.size()));
  if (!decoded) return std::nullopt;
  const auto colon = decoded->find(':');
  const bool control =
      std::any_of(decoded->begin(), decoded->end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (colon == std::string::npos || control) return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();  // 32 KiB
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  const bool right = made != nullptr && std::string_view(made).size() == hash.size() &&
                     ::CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  ::OPENSSL_cleanse(data.get(), sizeof(crypt_data));
  return right;
}

// Shared with its thread, which outlives the BasicAuth when that is destroyed during a check.
struct BasicAuth::Worker {
  struct Job {
    Key key;
    std::string password;
    std::string hash;
    bool known = false;
  };

  std::mutex mutex;
  std::condition_variable more;
  std::deque<Job> jobs;
  bool started = false;
  BasicAuth* owner = nullptr;  // null: destroyed, perhaps together with the loop

  static void run(const std::shared_ptr<Worker>& self) {
    ::pthread_setname_np(::pthread_self(), "mete-bcrypt");
    std::unique_lock lock(self->mutex);
    while (true) {
      self->more.wait(lock, [&] { return self->owner == nullptr || !self->jobs.empty(); });
      if (self->owner == nullptr) return;
      Job job = std::move(self->jobs.front());
      self->jobs.pop_front();
      lock.unlock();
      const bool right = bcrypt_matches(job.password, job.hash) && job.known;
      ::OPENSSL_cleanse(job.password.data(), job.password.size());
      lock.lock();
      if (self->owner == nullptr) return;
      asio::post(self->owner->loop_, [self, key = std::move(job.key), right] {
        // Runs on the loop's thread, which also destroys the owner.
        if (self->owner != nullptr) self->owner->checked(key, right);
      });
    }
  }

  void start(const std::shared_ptr<Worker>& self) {
    if (std::exchange(started, true)) return;
    const BlockedSignals blocked;
    std::thread([self] { run(self); }).detach();
  }
};

BasicAuth::BasicAuth(asio::io_context& loop) : loop_(loop), secret_(32, '\0'), worker_(std::make_shared<Worker>()) {
  (void)::getrandom(secret_.data(), secret_.size(),
                    0);  // not OpenSSL's digest, which would initialise OpenSSL in agents without users too
  worker_->owner = this;
}

BasicAuth::~BasicAuth() {
  const std::lock_guard lock(worker_->mutex);
  worker_->owner = nullptr;
  worker_->more.notify_all();
}

BasicAuth::Key BasicAuth::key_of(const Credentials& credentials, const std::string& hash) const {
  std::string text;
  add_part(text, credentials.user);
  add_part(text, hash);
  add_part(text, credentials.password);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::HMAC(::EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  ::OPENSSL_cleanse(text.data(), text.size());
  return {reinterpret_cast<const char*>(digest), size};
}

void BasicAuth::check(const WebUsers& users, const std::string& authorization, std::function<void(Admission)> done) {
  auto credentials = basic_credentials(authorization);
  if (!credentials) return done(Admission::kNoCredentials);
  const auto user = users.find(credentials->user);
  const bool known = user != users.end();
  const std::string hash = known ? user->second : decoy(users);
  const Key key = key_of(*credentials, hash);
  for (auto* const found : {&right_, &wrong_}) {
    const auto remembered = found->find(key);
    if (remembered == found->end()) continue;
    remembered->second = ++asked_;
    return done(found == &right_ ? Admission::kYes : Admission::kNoCredentials);
  }
  if (const auto same = waiting_.find(key); same != waiting_.end()) {
    same->second.push_back(std::move(done));  // a hundred equal requests share one check
    return;
  }
  if (waiting_.size() >= kMostWaiting) return done(Admission::kBusy);
  waiting_[key].push_back(std::move(done));
  ++checks_;
  const std::lock_guard lock(worker_->mutex);
  worker_->jobs.push_back({key, std::move(credentials->password), hash, known});
  worker_->start(worker_);
  worker_->more.notify_one();
}

void BasicAuth::checked(const Key& key, bool right) {
  remember(key, right);
  auto waiting = waiting_.extract(key);
  if (waiting.empty()) return;
  for (const auto& done : waiting.mapped()) done(right ? Admission::kYes : Admission::kNoCredentials);
}

// Right and wrong credentials have separate bounds: guesses must not push out those of scrapers.
void BasicAuth::remember(const Key& key, bool right) {
  auto& all = right ? right_ : wrong_;
  if (all.size() >= kRemembered) {
    all.erase(
        std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second < b.second; }));
  }
  all[key] = ++asked_;
}

}  // namespace mete::agent
