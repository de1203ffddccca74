// SPDX-License-Identifier: Apache-2.0
// Controller hugetlb. The page size is part of the file's name: all sizes that architectures have are in the table, and
// those that this machine has not are found missing once.
#include <algorithm>

#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

using H = HugetlbSample;
constexpr std::array<std::string_view, 9> kSizes = {"64KB",  "1MB", "2MB", "16MB", "32MB",
                                                    "512MB", "1GB", "2GB", "16GB"};

template <std::size_t kSize>
H& entry(Sample& into) {
  const auto same = [](const H& h) { return h.page_size.view() == kSizes[kSize]; };
  const auto found = std::find_if(into.hugetlb.begin(), into.hugetlb.end(), same);
  if (found != into.hugetlb.end()) return *found;
  into.hugetlb.emplace_back().page_size = ShortText<7>(kSizes[kSize]);
  return into.hugetlb.back();
}

template <std::size_t kSize, Size H::*kMember>
bool size(std::string_view text, Sample& into) {
  const auto number = parse_u64(trim(text));
  if (number) entry<kSize>(into).*kMember = to_bytes(*number);
  return number.has_value();
}
template <std::size_t kSize, Count H::*kMember>
bool count(std::string_view text, Sample& into) {
  const auto number = parse_u64(trim(text));
  if (number) entry<kSize>(into).*kMember = number;
  return number.has_value();
}
template <std::size_t kSize, Count H::*kMember>
bool events(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "max") entry<kSize>(into).*kMember = number;
  });
}
// "max", or on v1 the largest number of whole pages: no limit.
template <std::size_t kSize>
bool limit(std::string_view text, Sample& into) {
  SizeLimit read;
  if (!parse_limit(text, read) || !read) return false;
  Size& into_limit = entry<kSize>(into).limit;
  into_limit.reset();
  if (!read->is_unlimited() && read->value().count() < (std::int64_t{1} << 62)) into_limit = read->value();
  return true;
}

// NOLINTBEGIN(cppcoreguidelines-macro-usage): names are made of literals
#define METE_HUGETLB(I, SIZE)                                                                                         \
  {Where::kV1, "hugetlb", "hugetlb." SIZE ".usage_in_bytes", size<I, &H::usage>, When::kSetting},                     \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".max_usage_in_bytes", size<I, &H::max_usage>, When::kSetting},         \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".failcnt", count<I, &H::failcnt>, When::kSetting},                     \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".limit_in_bytes", limit<I>, When::kSetting},                           \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".rsvd.usage_in_bytes", size<I, &H::reserved>, When::kSetting},         \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".rsvd.max_usage_in_bytes", size<I, &H::max_reserved>, When::kSetting}, \
      {Where::kV1, "hugetlb", "hugetlb." SIZE ".rsvd.failcnt", count<I, &H::reserve_failcnt>, When::kSetting},        \
      {Where::kV2, "hugetlb", "hugetlb." SIZE ".current", size<I, &H::usage>, When::kSetting},                        \
      {Where::kV2, "hugetlb", "hugetlb." SIZE ".events", events<I, &H::failcnt>, When::kSetting},                     \
      {Where::kV2, "hugetlb", "hugetlb." SIZE ".max", limit<I>, When::kSetting}, {                                    \
    Where::kV2, "hugetlb", "hugetlb." SIZE ".rsvd.current", size<I, &H::reserved>, When::kSetting                     \
  }
// NOLINTEND(cppcoreguidelines-macro-usage)

constexpr std::array<SourceFile, 99> kFiles = {{
    METE_HUGETLB(0, "64KB"),
    METE_HUGETLB(1, "1MB"),
    METE_HUGETLB(2, "2MB"),
    METE_HUGETLB(3, "16MB"),
    METE_HUGETLB(4, "32MB"),
    METE_HUGETLB(5, "512MB"),
    METE_HUGETLB(6, "1GB"),
    METE_HUGETLB(7, "2GB"),
    METE_HUGETLB(8, "16GB"),
}};

#undef METE_HUGETLB

}  // namespace

std::span<const SourceFile> hugetlb_files() {
  return kFiles;
}

}  // namespace mete::collectors
