// SPDX-License-Identifier: Apache-2.0
#include "collectors/metrics/exposition_stream.h"

#include <utility>

namespace mete::collectors {

ExpositionStream::ExpositionStream(std::shared_ptr<const Reading> reading, Format format, Filter filter,
                                   std::string tail)
    : reading_(std::move(reading)), format_(format), filter_(std::move(filter)), tail_(std::move(tail)) {
  open_family();
}

namespace {

// nullptr: the series has no lines of this family.
const LabelBlock* labels_for(const Family& family, const Series& series) {
  if (family.labels_of == LabelsOf::kWorkload) return series.workload.get();
  if (series.sample == nullptr) return nullptr;
  const bool of_network = family.labels_of == LabelsOf::kNetwork && series.network != nullptr;
  return of_network ? series.network.get() : series.labels.get();
}

}  // namespace

// Moves on to the next family that the filter accepts; family_ past the end means that none is left.
void ExpositionStream::open_family() {
  const auto families = all_families();
  while (family_ < families.size() && filter_ && !filter_(*families[family_])) ++family_;
  series_ = 0;
  writer_.reset();
  if (family_ == families.size()) return;
  const Family& family = *families[family_];
  help_ = help_of(family);
  writer_.emplace(piece_, family.name, help_, family.type, format_);
}

std::string_view ExpositionStream::next(std::size_t size) {
  piece_.clear();
  // A family of protobuf is one message, with its length before it: it is not cut.
  const bool whole = format_ == Format::kProtobuf;
  const auto families = all_families();
  while (writer_ && (piece_.size() < size || (whole && series_ > 0))) {
    if (series_ == reading_->series.size()) {
      ++family_;
      open_family();
      continue;
    }
    const Series& series = reading_->series[series_++];
    const Family& family = *families[family_];
    const LabelBlock* const labels = labels_for(family, series);
    if (labels == nullptr) continue;
    Lines lines(*writer_, *labels);
    family.write(lines, series);
  }
  if (!writer_ && piece_.size() < size && !ended_) {
    ended_ = true;
    piece_ += tail_;
    if (format_ == Format::kOpenMetrics) piece_ += "# EOF\n";
  }
  return piece_;
}

std::string ExpositionStream::take(std::size_t size) {
  constexpr std::size_t kRoom = 4096;  // for the line that exceeds `size`, and for a protocol's framing
  piece_.reserve(size + kRoom);
  (void)next(size);
  return std::exchange(piece_, {});
}

std::string render(std::shared_ptr<const Reading> reading, Format format) {
  ExpositionStream stream(std::move(reading), format, {}, {});
  std::string all;
  for (auto piece = stream.next(); !piece.empty(); piece = stream.next()) all += piece;
  return all;
}

}  // namespace mete::collectors
