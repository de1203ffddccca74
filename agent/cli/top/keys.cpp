// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/top/keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>
#include <utility>

namespace mete::agent::cli {
namespace {

struct Sequence {
  std::string_view bytes;  // after ESC
  Special key;
};
constexpr std::array<Sequence, 32> kSequences = {{
    {"[A", Special::kUp},      {"[B", Special::kDown},      {"[C", Special::kRight}, {"[D", Special::kLeft},
    {"OA", Special::kUp},      {"OB", Special::kDown},      {"OC", Special::kRight}, {"OD", Special::kLeft},
    {"[5~", Special::kPageUp}, {"[6~", Special::kPageDown}, {"[H", Special::kHome},  {"[F", Special::kEnd},
    {"[1~", Special::kHome},   {"[4~", Special::kEnd},      {"OH", Special::kHome},  {"OF", Special::kEnd},
    {"[7~", Special::kHome},   {"[8~", Special::kEnd},      {"OP", Special::kF1},    {"[11~", Special::kF1},
    {"[[A", Special::kF1},     {"OR", Special::kF3},        {"[13~", Special::kF3},  {"OS", Special::kF4},
    {"[14~", Special::kF4},    {"[15~", Special::kF5},      {"[[E", Special::kF5},   {"[17~", Special::kF6},
    {"[20~", Special::kF9},    {"[21~", Special::kF10},     {"[[C", Special::kF3},   {"[[D", Special::kF4},
}};

// After ESC: a known sequence, an unknown one (skipped), or the start of one.
enum class Escape { kKnown, kUnknown, kPart };
Escape match_escape(std::string_view rest, Special& key, std::size_t& length) {
  for (const Sequence& sequence : kSequences) {
    if (!rest.starts_with(sequence.bytes)) continue;
    key = sequence.key;
    length = sequence.bytes.size();
    return Escape::kKnown;
  }
  if (rest.empty() || rest == "O" || rest == "[[") return Escape::kPart;
  if (rest[0] != '[' && rest[0] != 'O') {
    length = 0;
    return Escape::kUnknown;  // Escape, then another key
  }
  // CSI: parameters up to a final byte.
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] < '@' || rest[i] > '~' || (i == 1 && rest[i] == '[')) continue;
    length = i + 1;
    return Escape::kUnknown;
  }
  constexpr std::size_t kLongest = 32;
  length = rest.size();
  return rest.size() > kLongest ? Escape::kUnknown : Escape::kPart;
}

int index_of(const std::vector<TopRow>& rows, const std::string& path) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const TopRow& row) { return row.path == path; });
  return found == rows.end() ? 0 : static_cast<int>(found - rows.begin());
}

void move_to(TopState& state, const std::vector<TopRow>& rows, int index) {
  if (rows.empty()) return;
  state.selected = rows[static_cast<std::size_t>(std::clamp(index, 0, static_cast<int>(rows.size()) - 1))].path;
}

// The next row whose name has the text, after the selection and from the top.
void search(TopState& state, const std::vector<TopRow>& rows) {
  const int from = index_of(rows, state.selected);
  const int count = static_cast<int>(rows.size());
  for (int step = 1; step <= count; ++step) {
    const TopRow& row = rows[static_cast<std::size_t>((from + step) % count)];
    if (row.title().find(state.typed) == std::string::npos && row.path.find(state.typed) == std::string::npos) continue;
    state.selected = row.path;
    return;
  }
  state.message = "No name has \"" + state.typed + "\"";
}

TopAction end_prompt(TopState& state, const std::vector<TopRow>& rows) {
  const std::string prompt = std::exchange(state.prompt, "");
  if (prompt == "/") search(state, rows);
  if (prompt == "\\") state.view.filter = state.typed;
  if (prompt == "d") {
    double seconds = 0;
    const auto parsed = std::from_chars(state.typed.data(), state.typed.data() + state.typed.size(), seconds);
    constexpr double kLeast = 0.2;
    constexpr double kMost = 3600;
    if (parsed.ec == std::errc() && seconds >= kLeast && seconds <= kMost) {
      state.delay = seconds;
    } else {
      state.message = "Expected seconds from 0.2 to 3600";
    }
  }
  if (prompt == "k") return {TopAction::Kind::kSignal, state.typed.empty() ? "TERM" : state.typed};
  return {};
}

TopAction press_in_prompt(const Key& key, TopState& state, const std::vector<TopRow>& rows) {
  if (key.special == Special::kEnter) return end_prompt(state, rows);
  if (key.special == Special::kEscape) state.prompt.clear();
  if (key.special == Special::kBackspace && !state.typed.empty()) state.typed.pop_back();
  constexpr std::size_t kLongest = 100;
  if (key.special == Special::kNone && state.typed.size() < kLongest) state.typed += key.character;
  return {};
}

void press_in_menu(const Key& key, TopState& state) {
  if (key.special == Special::kUp) state.sort_choice = std::max(0, state.sort_choice - 1);
  if (key.special == Special::kDown) state.sort_choice = std::min(kTopSorts - 1, state.sort_choice + 1);
  if (key.special == Special::kEnter) state.view.sort = static_cast<TopSort>(state.sort_choice);
  if (key.special == Special::kEnter || key.special == Special::kEscape || key.character == 'q') state.sorting = false;
}

void ask(TopState& state, const char* prompt) {
  state.prompt = prompt;
  state.typed.clear();
}

void sort_by(TopState& state, TopSort sort) {
  state.view.sort = sort;
  state.view.reverse = false;
}

void fold(TopState& state, bool folded) {
  if (folded) {
    state.view.folded.insert(state.selected);
  } else {
    state.view.folded.erase(state.selected);
  }
}

bool move(const Key& key, TopState& state, const std::vector<TopRow>& rows, int page) {
  const int index = index_of(rows, state.selected);
  switch (key.special) {
    case Special::kUp:
      move_to(state, rows, index - 1);
      return true;
    case Special::kDown:
      move_to(state, rows, index + 1);
      return true;
    case Special::kPageUp:
      move_to(state, rows, index - page);
      return true;
    case Special::kPageDown:
      move_to(state, rows, index + page);
      return true;
    case Special::kHome:
      move_to(state, rows, 0);
      return true;
    case Special::kEnd:
      move_to(state, rows, static_cast<int>(rows.size()) - 1);
      return true;
    default:
      return false;
  }
}

char letter_of(const Key& key) {
  switch (key.special) {
    case Special::kF1:
      return 'h';
    case Special::kF3:
      return '/';
    case Special::kF4:
      return '\\';
    case Special::kF5:
      return 't';
    case Special::kF6:
      return '>';
    case Special::kF9:
      return 'k';
    case Special::kF10:
      return 'q';
    case Special::kEnter:
      return '\n';
    default:
      return key.character;
  }
}

void press_letter(char letter, TopState& state) {
  switch (letter) {
    case 'h':
    case '?':
      state.help = true;
      return;
    case 't':
      state.view.tree = !state.view.tree;
      return;
    case 'a':
    case 'u':
      state.view.all = !state.view.all;
      return;
    case '+':
      return fold(state, false);
    case '-':
      return fold(state, true);
    case ' ':
      return fold(state, !state.view.folded.contains(state.selected));
    case '>':
      state.sorting = true;
      state.sort_choice = static_cast<int>(state.view.sort);
      return;
    case 'P':
      return sort_by(state, TopSort::kCpu);
    case 'M':
      return sort_by(state, TopSort::kMemory);
    case 'T':
      return sort_by(state, TopSort::kThrottled);
    case 'R':
      return sort_by(state, TopSort::kRestarts);
    case 'I':
      return sort_by(state, TopSort::kIo);
    case 'N':
      return sort_by(state, TopSort::kNetwork);
    case 'r':
      state.view.reverse = !state.view.reverse;
      return;
    case '/':
      return ask(state, "/");
    case '\\':
      return ask(state, "\\");
    case 'd':
      return ask(state, "d");
    case 'k':
      return ask(state, "k");
    case '\n':
      state.details = true;
      return;
    default:
      return;
  }
}

}  // namespace

std::vector<Key> take_keys(std::string& bytes, bool complete) {
  std::vector<Key> keys;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const char first = rest.front();
    if (first == '\x1b') {
      Special key = Special::kNone;
      std::size_t length = 0;
      const Escape found = match_escape(rest.substr(1), key, length);
      if (found == Escape::kPart && !complete) break;
      const bool alone = found == Escape::kPart || (found == Escape::kUnknown && length == 0);
      if (alone) keys.push_back({Special::kEscape, 0});
      if (found == Escape::kKnown) keys.push_back({key, 0});
      rest.remove_prefix(found == Escape::kPart ? rest.size() : 1 + length);
      continue;
    }
    rest.remove_prefix(1);
    if (first == '\r' || first == '\n') {
      keys.push_back({Special::kEnter, 0});
    } else if (first == '\x7f' || first == '\b') {
      keys.push_back({Special::kBackspace, 0});
    } else if (first == '\x03') {
      keys.push_back({Special::kF10, 0});
    } else if (static_cast<unsigned char>(first) >= ' ') {
      keys.push_back({Special::kNone, first});
    }
  }
  bytes.erase(0, bytes.size() - rest.size());
  return keys;
}

TopAction press(const Key& key, TopState& state, const std::vector<TopRow>& rows, int page) {
  state.message.clear();
  if (!state.prompt.empty()) return press_in_prompt(key, state, rows);
  if (state.sorting) {
    press_in_menu(key, state);
    return {};
  }
  if (state.help || state.details) {
    // Any key leads back.
    state.help = false;
    state.details = false;
    if (key.special == Special::kF10 || key.character == 'q') return {};
    if (key.special != Special::kUp && key.special != Special::kDown) return {};
  }
  if (move(key, state, rows, std::max(1, page))) return {};
  const char letter = letter_of(key);
  if (letter == 'q') return {TopAction::Kind::kQuit, {}};
  press_letter(letter, state);
  return {};
}

}  // namespace mete::agent::cli
