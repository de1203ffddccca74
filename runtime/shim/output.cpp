// SPDX-License-Identifier: Apache-2.0
#include "runtime/shim/output.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace mete::runtime::shim {

Status Output::open(const std::string& log_path, const LogLimits& limits) {
  if (log_path.empty()) return {};
  METE_TRY(LogWriter log, LogWriter::open(log_path, limits));
  log_.emplace(std::move(log));
  return {};
}

void Output::copy(std::size_t stream) {
  Stream& from = streams_[stream];
  const ssize_t got = ::read(from.fd.get(), buffer_, sizeof buffer_);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  // A terminal that nobody in the container has open any more gives EIO.
  if (got <= 0) return finish(from);
  const std::string_view bytes(buffer_, static_cast<std::size_t>(got));
  records_.clear();
  if (log_) {
    from.formatter.add(bytes, timestamp(), records_);
    log_->write(records_);
  }
  attachments_.show(from.letter, bytes);
}

void Output::finish() {
  for (auto& stream : streams_) finish(stream);
}

void Output::finish(Stream& stream) {
  if (log_) {
    records_.clear();
    stream.formatter.finish(timestamp(), records_);
    log_->write(records_);
  }
  stream.fd.reset();
}

std::string_view Output::timestamp() {
  timestamp_ = format_time(std::chrono::system_clock::now().time_since_epoch());
  return timestamp_.data();
}

}  // namespace mete::runtime::shim
