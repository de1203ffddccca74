// SPDX-License-Identifier: Apache-2.0
// The last minutes of those series that expressions name, and of no other: what an agent keeps that evaluates alerts
// itself. Samples come as text 0.0.4, as they would be scraped, so that names, labels and values are those that a
// Prometheus would have.
//
// All series of a lane are sampled at the same moments, which are stored once. A series stores its value where it
// changed: 12 bytes a change, so that a counter that stands still costs nothing. A series that is not in a sampling any
// more is marked stale there, as Prometheus marks it. Belongs to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectors/promql/expression.h"
#include "collectors/promql/labels.h"

namespace mete::collectors::promql {

// Times are ms of a clock that never jumps; zero is anywhere.
using Time = std::int64_t;

enum class Lane : std::uint8_t { kCounted, kRead };

// The moments of one lane. A moment keeps its number when older ones are dropped.
class Moments {
 public:
  void add(Time at) { times_.push_back(at); }
  void undo() { times_.pop_back(); }
  void drop_before(Time at);  // keeps the newest one that is not after `at`
  [[nodiscard]] std::uint32_t first() const { return first_; }
  [[nodiscard]] std::uint32_t end() const { return first_ + static_cast<std::uint32_t>(times_.size()); }
  [[nodiscard]] Time at(std::uint32_t number) const { return times_[number - first_]; }
  // The number of the first moment at or after `at` and of the first one after it; end(): there is none.
  [[nodiscard]] std::uint32_t not_before(Time at) const;
  [[nodiscard]] std::uint32_t after(Time at) const;

 private:
  std::deque<Time> times_;
  std::uint32_t first_ = 0;
};

// A value from a moment on. NaN with the payload of kStale: the series ended there.
struct __attribute__((packed)) Run {
  std::uint32_t from;
  double value;
};
[[nodiscard]] bool is_stale(double value);

struct Series {
  LabelsId labels = 0;
  std::uint32_t seen = 0;       // the sampling that had it
  std::uint32_t selectors = 0;  // bit i: Family::any_of[i] matches; 0: nobody wants it, and it has no runs
  std::vector<Run> runs;
};

struct Family {
  Lane lane = Lane::kRead;
  Time keep = 0;                             // the longest range and offset of its selectors
  std::vector<std::vector<Matcher>> any_of;  // of its selectors
  // By a hash of name and labels as text, because the text is longer than all samples of a quiet series. Two of
  // 100,000 series meet by chance with a probability of 3e-10; the hash has a random beginning, so that nobody can
  // choose labels that meet.
  std::unordered_map<std::uint64_t, Series> series;
};

class SampleStore {
 public:
  // `selectors` need not outlive the call. `counted`: names of families that are sampled between the readings as well.
  // A series of them that was not in the sampling before began with 0 then: who samples has counted it from its
  // beginning. `target`: the labels job and instance, which every series gets.
  SampleStore(const std::vector<const Selector*>& selectors, const std::vector<std::string_view>& counted,
              Labels target);

  // One sampling: begin(), lines in any number of texts, end(). kRead: all families; kCounted: only those of that lane.
  // `at` must be later than that of the last sampling of the lane.
  void begin(Lane lane, Time at);
  void add_text(std::string_view lines);  // whole lines; those of other families are skipped
  // Marks what was not there. False: nothing differs from the last sampling, and a kCounted one leaves no moment.
  bool end();

  [[nodiscard]] const Family* family(std::string_view name) const;
  [[nodiscard]] const Moments& moments(Lane lane) const { return lane == Lane::kRead ? read_ : counted_; }
  [[nodiscard]] LabelTable& labels() { return labels_; }
  // Frees sets of labels that no series has any more, if they are many. Every LabelsId becomes invalid then.
  void compact();

  struct Size {
    std::size_t series = 0, runs = 0, bytes = 0;  // bytes: about, without what an allocator adds
  };
  [[nodiscard]] Size size() const;

 private:
  void add_line(std::string_view line);
  void add_sample(Family& family, std::string_view name_and_labels, std::string_view name, double value);
  void set_labels(Series& series, const Family& family, std::string_view inside);
  void append(const Family& family, Series& series, double value);
  void end_family(Family& family);

  std::unordered_map<std::string, Family> families_;
  Labels target_;
  LabelTable labels_;
  Moments counted_, read_;
  Time longest_ = 0;
  std::uint64_t hash_seed_;
  // of the sampling
  Lane lane_ = Lane::kRead;
  Time at_ = 0;
  std::uint32_t sampling_ = 0;
  bool changed_ = false;
  std::string_view last_name_;
  Family* last_family_ = nullptr;
};

}  // namespace mete::collectors::promql
