// SPDX-License-Identifier: Apache-2.0
#include "runtime/storage/mapper/thin_book.h"

#include <algorithm>
#include <charconv>

namespace mete::runtime::storage {
namespace {

constexpr std::uint32_t kMostId = (1U << 24U) - 1;
constexpr std::string_view kKindWords[] = {"file", "device", "pool"};

// The text up to the next space; the rest stays.
std::string_view take_word(std::string_view& text) {
  const auto space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const std::string_view word = take_word(text);
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size();
}

bool take_bytes(std::string_view& text, Bytes& bytes) {
  std::int64_t count = 0;
  if (!take_number(text, count) || count < 0) return false;
  bytes = Bytes(count);
  return true;
}

bool take_pool(std::string_view text, ThinBook& book) {
  book.pool = take_word(text);
  const std::string_view word = take_word(text);
  const auto* const kind = std::find(std::begin(kKindWords), std::end(kKindWords), word);
  if (kind == std::end(kKindWords)) return false;
  book.source = {static_cast<PoolKind>(kind - std::begin(kKindWords)), std::string(text)};
  constexpr std::size_t kDigits = 8;
  return book.pool.size() == kDigits && book.source.name.empty() == (book.source.kind == PoolKind::kFile);
}

bool take_volume(std::string_view text, ThinBook& book) {
  ThinVolume volume;
  if (!take_number(text, volume.id) || !take_bytes(text, volume.size) || text.empty()) return false;
  volume.owner = text;
  book.volumes.push_back(std::move(volume));
  return true;
}

bool take_line(std::string_view line, ThinBook& book) {
  const std::string_view name = take_word(line);
  if (name == "pool") return take_pool(line, book);
  if (name == "metadata") return take_bytes(line, book.metadata);
  if (name == "transaction") return take_number(line, book.transaction);
  return name == "volume" && take_volume(line, book);
}

}  // namespace

std::string text_of(const ThinBook& book) {
  std::string text = "pool " + book.pool + " " + std::string(kKindWords[static_cast<std::size_t>(book.source.kind)]);
  if (!book.source.name.empty()) text += " " + book.source.name;
  text += "\nmetadata " + std::to_string(book.metadata.count());
  text += "\ntransaction " + std::to_string(book.transaction) + "\n";
  for (const ThinVolume& each : book.volumes)
    text += "volume " + std::to_string(each.id) + " " + std::to_string(each.size.count()) + " " + each.owner + "\n";
  return text;
}

Result<ThinBook> parse_book(std::string_view text) {
  ThinBook book;
  int number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (!take_line(line, book))
      return fail("line " + std::to_string(number) + ": found \"" + std::string(line.substr(0, 80)) +
                  "\", expected pool, metadata, transaction or volume with its values");
  }
  if (book.pool.empty()) return fail("found no pool, expected its line");
  return book;
}

std::uint32_t free_volume_id(const ThinBook& book) {
  auto id = static_cast<std::uint32_t>(book.transaction & kMostId);
  const auto is_used = [&book](std::uint32_t wanted) {
    return std::any_of(book.volumes.begin(), book.volumes.end(),
                       [wanted](const ThinVolume& each) { return each.id == wanted; });
  };
  while (is_used(id)) id = (id + 1) & kMostId;
  return id;
}

Result<PoolAge> compare_transaction(const ThinBook& book, std::uint64_t of_pool) {
  if (of_pool == book.transaction) return PoolAge::kSame;
  if (of_pool + 1 == book.transaction) return PoolAge::kHalfMade;
  return fail("found transaction " + std::to_string(of_pool) + " in the pool, expected " +
              std::to_string(book.transaction) +
              " as in its book: one of the two was put back from an older copy, or others use the pool");
}

std::string text_of(const VolumeNote& note) {
  return std::to_string(note.id) + " " + note.directory + "\n";
}

std::optional<VolumeNote> parse_note(std::string_view text) {
  VolumeNote note;
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!take_number(text, note.id) || text.empty()) return std::nullopt;
  note.directory = text;
  return note;
}

}  // namespace mete::runtime::storage
