// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/directory_times.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "runtime/file.h"

namespace mete::runtime::image {
namespace {

constexpr std::size_t kInMemory = 256U << 10U;

// Before each path.
struct RecordHead {
  timespec time;
  std::size_t size;
};

// Uses the whole records at the start of `bytes`, and returns how much of it they were.
Result<std::size_t> use_records(std::string_view bytes, const DirectoryTimes::Use& use) {
  std::size_t done = 0;
  while (bytes.size() - done >= sizeof(RecordHead)) {
    RecordHead head{};
    std::memcpy(&head, bytes.data() + done, sizeof head);
    if (bytes.size() - done - sizeof head < head.size) break;
    METE_CHECK(use(std::string(bytes.substr(done + sizeof head, head.size)), head.time));
    done += sizeof head + head.size;
  }
  return done;
}

}  // namespace

Status DirectoryTimes::add(int root, const std::string& path, const timespec& time) {
  const RecordHead head{time, path.size()};
  pending_.append(reinterpret_cast<const char*>(&head), sizeof head);
  pending_ += path;
  return pending_.size() < kInMemory ? Status() : spill(root);
}

Status DirectoryTimes::spill(int root) {
  if (!file_.valid()) {
    METE_TRY(file_, open_at(root, ".", O_TMPFILE | O_RDWR, 0600));
  }
  METE_CHECK(write_all(file_.get(), pending_));
  pending_.clear();
  return {};
}

Status DirectoryTimes::each(const Use& use) {
  if (file_.valid()) {
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return fail_errno("seek in a file without a name");
    std::string rest;
    std::string buffer(kInMemory, '\0');
    while (true) {
      const ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read a file without a name");
      if (got == 0) break;
      rest.append(buffer.data(), static_cast<std::size_t>(got));
      METE_TRY(const std::size_t done, use_records(rest, use));
      rest.erase(0, done);
    }
    file_ = UniqueFd();
  }
  METE_TRY([[maybe_unused]] const std::size_t used, use_records(pending_, use));
  pending_.clear();
  return {};
}

}  // namespace mete::runtime::image
