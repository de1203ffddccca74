// SPDX-License-Identifier: Apache-2.0
// `mete top`: its requests to the agent, and the times of them.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "agent/cli/containers/container_verbs.h"
#include "agent/cli/pods/stats_requests.h"
#include "agent/cli/top/keys.h"
#include "agent/cli/top/terminal.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct TopOptions {
  std::vector<std::string> words;  // a container and options of ps, or a pod
  bool batch = false;
  bool all = false;       // every cgroup, not only containers
  unsigned interval = 1;  // seconds
  unsigned count = 0;     // number of pictures; 0: until the user ends the command
};

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

void sleep(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  while (interrupted == 0 && Clock::now() < end)
    std::this_thread::sleep_for(std::min(time, std::chrono::milliseconds(50)));
}

class Screen {
 public:
  Screen(const Common& common, Terminal& terminal, const TopOptions& options, TopView view)
      : common_(common), terminal_(terminal), count_(options.count) {
    state_.delay = options.interval;
    state_.view = std::move(view);
  }

  int run(Stats first) {
    last_ = std::move(first);
    take(nullptr);
    auto next = Clock::now() + kFirstStats;
    for (unsigned shown = 0; count_ == 0 || shown < count_;) {
      draw_now();
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
      if (!terminal_.wait(std::max(left, std::chrono::milliseconds(0)), typed_)) return kDone;
      if (!typed_.empty() && !handle_typed()) return kDone;
      if (Clock::now() < next) continue;
      refresh();
      ++shown;
      next = Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(state_.delay * 1000));
    }
    draw_now();
    return kDone;
  }

 private:
  void take(const Stats* before) {
    picture_ = compare(before, last_);
    history_.add(picture_);
  }

  // When the agent does not answer, the last picture stays and the agent is asked again.
  void refresh() {
    std::string problem;
    auto now = ask_stats(common_, problem);
    if (!now) {
      state_.message = "No answer, trying again: " + problem;
      return;
    }
    if (state_.message.starts_with("No answer")) state_.message.clear();
    const Stats before = std::exchange(last_, std::move(*now));
    take(&before);
  }

  void draw_now() {
    rows_ = visible(picture_, state_.view);
    const auto selected = [&](const TopRow& row) { return row.path == state_.selected; };
    if (!rows_.empty() && std::none_of(rows_.begin(), rows_.end(), selected)) state_.selected = rows_.front().path;
    terminal_.show(draw(picture_, rows_, state_, terminal_.size(), utf8_));
  }

  // False: the user ends the command.
  bool handle_typed() {
    // The rest of an escape sequence arrives at once; otherwise the user pressed Escape.
    if (typed_.find('\x1b') != std::string::npos && !terminal_.wait(std::chrono::milliseconds(30), typed_))
      return false;
    const int page = std::max(1, terminal_.size().lines - 4);
    for (const Key& key : take_keys(typed_, true)) {
      const TopAction action = press(key, state_, rows_, page);
      if (action.kind == TopAction::Kind::kQuit) return false;
      if (action.kind == TopAction::Kind::kSignal) send(action.signal);
      rows_ = visible(picture_, state_.view);
    }
    return true;
  }

  void send(const std::string& signal) {
    const auto row =
        std::find_if(rows_.begin(), rows_.end(), [&](const TopRow& each) { return each.path == state_.selected; });
    if (row == rows_.end() || row->runtime != "mete" || row->container.empty()) {
      state_.message = "Signals go to containers of this agent only";
      return;
    }
    const std::string target = "/mete/v1/pods/" + row->namespace_ + "/" + row->pod +
                               "/kill?container=" + row->container + "&signal=" + url_encode(signal);
    const auto answer = Client(common_.socket).request("POST", target);
    state_.message = !answer                 ? answer.error().what
                     : answer->status == 200 ? "Sent " + signal + " to " + row->title()
                                             : "Refused: " + answer->body;
  }

  const Common& common_;
  Terminal& terminal_;
  unsigned count_;
  bool utf8_ = locale_is_utf8();
  Stats last_;
  TopPicture picture_;
  TopHistory history_;
  TopState state_;
  std::vector<TopRow> rows_;
  std::string typed_;
};

int batch(const Common& common, Stats before, const TopOptions& options, const TopView& view) {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  for (unsigned shown = 0; interrupted == 0 && (options.count == 0 || shown < options.count); ++shown) {
    sleep(shown == 0 ? kFirstStats : std::chrono::milliseconds(1000 * options.interval));
    if (interrupted != 0) break;
    std::string problem;
    auto now = ask_stats(common, problem);
    if (!now) return complain(problem, kNoAgent);
    const auto rows = visible(compare(&before, *now), view);
    if (!print_structured(common, stats_json(rows))) print((shown > 0 ? "\n" : "") + plain_table(rows, false));
    before = std::move(*now);
  }
  return kDone;
}

int top(const Common& common, const TopOptions& options) {
  std::string problem;
  TopView view;
  view.all = options.all;
  if (!options.words.empty()) {
    const Subject subject = find_subject(common, options.words.front());
    if (subject.code != kDone) return subject.code;
    std::string more;
    for (auto word = options.words.begin() + 1; word != options.words.end(); ++word)
      more += (more.empty() ? "" : " ") + *word;
    if (!subject.is_pod) return show_processes(common, subject, more);
    if (!more.empty()) return refuse_pod(subject, "top " + more, "a pod alone is shown live");
    view.filter = key_of(subject) + "/";
  }
  auto first = ask_stats(common, problem);
  if (!first) return complain(problem, kNoAgent);
  Terminal terminal;
  const bool live = !options.batch && common.output == "table" && terminal.open();
  if (!live) return batch(common, std::move(*first), options, view);
  return Screen(common, terminal, options, view).run(std::move(*first));
}

}  // namespace

void add_top(CommandLine& line) {
  auto options = std::make_shared<TopOptions>();
  const Common& common = line.common();
  auto* command =
      line.add({"top", "What the machine's containers and cgroups use, live",
                "  mete top\n  mete top web\n  mete top --all\n  mete top -b -n 1\n  mete top -n 3 -o json"},
               [&common, options] { return top(common, *options); });
  command->add_option("container", options->words, "The processes of this container; of a pod: the table of it alone")
      ->type_name(kPod);
  command->add_flag("-b,--batch", options->batch, "One table after the other, for files and pipes");
  command->add_flag("--all", options->all, "Every cgroup, not containers alone");
  command->add_option("-d,--delay", options->interval, "Seconds between tables")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 3600U));
  command->add_option("-n,--count", options->count, "End after so many tables")->type_name("N");
  line.add_output(command);
}

}  // namespace mete::agent::cli
