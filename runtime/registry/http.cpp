// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/http.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/registry/curl_library.h"
#include "runtime/registry/reference.h"

namespace mete::runtime::registry {
namespace {

constexpr int kMostRedirects = 5;
constexpr std::size_t kMostHeaders = 256U << 10U;
constexpr std::size_t kMostBuffered = 256U << 10U;
constexpr long kConnectSeconds = 30;
// So slow for so long: it is taken for dead.
constexpr long kSlowBytes = 16;
constexpr long kSlowSeconds = 60;

int error_code(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      return ECONNREFUSED;
    case CURLE_SSL_CONNECT_ERROR:
      return EPROTO;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return ECONNRESET;
    default:
      return 0;
  }
}

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct HttpClient::State {
  TlsFiles files;
  const CurlLibrary* curl = nullptr;
  CURL* easy = nullptr;
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  bool added = false;
  bool done = false;
  CURLcode result = CURLE_OK;
  char error[CURL_ERROR_SIZE] = {};
  HttpHead head;
  bool head_whole = false;
  std::size_t head_bytes = 0;
  std::string buffer;
  std::size_t taken = 0;
  bool paused = false;
  int upload = -1;
  off_t sent = 0;

  Status open();
  Status begin(const HttpRequest& request);
  Status set_options(const HttpRequest& request);
  Status step();  // waits for something to happen
  void end();
  Error failure() const;
  static std::size_t take_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t give_body(char* data, std::size_t size, std::size_t count, void* self);
  static int rewind_body(void* self, curl_off_t offset, int origin);
};

std::size_t HttpClient::State::take_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto& own = *static_cast<State*>(self);
  const std::size_t bytes = size * count;
  std::string line(data, bytes);
  own.head_bytes += bytes;
  if (own.head_bytes > kMostHeaders) return 0;
  if (take_header_line(own.head, std::move(line))) own.head_whole = true;
  return bytes;
}

std::size_t HttpClient::State::take_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& own = *static_cast<State*>(self);
  // It would go on with a hundred pieces before it returns.
  if (own.buffer.size() - own.taken > kMostBuffered) {
    own.paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  own.buffer.append(data, size * count);
  return size * count;
}

std::size_t HttpClient::State::give_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& own = *static_cast<State*>(self);
  const ssize_t got = ::pread(own.upload, data, size * count, own.sent);
  if (got < 0) return CURL_READFUNC_ABORT;
  own.sent += got;
  return static_cast<std::size_t>(got);
}

int HttpClient::State::rewind_body(void* self, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_FAIL;
  static_cast<State*>(self)->sent = offset;
  return CURL_SEEKFUNC_OK;
}

Status HttpClient::State::open() {
  if (multi != nullptr) return {};
  METE_TRY(curl, curl_library());
  easy = curl->easy_init();
  multi = curl->multi_init();
  if (easy == nullptr || multi == nullptr) return fail_errno("start libcurl", ENOMEM);
  return {};
}

Status HttpClient::State::set_options(const HttpRequest& request) {
  CURLcode wrong = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    const CURLcode code = (curl->easy_setopt)(easy, option, value);
    if (code != CURLE_OK) wrong = code;
  };
  const std::string url = request.url.text();
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, kSlowBytes);
  set(CURLOPT_LOW_SPEED_TIME, kSlowSeconds);
  set(CURLOPT_BUFFERSIZE, 64L << 10U);
  set(CURLOPT_ERRORBUFFER, &error[0]);
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &take_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_USERAGENT, "mete/" METE_VERSION);
  if (request.seconds > 0) set(CURLOPT_TIMEOUT, request.seconds);
  if (is_loopback(request.url.host)) set(CURLOPT_PROXY, "");  // a proxy's loopback is another one
  if (!files.authorities.empty()) {
    curl_blob authorities{const_cast<char*>(files.authorities.data()), files.authorities.size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &authorities);
    set(CURLOPT_CAPATH, "/etc/ssl/certs");  // besides the system's
  }
  if (!files.certificate.empty()) {
    set(CURLOPT_SSLCERT, files.certificate.c_str());
    set(CURLOPT_SSLKEY, files.key.c_str());
  }
  if (request.handshake_only) {
    set(CURLOPT_CONNECT_ONLY, 1L);
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  set(CURLOPT_HTTPHEADER, headers);
  if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.upload >= 0) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_READFUNCTION, &give_body);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &rewind_body);
    set(CURLOPT_SEEKDATA, this);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.upload_size));
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  } else if (request.method != "GET") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_COPYPOSTFIELDS, request.body.data());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (wrong != CURLE_OK) return fail(std::string("libcurl: ") + curl->easy_strerror(wrong));
  return {};
}

Status HttpClient::State::begin(const HttpRequest& request) {
  METE_CHECK(open());
  end();
  curl->easy_reset(easy);
  const auto add = [&](const std::string& line) { headers = curl->slist_append(headers, line.c_str()); };
  for (const std::string& line : request.headers) add(line);
  if (!request.authorization.empty()) add("Authorization: " + request.authorization);
  add("Expect:");
  if (request.body.empty() && request.upload < 0) add("Content-Type:");  // libcurl's own for a POST
  upload = request.upload;
  sent = 0;
  head = {};
  head.url = request.url;
  head_whole = done = false;
  head_bytes = 0;
  result = CURLE_OK;
  error[0] = '\0';
  buffer.clear();
  taken = 0;
  paused = false;
  METE_CHECK(set_options(request));
  if (curl->multi_add_handle(multi, easy) != CURLM_OK) return fail("libcurl: found no room for a transfer");
  added = true;
  return {};
}

Status HttpClient::State::step() {
  int running = 0;
  const bool had_head = head_whole;
  if (std::exchange(paused, false)) (void)curl->easy_pause(easy, CURLPAUSE_CONT);
  if (curl->multi_perform(multi, &running) != CURLM_OK) return fail("libcurl: the transfer cannot go on");
  int left = 0;
  while (const CURLMsg* message = curl->multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done = true;
    result = message->data.result;
  }
  const bool news = done || taken != buffer.size() || head_whole != had_head;
  if (!news && curl->multi_poll(multi, nullptr, 0, 1000, nullptr) != CURLM_OK) return fail("libcurl: cannot wait");
  return {};
}

Error HttpClient::State::failure() const {
  const std::string why = error[0] != '\0' ? std::string(&error[0]) : std::string(curl->easy_strerror(result));
  return Error{error_code(result), head.url.host + ": " + why};
}

void HttpClient::State::end() {
  if (added) (void)curl->multi_remove_handle(multi, easy);
  added = false;
  if (headers != nullptr) curl->slist_free_all(headers);
  headers = nullptr;
}

HttpClient::HttpClient(TlsFiles files) : state_(std::make_unique<State>()) {
  state_->files = std::move(files);
}

HttpClient::~HttpClient() {
  if (state_->curl == nullptr) return;
  state_->end();
  if (state_->easy != nullptr) state_->curl->easy_cleanup(state_->easy);
  if (state_->multi != nullptr) state_->curl->multi_cleanup(state_->multi);
}

Result<HttpHead> HttpClient::start(const HttpRequest& request) {
  State& own = *state_;
  HttpRequest now = request;
  for (int redirects = 0;; ++redirects) {
    METE_CHECK(own.begin(now));
    while (!own.head_whole && !own.done) METE_CHECK(own.step());
    if (request.handshake_only && own.done && own.result == CURLE_OK) return own.head;
    if (!own.head_whole || (own.done && own.result != CURLE_OK && own.buffer.empty()))
      return tl::unexpected(own.failure());
    const bool safe = now.method == "GET" || now.method == "HEAD";
    if (!is_redirect(own.head.status) || !safe) return own.head;
    if (redirects >= kMostRedirects)
      return fail(request.url.host + ": found more than " + std::to_string(kMostRedirects) +
                  " redirects, expected fewer");
    METE_TRY(Url next, resolve_location(now.url, own.head.header("location")));
    if (now.url.scheme == "https" && next.scheme != "https")
      return fail(now.url.host + ": found a redirect from https to " + next.text() + ", expected https");
    if (!same_origin(now.url, next)) now.authorization.clear();
    now.url = std::move(next);
  }
}

Result<std::size_t> HttpClient::read(char* buffer, std::size_t size) {
  State& own = *state_;
  while (own.taken == own.buffer.size()) {
    own.buffer.clear();
    own.taken = 0;
    if (own.done) {
      if (own.result != CURLE_OK) return tl::unexpected(own.failure());
      return 0U;
    }
    METE_CHECK(own.step());
  }
  const std::size_t part = std::min(size, own.buffer.size() - own.taken);
  std::memcpy(buffer, own.buffer.data() + own.taken, part);
  own.taken += part;
  return part;
}

Result<std::string> HttpClient::read_all(std::size_t most) {
  std::string body;
  std::string part(64U << 10U, '\0');
  while (true) {
    METE_TRY(const std::size_t got, read(part.data(), part.size()));
    if (got == 0) return body;
    if (body.size() + got > most)
      return fail(state_->head.url.host + ": found an answer of more than " + std::to_string(most) +
                  " bytes, expected a shorter one");
    body.append(part, 0, got);
  }
}

void HttpClient::end() {
  if (state_->curl != nullptr) state_->end();
}

}  // namespace mete::runtime::registry
