#!/bin/bash
# Boost.Asio 1.81 (Debian 12): async_wait() on a pipe in which there is nothing ends without an error, because of an event of a
# descriptor that was closed before the wait began.
#
# epoll reports several descriptors at once, and Asio puts its state of each into the queue of the io_context. A handler that closes another
# descriptor of that queue gives its state back to a pool while the state is still queued, with the events in it. The next
# descriptor that is assigned takes that state from the pool. When the queue comes to it, the wait of the new descriptor ends with the old
# event. No number of a descriptor is used twice here, so this is not the well-known confusion of reused numbers, and one
# thread is enough. Asio's own operations try the call without blocking and go on waiting; code that waits and then acts for itself does not:
# a pidfd or an eventfd seems to have fired, and read() of a blocking descriptor stops the thread.
#
# Seen with libboost1.81-dev 1.81.0-5+deb12u1 of Debian 12 (bookworm), on 2026-11-29: "1000 rounds: 1000 waits ended without
# an error and nothing to read; 0 waits for new descriptors that were assigned before the close".
# What helps: ask poll() with a timeout of 0 in the handler and wait again if it says no; or keep the closed descriptor's object until the
# handlers of this turn have run (asio::post the close).
# This script fails when that changes. It needs Debian 12, apt-get, g++ and no root.
set -eu
version=1.81.0-5+deb12u1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "libboost1.81-dev=$version" > /dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done

cat > waits.cpp <<'EOF'
#include <poll.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

using Descriptor = boost::asio::posix::stream_descriptor;
using Error = boost::system::error_code;

std::pair<int, int> new_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  return {ends[0], ends[1]};
}

// Two pipes become readable together. The handler that runs first closes the other one's descriptor; the descriptor of a third,
// empty pipe is assigned after that, or before it. Whether the wait for the empty pipe ended well.
bool wait_for_empty_pipe_ends(bool assigned_before) {
  boost::asio::io_context io;
  const auto [read_a, write_a] = new_pipe();
  const auto [read_b, write_b] = new_pipe();
  const auto [read_empty, write_empty] = new_pipe();
  Descriptor a(io, read_a), b(io, read_b);
  std::optional<Descriptor> empty;
  if (assigned_before) empty.emplace(io, read_empty);
  bool first = true, ended = false;
  const auto closes = [&](Descriptor& other) {
    return [&](Error error) {
      if (error || !std::exchange(first, false)) return;
      other.close();
      if (!empty) empty.emplace(io, read_empty);
      empty->async_wait(Descriptor::wait_read, [&, fd = read_empty](Error failed) {
        pollfd look{fd, POLLIN, 0};
        if (!failed && ::poll(&look, 1, 0) == 0) ended = true;
      });
    };
  };
  a.async_wait(Descriptor::wait_read, closes(b));
  b.async_wait(Descriptor::wait_read, closes(a));
  if (::write(write_a, "x", 1) != 1 || ::write(write_b, "x", 1) != 1) std::abort();
  io.run_for(std::chrono::milliseconds(2));
  for (const int end : {write_a, write_b, write_empty}) ::close(end);
  return ended;
}

int main() {
  int after = 0, before = 0;
  for (int round = 0; round < 1000; ++round) {
    after += wait_for_empty_pipe_ends(false);
    before += wait_for_empty_pipe_ends(true);
  }
  std::printf("Boost %s\n", BOOST_LIB_VERSION);
  std::printf("1000 rounds: %d waits ended without an error and nothing to read; ", after);
  std::printf("%d waits for new descriptors that were assigned before the close\n", before);
  return after > 0 && before == 0 ? 0 : 1;
}
EOF
g++ -std=c++17 -O1 -isystem root/usr/include waits.cpp -o waits -pthread
./waits
