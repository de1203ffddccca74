// SPDX-License-Identifier: Apache-2.0
#include "agent/export/collecting_thread.h"

#include <pthread.h>

#include <chrono>
#include <optional>
#include <utility>

#include "agent/base/blocked_signals.h"
#include "agent/http/gzip.h"
#include "agent/self/self_protection.h"

namespace mete::agent {
namespace {

using collectors::ExpositionStream;

// After this time other work gets its turn: sampling that is due, the next piece of another scrape.
constexpr auto kSlice = std::chrono::milliseconds(5);
constexpr std::size_t kPiece = std::size_t{128} << 10U;

// A body whose pieces are made on the thread. The loop asks for a piece; the piece is passed back to the loop. The last
// reference may be dropped on either thread, so the object holds nothing that belongs to one of them.
class WorkerBody : public HttpSource, public std::enable_shared_from_this<WorkerBody> {
 public:
  WorkerBody(asio::io_context& loop, asio::io_context& worker) : loop_(loop), worker_(worker) {}

  void next(Take take) override {
    asio::post(worker_, [self = shared_from_this(), take = std::move(take)]() mutable {
      bool last = false;
      auto piece = self->make(last);
      asio::post(self->loop_,
                 [take = std::move(take), piece = std::move(piece), last]() mutable { take(std::move(piece), last); });
    });
  }

 private:
  // Makes the next piece; called on the thread.
  virtual Result<std::string> make(bool& last) = 0;

  asio::io_context& loop_;
  asio::io_context& worker_;
};

class RenderedBody : public WorkerBody {
 public:
  RenderedBody(asio::io_context& loop, asio::io_context& worker, CollectingThread::Rendering rendering)
      : WorkerBody(loop, worker), rendering_(std::move(rendering)) {}

 private:
  Result<std::string> make(bool& last) override {
    if (rendering_.gzip && !gzip_) {
      METE_TRY(GzipWriter writer, GzipWriter::create());
      gzip_.emplace(std::move(writer));
    }
    if (!stream_) {
      if (rendering_.more) rendering_.more(rendering_.tail);
      stream_.emplace(std::move(rendering_.reading), rendering_.format, std::move(rendering_.filter),
                      std::move(rendering_.tail));
    }
    if (!gzip_) {
      auto text = stream_->take(kPiece);
      last = text.empty();
      return text;
    }
    std::string out;
    while (out.size() < kPiece && !last) {
      const std::string_view text = stream_->next(kPiece);
      last = text.empty();
      if (last) {
        METE_CHECK(gzip_->finish(out));
      } else {
        METE_CHECK(gzip_->append(text, out));
      }
    }
    return out;
  }

  CollectingThread::Rendering rendering_;
  std::optional<ExpositionStream> stream_;
  std::optional<GzipWriter> gzip_;
};

class MadeBody : public WorkerBody {
 public:
  MadeBody(asio::io_context& loop, asio::io_context& worker, std::function<std::string()> make)
      : WorkerBody(loop, worker), make_(std::move(make)) {}

 private:
  Result<std::string> make(bool& last) override {
    last = true;
    return make_();
  }

  std::function<std::string()> make_;
};

}  // namespace

CollectingThread::CollectingThread(asio::io_context& loop, const runtime::cgroup::Hierarchies& hierarchies,
                                   collectors::ReaderOptions options)
    : loop_(loop),
      work_(worker_.get_executor()),
      reader_(hierarchies, std::move(options)),
      sampling_(worker_),
      tree_(worker_) {}

CollectingThread::~CollectingThread() {
  worker_.stop();
  if (thread_.joinable()) thread_.join();
  (void)tree_.release();  // the reader owns the descriptor
}

Status CollectingThread::start() {
  const Status discovered = reader_.discover();
  if (discovered) {
    tree_.assign(reader_.fd());
    watch_tree();
    plan_sampling();
  }
  const BlockedSignals blocked;
  thread_ = std::thread([this] {
    ordinary_priority();
    worker_.run();
  });
  ::pthread_setname_np(thread_.native_handle(), "mete-collect");
  return discovered;
}

void CollectingThread::watch_tree() {
  tree_.async_wait(Descriptor::wait_read, [this](ErrorCode error) {
    if (error) return;
    reader_.handle_events();
    plan_sampling();
    watch_tree();
  });
}

void CollectingThread::read(std::vector<collectors::Target> targets, Done done) {
  asio::post(worker_, [this, targets = std::move(targets), done = std::move(done)]() mutable {
    requests_.push_back({std::move(targets), std::move(done)});
    if (!done_) begin_next();
  });
}

// All waiting requests get the same reading, made of the newest snapshot.
void CollectingThread::begin_next() {
  auto all = std::exchange(requests_, {});
  auto targets = std::move(all.back().targets);
  done_ = [all = std::move(all)](const std::shared_ptr<const collectors::Reading>& reading) {
    for (const auto& request : all) request.done(reading);
  };
  reader_.begin(std::move(targets));
  continue_reading();
}

void CollectingThread::continue_reading() {
  if (!reader_.step(kSlice)) {
    asio::post(worker_, [this] { continue_reading(); });
    return;
  }
  asio::post(loop_, [done = std::exchange(done_, nullptr), reading = reader_.take()] { done(reading); });
  plan_sampling();
  if (!requests_.empty()) begin_next();
}

void CollectingThread::plan_sampling() {
  const auto due = reader_.due();
  if (!due) {
    sampling_.cancel();
    return;
  }
  sampling_.expires_at(*due);
  sampling_.async_wait([this](ErrorCode error) {
    if (error) return;
    reader_.sample(std::chrono::steady_clock::now());
    plan_sampling();
  });
}

std::shared_ptr<HttpSource> CollectingThread::render(Rendering rendering) {
  return std::make_shared<RenderedBody>(loop_, worker_, std::move(rendering));
}

std::shared_ptr<HttpSource> CollectingThread::render(std::function<std::string()> make) {
  return std::make_shared<MadeBody>(loop_, worker_, std::move(make));
}

}  // namespace mete::agent
