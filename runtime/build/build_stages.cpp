// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/build_stages.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "runtime/build/stage_builder.h"
#include "runtime/build/stage_order.h"

namespace mete::runtime::build {
namespace {

constexpr std::size_t kStagesAtOnce = 4;

std::string shown_name(const Stage& stage) {
  return stage.name.empty() ? "stage-" + std::to_string(stage.index) : stage.name;
}

class StageRunner {
 public:
  StageRunner(BuildContext& context, const std::vector<std::size_t>& order)
      : context_(context), order_(order), plan_(context.stages, order), side_by_side_(plan_.side_by_side()) {
    steps_ = steps_before(context.stages, order, std::nullopt) + (context.options.labels.empty() ? 0 : 1);
  }

  Result<StageState> run() {
    std::vector<std::thread> others;
    const std::size_t threads = side_by_side_ ? std::min(order_.size(), kStagesAtOnce) : 1;
    for (std::size_t i = 1; i < threads; ++i) {
      others.emplace_back([this] {
        // A mount of many layers changes the working directory for a moment.
        if (::unshare(CLONE_FS) == 0) return work();
        const std::lock_guard lock(mutex_);
        fail_with(Error{errno, "give a stage a working directory of its own"});
      });
    }
    work();
    for (auto& each : others) each.join();
    if (failure_) return tl::unexpected(std::move(*failure_));
    return *context_.done[order_.back()];
  }

 private:
  void fail_with(Error error) {
    if (!failure_) failure_ = std::move(error);
    context_.stop.raise();
    changed_.notify_all();
  }

  // Nothing: there is no stage left to begin.
  std::optional<std::size_t> next(std::unique_lock<std::mutex>& lock) {
    while (!failure_ && !plan_.all_begun()) {
      if (const auto stage = plan_.begin()) return stage;
      changed_.wait(lock);
    }
    return std::nullopt;
  }

  Result<StageState> build(std::size_t index) {
    const Stage& stage = context_.stages.all[index];
    StageOutput output(context_.on_text, context_.output_mutex, side_by_side_ ? shown_name(stage) : "");
    const StepCount count{steps_before(context_.stages, order_, index), steps_};
    return StageBuilder(context_, stage, count, output).run(index == order_.back());
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (const auto stage = next(lock)) {
      lock.unlock();
      auto built = build(*stage);
      lock.lock();
      if (!built) return fail_with(std::move(built.error()));
      context_.done[*stage] = std::move(*built);
      plan_.done(*stage);
      changed_.notify_all();
    }
  }

  BuildContext& context_;
  const std::vector<std::size_t>& order_;
  std::size_t steps_ = 0;  // of all stages
  std::mutex mutex_;       // of what follows, and of what is done
  std::condition_variable changed_;
  StageOrder plan_;
  const bool side_by_side_;
  std::optional<Error> failure_;
};

}  // namespace

Result<StageState> build_stages(BuildContext& context, const std::vector<std::size_t>& order) {
  return StageRunner(context, order).run();
}

}  // namespace mete::runtime::build
