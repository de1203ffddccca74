// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/settings_step.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "runtime/build/language/ignore.h"
#include "runtime/image/exposed_ports.h"
#include "runtime/json.h"
#include "runtime/process/signals.h"

namespace mete::runtime::build {
namespace {

constexpr std::array kSettings = {"CMD",        "ENTRYPOINT", "ENV",   "EXPOSE",     "HEALTHCHECK", "LABEL",
                                  "MAINTAINER", "ONBUILD",    "SHELL", "STOPSIGNAL", "USER",        "VOLUME"};

std::string json_text(const std::vector<std::string>& list) {
  return nlohmann::json(list).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> command_of(const Instruction& at, const ImageSettings& settings) {
  if (at.json) return *at.json;
  return at.rest.empty() ? std::vector<std::string>() : in_shell(settings, at.rest);
}

Result<std::string> expanded(const Instruction& at, const StepContext& context) {
  METE_TRY(std::string value, expand(at.rest, context.lookup, context.escape));
  if (value.empty()) return fail(at.keyword + ": found nothing after variables are replaced, expected a value");
  return value;
}

std::size_t bytes_of_pairs(const ImageSettings& settings) {
  std::size_t bytes = 0;
  for (const std::string& each : settings.env) bytes += each.size();
  for (const auto& [name, value] : settings.labels) bytes += name.size() + value.size();
  return bytes;
}

Result<std::string> set_pairs(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  METE_TRY(const Pairs pairs, name_values(at.rest, context.escape));
  std::string shown = at.keyword;
  // All see what was set before this line, not what the line sets.
  Pairs values;
  std::size_t bytes = bytes_of_pairs(settings);
  for (const auto& [name, value] : pairs) {
    METE_TRY(std::string key, expand(name, context.lookup, context.escape));
    METE_TRY(std::string text, expand(value, context.lookup, context.escape));
    if (key.empty()) return fail(at.keyword + ": found a name that is empty after variables are replaced");
    bytes += key.size() + text.size();
    if (bytes > kMostVariables)
      return fail(at.keyword + ": found more than " + std::to_string(kMostVariables) +
                  " bytes in the variables and labels of the image, expected fewer");
    shown.append(" ").append(key).append("=").append(text);
    values.emplace_back(std::move(key), std::move(text));
  }
  for (const auto& [name, value] : values) {
    if (at.keyword == "ENV") {
      set_variable(settings.env, name, value);
    } else {
      settings.labels[name] = value;
    }
  }
  return shown;
}

Result<std::string> expose(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  METE_TRY(const std::string text, expand(at.rest, context.lookup, context.escape));
  std::string shown = "EXPOSE";
  std::string_view rest = trimmed(text);
  if (rest.empty()) return fail("EXPOSE: found nothing after variables are replaced, expected a port");
  while (!rest.empty()) {
    const std::string word(rest.substr(0, rest.find_first_of(" \t")));
    rest = trimmed(rest.substr(word.size()));
    METE_TRY(const auto ports, image::exposed_ports(word));
    settings.exposed_ports.insert(ports.begin(), ports.end());
    shown += " " + word;
  }
  return shown;
}

Result<std::string> volumes(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  METE_TRY(const std::vector<std::string> paths, at.json ? expand_all(*at.json, context.lookup, context.escape)
                                                         : expand_list(at.rest, context.lookup, context.escape));
  for (const std::string& path : paths) {
    if (trimmed(path).empty()) return fail("VOLUME: found an empty path, expected one");
    settings.volumes.insert(path);
  }
  return "VOLUME " + json_text(paths);
}

Status set_check_flag(const Flag& flag, Healthcheck& check) {
  const std::string value = flag.value.value_or("");
  if (flag.name == "retries") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), check.retries);
    if (error != std::errc() || end != value.data() + value.size() || check.retries < 0)
      return fail("HEALTHCHECK: found --retries=" + value + ", expected a number");
    return {};
  }
  METE_TRY(const std::int64_t duration, duration_of(value));
  constexpr std::int64_t kLeast = 1'000'000;
  if (duration != 0 && duration < kLeast)
    return fail("HEALTHCHECK: found --" + flag.name + "=" + value + ", expected at least 1ms");
  if (flag.name == "interval") check.interval = duration;
  if (flag.name == "timeout") check.timeout = duration;
  if (flag.name == "start-period") check.start_period = duration;
  if (flag.name == "start-interval") check.start_interval = duration;
  return {};
}

Result<std::string> healthcheck(const Instruction& at, ImageSettings& settings) {
  METE_CHECK(check_flags(at, {"interval", "timeout", "start-period", "start-interval", "retries"}));
  const std::string word = upper_case(at.rest.substr(0, at.rest.find_first_of(" \t")));
  const std::string rest(trimmed(std::string_view(at.rest).substr(word.size())));
  Healthcheck check;
  if (word == "NONE") {
    if (!rest.empty() || !at.flags.empty()) return fail("HEALTHCHECK: found more beside NONE, expected nothing");
    check.test = {"NONE"};
  } else if (word == "CMD") {
    if (rest.empty()) return fail("HEALTHCHECK: found CMD without a command, expected one");
    METE_TRY(const auto list, json_list(rest));
    check.test = list ? *list : std::vector<std::string>{rest};
    check.test.insert(check.test.begin(), list ? "CMD" : "CMD-SHELL");
    for (const Flag& flag : at.flags) METE_CHECK(set_check_flag(flag, check));
  } else {
    return fail("HEALTHCHECK: found \"" + word.substr(0, 40) + "\", expected CMD or NONE");
  }
  settings.healthcheck = std::move(check);
  return at.text();
}

Result<std::string> on_build(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  auto trigger = parse_instruction(context.source, at.line, at.rest, context.escape);
  if (!trigger) return tl::unexpected(std::move(trigger.error()));
  for (const char* refused : {"ONBUILD", "FROM", "MAINTAINER"}) {
    if (trigger->keyword == refused)
      return fail("ONBUILD: found " + trigger->keyword + ", expected another instruction: it cannot be a trigger");
  }
  settings.on_build.push_back(at.rest);
  return "ONBUILD " + at.rest;
}

Result<std::string> stop_signal(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  METE_TRY(std::string value, expanded(at, context));
  if (!process::signal_number(value))
    return fail("STOPSIGNAL: found \"" + value + "\", expected a signal such as SIGTERM or 15");
  settings.stop_signal = value;
  return "STOPSIGNAL " + value;
}

}  // namespace

bool changes_settings(const std::string& keyword) {
  return std::find(kSettings.begin(), kSettings.end(), keyword) != kSettings.end();
}

Status check_flags(const Instruction& instruction, const std::vector<std::string>& known) {
  for (const Flag& flag : instruction.flags) {
    if (std::find(known.begin(), known.end(), flag.name) != known.end()) continue;
    std::string expected;
    for (const std::string& each : known) expected += (expected.empty() ? "--" : ", --") + each;
    return fail(instruction.keyword + ": found the flag --" + flag.name + ", expected " +
                (expected.empty() ? "none" : expected));
  }
  return {};
}

Result<std::int64_t> duration_of(const std::string& text) {
  const auto wrong = [&] {
    return fail("found the duration \"" + text + "\", expected one such as 30s, 500ms or 1m30s");
  };
  if (text == "0") return 0;
  double total = 0;
  std::string_view rest = text;
  if (rest.empty()) return wrong();
  while (!rest.empty()) {
    if (rest.find_first_of("0123456789.") != 0) return wrong();  // from_chars takes "nan" and "inf", too
    double number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc()) return wrong();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const std::string_view unit = rest.substr(0, std::min(rest.find_first_of("0123456789."), rest.size()));
    double size = 0;
    for (const auto& [name, value] : std::initializer_list<std::pair<std::string_view, double>>{
             {"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}}) {
      if (unit == name) size = value;
    }
    if (size == 0) return wrong();
    total += number * size;
    rest.remove_prefix(unit.size());
  }
  if (total > 9e18) return wrong();
  return std::llround(total);
}

std::string no_command(const std::string& shown) {
  return "/bin/sh -c #(nop) " + shown;
}

std::vector<std::string> in_shell(const ImageSettings& settings, const std::string& text) {
  std::vector<std::string> line = settings.shell;
  if (line.empty()) line = {"/bin/sh", "-c"};
  line.push_back(text);
  return line;
}

std::string from_working_dir(const ImageSettings& settings, const std::string& path) {
  if (path.starts_with('/')) return clean_path(path);
  return clean_path("/" + settings.working_dir + "/" + path);
}

Result<std::string> apply_to_settings(const Instruction& at, const StepContext& context, ImageSettings& settings) {
  const std::string& keyword = at.keyword;
  if (keyword == "HEALTHCHECK") return healthcheck(at, settings);
  METE_CHECK(check_flags(at, {}));
  if (keyword == "ENV" || keyword == "LABEL") return set_pairs(at, context, settings);
  if (keyword == "EXPOSE") return expose(at, context, settings);
  if (keyword == "VOLUME") return volumes(at, context, settings);
  if (keyword == "ONBUILD") return on_build(at, context, settings);
  if (keyword == "STOPSIGNAL") return stop_signal(at, context, settings);
  if (keyword == "USER") {
    METE_TRY(settings.user, expanded(at, context));
    return "USER " + settings.user;
  }
  if (keyword == "MAINTAINER") {
    METE_TRY(settings.author, expanded(at, context));
    return "MAINTAINER " + settings.author;
  }
  if (keyword == "SHELL") {
    if (!at.json || at.json->empty()) return fail("SHELL: found \"" + at.rest + "\", expected a JSON list of strings");
    settings.shell = *at.json;
    return "SHELL " + json_text(settings.shell);
  }
  if (keyword == "CMD") {
    settings.cmd = command_of(at, settings);
    return "CMD " + json_text(settings.cmd);
  }
  settings.entrypoint = command_of(at, settings);
  // A command of the base image was meant for another entrypoint.
  if (!context.cmd_set) settings.cmd.clear();
  return "ENTRYPOINT " + json_text(settings.entrypoint);
}

}  // namespace mete::runtime::build
