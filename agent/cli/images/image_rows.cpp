// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/images/image_rows.h"

#include <algorithm>
#include <ctime>

#include "agent/cli/output/docker_text.h"
#include "config/values/quantity.h"
#include "runtime/image/references.h"

namespace mete::agent::cli {
namespace {

namespace image = runtime::image;
using Json = nlohmann::ordered_json;
using TimePoint = std::chrono::system_clock::time_point;

constexpr std::size_t kShortId = 12;

Result<bool> truth_of(const std::string& word, const std::string& value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  return fail("--filter " + word + ": found \"" + value + "\", expected true or false");
}

// "24h" is so long ago; a number is seconds since the epoch; else a date or a time.
Result<TimePoint> until_of(const std::string& word, const std::string& value) {
  if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos && value.size() < 12)
    return TimePoint(std::chrono::seconds(std::stoll(value)));
  if (const auto ago = config::parse_duration(value))
    return std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::seconds>(*ago);
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* const end = ::strptime(value.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return std::chrono::system_clock::from_time_t(::timegm(&parts));
  }
  return fail("--filter " + word + ": found \"" + value + "\", expected a duration (24h) or a time (2024-02-29)");
}

Result<TimePoint> time_of_image(const std::string& word, const std::string& value, const ImageList& images) {
  const auto found = image::choose_reference(images, value);
  if (!found) return fail_in("--filter " + word, found.error());
  return images[*found].created;
}

bool has_label(const image::Image& each, const std::string& label) {
  const auto equals = label.find('=');
  const auto found = each.config.labels.find(label.substr(0, equals));
  return found != each.config.labels.end() &&
         (equals == std::string::npos || found->second == label.substr(equals + 1));
}

template <class T>
void keep_earlier(std::optional<T>& kept, const T& value) {
  if (!kept || value < *kept) kept = value;
}

Status read_filter(const std::string& word, const ImageList& images, FiltersOf of, ImageFilters& filters) {
  const auto equals = word.find('=');
  if (equals == std::string::npos) return fail("--filter " + word + ": found no '=', expected NAME=VALUE");
  const std::string name = word.substr(0, equals);
  const std::string value = word.substr(equals + 1);
  const bool list = of == FiltersOf::kList;
  if (name == "label") {
    filters.labels.push_back(value);
  } else if (name == "label!" && !list) {
    filters.not_labels.push_back(value);
  } else if (name == "dangling") {
    METE_TRY(filters.dangling, truth_of(word, value));
  } else if (name == "until") {
    METE_TRY(const TimePoint time, until_of(word, value));
    keep_earlier(filters.before, time);
  } else if (name == "before" && list) {
    METE_TRY(const TimePoint time, time_of_image(word, value, images));
    keep_earlier(filters.before, time);
  } else if (name == "since" && list) {
    METE_TRY(const TimePoint time, time_of_image(word, value, images));
    if (!filters.since || time > *filters.since) filters.since = time;
  } else if (name == "reference" && list) {
    filters.references.push_back(value);
  } else {
    return fail("--filter " + word + ": found the filter \"" + name + "\", expected " +
                (list ? "before, dangling, label, reference, since or until" : "dangling, label, label! or until"));
  }
  return {};
}

}  // namespace

Result<ImageFilters> read_filters(const std::vector<std::string>& words, const ImageList& images, FiltersOf of) {
  ImageFilters filters;
  for (const std::string& word : words) METE_CHECK(read_filter(word, images, of, filters));
  return filters;
}

bool fits(const image::Image& each, const ImageFilters& filters) {
  if (filters.dangling && *filters.dangling != image::is_nameless(each)) return false;
  if (filters.before && each.created >= *filters.before) return false;
  if (filters.since && each.created <= *filters.since) return false;
  const auto has = [&](const std::string& label) { return has_label(each, label); };
  if (!std::all_of(filters.labels.begin(), filters.labels.end(), has)) return false;
  if (std::any_of(filters.not_labels.begin(), filters.not_labels.end(), has)) return false;
  return filters.references.empty() ||
         std::any_of(filters.references.begin(), filters.references.end(),
                     [&](const std::string& pattern) { return image::is_named_like(each, pattern); });
}

void sort_as_docker(ImageList& images) {
  std::stable_sort(images.begin(), images.end(),
                   [](const image::Image& a, const image::Image& b) { return a.created > b.created; });
}

Json image_row(const image::Image& each, const RowOptions& options) {
  const bool nameless = image::is_nameless(each);
  const std::string repository = nameless ? "<none>" : image::repository_of(each.name);
  const bool tagged = !nameless && each.name.find('@') == std::string::npos;
  const auto created = std::chrono::system_clock::to_time_t(each.created);
  std::tm parts{};
  char text[40] = {};
  if (::gmtime_r(&created, &parts) != nullptr)
    (void)std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &parts);
  return {{"Containers", "N/A"},
          {"CreatedAt", text},
          {"CreatedSince", docker_since(each.created)},
          {"Digest", each.digest.empty() ? "<none>" : each.digest},
          {"ID", options.no_trunc ? "sha256:" + each.id : each.id.substr(0, kShortId)},
          {"Repository", repository},
          {"SharedSize", "N/A"},
          {"Size", docker_size(each.size)},
          {"Tag", tagged ? each.name.substr(repository.size() + 1) : "<none>"},
          {"UniqueSize", "N/A"},
          {"VirtualSize", docker_size(each.size, 4)}};
}

std::vector<Column> image_columns(const RowOptions& options) {
  return {{"Repository", "REPOSITORY"},          {"Tag", "TAG"},
          {"Digest", "DIGEST", options.digests}, {"ID", "IMAGE ID"},
          {"CreatedSince", "CREATED"},           {"Size", "SIZE"},
          {"CreatedAt", "CREATED AT", false},    {"Containers", "CONTAINERS", false},
          {"SharedSize", "SHARED SIZE", false},  {"UniqueSize", "UNIQUE SIZE", false},
          {"VirtualSize", "VIRTUAL SIZE", false}};
}

}  // namespace mete::agent::cli
