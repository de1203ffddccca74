// SPDX-License-Identifier: Apache-2.0
// The thread that reads all counters and renders them, so that a scrape of 700,000 series never keeps the loop, and
// with it an OOM kill, waiting. It owns its samplers and its files; what passes between it and the loop are values.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/base/asio.h"
#include "agent/http/http_server.h"
#include "collectors/metrics/exposition_stream.h"
#include "collectors/reader.h"

namespace mete::agent {

class CollectingThread {
 public:
  // `done` is called on `loop`. `hierarchies` must outlive the thread.
  CollectingThread(asio::io_context& loop, const runtime::cgroup::Hierarchies& hierarchies,
                   collectors::ReaderOptions options);
  ~CollectingThread();  // waits for it
  CollectingThread(const CollectingThread&) = delete;
  CollectingThread& operator=(const CollectingThread&) = delete;

  // The error: there is no inotify for other people's cgroups; the agent's own are measured all the same.
  [[nodiscard]] Status start();
  // Other work that the loop must not wait for may be posted there.
  [[nodiscard]] asio::io_context& context() { return worker_; }
  // From the loop's thread: a new reading. Calls that come while one is being made get it too when it was begun after
  // them.
  using Done = std::function<void(std::shared_ptr<const collectors::Reading>)>;
  void read(std::vector<collectors::Target> targets, Done done);

  struct Rendering {
    std::function<void(std::string& tail)> more;  // called on the thread: appends to the tail
    std::shared_ptr<const collectors::Reading> reading;
    collectors::Format format = collectors::Format::kText;
    collectors::ExpositionStream::Filter filter;
    std::string tail;  // rendered families of the loop's own
    bool gzip = false;
  };
  // A body whose pieces are rendered, and compressed, on this thread.
  [[nodiscard]] std::shared_ptr<HttpSource> render(Rendering rendering);
  // One whole body that `make` makes on this thread.
  [[nodiscard]] std::shared_ptr<HttpSource> render(std::function<std::string()> make);

 private:
  struct Request {
    std::vector<collectors::Target> targets;
    Done done;
  };
  void begin_next();
  void continue_reading();
  void plan_sampling();
  void watch_tree();

  asio::io_context& loop_;
  asio::io_context worker_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  // Below: the thread's own.
  collectors::Reader reader_;
  std::vector<Request> requests_;
  Done done_;
  asio::steady_timer sampling_;
  asio::posix::stream_descriptor tree_;  // the reader's descriptor
  std::thread thread_;
};

}  // namespace mete::agent
