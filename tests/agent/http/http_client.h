// SPDX-License-Identifier: Apache-2.0
// A server on a thread of its own, and a client that says exactly what a test wants, in the pieces that it wants.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/http/http_server.h"
#include "runtime/file.h"

namespace mete::agent::testing {

using namespace std::chrono_literals;

inline std::string piece_text(std::size_t number, std::size_t size) {
  std::string text = std::to_string(number) + ":";
  return text + std::string(size - text.size(), static_cast<char>('a' + number % 26));
}

// So many pieces, of which one may be an error.
class Pieces : public HttpSource {
 public:
  Pieces(asio::io_context& loop, std::size_t count, std::size_t size, std::size_t failing,
         std::atomic<std::size_t>& asked)
      : loop_(loop), count_(count), size_(size), failing_(failing), asked_(asked) {}
  void next(Take take) override {
    ++asked_;
    // From elsewhere, as a collecting thread does; every third one at once.
    if (at_ % 3 == 0) return give(take);
    asio::post(loop_, [this, take = std::move(take)] { give(take); });
  }

 private:
  void give(const Take& take) {
    if (at_ == failing_) return take(fail("broken"), false);
    const bool last = at_ + 1 >= count_;
    take(piece_text(at_, size_), last);
    ++at_;
  }
  asio::io_context& loop_;
  std::size_t count_;
  std::size_t size_;
  std::size_t failing_;
  std::atomic<std::size_t>& asked_;
  std::size_t at_ = 0;
};

class TestServer {
 public:
  explicit TestServer(HttpLimits limits = {}, HttpAccess* access = nullptr)
      : server_(
            loop_,
            [this](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) { handle(request, reply); },
            access, limits) {
    server_.on_refused([this](const char* why) {
      const std::lock_guard lock(mutex_);
      ++refused_[why];
    });
    server_.spool_bodies({[](const std::string&, const std::string& path) { return path.starts_with("/archive"); },
                          [] { return runtime::open_at(AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600); },
                          [this](int file, std::string piece, std::function<void(Status)> done) {
                            largest_piece = std::max(largest_piece.load(), piece.size());
                            auto written = full ? Status(fail("the disk is full")) : runtime::write_all(file, piece);
                            asio::post(loop_, [written, done = std::move(done)] { done(written); });
                          }});
    unix_path = "/tmp/mete-http-test-" + std::to_string(::getpid()) + ".sock";
    EXPECT_TRUE(server_.listen_tcp("127.0.0.1:0"));
    EXPECT_TRUE(server_.listen_unix(unix_path));
    const auto& address = server_.tcp_address();
    std::from_chars(address.data() + address.rfind(':') + 1, address.data() + address.size(), port);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~TestServer() {
    asio::post(loop_, [this] {
      held_.clear();
      server_.close();
      loop_.stop();
    });
    thread_.join();
    ::unlink(unix_path.c_str());
  }

  unsigned refused(const std::string& why) {
    const std::lock_guard lock(mutex_);
    return refused_[why];
  }
  void release() {
    asio::post(loop_, [this] {
      for (const auto& reply : std::exchange(held_, {})) reply->send({.body = "released"});
    });
  }
  // Returns when the loop has done what was asked of it before.
  std::size_t held() {
    std::promise<std::size_t> count;
    asio::post(loop_, [&] { count.set_value(held_.size()); });
    return count.get_future().get();
  }
  template <class Value>
  static bool eventually(Value value) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(10ms)) {
      if (value()) return true;
    }
    return false;
  }

  std::uint16_t port = 0;
  std::string unix_path;
  std::atomic<std::size_t> asked{0};
  std::atomic<std::size_t> largest_piece{0};  // of bodies that go into a file
  std::atomic<bool> full{false};

 private:
  void handle(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
    const auto number = [&](const char* name, std::size_t otherwise) {
      const std::string text = request.parameter(name);
      return text.empty() ? otherwise : std::stoul(text);
    };
    if (request.path == "/pieces") {
      return reply->send(HttpResponse{}, std::make_shared<Pieces>(loop_, number("count", 3), number("size", 65536),
                                                                  number("failing", SIZE_MAX), asked));
    }
    if (request.path == "/hold") return held_.push_back(reply);
    if (request.path == "/drop") return;
    if (request.path == "/large") return reply->send({.body = std::string(32U << 20U, 'x')});
    if (request.body_file) {
      struct stat facts {};
      ::fstat(request.body_file->get(), &facts);
      return reply->send({.body = "file " + std::to_string(facts.st_size) + "\n"});
    }
    reply->send({.body = request.method + " " + request.path + " " + std::to_string(request.body.size()) +
                         (request.local ? " local" : "") + "\n"});
  }

  asio::io_context loop_{1};
  HttpServer server_;
  std::mutex mutex_;
  std::map<std::string, unsigned> refused_;
  std::vector<std::shared_ptr<HttpReply>> held_;
  std::thread thread_;
};

struct Answer {
  unsigned status = 0;  // 0: the connection ended before there was a whole one
  std::string head;
  std::string body;
  bool reset = false;

  [[nodiscard]] bool has(const std::string& line) const {
    return head.find("\r\n" + line + "\r\n") != std::string::npos;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  // False: the server has closed.
  bool say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool get(const std::string& target, const std::string& more = "") {
    return say("GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n");
  }

  // The next answer; to a HEAD request it has no body.
  Answer answer(bool head_only = false) {
    Answer got;
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!more(got)) return got;
    }
    got.head = take(buffer_.find("\r\n\r\n") + 4);
    const unsigned status = static_cast<unsigned>(std::stoul(got.head.substr(9, 3)));
    if (status == 100) return answer(head_only);
    bool whole = true;
    if (head_only) {
    } else if (got.has("Transfer-Encoding: chunked")) {
      whole = chunks(got);
    } else if (const auto at = got.head.find("Content-Length: "); at != std::string::npos) {
      const std::size_t length = std::stoul(got.head.substr(at + 16));
      while (whole && buffer_.size() < length) whole = more(got);
      if (whole) got.body = take(length);
    } else {
      while (more(got)) {
      }
      got.body = std::exchange(buffer_, {});
      whole = !got.reset;
    }
    if (whole) got.status = status;
    return got;
  }
  // Nothing is said any more, and the connection ends, orderly or by a reset.
  bool ended() {
    Answer ignored;
    return !more(ignored) && !timed_out_;
  }

 private:
  void connect(const sockaddr* address, socklen_t size) {
    const timeval limit{20, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, address, size), 0) << std::strerror(errno);
  }
  std::string take(std::size_t size) {
    std::string taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }
  bool more(Answer& got) {
    std::vector<char> bytes(1U << 20U);
    const ssize_t size = ::recv(fd_, bytes.data(), bytes.size(), 0);
    timed_out_ = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    got.reset = size < 0 && errno == ECONNRESET;
    if (size > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(size));
    return size > 0;
  }
  bool chunks(Answer& got) {
    while (true) {
      while (buffer_.find("\r\n") == std::string::npos) {
        if (!more(got)) return false;
      }
      const std::string line = take(buffer_.find("\r\n") + 2);
      std::size_t size = 0;
      EXPECT_EQ(std::from_chars(line.data(), line.data() + line.size() - 2, size, 16).ptr,
                line.data() + line.size() - 2)
          << "not a chunk's size: " << line;
      while (buffer_.size() < size + 2) {
        if (!more(got)) return false;
      }
      got.body += take(size);
      EXPECT_EQ(take(2), "\r\n");
      if (size == 0) return true;
    }
  }

  int fd_;
  std::string buffer_;
  bool timed_out_ = false;
};

// The server still answers others.
inline void expect_serves(TestServer& server) {
  Client other(server.port);
  other.get("/x");
  EXPECT_EQ(other.answer().body, "GET /x 0\n");
}

}  // namespace mete::agent::testing
