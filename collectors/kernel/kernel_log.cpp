// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/kernel_log.h"

#include <charconv>

namespace mete::collectors {
namespace {

template <class Number>
bool number(std::string_view text, Number& value) {
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

// The value of "key=value" in a comma-separated list. A value must hold no comma: mete's own cgroup paths hold none,
// and for other paths the keys that matter come last.
std::optional<std::string_view> value_of(std::string_view list, std::string_view key) {
  for (std::size_t at = 0; (at = list.find(key, at)) != std::string_view::npos; at += key.size()) {
    const bool starts = at == 0 || list[at - 1] == ',';
    const std::size_t equals = at + key.size();
    if (starts && equals < list.size() && list[equals] == '=') {
      const auto comma = list.find(',', equals);
      return list.substr(equals + 1, comma == std::string_view::npos ? comma : comma - equals - 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> kernel_message(std::string_view record) {
  const auto semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  unsigned priority = 0;
  constexpr unsigned kLevels = 8;  // number of levels; the bits above are the facility, 0 for the kernel
  if (!number(record.substr(0, semicolon), priority) || priority >= kLevels) return std::nullopt;
  const std::string_view message = record.substr(semicolon + 1);
  return message.substr(0, message.find('\n'));
}

std::optional<OomChoice> parse_oom_choice(std::string_view message) {
  constexpr std::string_view kStart = "oom-kill:";
  if (!message.starts_with(kStart)) return std::nullopt;
  message.remove_prefix(kStart.size());
  OomChoice choice;
  const auto pid = value_of(message, "pid");
  if (!pid || !number(*pid, choice.pid)) return std::nullopt;
  choice.oom_memcg = value_of(message, "oom_memcg").value_or("");
  choice.task_memcg = value_of(message, "task_memcg").value_or("");
  choice.task = value_of(message, "task").value_or("");
  return choice;
}

std::optional<OomKill> parse_oom_kill(std::string_view message) {
  constexpr std::string_view kKilled = "Killed process ";
  constexpr std::string_view kAnon = "anon-rss:";
  const auto killed = message.find(kKilled);
  if (killed == std::string_view::npos) return std::nullopt;
  OomKill kill;
  kill.of_cgroup = message.starts_with("Memory cgroup out of memory");
  if (!kill.of_cgroup && !message.starts_with("Out of memory")) return std::nullopt;
  std::string_view rest = message.substr(killed + kKilled.size());
  if (!number(rest, kill.pid)) return std::nullopt;
  const auto open = rest.find('(');
  // The name itself may hold parentheses; the text after it is fixed.
  const auto close = rest.find(") total-vm:");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  kill.task = rest.substr(open + 1, close - open - 1);
  std::int64_t kibibytes = 0;
  if (const auto anon = rest.find(kAnon);
      anon != std::string_view::npos && number(rest.substr(anon + kAnon.size()), kibibytes)) {
    kill.anon_rss = Bytes(kibibytes * 1024);
  }
  return kill;
}

}  // namespace mete::collectors
