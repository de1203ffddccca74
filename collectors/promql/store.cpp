// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/store.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <random>

#include "collectors/promql/evaluate.h"

namespace mete::collectors::promql {
namespace {

constexpr std::uint64_t kStaleBits = 0x7ff0000000000002;  // a NaN that no computation makes; Prometheus' own

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// FNV-1a over words of eight bytes, with a final mix (that of murmur3).
std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = seed;
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32U;
  }
  std::uint64_t rest = left;
  std::memcpy(&rest, at, left);
  hash = (hash ^ rest ^ (std::uint64_t{text.size()} << 56U)) * 0x9E3779B97F4A7C15ULL;
  hash ^= hash >> 33U;
  hash *= 0xFF51AFD7ED558CCDULL;
  return hash ^ (hash >> 33U);
}

double number_of(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  if (text == "-Inf") return -std::numeric_limits<double>::infinity();
  double value = std::numeric_limits<double>::quiet_NaN();
  if (text != "NaN") (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "a="x",b="y\n"" -> pairs; values with escapes are put into `unescaped`, which must not move.
void split_labels(std::string_view inside, std::vector<std::pair<std::string_view, std::string_view>>& to,
                  std::deque<std::string>& unescaped) {
  while (!inside.empty()) {
    const auto equal = inside.find('=');
    if (equal == std::string_view::npos || equal + 1 >= inside.size()) return;
    const std::string_view name = inside.substr(0, equal);
    std::size_t end = equal + 2;
    bool escapes = false;
    for (; end < inside.size() && inside[end] != '"'; ++end) {
      if (inside[end] == '\\') {
        escapes = true;
        ++end;
      }
    }
    std::string_view value = inside.substr(equal + 2, end - equal - 2);
    if (escapes) {
      std::string& text = unescaped.emplace_back();
      for (std::size_t i = 0; i < value.size(); ++i) {
        const bool escaped = value[i] == '\\' && i + 1 < value.size();
        if (escaped) ++i;
        text += escaped && value[i] == 'n' ? '\n' : value[i];
      }
      value = text;
    }
    to.emplace_back(name, value);
    inside.remove_prefix(std::min(inside.size(), end + 1));
    if (inside.starts_with(',')) inside.remove_prefix(1);
  }
}

}  // namespace

bool is_stale(double value) {
  return std::bit_cast<std::uint64_t>(value) == kStaleBits;
}

void Moments::drop_before(Time at) {
  while (times_.size() > 1 && times_[1] <= at) {
    times_.pop_front();
    ++first_;
  }
}
std::uint32_t Moments::not_before(Time at) const {
  return first_ + static_cast<std::uint32_t>(std::lower_bound(times_.begin(), times_.end(), at) - times_.begin());
}
std::uint32_t Moments::after(Time at) const {
  return first_ + static_cast<std::uint32_t>(std::upper_bound(times_.begin(), times_.end(), at) - times_.begin());
}

SampleStore::SampleStore(const std::vector<const Selector*>& selectors, const std::vector<std::string_view>& counted,
                         Labels target)
    : target_(std::move(target)), hash_seed_(std::random_device()()) {
  hash_seed_ = hash_seed_ << 32U | std::random_device()();
  for (const auto* selector : selectors) {
    if (is_recorded(selector->name)) continue;
    Family& family = families_[selector->name];
    family.keep = std::max(family.keep, selector->range + selector->offset);
    longest_ = std::max(longest_, family.keep);
    if (std::find(counted.begin(), counted.end(), selector->name) != counted.end()) family.lane = Lane::kCounted;
    auto& any_of = family.any_of;
    if (std::find(any_of.begin(), any_of.end(), selector->matchers) == any_of.end())
      any_of.push_back(selector->matchers);
  }
}

void SampleStore::begin(Lane lane, Time at) {
  lane_ = lane;
  at_ = at;
  changed_ = false;
  ++sampling_;
  last_name_ = {};
  last_family_ = nullptr;
  counted_.add(at);
  counted_.drop_before(at - longest_ - kLookBack);
  if (lane == Lane::kCounted) return;
  read_.add(at);
  read_.drop_before(at - longest_ - kLookBack);
}

void SampleStore::add_text(std::string_view lines) {
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    add_line(lines.substr(0, end));
    lines.remove_prefix(std::min(lines.size(), end + 1));
  }
  last_name_ = {};  // it points into the text
}

void SampleStore::add_line(std::string_view line) {
  if (line.empty() || line.front() == '#') return;
  const auto name_end = line.find_first_of("{ ");
  const auto value_begin = line.rfind(' ');
  if (name_end == std::string_view::npos || value_begin == std::string_view::npos) return;
  const std::string_view name = line.substr(0, name_end);
  if (name != last_name_) {
    const auto found = families_.find(std::string(name));
    last_family_ = found == families_.end() ? nullptr : &found->second;
    last_name_ = name;
  }
  if (last_family_ == nullptr || (lane_ == Lane::kCounted && last_family_->lane != Lane::kCounted)) return;
  add_sample(*last_family_, line.substr(0, value_begin), name, number_of(line.substr(value_begin + 1)));
}

void SampleStore::add_sample(Family& family, std::string_view name_and_labels, std::string_view name, double value) {
  const auto [at, added] = family.series.try_emplace(hash_of(name_and_labels, hash_seed_));
  Series& series = at->second;
  if (added) {
    std::string_view inside = name_and_labels.substr(name.size());
    if (inside.size() >= 2) inside = inside.substr(1, inside.size() - 2);
    set_labels(series, family, inside);
  }
  if (series.seen == sampling_) return;  // twice in one text: the first counts, as with Prometheus
  series.seen = sampling_;
  if (series.selectors == 0) return;
  const Moments& of = moments(family.lane);
  if (added && family.lane == Lane::kCounted && of.end() - of.first() > 1) series.runs.push_back({of.end() - 2, 0});
  append(family, series, value);
}

void SampleStore::set_labels(Series& series, const Family& family, std::string_view inside) {
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  std::deque<std::string> unescaped;
  split_labels(inside, labels, unescaped);
  for (std::size_t i = 0; i < family.any_of.size(); ++i) {
    const auto& matchers = family.any_of[i];
    const bool all = std::all_of(matchers.begin(), matchers.end(), [&](const Matcher& matcher) {
      const auto found =
          std::find_if(labels.begin(), labels.end(), [&](const auto& label) { return label.first == matcher.label; });
      return ((found == labels.end() ? std::string_view() : found->second) == matcher.text) == matcher.equal;
    });
    if (all) series.selectors |= 1U << i;
  }
  if (series.selectors == 0) return;
  for (const auto& [name, text] : target_) labels.emplace_back(name, text);
  series.labels = labels_.add(labels);
}

void SampleStore::append(const Family& family, Series& series, double value) {
  auto& runs = series.runs;
  if (!runs.empty() && same_bits(runs.back().value, value)) return;
  changed_ = true;
  const Moments& of = moments(family.lane);
  // The first runs are dropped when the window begins in, or after, the next one.
  std::size_t old = 0;
  while (old + 1 < runs.size() && (runs[old + 1].from <= of.first() || of.at(runs[old + 1].from) <= at_ - family.keep))
    ++old;
  runs.erase(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(old));
  if (runs.size() == runs.capacity()) runs.reserve(runs.size() + runs.size() / 4 + 1);
  runs.push_back({of.end() - 1, value});
}

void SampleStore::end_family(Family& family) {
  const Moments& of = moments(family.lane);
  for (auto at = family.series.begin(); at != family.series.end();) {
    Series& series = at->second;
    if (series.seen != sampling_) {
      if (series.selectors != 0) append(family, series, std::bit_cast<double>(kStaleBits));
      const bool over = series.selectors == 0 || series.runs.back().from <= of.first() ||
                        of.at(series.runs.back().from) < at_ - family.keep;
      if (over) {
        at = family.series.erase(at);
        continue;
      }
    }
    ++at;
  }
}

bool SampleStore::end() {
  for (auto& [name, family] : families_) {
    if (lane_ == Lane::kRead || family.lane == Lane::kCounted) end_family(family);
  }
  if (lane_ == Lane::kCounted && !changed_) counted_.undo();
  return changed_;
}

const Family* SampleStore::family(std::string_view name) const {
  const auto found = families_.find(std::string(name));
  return found == families_.end() ? nullptr : &found->second;
}

void SampleStore::compact() {
  std::size_t live = 0;
  for (const auto& [name, family] : families_) live += family.series.size();
  constexpr std::size_t kSlack = 1000;
  if (labels_.size() < 4 * live + kSlack) return;
  LabelTable fresh;
  for (auto& [name, family] : families_) {
    for (auto& [hash, series] : family.series) {
      if (series.selectors == 0) continue;
      const Labels texts = labels_.labels(series.labels);
      const std::vector<std::pair<std::string_view, std::string_view>> views(texts.begin(), texts.end());
      series.labels = fresh.add(views);
    }
  }
  labels_ = std::move(fresh);
}

SampleStore::Size SampleStore::size() const {
  Size size;
  for (const auto& [name, family] : families_) {
    for (const auto& [hash, series] : family.series) {
      constexpr std::size_t kNode = 2 * sizeof(void*) + sizeof(std::uint64_t);
      size.bytes += sizeof series + kNode + series.runs.capacity() * sizeof(Run);
      if (series.selectors == 0) continue;
      ++size.series;
      size.runs += series.runs.size();
    }
  }
  size.bytes += labels_.bytes();
  size.bytes += (counted_.end() - counted_.first() + read_.end() - read_.first()) * sizeof(Time);
  return size;
}

}  // namespace mete::collectors::promql
