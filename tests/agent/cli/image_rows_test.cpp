// SPDX-License-Identifier: Apache-2.0
// What docker's lists of images show, and --format.
#include "agent/cli/images/image_rows.h"

#include <gtest/gtest.h>

#include "agent/cli/images/history_rows.h"
#include "agent/cli/output/docker_text.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(DockerText, Sizes) {
  EXPECT_EQ(docker_size(0), "0B");
  EXPECT_EQ(docker_size(999), "999B");
  EXPECT_EQ(docker_size(1000), "1kB");
  EXPECT_EQ(docker_size(4261502), "4.26MB");
  EXPECT_EQ(docker_size(4261502, 4), "4.262MB");
  EXPECT_EQ(docker_size(187'400'000), "187MB");
}

TEST(DockerText, Durations) {
  const std::pair<std::int64_t, const char*> cases[] = {
      {0, "Less than a second"}, {1, "1 second"},         {59, "59 seconds"},       {60, "About a minute"},
      {119, "About a minute"},   {120, "2 minutes"},      {3599, "59 minutes"},     {3600, "About an hour"},
      {5400, "2 hours"},         {47 * 3600, "47 hours"}, {48 * 3600, "2 days"},    {13 * 86400, "13 days"},
      {14 * 86400, "2 weeks"},   {59 * 86400, "8 weeks"}, {60 * 86400, "2 months"}, {729 * 86400, "24 months"},
      {730 * 86400, "2 years"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(docker_duration(std::chrono::seconds(seconds)), text) << seconds;
  EXPECT_EQ(docker_since({}), "N/A");
}

TEST(RowFormats, TablesTemplatesAndJson) {
  const Json rows = {{{"A", "1"}, {"B", "two\tcells\n"}, {"C", "3"}}};
  const std::vector<Column> columns = {{"A", "FIRST"}, {"B", "SECOND"}, {"C", "THIRD", false}};
  EXPECT_EQ(*format_rows({{{"A", "1"}, {"B", "2"}, {"C", "3"}}}, columns, ""), "FIRST   SECOND\n1       2\n");
  EXPECT_EQ(*format_rows(Json::array(), columns, "table"), "FIRST   SECOND\n");
  EXPECT_EQ(*format_rows({{{"A", "1\x1b"}, {"C", "3"}}}, columns, "table {{.C}}\\t{{.A}}"),
            "THIRD   FIRST\n3       1\\x1b\n");
  EXPECT_EQ(*format_rows(rows, columns, "{{.A}}-{{.C}}"), "1-3\n");
  EXPECT_EQ(*format_rows(rows, columns, "json"), R"({"A":"1","B":"two\tcells\n","C":"3"})"
                                                 "\n");
  EXPECT_FALSE(format_rows(rows, columns, "{{.D}}"));
}

runtime::image::Image made(const std::string& name, std::int64_t created) {
  runtime::image::Image image;
  image.name = name;
  image.id = std::string(64, 'a');
  image.created = std::chrono::system_clock::time_point(std::chrono::seconds(created));
  return image;
}

TEST(ImageRows, NamesTagsAndDigests) {
  auto image = made("r.example:5000/team/app:1", 1'600'000'000);
  Json row = image_row(image, {});
  EXPECT_EQ(row["Repository"], "r.example:5000/team/app");
  EXPECT_EQ(row["Tag"], "1");
  EXPECT_EQ(row["Digest"], "<none>");
  EXPECT_EQ(row["ID"], "aaaaaaaaaaaa");
  EXPECT_EQ(row["CreatedAt"], "2020-09-13 12:26:40 +0000 UTC");
  EXPECT_EQ(image_row(image, {.no_trunc = true})["ID"], "sha256:" + image.id);
  image.name = "app@sha256:" + std::string(64, 'd');
  EXPECT_EQ(image_row(image, {})["Repository"], "app");
  EXPECT_EQ(image_row(image, {})["Tag"], "<none>");
  image.name = runtime::image::nameless(image.id);
  EXPECT_EQ(image_row(image, {})["Repository"], "<none>");
  EXPECT_EQ(image_row(image, {})["Tag"], "<none>");
}

TEST(ImageFilterWords, Read) {
  ImageList images = {made("old:1", 100), made("new:1", 200)};
  images[0].config.labels = {{"k", "v"}};
  const auto count = [&](const std::vector<std::string>& words, FiltersOf of = FiltersOf::kList) {
    const auto filters = read_filters(words, images, of);
    if (!filters) return std::ptrdiff_t{-1};
    return std::count_if(images.begin(), images.end(), [&](const auto& image) { return fits(image, *filters); });
  };
  EXPECT_EQ(count({}), 2);
  EXPECT_EQ(count({"label=k"}), 1);
  EXPECT_EQ(count({"label=k=w"}), 0);
  EXPECT_EQ(count({"before=new:1"}), 1);
  EXPECT_EQ(count({"since=old:1"}), 1);
  EXPECT_EQ(count({"until=150"}), 1);
  EXPECT_EQ(count({"until=24h"}), 2);
  EXPECT_EQ(count({"until=1970-01-01T00:02:30Z"}), 1);
  EXPECT_EQ(count({"reference=old", "reference=n*"}), 2);
  EXPECT_EQ(count({"dangling=true"}), 0);
  EXPECT_EQ(count({"label!=k"}, FiltersOf::kPrune), 1);
  for (const char* bad : {"label!=k", "x=y", "dangling=x", "until=x", "before=none:1", "label"})
    EXPECT_EQ(count({bad}), -1) << bad;
  EXPECT_EQ(count({"reference=x"}, FiltersOf::kPrune), -1);
}

TEST(HistoryRows, AStrangersHistoryBreaksNothing) {
  EXPECT_EQ(history_rows(Json::object(), "x", {}, {}).size(), 1U);
  EXPECT_EQ(history_rows(Json::object(), "x", {1, 2}, {}).size(), 2U);
  const Json odd = {{"history", {7, {{"created_by", 7}, {"empty_layer", "yes"}}, nullptr}}};
  const Json rows = history_rows(odd, "0123456789abcdef", {5}, {});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["Size"], "5B");
  EXPECT_EQ(rows[0]["ID"], "0123456789ab");
  // An instruction is cut between characters.
  const Json wide = {{"history", {{{"created_by", std::string(43, 'a') + "\u00fc\u00fc"}}}}};
  EXPECT_EQ(history_rows(wide, "x", {}, {})[0]["CreatedBy"], std::string(43, 'a') + "\u2026");
}

}  // namespace
}  // namespace mete::agent::cli
