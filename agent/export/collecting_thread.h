// SPDX-License-Identifier: Apache-2.0
// The thread that reads and renders all counters, so that a scrape of 700,000 series never blocks the loop, and with it
// an OOM kill. The thread owns its samplers and files; thread and loop exchange values only.
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
  ~CollectingThread();  // joins the thread
  CollectingThread(const CollectingThread&) = delete;
  CollectingThread& operator=(const CollectingThread&) = delete;

  // An error: no inotify for cgroups that others made; the agent's own are still measured.
  [[nodiscard]] Status start();
  // Other work that would block the loop may be posted here.
  [[nodiscard]] asio::io_context& context() { return worker_; }
  // Called on the loop's thread: asks for a new reading. Calls that arrive during a reading share the next one.
  using Done = std::function<void(std::shared_ptr<const collectors::Reading>)>;
  void read(std::vector<collectors::Target> targets, Done done);

  struct Rendering {
    std::function<void(std::string& tail)> more;  // called on the thread: appends to the tail
    std::shared_ptr<const collectors::Reading> reading;
    collectors::Format format = collectors::Format::kText;
    collectors::ExpositionStream::Filter filter;
    std::string tail;  // rendered families of the loop
    bool gzip = false;
  };
  // A body whose pieces are rendered and compressed on this thread.
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
  // The members below belong to the thread.
  collectors::Reader reader_;
  std::vector<Request> requests_;
  Done done_;
  Timer sampling_;
  Descriptor tree_;  // the reader's descriptor
  std::thread thread_;
};

}  // namespace mete::agent
