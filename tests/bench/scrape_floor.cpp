// SPDX-License-Identifier: Apache-2.0
// The least a scrape can cost: the reads that an agent makes for one, from descriptors that stay open, and the bytes
// that it sends. Nothing is parsed, and nothing is rendered: the bytes are those of an earlier scrape.
//
//   scrape_floor READS BODY [gzip]
//
// READS has a block for each scrape, in turn; an empty line stands between two. A block names a file a line, as often
// as the scrape reads it, with "+" before what is opened for the reading and closed after it. BODY is the text to send;
// "gzip" compresses it anew for each scrape, by the agent's own writer, since its bytes are not the same twice. Prints
// the port of the loopback that it listens on, and answers one connection after the other until it is killed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/gzip.h"
#include "runtime/fd.h"

namespace {

constexpr std::size_t kPiece = 65'536;  // as ExpositionStream cuts

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

std::string content_of(const char* path) {
  std::ifstream in(path, std::ios::binary);
  must(in.is_open(), path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A file to read: one that stays open, or one that each reading opens and closes.
struct Read {
  std::string path;
  int fd = -1;
};

using Scrape = std::vector<Read>;

// A file that is read twice is open once.
std::vector<Scrape> scrapes_of(const std::string& list) {
  std::map<std::string, int> open;
  std::vector<Scrape> scrapes(1);
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      scrapes.emplace_back();
    } else if (line[0] == '+') {
      scrapes.back().push_back({.path = line.substr(1)});
    } else {
      const auto [file, fresh] = open.emplace(line, -1);
      if (fresh) file->second = ::open(line.c_str(), O_RDONLY | O_CLOEXEC);
      scrapes.back().push_back({.path = line, .fd = file->second});
    }
  }
  return scrapes;
}

void read_all(const Scrape& scrape) {
  char counter[16'384];
  for (const Read& each : scrape) {
    const int fd = each.fd >= 0 ? each.fd : ::open(each.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;  // of a cgroup that has gone since
    (void)!::pread(fd, counter, sizeof counter, 0);
    if (each.fd < 0) ::close(fd);
  }
}

void send_all(int peer, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(peer, bytes.data(), std::min(bytes.size(), kPiece), MSG_NOSIGNAL);
    must(sent > 0, "send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void send_compressed(int peer, std::string_view body) {
  auto writer = mete::agent::GzipWriter::create();
  must(writer.has_value(), "gzip");
  std::string out;
  for (; !body.empty(); body.remove_prefix(std::min(body.size(), kPiece))) {
    must(writer->append(body.substr(0, kPiece), out).has_value(), "gzip");
    send_all(peer, out);
    out.clear();
  }
  must(writer->finish(out).has_value(), "gzip");
  send_all(peer, out);
}

void answer(int peer, const Scrape& reads, std::string_view body, bool gzip) {
  char request[4096];
  must(::recv(peer, request, sizeof request, 0) > 0, "recv");
  read_all(reads);
  send_all(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  gzip ? send_compressed(peer, body) : send_all(peer, body);
}

}  // namespace

int main(int argc, char** argv) {
  must(argc >= 3, "scrape_floor READS BODY [gzip]");
  const std::string list = content_of(argv[1]);
  const std::string body = content_of(argv[2]);
  const std::vector<Scrape> scrapes = scrapes_of(list);
  const mete::runtime::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  must(::bind(listener.get(), name, size) == 0 && ::listen(listener.get(), 1) == 0, "listen");
  must(::getsockname(listener.get(), name, &size) == 0, "getsockname");
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (std::size_t turn = 0;; ++turn) {
    const mete::runtime::UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    must(peer.get() >= 0, "accept");
    answer(peer.get(), scrapes[turn % scrapes.size()], body, argc > 3);
  }
}
