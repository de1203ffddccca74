// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/output/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "agent/cli/output/table.h"
#include "agent/docker/container/record.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

std::optional<std::string>& print_failure() {
  static std::optional<std::string> failure;  // the first one
  return failure;
}

bool is_plain_scalar(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  const std::string_view special = "-?:,[]{}#&*!|>'\"%@`~";
  if (special.find(text.front()) != std::string_view::npos || text.find(": ") != std::string::npos ||
      text.find(" #") != std::string::npos)
    return false;
  if (text.back() == ':') return false;
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; })) return false;
  // Text that YAML would read as a number, a boolean or null is quoted.
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "True", "False", "Null", "Yes", "No",
                           "On", "Off", "TRUE", "FALSE", "NULL"}) {
    if (text == word) return false;
  }
  return !(text.front() >= '0' && text.front() <= '9') && text.front() != '.' && text.front() != '+';
}

void append_yaml(const Json& value, std::size_t indent, std::string& out) {
  const auto scalar = [](const Json& each) {
    if (each.is_string() && is_plain_scalar(each.get<std::string>())) return each.get<std::string>();
    return each.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const auto nested = [&](const Json& each, bool in_list) {
    if ((each.is_object() || each.is_array()) && !each.empty()) {
      if (!in_list) out += '\n';
      append_yaml(each, in_list ? indent + 2 : (each.is_array() ? indent : indent + 2), out);
    } else {
      out += (in_list ? "" : " ") + scalar(each) + "\n";
    }
  };
  bool first = true;
  if (value.is_object()) {
    for (const auto& [key, each] : value.items()) {
      // The first key of a mapping in a list follows its dash on the same line.
      if (!(first && !out.empty() && out.size() >= 2 && out.compare(out.size() - 2, 2, "- ") == 0))
        out.append(indent, ' ');
      out += (is_plain_scalar(key) ? key : Json(key).dump()) + ":";
      nested(each, false);
      first = false;
    }
  } else if (value.is_array()) {
    for (const auto& each : value) {
      out.append(indent, ' ');
      out += "- ";
      nested(each, true);
    }
  } else {
    out += scalar(value) + "\n";
  }
}

void say_errors(const Json& value, const Reword& reword) {
  if (!value.contains("errors") || !value["errors"].is_array()) return;
  for (const auto& each : value["errors"]) {
    const auto text = each.get<std::string>();
    std::fprintf(stderr, "error: %s\n", printable(reword ? reword(text) : text).c_str());
  }
}

}  // namespace

int complain(const std::string& text, int code) {
  std::fprintf(stderr, "mete: %s\n", printable(text).c_str());
  return code;
}

Fetched fetch(const Common& common, const std::string& method, const std::string& target, const std::string& body,
              const Reword& reword) {
  const auto answer = Client(common.socket).request(method, target, body);
  if (!answer) return {complain(answer.error().what, kNoAgent), 0, {}};
  Fetched fetched{kDone, answer->status, Json::parse(answer->body, nullptr, false)};
  if (fetched.value.is_discarded())
    return {complain("the agent's answer is no JSON; is it of another version?"), answer->status, {}};
  if (answer->status < 300) {
    say_errors(fetched.value, reword);
    return fetched;
  }
  fetched.code = answer->status == 404 ? kNotFound : kFailed;
  say_errors(fetched.value, reword);
  if (fetched.value.contains("error")) complain(fetched.value["error"].get<std::string>());
  return fetched;
}

std::optional<std::string> structured_text(const Common& common, const Json& value) {
  if (common.output == "json") return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (common.output == "yaml") return to_yaml(value);
  return std::nullopt;
}

bool print_structured(const Common& common, const Json& value) {
  const auto text = structured_text(common, value);
  if (text) print(*text);
  return text.has_value();
}

std::string to_yaml(const Json& value) {
  std::string out;
  append_yaml(value, 0, out);
  return out;
}

void print(const std::string& text) {
  auto written = runtime::write_all(STDOUT_FILENO, text);
  // The reader of a pipe that has closed is content, as in `mete ps | head -1`.
  if (!written && written.error().code != EPIPE && !print_failure()) print_failure() = std::move(written.error().what);
}

int with_print_failure(int code) {
  if (code != kDone || !print_failure()) return code;
  return complain("standard output: " + *print_failure());
}

std::string pod_key(const std::string& name) {
  return name.find('/') == std::string::npos ? "default/" + name : name;
}

std::vector<std::string> pod_keys(const std::string& word) {
  if (word.find('/') != std::string::npos) return {word};
  return {pod_key(word), std::string(docker::kNamespace) + "/" + word};
}

std::optional<Json> find_container(const Json& pod, const std::string& name) {
  std::vector<Json> candidates;
  std::string names;
  for (const auto& each : pod["containers"]) {
    const std::string own = each["name"].get<std::string>();
    if (own == name) return each;
    if (!each["init"].get<bool>()) candidates.push_back(each);
    names += (names.empty() ? "" : ", ") + own;
  }
  const std::string key = pod["namespace"].get<std::string>() + "/" + pod["name"].get<std::string>();
  if (!name.empty()) {
    complain("pod " + key + " has no container " + name + "; it has " + names);
    return std::nullopt;
  }
  if (candidates.size() == 1) return candidates.front();
  complain("pod " + key + " has several containers; say which with -c: " + names);
  return std::nullopt;
}

bool confirmed(const std::string& warning) {
  print(warning + "\nAre you sure you want to continue? [y/N] ");
  std::string line;
  for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) line += static_cast<char>(c);
  return line == "y" || line == "Y" || line == "yes";
}

}  // namespace mete::agent::cli
