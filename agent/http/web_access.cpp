// SPDX-License-Identifier: Apache-2.0
#include "agent/http/web_access.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/http/tls.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

constexpr std::size_t kLargestFile = 4U << 20U;
// The kernel's file times advance in ticks of up to 10 ms, so a second change within one tick does not show in them.
constexpr auto kTick = std::chrono::milliseconds(50);

std::string text_of(const std::vector<config::Diagnostic>& errors) {
  std::string text = config::to_string(errors.front());
  if (errors.size() > 1) text += " (and " + std::to_string(errors.size() - 1) + " more)";
  return text;
}

}  // namespace

WebAccess::Stamp WebAccess::stamp_of(const std::string& path) {
  Stamp stamp;
  stamp.path = path;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return stamp;
  constexpr std::int64_t kSecond = 1'000'000'000;
  stamp.device = status.st_dev;
  stamp.inode = status.st_ino;
  stamp.changed = status.st_ctim.tv_sec * kSecond + status.st_ctim.tv_nsec;
  stamp.size = status.st_size;
  return stamp;
}

Result<std::string> WebAccess::read(const std::string& path, Loaded& into) {
  if (path.empty()) return std::string();
  looked_at_.push_back(stamp_of(path));  // before reading: a file that changes meanwhile is read again
  const std::int64_t age =
      std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1) - looked_at_.back().changed;
  if (std::chrono::nanoseconds(age) < kTick) look_again_ = std::chrono::steady_clock::now() + kTick;
  METE_TRY(std::string text, runtime::read_file(AT_FDCWD, path, kLargestFile));
  into.texts += path + '\0' + text + '\0';
  return text;
}

Result<WebAccess::Loaded> WebAccess::load() {
  std::vector<Stamp> before = std::exchange(looked_at_, {});
  look_again_.reset();
  Loaded loaded;
  const auto text = read(path_, loaded);
  auto parsed = text ? config::read_web_config(*text, path_) : config::WebConfigRead();
  if (!text || !parsed.errors.empty()) {
    // The new file's references are unknown; the old referenced files may be mended first, so they are watched too.
    for (auto& stamp : before) {
      if (stamp.path != path_) looked_at_.push_back(std::move(stamp));
    }
    if (!text) return tl::unexpected(text.error());
    return fail(text_of(parsed.errors));
  }
  loaded.config = std::move(parsed.config);
  loaded.headers.assign(loaded.config.headers.begin(), loaded.config.headers.end());
  if (!loaded.config.tls) return loaded;
  const config::WebTls& tls = *loaded.config.tls;
  // All files are read even after an error, so that a change of any is noticed.
  auto cert = read(tls.cert_file, loaded);
  auto key = read(tls.key_file, loaded);
  auto client_ca = read(tls.client_ca_file, loaded);
  for (const auto* each : {&cert, &key, &client_ca}) {
    if (!*each) return fail_in(path_ + ": tls_server_config", each->error());
  }
  const TlsTexts texts{tls.cert_file.empty() ? tls.cert : *cert, tls.key_file.empty() ? tls.key : *key,
                       tls.client_ca_file.empty() ? tls.client_ca : *client_ca};
  auto context = make_tls_context(tls, texts);
  if (!context) return fail_in(path_ + ": tls_server_config", context.error());
  loaded.context = std::move(*context);
  return loaded;
}

Status WebAccess::open(const std::string& path) {
  path_ = path;
  METE_TRY(now_, load());
  if (now_.config.rate_limit) tokens_ = static_cast<double>(now_.config.rate_limit->burst);
  return {};
}

void WebAccess::refresh() {
  const bool same = std::all_of(looked_at_.begin(), looked_at_.end(),
                                [](const Stamp& stamp) { return stamp == stamp_of(stamp.path); });
  const bool unsure = look_again_ && std::chrono::steady_clock::now() >= *look_again_;
  if (same && !unsure) return;
  auto loaded = load();
  if (!loaded) {
    if (!same) changed_(false, loaded.error().what);
    return;
  }
  if (loaded->texts == now_.texts) return;
  // A file that is being written is empty for a moment; an empty file must not remove TLS or passwords.
  if ((now_.context != nullptr && loaded->context == nullptr) ||
      (!now_.config.users.empty() && loaded->config.users.empty())) {
    return changed_(
        false, path_ + ": found no " +
                   (loaded->context == nullptr && now_.context != nullptr ? "tls_server_config" : "basic_auth_users") +
                   ", expected it as before; only a new start of the agent takes it away");
  }
  const bool other_rate = loaded->config.rate_limit != now_.config.rate_limit;
  now_ = std::move(*loaded);
  if (other_rate && now_.config.rate_limit) tokens_ = static_cast<double>(now_.config.rate_limit->burst);
  changed_(true, path_ + " or a file that it names has changed and is in force");
}

std::shared_ptr<boost::asio::ssl::context> WebAccess::tls() {
  refresh();
  return now_.context;
}

bool WebAccess::take_token() {
  if (!now_.config.rate_limit) return true;
  const auto& limit = *now_.config.rate_limit;
  const auto now = std::chrono::steady_clock::now();
  const double fresh = std::chrono::duration<double>(now - filled_at_) / std::chrono::duration<double>(limit.interval);
  tokens_ = std::min(static_cast<double>(limit.burst), tokens_ + fresh);
  filled_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void WebAccess::admit(const std::string& authorization, std::function<void(Admission)> done) {
  refresh();
  if (!take_token()) return done(Admission::kTooMany);
  if (now_.config.users.empty()) return done(Admission::kYes);
  auth_.check(now_.config.users, authorization, std::move(done));
}

}  // namespace mete::agent
