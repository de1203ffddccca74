// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/streams/log_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>

#include "agent/docker/routes.h"
#include "runtime/file.h"
#include "runtime/shim/log_writer.h"

namespace mete::agent::docker {
namespace {

constexpr std::size_t kChunk = 64U << 10U;
constexpr std::size_t kClientLate = 512U << 10U;
constexpr auto kLookAgain = std::chrono::milliseconds(100);

bool is_same_file(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named_file {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino;
}

std::string rotated(const std::string& path, int number) {
  return number == 0 ? path : path + "." + std::to_string(number);
}

// The offset of the last `lines` lines; fewer are in the file: how many are missing, and offset 0.
struct Tail {
  off_t offset = 0;
  std::uint64_t missing = 0;
};
Result<Tail> tail_of(int fd, std::uint64_t lines) {
  off_t end = ::lseek(fd, 0, SEEK_END);
  std::array<char, kChunk> buffer{};
  std::uint64_t ends_left = lines + 1;  // the last line's own end counts, too
  while (end > 0) {
    const auto size = static_cast<std::size_t>(std::min<off_t>(end, static_cast<off_t>(buffer.size())));
    const off_t from = end - static_cast<off_t>(size);
    if (::pread(fd, buffer.data(), size, from) != static_cast<ssize_t>(size)) return fail_errno("read a log");
    for (std::size_t i = size; i-- > 0;) {
      if (buffer[i] == '\n' && --ends_left == 0) return Tail{from + static_cast<off_t>(i) + 1, 0};
    }
    end = from;
  }
  return Tail{0, ends_left > 0 ? ends_left - 1 : 0};
}

}  // namespace

std::optional<LogPiece> log_piece(std::string_view record, const LogWishes& wishes, bool continues) {
  // "TIME STREAM TAG TEXT"
  const auto first = record.find(' ');
  const auto second = first == std::string_view::npos ? first : record.find(' ', first + 1);
  const auto third = second == std::string_view::npos ? second : record.find(' ', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  const std::string_view time = record.substr(0, first);
  const bool errors = record.substr(first + 1, second - first - 1) == "stderr";
  const bool whole = record.substr(second + 1, third - second - 1) == "F";
  LogPiece piece;
  piece.ends_line = whole;
  const bool wanted = (errors ? wishes.errors : wishes.output) && (wishes.since.empty() || time >= wishes.since) &&
                      (wishes.until.empty() || time < wishes.until);
  if (!wanted) return piece;
  std::string text;
  if (wishes.timestamps && !continues) text.append(time).append(" ");
  if (wishes.details && !continues) text += ' ';
  text += record.substr(third + 1);
  if (whole) text += '\n';
  piece.bytes = wishes.framed ? frame(errors ? 2 : 1, text) : std::move(text);
  return piece;
}

std::optional<std::string> log_time(const std::string& text) {
  if (text.empty() || text == "0") return std::string();
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  auto parsed = std::from_chars(text.data(), end, seconds);
  if (parsed.ec != std::errc() || seconds < 0 || seconds > (1LL << 33)) return std::nullopt;
  std::int64_t nanoseconds = 0;
  if (parsed.ptr != end) {
    const std::string digits = std::string(parsed.ptr, end).append("000000000").substr(0, 10);
    if (digits.front() != '.') return std::nullopt;
    const auto fraction = std::from_chars(digits.data() + 1, digits.data() + digits.size(), nanoseconds);
    if (fraction.ec != std::errc() || fraction.ptr != digits.data() + digits.size()) return std::nullopt;
  }
  return runtime::shim::format_time(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds)).data();
}

LogStream::LogStream(asio::io_context& loop, std::string path, LogWishes wishes, std::function<bool()> running)
    : path_(std::move(path)), wishes_(std::move(wishes)), running_(std::move(running)), timer_(loop) {}

Status LogStream::open() {
  // The newest first: what is rotated meanwhile is the same file under another name.
  for (int number = 0;; ++number) {
    auto file = runtime::open_at(AT_FDCWD, rotated(path_, number), O_RDONLY);
    if (!file && file.error().code == ENOENT) break;
    if (!file) return tl::unexpected(std::move(file.error()));
    files_.push_front(std::move(*file));
  }
  return wishes_.tail ? skip_to_tail() : Status();
}

Status LogStream::skip_to_tail() {
  std::uint64_t lines = *wishes_.tail;
  for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
    METE_TRY(const Tail tail, tail_of(file->get(), lines));
    ::lseek(file->get(), tail.offset, SEEK_SET);
    lines = tail.missing;
    if (lines > 0) continue;
    files_.erase(files_.begin(), std::prev(file.base()));
    break;
  }
  return {};
}

void LogStream::begin(std::shared_ptr<HttpStream> client) {
  client_ = std::move(client);
  // Both hold each other until finish().
  client_->on_close([self = shared_from_this()] { self->finish(); });
  client_->on_drained([self = shared_from_this()] { self->pump(); });
  pump();
}

void LogStream::finish() {
  timer_.cancel();
  if (const auto client = std::exchange(client_, nullptr)) {
    client->on_drained(nullptr);
    client->on_close(nullptr);
  }
}

bool LogStream::send_records() {
  std::size_t start = 0;
  std::string out;
  for (std::size_t end = 0; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string_view record = std::string_view(pending_).substr(start, end - start);
    bool& continues = continues_[record.find(" stderr ") < 40 ? 1 : 0];
    const auto piece = log_piece(record, wishes_, continues);
    if (!piece) continue;
    continues = !piece->ends_line;
    out += piece->bytes;
  }
  pending_.erase(0, start);
  if (!out.empty() && !client_->write(out)) return false;
  return client_ != nullptr && client_->queued() < kClientLate;
}

void LogStream::pump() {
  while (client_ && client_->queued() < kClientLate) {
    const std::size_t before = pending_.size();
    pending_.resize(before + kChunk);
    const ssize_t got = files_.empty() ? 0 : ::read(files_.front().get(), pending_.data() + before, kChunk);
    pending_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) {
      if (!send_records()) return;  // called again when the client has read
      continue;
    }
    if (files_.size() > 1) {
      files_.pop_front();
      continue;
    }
    const std::size_t files = files_.size();
    next_file();
    if (files_.size() > files) continue;
    if (last_look_ || !wishes_.follow) return finish();
    // What was written before the last process ended is there by now, and is read once more.
    last_look_ = !running_();
    if (last_look_) continue;
    timer_.expires_after(kLookAgain);
    timer_.async_wait([self = shared_from_this()](ErrorCode error) {
      if (!error) self->pump();
    });
    return;
  }
}

// Of the file that is read, the next one; there is none before a rotation.
void LogStream::next_file() {
  if (files_.empty()) {
    if (auto first = runtime::open_at(AT_FDCWD, path_, O_RDONLY)) files_.push_back(std::move(*first));
    return;
  }
  constexpr int kMostFiles = 100;
  for (int number = 1; number < kMostFiles && !is_same_file(files_.front().get(), path_); ++number) {
    if (!is_same_file(files_.front().get(), rotated(path_, number))) continue;
    if (auto next = runtime::open_at(AT_FDCWD, rotated(path_, number - 1), O_RDONLY))
      files_.push_back(std::move(*next));
    return;
  }
  if (is_same_file(files_.front().get(), path_)) return;
  // Removed by a rotation, before it was read to its end or because one file alone is kept: the oldest that is left.
  int oldest = 0;
  while (::access(rotated(path_, oldest + 1).c_str(), F_OK) == 0) ++oldest;
  if (auto next = runtime::open_at(AT_FDCWD, rotated(path_, oldest), O_RDONLY)) files_.push_back(std::move(*next));
}

void container_logs(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  if (text_of(field(record->host_config, "LogConfig"), "Type") == "none")
    return refuse(call, 501, "configured logging driver does not support reading");
  LogWishes wishes;
  wishes.output = call.flag("stdout");
  wishes.errors = call.flag("stderr");
  if (!wishes.output && !wishes.errors) return refuse(call, 400, "Bad parameters: you must choose at least one stream");
  const auto since = log_time(call.parameter("since"));
  const auto until = log_time(call.parameter("until"));
  if (!since || !until) return refuse(call, 400, "since, until: expected seconds since 1970");
  wishes.since = *since;
  wishes.until = *until;
  wishes.timestamps = call.flag("timestamps");
  wishes.details = call.flag("details");
  wishes.follow = call.flag("follow");
  wishes.framed = !flag_of(record->config, "Tty");
  // Anything but a number is all of it.
  constexpr std::uint64_t kAll = 1'000'000;
  const std::string tail = call.parameter("tail");
  std::uint64_t lines = 0;
  const auto parsed = std::from_chars(tail.data(), tail.data() + tail.size(), lines);
  if (!tail.empty() && parsed.ec == std::errc() && parsed.ptr == tail.data() + tail.size() && lines < kAll)
    wishes.tail = lines;
  const Pod* const pod = engine.containers().pod(*record);
  if (pod == nullptr) return refuse(call, 409, "container " + record->id + " is being removed");
  const bool tty = !wishes.framed;
  const auto log = std::make_shared<LogStream>(
      engine.services().loop, pod->paths().log(record->pod), std::move(wishes), [&engine, id = record->id] {
        const auto at = engine.containers().all().find(id);
        return at != engine.containers().all().end() && engine.containers().state(at->second).running;
      });
  if (const auto opened = log->open(); !opened) return refuse(call, 500, opened.error().what);
  log->begin(call.reply->stream(stream_type(call.version, tty)));
}

}  // namespace mete::agent::docker
