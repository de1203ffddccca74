// SPDX-License-Identifier: Apache-2.0
// The cost of a scrape once the counters are read, as ratios in one run: to the floor (the finished lines copied), to
// prometheus-cpp's TextSerializer on the same series, with gzip; and how late the event loop is while the collecting
// thread renders.
//
//   scrape_bench [series...]      default 35000 700000
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/export/collecting_thread.h"
#include "agent/http/gzip.h"
#include "collectors/metrics/exposition_stream.h"
#include "runtime/cgroup/hierarchies.h"

namespace {

using namespace mete::collectors;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

// A container's sample as a v1 machine gives it, every counter set.
Sample full_sample() {
  Sample s;
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& file : collector.files) {
      (void)file.parse("123456789012", s);
      (void)file.parse("8:0 Read 123456789\n8:0 Write 123456789\n254:0 Read 1\n254:0 Write 2\n", s);
      (void)file.parse("some avg10=0.00 total=123456789\nfull avg10=0.00 total=2345678\n", s);
      (void)file.parse(
          "nr_periods 123456\nnr_throttled 1234\nthrottled_time 123456789012\nnr_bursts 1\nburst_time 5\nuser 12345\n"
          "system 12345\noom_kill 1\n\ntotal_cache 123456789\ntotal_rss 123456789\ntotal_mapped_file 1234567\n"
          "total_dirty 1\ntotal_writeback 1\ntotal_workingset_refault_anon 1\ntotal_workingset_refault_file 12345\n"
          "total_swap 0\ntotal_pgfault 123456789\ntotal_pgmajfault 123\ntotal_inactive_file 123456\ntotal_active_file "
          "1\n",
          s);
    }
  }
  (void)parse_net_dev("eth0: 123456789 123456 0 0 0 0 0 0 123456789 123456 0 0 0 0 0 0\n", s);
  s.wall_time = std::chrono::system_clock::now();
  return s;
}

std::shared_ptr<Reading> reading_of(std::size_t containers) {
  auto reading = std::make_shared<Reading>();
  const Sample sample = full_sample();
  reading->samples.reserve(containers);
  for (std::size_t i = 0; i < containers; ++i) {
    const std::string name = "container-" + std::to_string(i);
    reading->samples.push_back(sample);
    Series series;
    series.sample = &reading->samples.back();
    series.started = sample.wall_time;
    series.labels = std::make_shared<const LabelBlock>(
        LabelBlock{{"id", "/mete/default_some-pod-" + std::to_string(i) + "/" + name},
                   {"name", name},
                   {"image", "registry.example.com/team/image:1.2.3"},
                   {"namespace", "default"},
                   {"pod", "some-pod-" + std::to_string(i)},
                   {"container", name}});
    reading->series.push_back(std::move(series));
  }
  return reading;
}

std::size_t series_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) count += text[at] == '#' ? 0 : 1;
  return count;
}

double median_ms(int runs, const std::function<void()>& work) {
  std::vector<double> times;
  for (int run = 0; run < runs; ++run) {
    const auto begin = Clock::now();
    work();
    times.push_back(Milliseconds(Clock::now() - begin).count());
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[static_cast<std::size_t>(runs / 2)];
}

std::size_t stream(const std::shared_ptr<const Reading>& reading) {
  ExpositionStream pieces(reading, Format::kText, {}, {});
  std::size_t bytes = 0;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) bytes += piece.size();
  return bytes;
}

std::size_t compressed(const std::shared_ptr<const Reading>& reading) {
  ExpositionStream pieces(reading, Format::kText, {}, {});
  auto writer = mete::agent::GzipWriter::create().value();
  std::string out;
  std::size_t bytes = 0;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    (void)writer.append(piece, out);
    bytes += out.size();
    out.clear();
  }
  (void)writer.finish(out);
  return bytes + out.size();
}

// The same number of series with the same labels, as prometheus-cpp holds them.
std::vector<prometheus::MetricFamily> families_of(std::size_t containers, std::size_t families) {
  std::vector<prometheus::MetricFamily> all(families);
  for (std::size_t f = 0; f < families; ++f) {
    all[f].name = "container_family_number_" + std::to_string(f) + "_total";
    all[f].help = "One of the families of a container.";
    all[f].type = prometheus::MetricType::Counter;
    for (std::size_t i = 0; i < containers; ++i) {
      prometheus::ClientMetric metric;
      const std::string name = "container-" + std::to_string(i);
      metric.label = {{"id", "/mete/default_some-pod-" + std::to_string(i) + "/" + name},
                      {"name", name},
                      {"image", "registry.example.com/team/image:1.2.3"},
                      {"namespace", "default"},
                      {"pod", "some-pod-" + std::to_string(i)},
                      {"container", name}};
      metric.counter.value = 123456789.0 + static_cast<double>(i);
      all[f].metric.push_back(std::move(metric));
    }
  }
  return all;
}

// Takes every piece, as a peer that reads fast does, while a timer on the same loop counts how late it is.
void bench_loop(const std::shared_ptr<Reading>& reading, bool gzip) {
  namespace asio = mete::agent::asio;
  asio::io_context loop;
  const auto hierarchies = mete::runtime::cgroup::find_hierarchies().value_or(mete::runtime::cgroup::Hierarchies());
  mete::agent::CollectingThread thread(loop, hierarchies, {});
  (void)thread.start();
  mete::agent::CollectingThread::Rendering rendering;
  rendering.reading = reading;
  rendering.gzip = gzip;
  const auto body = thread.render(std::move(rendering));
  std::size_t bytes = 0;
  bool done = false;
  std::function<void()> next = [&] {
    body->next([&](mete::Result<std::string> piece, bool last) {
      bytes += piece->size();
      done = last;
      if (!last) next();
    });
  };
  constexpr auto kEvery = std::chrono::milliseconds(1);
  std::vector<double> late;
  asio::steady_timer timer(loop);
  std::function<void()> tick = [&] {
    timer.expires_after(kEvery);
    timer.async_wait([&](mete::agent::ErrorCode) {
      late.push_back(Milliseconds(Clock::now() - timer.expiry()).count());
      if (!done) tick();
    });
  };
  const auto begin = Clock::now();
  next();
  tick();
  loop.run();
  std::sort(late.begin(), late.end());
  const auto at = [&](double share) {
    return late[static_cast<std::size_t>(share * static_cast<double>(late.size() - 1))];
  };
  std::printf(
      "  whole scrape through the collecting thread%s %9.1f ms, %.1f MB; loop late by p50 %.3f p99 %.3f max %.3f ms\n",
      gzip ? ", gzip" : "      ", Milliseconds(Clock::now() - begin).count(), static_cast<double>(bytes) / 1e6, at(0.5),
      at(0.99), at(1));
}

void bench(std::size_t wanted) {
  const std::size_t each = series_in(render(reading_of(1)));
  const std::size_t containers = std::max<std::size_t>(1, wanted / each);
  const auto reading = reading_of(containers);
  const int runs = wanted > 100'000 ? 3 : 15;
  std::string text = render(reading);
  const std::size_t series = series_in(text);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  std::string copy;
  const double floor = median_ms(runs, [&] {
    copy.clear();
    for (const std::string& line : lines) copy += line;
  });
  lines = {};
  std::printf("%zu series of %zu containers, %.1f MB\n", series, containers, static_cast<double>(text.size()) / 1e6);
  text = {};
  copy = {};
  const double mete = median_ms(runs, [&] { stream(reading); });
  std::size_t small = 0;
  const double gzip = median_ms(runs, [&] { small = compressed(reading); });
  std::printf("  floor: the finished lines copied     %9.2f ms\n", floor);
  std::printf("  mete, in pieces of 64 KiB            %9.2f ms   %.2f x floor\n", mete, mete / floor);
  std::printf("  mete, gzip level 1                   %9.2f ms   %.2f x floor, %.2f MB\n", gzip, gzip / floor,
              static_cast<double>(small) / 1e6);
  {
    const auto families = families_of(containers, each);
    const double peer =
        median_ms(wanted > 100'000 ? 1 : 5, [&] { (void)prometheus::TextSerializer().Serialize(families); });
    std::printf("  prometheus-cpp's TextSerializer      %9.2f ms   %.1f x mete\n", peer, peer / mete);
  }
  bench_loop(reading, false);
  bench_loop(reading, true);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    bench(35'000);
    bench(700'000);
  }
  for (int i = 1; i < argc; ++i)
    bench(static_cast<std::size_t>(std::max(1L, std::atol(argv[i]))));  // NOLINT(cert-err34-c): 0 becomes 1
  return 0;
}
