// SPDX-License-Identifier: Apache-2.0
// Renders a Reading as text piece by piece: a scrape of 700,000 series is never in memory as a whole.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/metrics/family.h"

namespace mete::collectors {

class ExpositionStream {
 public:
  using Filter = std::function<bool(const Family&)>;  // empty: all families
  // `tail` is rendered text of other families, in the same format; it is written last (before OpenMetrics' "# EOF").
  ExpositionStream(std::shared_ptr<const Reading> reading, Format format, Filter filter, std::string tail);
  ExpositionStream(const ExpositionStream&) = delete;
  ExpositionStream& operator=(const ExpositionStream&) = delete;

  // About `size` bytes of whole lines, valid until the next call; empty at the end.
  [[nodiscard]] std::string_view next(std::size_t size = std::size_t{64} << 10U);
  // The same as a string that the caller owns, with capacity for a few bytes more.
  [[nodiscard]] std::string take(std::size_t size);

 private:
  void open_family();

  std::shared_ptr<const Reading> reading_;
  Format format_;
  Filter filter_;
  std::string tail_;
  bool ended_ = false;
  std::size_t family_ = 0;  // index into all_families()
  std::size_t series_ = 0;
  std::string help_;
  std::optional<FamilyWriter> writer_;
  std::string piece_;
};

// Renders everything at once, for tests and small readings.
[[nodiscard]] std::string render(std::shared_ptr<const Reading> reading, Format format = Format::kText);

}  // namespace mete::collectors
