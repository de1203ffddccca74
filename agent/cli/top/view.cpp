// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/top/view.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "agent/cli/output/table.h"

namespace mete::agent::cli {
namespace {

std::string fixed(std::optional<double> value, int digits = 1) {
  if (!value) return "-";
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, *value);
  return text.data();
}
std::string size(std::optional<double> value) {
  return value ? bytes_text(static_cast<std::int64_t>(*value)) : "-";
}

struct Column {
  const char* title;
  int width;
  int priority;  // columns of a higher number go first when the screen is narrow
  std::string (*text)(const TopRow&);
};

constexpr std::array<Column, 15> kColumns = {{
    {"CPU%", 6, 0, [](const TopRow& r) { return fixed(r.cpu); }},
    {"LIMIT%", 6, 5, [](const TopRow& r) { return r.cpu_limit ? fixed(*r.cpu_limit * 100, 0) : "-"; }},
    {"THR%", 4, 2, [](const TopRow& r) { return fixed(r.throttled, 0); }},
    {"MEMORY", 8, 0, [](const TopRow& r) { return size(r.memory); }},
    {"MEM%", 5, 1, [](const TopRow& r) { return fixed(r.memory_percent()); }},
    {"PSI-C", 5, 6, [](const TopRow& r) { return fixed(r.pressure_cpu, 0); }},
    {"PSI-M", 5, 4, [](const TopRow& r) { return fixed(r.pressure_memory, 0); }},
    {"PSI-IO", 6, 6, [](const TopRow& r) { return fixed(r.pressure_io, 0); }},
    {"READ/s", 8, 7, [](const TopRow& r) { return size(r.read); }},
    {"WRITE/s", 8, 7, [](const TopRow& r) { return size(r.write); }},
    {"RX/s", 8, 8, [](const TopRow& r) { return size(r.receive); }},
    {"TX/s", 8, 8, [](const TopRow& r) { return size(r.transmit); }},
    {"PIDS", 5, 3, [](const TopRow& r) { return fixed(r.pids, 0); }},
    {"OOM", 4, 1, [](const TopRow& r) { return fixed(r.ooms, 0); }},
    {"RST", 4, 3, [](const TopRow& r) { return fixed(r.restarts, 0); }},
}};
constexpr int kNameLeast = 20;
constexpr int kState = 8;
constexpr int kSpark = 12;
constexpr int kHeadLines = 3;  // two of the machine, one of titles

struct Layout {
  std::vector<const Column*> columns;
  int name = kNameLeast;
  bool state = false;
  bool spark = false;
};

Layout layout_for(int columns) {
  Layout layout;
  int left = columns - kNameLeast;
  for (int priority = 0; priority <= 8; ++priority) {
    for (const Column& column : kColumns) {
      if (column.priority != priority || column.width + 1 > left) continue;
      left -= column.width + 1;
      layout.columns.push_back(&column);
    }
    if (priority == 2 && left > kState) {
      layout.state = true;
      left -= kState + 1;
    }
    if (priority == 3 && left > kSpark) {
      layout.spark = true;
      left -= kSpark + 1;
    }
  }
  std::sort(layout.columns.begin(), layout.columns.end());  // back to the order of the table
  layout.name += std::max(0, left);
  return layout;
}

std::string title_of(const TopRow& row, bool tree) {
  std::string title = printable(row.title());
  if (!tree) return title;
  if (row.depth > 0 && row.runtime.empty()) title = printable(row.path.substr(row.path.rfind('/') + 1));
  return std::string(static_cast<std::size_t>(row.depth) * 2, ' ') + (row.folded ? "+ " : "") + title;
}

std::string row_text(const TopRow& row, const Layout& layout, bool tree, bool utf8) {
  std::string line = fit(title_of(row, tree), layout.name);
  if (layout.state) line += " " + fit(row.state.empty() ? row.kind : row.state, kState);
  for (const Column* column : layout.columns) line += " " + fit(column->text(row), column->width, true);
  if (layout.spark) line += " " + sparkline(row.history, kSpark, utf8);
  return line;
}

std::string titles(const Layout& layout) {
  std::string line = fit("NAME", layout.name);
  if (layout.state) line += " " + fit("STATE", kState);
  for (const Column* column : layout.columns) line += " " + fit(column->title, column->width, true);
  if (layout.spark) line += " " + fit("CPU HISTORY", kSpark);
  return line;
}

std::string bar(std::optional<double> percent, int width) {
  const int full = percent ? static_cast<int>(std::lround(std::clamp(*percent, 0.0, 100.0) / 100 * width)) : 0;
  return "[" + std::string(static_cast<std::size_t>(full), '|') +
         std::string(static_cast<std::size_t>(width - full), ' ') + "]";
}

std::vector<ScreenLine> head(const TopPicture& picture, const TopState& state, int columns) {
  const int bar_width = columns >= 100 ? 20 : 10;
  std::optional<double> memory;
  if (picture.memory && picture.memory_total && *picture.memory_total > 0)
    memory = *picture.memory / *picture.memory_total * 100;
  const std::string first = "CPU " + bar(picture.cpu, bar_width) + " " + fixed(picture.cpu) + "% of " +
                            fixed(picture.cores, 0) + " cores   Mem " + bar(memory, bar_width) + " " +
                            size(picture.memory) + "/" + size(picture.memory_total);
  const std::string second = std::to_string(picture.running) + " of " + std::to_string(picture.containers) +
                             " containers running, " + std::to_string(picture.cgroups) + " cgroups, " +
                             fixed(picture.ooms, 0) + " OOM kills; by " + to_string(state.view.sort) +
                             (state.view.reverse ? " (reversed)" : "") +
                             (state.view.filter.empty() ? "" : ", only \"" + printable(state.view.filter) + "\"");
  return {{fit(first, columns), Style::kPlain}, {fit(second, columns), Style::kPlain}};
}

constexpr std::array<const char*, 16> kHelp = {{
    "Up Down PgUp PgDn Home End   move the selection",
    "Enter                        all numbers of the selected row",
    "t F5                         tree of cgroups, or a flat list",
    "+ - Space                    fold or unfold a branch of the tree",
    "a u                          all cgroups, or containers and pods only",
    "> F6                         choose what to sort by",
    "P M T R I N                  sort by CPU, memory, throttling, restarts, IO, network",
    "r                            reverse the order",
    "/ F3                         search a name: select the next that has it",
    "\\ F4                         filter: show only what has this text",
    "d                            seconds between pictures",
    "k F9                         send a signal to the selected container",
    "h ? F1                       this help",
    "q F10 Ctrl-C                 end",
    "",
    "CPU% is of one core; MEM% of the tightest limit; PSI: share of time some task was stalled",
}};

std::vector<std::string> details(const TopRow& row) {
  const auto line = [](const char* name, const std::string& value) { return fit(name, 22) + printable(value); };
  return {
      line("cgroup", row.path),
      line("kind", row.kind + (row.runtime.empty() ? "" : " of " + row.runtime)),
      line("image", row.image),
      line("state", row.state + (row.exit_code ? ", last exit code " + fixed(row.exit_code, 0) : "")),
      line("restarts, OOM kills", fixed(row.restarts, 0) + ", " + fixed(row.ooms, 0)),
      line("CPU", fixed(row.cpu) + " % of a core, limit " + fixed(row.cpu_limit, 2) + " cores, throttled in " +
                      fixed(row.throttled) + " % of periods"),
      line("memory", size(row.memory) + " of " + size(row.memory_limit) + " (" + fixed(row.memory_percent()) + " %)"),
      line("stalled (PSI)", "CPU " + fixed(row.pressure_cpu) + " %, memory " + fixed(row.pressure_memory) + " %, IO " +
                                fixed(row.pressure_io) + " %"),
      line("IO", "read " + size(row.read) + "/s, write " + size(row.write) + "/s"),
      line("network", "receive " + size(row.receive) + "/s, transmit " + size(row.transmit) + "/s"),
      line("tasks", fixed(row.pids, 0))};
}

// The part of the screen between head and last line.
std::vector<ScreenLine> body(const std::vector<TopRow>& rows, TopState& state, ScreenSize size, int room, bool utf8) {
  std::vector<ScreenLine> lines;
  const auto add = [&](const std::string& text, Style style = Style::kPlain) {
    lines.push_back({fit(text, size.columns), style});
  };
  const auto selected =
      std::find_if(rows.begin(), rows.end(), [&](const TopRow& row) { return row.path == state.selected; });
  if (state.help) {
    for (const char* text : kHelp) add(text);
  } else if (state.sorting) {
    for (int i = 0; i < kTopSorts; ++i)
      add(std::string("  ") + to_string(static_cast<TopSort>(i)),
          i == state.sort_choice ? Style::kSelected : Style::kPlain);
  } else if (state.details && selected != rows.end()) {
    for (const auto& text : details(*selected)) add(text);
  } else {
    const int index = selected == rows.end() ? 0 : static_cast<int>(selected - rows.begin());
    state.first = std::clamp(state.first, std::max(0, index - room + 1), index);
    const Layout layout = layout_for(size.columns);
    for (int i = state.first; i < static_cast<int>(rows.size()) && static_cast<int>(lines.size()) < room; ++i) {
      const TopRow& row = rows[static_cast<std::size_t>(i)];
      add(row_text(row, layout, state.view.tree, utf8), row.path == state.selected ? Style::kSelected
                                                        : row.state == "exited"    ? Style::kDim
                                                                                   : Style::kPlain);
    }
    if (rows.empty()) add("Nothing to show: a lists all cgroups, \\ changes the filter", Style::kDim);
  }
  lines.resize(static_cast<std::size_t>(room),
               {std::string(static_cast<std::size_t>(size.columns), ' '), Style::kPlain});
  return lines;
}

std::string last_line(const TopState& state) {
  if (state.prompt == "/") return "Search: " + printable(state.typed) + "_";
  if (state.prompt == "\\") return "Filter: " + printable(state.typed) + "_";
  if (state.prompt == "d") return "Seconds between pictures: " + printable(state.typed) + "_";
  if (state.prompt == "k") return "Signal to send (Enter: TERM, Esc: none): " + printable(state.typed) + "_";
  if (!state.message.empty()) return printable(state.message);
  return "h help  t tree  a all  > sort  \\ filter  / search  Enter details  q end";
}

}  // namespace

std::vector<ScreenLine> draw(const TopPicture& picture, const std::vector<TopRow>& rows, TopState& state,
                             ScreenSize size, bool utf8) {
  size.columns = std::max(size.columns, 1);
  size.lines = std::max(size.lines, 1);
  const int room = std::max(0, size.lines - kHeadLines - 1);
  std::vector<ScreenLine> lines = head(picture, state, size.columns);
  lines.push_back({fit(titles(layout_for(size.columns)), size.columns), Style::kHeader});
  for (auto& line : body(rows, state, size, room, utf8)) lines.push_back(std::move(line));
  lines.push_back({fit(last_line(state), size.columns), state.prompt.empty() ? Style::kBold : Style::kSelected});
  lines.resize(static_cast<std::size_t>(size.lines));
  return lines;
}

std::string plain_table(const std::vector<TopRow>& rows, bool tree) {
  // A column without values (IO on an idle machine, networks) is left out; the first columns always stay.
  constexpr int kAlways = 3;
  std::vector<const Column*> columns;
  for (const Column& column : kColumns) {
    const auto has = [&](const TopRow& row) { return column.text(row) != "-"; };
    if (column.priority <= kAlways || std::any_of(rows.begin(), rows.end(), has)) columns.push_back(&column);
  }
  std::vector<std::string> heads = {"NAME", "STATE"};
  for (const Column* column : columns) heads.emplace_back(column->title);
  Table table(heads);
  for (const TopRow& row : rows) {
    std::vector<std::string> cells = {title_of(row, tree), row.state.empty() ? row.kind : row.state};
    for (const Column* column : columns) cells.push_back(column->text(row));
    table.add(std::move(cells));
  }
  return table.text();
}

}  // namespace mete::agent::cli
