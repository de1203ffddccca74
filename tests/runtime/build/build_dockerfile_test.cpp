// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/build/language/dockerfile.h"

namespace mete::testing {
namespace {

using namespace runtime::build;

std::vector<Instruction> read(const std::string& text) {
  const auto file = parse_dockerfile("Dockerfile", text);
  EXPECT_TRUE(file) << file.error().what;
  return file ? file->instructions : std::vector<Instruction>();
}

struct Line {
  const char* text;
  const char* keyword;
  const char* rest;
};

TEST(DockerfileText, LinesBecomeInstructions) {
  const std::vector<Line> table = {
      {"FROM ubuntu", "FROM", "ubuntu"},
      {"  from\tubuntu  ", "FROM", "ubuntu"},
      {"\xef\xbb\xbf"
       "FROM ubuntu\r\n",
       "FROM", "ubuntu"},
      {"RUN a \\\n  b \\\n  c", "RUN", "a   b   c"},
      {"RUN a \\\n# a comment\n\n  b", "RUN", "a   b"},
      {"RUN a \\  \nb", "RUN", "a b"},
      {"RUN a\\\\\n# next", "RUN", "a\\\\"},
      {"RUN a # no comment", "RUN", "a # no comment"},
      {"# escape=`\nRUN dir C:\\ `\n b", "RUN", "dir C:\\  b"},
      {"#escape = `\nRUN a `\nb", "RUN", "a b"},
      {"\n# escape=`\nRUN a \\\nb", "RUN", "a b"},
      {"# about\n# escape=`\nRUN a \\\nb", "RUN", "a b"},
      {"# syntax=docker/dockerfile:1\n# check=skip=all\nRUN a", "RUN", "a"},
      {"ENTRYPOINT /httpserver", "ENTRYPOINT", "/httpserver"},
      {"CMD", "CMD", ""},
      {"RUN a \\", "RUN", "a"},
  };
  for (const Line& line : table) {
    const auto found = read(line.text);
    ASSERT_EQ(found.size(), 1U) << line.text;
    EXPECT_EQ(found[0].keyword, line.keyword) << line.text;
    EXPECT_EQ(found[0].rest, line.rest) << line.text;
  }
}

TEST(DockerfileText, FlagsAreApartFromArguments) {
  const auto found = read("COPY --from=base --chown=\"a b:c\" --link --exclude=*.o a b");
  ASSERT_EQ(found.size(), 1U);
  const std::vector<Flag> expected = {{"from", "base"}, {"chown", "a b:c"}, {"link", std::nullopt}, {"exclude", "*.o"}};
  EXPECT_EQ(found[0].flags, expected);
  EXPECT_EQ(found[0].rest, "a b");
  EXPECT_EQ(read("RUN -- --not-a-flag")[0].rest, "--not-a-flag");
  EXPECT_EQ(read("RUN a --b")[0].rest, "a --b");
}

TEST(DockerfileText, ListsOfStringsAreJson) {
  const std::vector<std::string> list = {"/bin/a", "b c", "\"d\""};
  EXPECT_EQ(read(R"(CMD ["/bin/a", "b c", "\"d\""])")[0].json, list);
  EXPECT_FALSE(read("CMD ['a']")[0].json) << "no JSON: the shell's";
  EXPECT_EQ(read(R"(CMD ["a]", "\"["] # text)")[0].json, (std::vector<std::string>{"a]", "\"["})) << "docker's rule";
  EXPECT_FALSE(read("CMD [\"a\", ] x")[0].json);
  EXPECT_FALSE(read("RUN [[ -f a ]] || b")[0].json);
  EXPECT_FALSE(read("CMD [ -f a ] && b")[0].json);
  EXPECT_TRUE(read("CMD []")[0].json->empty());
  EXPECT_FALSE(read(R"(USER ["a"])")[0].json) << "takes no list";
}

TEST(DockerfileText, HereDocumentsAreTaken) {
  const auto found = read("RUN <<EOF\necho $A\n# text\nEOF\nCOPY <<\"one\" <<-two /x/\na\none\n\tb\n\t\ttwo\nCMD c");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].heredocs, (std::vector<Heredoc>{{"EOF", true, "echo $A\n# text\n"}}));
  EXPECT_EQ(found[1].heredocs, (std::vector<Heredoc>{{"one", false, "a\n"}, {"two", true, "b\n"}}));
  EXPECT_EQ(found[2].rest, "c");
  EXPECT_EQ(found[2].line, 10U);
  EXPECT_TRUE(read("RUN cat 3<<A\nx\nA\n")[0].heredocs.size() == 1);
  EXPECT_TRUE(read("RUN echo $((1<<2))")[0].heredocs.empty()) << "a shift";
  EXPECT_TRUE(read("ENV A=<<EOF")[0].heredocs.empty()) << "takes none";
}

struct Wrong {
  const char* text;
  const char* says;
};

TEST(DockerfileText, ErrorsShowThePlace) {
  const std::vector<Wrong> table = {
      {"FRM ubuntu",
       "Dockerfile:1: unknown instruction: found \"FRM\", expected FROM, RUN, COPY or another instruction of a "
       "Dockerfile\n   1 | FRM ubuntu\n     | ^^^"},
      {"FROM a\n\nRUN",
       "Dockerfile:3: RUN: found nothing behind it, expected an argument\n   2 | \n   3 | RUN\n     | ^^^"},
      {"FROM", "expected an image or scratch"},
      {"RUN <<EOF\nnever ends", "expected a line with EOF alone\n   1 | RUN <<EOF\n     |     ^^"},
      {"# escape=x\nFROM a", "found the escape character \"x\""},
      {"# escape=`\n# escape=`\nFROM a", "Dockerfile:2: found the directive escape twice"},
      {"COPY --chown=\"a b c", "found a flag whose quote does not end"},
      {"", "found no instruction"},
      {"# only this", "found no instruction"},
      {"FROM a\nCMD [\"a\", 1]", "CMD: found the JSON list [\"a\", 1], expected strings only in it"},
      {"RUN [[\"a\"]]", "expected strings only in it"},
      {"\x1b[31mRED", "?[31mRED"},
  };
  for (const Wrong& wrong : table) {
    const auto file = parse_dockerfile("Dockerfile", wrong.text);
    ASSERT_FALSE(file) << wrong.text;
    EXPECT_NE(file.error().what.find(wrong.says), std::string::npos) << file.error().what;
  }
  EXPECT_FALSE(parse_dockerfile("Dockerfile", std::string("RUN a\0b", 7)));
  EXPECT_FALSE(parse_dockerfile("Dockerfile", std::string(kMostDockerfile + 1, 'a')));
}

}  // namespace
}  // namespace mete::testing
