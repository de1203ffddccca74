// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/dockerfile.h"

#include <algorithm>
#include <array>

#include "runtime/build/language/heredoc.h"
#include "runtime/json.h"

namespace mete::runtime::build {
namespace {

constexpr std::array kKeywords = {"ADD",    "ARG",   "CMD",         "COPY",  "ENTRYPOINT", "ENV",
                                  "EXPOSE", "FROM",  "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD",
                                  "RUN",    "SHELL", "STOPSIGNAL",  "USER",  "VOLUME",     "WORKDIR"};

bool is_keyword(const std::string& word) {
  return std::find(kKeywords.begin(), kKeywords.end(), word) != kKeywords.end();
}

bool takes_json(const std::string& keyword) {
  for (const char* each : {"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"}) {
    if (keyword == each) return true;
  }
  return false;
}

bool takes_heredocs(const Instruction& instruction) {
  return instruction.keyword == "RUN" || instruction.keyword == "COPY" || instruction.keyword == "ADD";
}

bool is_comment(std::string_view line) {
  return trimmed(line).starts_with('#');
}

// A word of flags: quotes are taken off, the escape character keeps the next one.
Result<std::string> flag_word(std::string_view& rest, char escape) {
  std::string word;
  char quote = '\0';
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (quote == '\0' && (c == ' ' || c == '\t')) break;
    if (c == escape && quote != '\'' && at + 1 < rest.size()) {
      word += rest[++at];
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else {
      word += c;
    }
  }
  if (quote != '\0') return fail("found a flag whose quote does not end, expected its end");
  rest = trimmed(rest.substr(at));
  return word;
}

Status take_flags(Instruction& instruction, std::string_view& rest, char escape) {
  while (rest.starts_with("--")) {
    METE_TRY(const std::string word, flag_word(rest, escape));
    if (word == "--") return {};
    const std::size_t equals = word.find('=');
    Flag flag{lower_case(word.substr(2, equals == std::string::npos ? equals : equals - 2)), std::nullopt};
    if (equals != std::string::npos) flag.value = word.substr(equals + 1);
    instruction.flags.push_back(std::move(flag));
  }
  return {};
}

class Parser {
 public:
  Parser(const std::string& name, std::string_view text) { file_.source = SourceText(name, text); }

  Result<Dockerfile> run() {
    METE_CHECK(directives());
    while (at_ < lines().size()) {
      if (is_comment(lines()[at_]) || trimmed(lines()[at_]).empty()) {
        ++at_;
        continue;
      }
      METE_CHECK(instruction());
    }
    if (file_.instructions.empty())
      return fail(file_.source.name() + ": found no instruction, expected FROM and what is made of it");
    return std::move(file_);
  }

 private:
  [[nodiscard]] const std::vector<std::string>& lines() const { return file_.source.lines(); }

  // "# name=value" before anything else, a comment and an empty line included.
  Status directives() {
    std::vector<std::string> seen;
    for (; at_ < lines().size(); ++at_) {
      const std::string_view line = trimmed(lines()[at_]);
      const std::size_t equals = line.find('=');
      if (!line.starts_with('#') || equals == std::string_view::npos) return {};
      const std::string name = lower_case(trimmed(line.substr(1, equals - 1)));
      const std::string value(trimmed(line.substr(equals + 1)));
      if (name != "escape" && name != "syntax" && name != "check") return {};
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        return file_.source.error(at_ + 1, name, "found the directive " + name + " twice, expected it once");
      seen.push_back(name);
      if (name == "syntax") file_.syntax = value;
      if (name != "escape") continue;
      if (value != "\\" && value != "`")
        return file_.source.error(at_ + 1, value, "found the escape character \"" + value + "\", expected \\ or `");
      file_.escape = value[0];
    }
    return {};
  }

  // Takes the escape character from the end of the line: true: the next line belongs to it.
  [[nodiscard]] bool continues(std::string& line) const {
    const std::size_t last = line.find_last_not_of(" \t");
    if (last == std::string::npos || line[last] != file_.escape) return false;
    if (last > 0 && line[last - 1] == file_.escape) return false;  // it stands for itself
    line.resize(last);
    return true;
  }

  std::string joined_lines() {
    std::string text(lines()[at_]);
    bool more = continues(text);
    ++at_;
    while (more && at_ < lines().size()) {
      std::string line = lines()[at_++];
      if (is_comment(line) || trimmed(line).empty()) continue;
      more = continues(line);
      text += line;
    }
    return text;
  }

  Status instruction() {
    const std::size_t line = at_ + 1;
    const std::string text = joined_lines();
    METE_TRY(Instruction made, parse_instruction(file_.source, line, text, file_.escape));
    if (takes_heredocs(made) && !made.json) {
      auto heads = find_heredocs(made.rest, file_.escape);
      for (auto& head : heads) METE_CHECK(body(line, head, made));
    }
    file_.instructions.push_back(std::move(made));
    return {};
  }

  Status body(std::size_t line, const HeredocHead& head, Instruction& into) {
    Heredoc document{head.name, head.expand, ""};
    while (at_ < lines().size()) {
      std::string text = lines()[at_++];
      if (head.strip_tabs) text.erase(0, std::min(text.find_first_not_of('\t'), text.size()));
      if (text == head.name) {
        into.heredocs.push_back(std::move(document));
        return {};
      }
      document.content += text + "\n";
    }
    return file_.source.error(line, "<<",
                              "found a here-document without its end, expected a line with " + head.name + " alone");
  }

  Dockerfile file_;
  std::size_t at_ = 0;
};

// "[...]" at the start of the text, up to the bracket that closes it; empty: there is none.
std::string_view first_list(std::string_view text) {
  if (!text.starts_with('[')) return {};
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[') {
      ++depth;
    } else if (c == ']' && --depth == 0) {
      return text.substr(0, i + 1);
    }
  }
  return {};
}

}  // namespace

std::string Instruction::text() const {
  std::string shown = keyword;
  for (const Flag& flag : flags) shown += " --" + flag.name + (flag.value ? "=" + *flag.value : "");
  return rest.empty() ? shown : shown + " " + rest;
}

Result<std::optional<std::vector<std::string>>> json_list(std::string_view text) {
  text = first_list(trimmed(text));
  const auto value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> list;
  for (const auto& each : value) {
    if (!each.is_string())
      return fail("found the JSON list " + std::string(text.substr(0, 80)) + ", expected strings only in it");
    list.push_back(each.get<std::string>());
  }
  return list;
}

Result<Instruction> parse_instruction(const SourceText& source, std::size_t line, std::string_view text, char escape) {
  Instruction made;
  made.line = line;
  std::string_view rest = trimmed(text);
  const std::string word(rest.substr(0, rest.find_first_of(" \t\v\f")));
  made.keyword = upper_case(word);
  if (!is_keyword(made.keyword)) {
    return source.error(line, word,
                        "unknown instruction: found \"" + word.substr(0, 40) +
                            "\", expected FROM, RUN, COPY or another instruction of a Dockerfile");
  }
  rest = trimmed(rest.substr(word.size()));
  if (auto taken = take_flags(made, rest, escape); !taken) return source.error(line, "--", taken.error().what);
  made.rest = std::string(rest);
  if (rest.find('\0') != std::string_view::npos) return source.error(line, "", "found a NUL character, expected text");
  const bool may_be_empty = made.keyword == "CMD" || made.keyword == "ENTRYPOINT";
  if (rest.empty() && !may_be_empty) {
    return source.error(line, word,
                        made.keyword + ": found nothing behind it, expected " +
                            (made.keyword == "FROM" ? "an image or scratch" : "an argument"));
  }
  if (takes_json(made.keyword)) {
    auto list = json_list(rest);
    if (!list) return source.error(line, word, made.keyword + ": " + list.error().what);
    made.json = std::move(*list);
  }
  return made;
}

Result<Dockerfile> parse_dockerfile(const std::string& name, std::string_view text) {
  if (text.size() > kMostDockerfile)
    return fail(name + ": found " + std::to_string(text.size()) + " bytes, expected at most " +
                std::to_string(kMostDockerfile));
  return Parser(name, text).run();
}

}  // namespace mete::runtime::build
