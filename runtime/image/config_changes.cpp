// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/config_changes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "runtime/image/exposed_ports.h"
#include "runtime/ordered_json.h"

namespace mete::runtime::image {
namespace {

using Json = nlohmann::ordered_json;

struct Change {
  std::string word;  // in capitals
  std::string rest;
};

Change split_change(const std::string& line) {
  const auto start = std::min(line.find_first_not_of(" \t"), line.size());
  const auto end = std::min(line.find_first_of(" \t", start), line.size());
  Change change{line.substr(start, end - start),
                line.substr(std::min(line.find_first_not_of(" \t", end), line.size()))};
  for (char& c : change.word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  while (!change.rest.empty() && std::isspace(static_cast<unsigned char>(change.rest.back())) != 0)
    change.rest.pop_back();
  return change;
}

struct Words {
  std::vector<std::string> all;
  std::size_t first_end = 0;  // where the first ends in the text, its quotes included
};

// Words at blanks; quotes and a backslash keep what they hold.
Result<Words> quoted_words(const std::string& text) {
  Words words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      in_word = true;
    } else if (quote != '\0' ? c == quote : c == '"' || c == '\'') {
      quote = quote != '\0' ? '\0' : c;
      in_word = true;
    } else if (quote == '\0' && (c == ' ' || c == '\t')) {
      if (in_word && words.all.empty()) words.first_end = i;
      if (in_word) words.all.push_back(std::exchange(word, ""));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return fail(std::string("found ") + quote + " without its end, expected both");
  if (in_word) words.all.push_back(word);
  return words;
}

// ["a", "b"]; null: it is no list of strings.
Json string_list(const std::string& rest) {
  Json list = rest.starts_with('[') ? parse_ordered(rest) : Json();
  const bool texts =
      list.is_array() && std::all_of(list.begin(), list.end(), [](const Json& each) { return each.is_string(); });
  return texts ? list : Json();
}

// A list, or a line for the shell.
Json command_of(const std::string& rest) {
  Json list = string_list(rest);
  return list.is_array() ? list : Json{"/bin/sh", "-c", rest};
}

// "A=1 B='x y'", and "A text" of old Dockerfiles.
Result<std::vector<std::pair<std::string, std::string>>> pairs_of(const std::string& rest) {
  METE_TRY(const Words words, quoted_words(rest));
  std::vector<std::pair<std::string, std::string>> pairs;
  if (words.all.size() > 1 && !words.all[0].empty() && words.all[0].find('=') == std::string::npos) {
    pairs.emplace_back(words.all[0], rest.substr(rest.find_first_not_of(" \t", words.first_end)));
    return pairs;
  }
  for (const std::string& word : words.all) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) return fail("found \"" + word + "\", expected NAME=VALUE");
    pairs.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  return pairs;
}

void set_variable(Json& config, const std::string& name, const std::string& value) {
  Json& env = config["Env"];
  if (!env.is_array()) env = Json::array();
  for (Json& each : env) {
    if (each.is_string() && each.get<std::string>().starts_with(name + "=")) {
      each = name + "=" + value;
      return;
    }
  }
  env.push_back(name + "=" + value);
}

Json& object_at(Json& config, const char* key) {
  if (!config[key].is_object()) config[key] = Json::object();
  return config[key];
}

Status set_pairs(Json& config, const Change& change) {
  METE_TRY(const auto pairs, pairs_of(change.rest));
  for (const auto& [name, value] : pairs) {
    if (change.word == "ENV") {
      set_variable(config, name, value);
    } else {
      object_at(config, "Labels")[name] = value;
    }
  }
  return {};
}

Status set_names(Json& config, const Change& change) {
  const Json list = string_list(change.rest);
  std::vector<std::string> names;
  if (list.is_array()) {
    names = list.get<std::vector<std::string>>();
  } else {
    METE_TRY(Words words, quoted_words(change.rest));
    names = std::move(words.all);
  }
  if (names.empty()) return fail("found an empty list, expected names");
  for (const std::string& name : names) {
    if (change.word == "VOLUME") {
      if (name.empty()) return fail("found an empty path, expected one");
      object_at(config, "Volumes")[name] = Json::object();
      continue;
    }
    METE_TRY(const auto ports, exposed_ports(name));
    for (const std::string& port : ports) object_at(config, "ExposedPorts")[port] = Json::object();
  }
  return {};
}

std::string joined_directory(const Json& before, const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::string old = before.is_string() ? before.get<std::string>() : "";
  return (old.empty() || old == "/" ? "" : old) + "/" + path;
}

Status apply_change(Json& config, const Change& change) {
  if (change.rest.empty()) return fail("found no value, expected one");
  if (change.word == "ENV" || change.word == "LABEL") return set_pairs(config, change);
  if (change.word == "EXPOSE" || change.word == "VOLUME") return set_names(config, change);
  if (change.word == "CMD") {
    config["Cmd"] = command_of(change.rest);
  } else if (change.word == "ENTRYPOINT") {
    config["Entrypoint"] = command_of(change.rest);
  } else if (change.word == "USER") {
    config["User"] = change.rest;
  } else if (change.word == "STOPSIGNAL") {
    config["StopSignal"] = change.rest;
  } else if (change.word == "WORKDIR") {
    config["WorkingDir"] = joined_directory(config["WorkingDir"], change.rest);
  } else if (change.word == "ONBUILD") {
    if (!config["OnBuild"].is_array()) config["OnBuild"] = Json::array();
    config["OnBuild"].push_back(change.rest);
  } else {
    return fail("found \"" + change.word +
                "\", expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, "
                "VOLUME or WORKDIR");
  }
  return {};
}

}  // namespace

Status apply_changes(Json& config, const std::vector<std::string>& changes) {
  if (!config.is_object()) config = Json::object();
  for (const std::string& line : changes) {
    if (auto done = apply_change(config, split_change(line)); !done)
      return fail_in("change \"" + line + "\"", done.error());
  }
  return {};
}

}  // namespace mete::runtime::image
