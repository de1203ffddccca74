// SPDX-License-Identifier: Apache-2.0
#include "config/base/csv_fields.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

using Fields = std::vector<std::string>;

TEST(CsvFields, AreCutAtCommasOutsideOfQuotes) {
  const std::pair<const char*, Fields> cases[] = {
      {"", {""}},
      {"a", {"a"}},
      {"a,b=c", {"a", "b=c"}},
      {"a,,b,", {"a", "", "b", ""}},
      {R"(type=bind,"source=/a,b",readonly)", {"type=bind", "source=/a,b", "readonly"}},
      {R"("a ""b"" c",d)", {R"(a "b" c)", "d"}},
      {R"("")", {""}},
  };
  for (const auto& [record, fields] : cases) {
    const auto found = csv_fields(record);
    ASSERT_TRUE(found) << record << ": " << found.error().what;
    EXPECT_EQ(*found, fields) << record;
  }
}

TEST(CsvFields, AQuoteOutOfItsPlaceIsAnError) {
  for (const char* record : {R"(a="b,c")", R"("a)", R"("a"b)", R"("a"" b)", R"(a")"}) {
    const auto found = csv_fields(record);
    ASSERT_FALSE(found) << record;
    EXPECT_NE(found.error().what.find("double quote"), std::string::npos) << found.error().what;
  }
}

}  // namespace
}  // namespace mete::config
