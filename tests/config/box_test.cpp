// SPDX-License-Identifier: Apache-2.0
#include "config/base/box.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace mete {
namespace {

struct Parts {
  std::vector<std::string> words;
  int number = 7;
  bool operator==(const Parts&) const = default;
};

TEST(Box, IsEmptyOrHasAValueOfItsOwn) {
  Box<Parts> box;
  EXPECT_FALSE(box);
  EXPECT_FALSE(box.has_value());
  EXPECT_EQ(box.value_or(Parts{{"a"}, 1}), (Parts{{"a"}, 1}));
  box = Parts{{"b"}, 2};
  Box<Parts> copy = box;
  copy->number = 3;
  EXPECT_EQ(box->number, 2);
  EXPECT_EQ((*copy).number, 3);
  copy = {};
  EXPECT_FALSE(copy);
  EXPECT_TRUE(box);
  box = std::nullopt;
  EXPECT_EQ(box, copy);
}

TEST(Box, TakesWhatAnOptionalTakes) {
  Box<Parts> from_optional = std::optional<Parts>(Parts{{}, 4});
  EXPECT_EQ(from_optional->number, 4);
  EXPECT_FALSE(Box<Parts>(std::optional<Parts>()));
  // An alternative of a variant.
  Box<std::variant<int, std::string>> one = std::string("x");
  EXPECT_EQ(std::get<std::string>(*one), "x");
  EXPECT_EQ(one, (std::variant<int, std::string>("x")));
}

TEST(Box, EqualsByValue) {
  const Box<Parts> a = Parts{{"x"}, 1};
  const Box<Parts> same = Parts{{"x"}, 1};
  const Box<Parts> other = Parts{{"y"}, 1};
  EXPECT_EQ(a, same);
  EXPECT_NE(a, other);
  EXPECT_NE(a, Box<Parts>());
  EXPECT_EQ(a, (Parts{{"x"}, 1}));
  EXPECT_FALSE(Box<Parts>() == Parts());
}

TEST(Box, CopiesIntoTheMemoryItHas) {
  const Box<Parts> from = Parts{{"x"}, 1};
  Box<Parts> to = Parts{{"y"}, 2};
  const auto* const place = &*to;
  to = from;
  EXPECT_EQ(&*to, place);
  EXPECT_EQ(to, from);
  auto& itself = to;
  to = itself;
  EXPECT_EQ(to, from);
}

TEST(Rare, IsTheUsualValueUntilItIsEdited) {
  Rare<Parts> usual;
  EXPECT_EQ(usual->number, 7);
  Rare<Parts> edited = usual;
  edited.edit().number = 8;
  EXPECT_EQ(usual->number, 7);
  EXPECT_EQ((*edited).number, 8);
  EXPECT_NE(usual, edited);
  edited.edit().number = 7;
  EXPECT_EQ(usual, edited) << "what it holds counts, not whether it holds anything";
  EXPECT_EQ(sizeof(usual), sizeof(void*));
  const Rare<Parts> made = Parts();
  EXPECT_EQ(&*made, &*usual) << "the usual value takes no memory";
}

}  // namespace
}  // namespace mete
