// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/file.h"
#include "runtime/shim/attempt_files.h"
#include "runtime/shim/log_writer.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::shim {
namespace {

std::string records(std::initializer_list<std::string_view> pieces) {
  RecordFormatter formatter("stdout");
  std::string out;
  for (const auto piece : pieces) formatter.add(piece, "T", out);
  formatter.finish("T", out);
  return out;
}

TEST(Log, OneLineARecord) {
  EXPECT_EQ(records({"one\ntwo\n"}), "T stdout F one\nT stdout F two\n");
  EXPECT_EQ(records({"on", "e\ntw", "o"}), "T stdout F one\nT stdout F two\n")
      << "a last line without its newline is one too";
  EXPECT_EQ(records({"\n\n"}), "T stdout F \nT stdout F \n");
  EXPECT_EQ(records({}), "");
}

TEST(Log, ALongLineIsWrittenInParts) {
  constexpr std::size_t kLongest = RecordFormatter::kLongestLine;
  const std::string line(kLongest + 5, 'x');
  EXPECT_EQ(records({line + "\n"}), "T stdout P " + line.substr(0, kLongest) + "\nT stdout F xxxxx\n");
  EXPECT_EQ(records({line.substr(0, 10), line.substr(10), "\nnext\n"}),
            "T stdout P " + line.substr(0, kLongest) + "\nT stdout F xxxxx\nT stdout F next\n");
}

TEST(Log, TimesAreRfc3339WithNanoseconds) {
  EXPECT_STREQ(format_time(std::chrono::nanoseconds(1)).data(), "1970-01-01T00:00:00.000000001Z");
  EXPECT_STREQ(format_time(std::chrono::seconds(1'700'000'000) + std::chrono::milliseconds(5)).data(),
               "2023-11-14T22:13:20.005000000Z");
}

TEST(AttemptFiles, AnExitStatusIsKeptInTheLockOfAFullDisk) {
  const testing::TempDir dir;
  const AttemptFiles files(dir.path());
  const UniqueFd lock = files.try_lock().value();
  const ExitStatus status{
      .code = 7, .start_error = std::string(5000, 'x'), .at = TimePoint(std::chrono::nanoseconds(5))};
  EXPECT_FALSE(files.write_in_place(status, lock.get())) << "no room is known to be there before it is signed";
  ASSERT_TRUE(sign_lock(lock.get()));
  EXPECT_FALSE(files.exit().value());
  ASSERT_TRUE(files.write_in_place(status, lock.get()));
  const auto text = read_file(AT_FDCWD, files.lock()).value();
  EXPECT_LE(text.size(), 1024U) << "one block of any file system";
  EXPECT_EQ(parse_lock(text)->pid, ::getpid()) << "who holds it is still told";
  const auto kept = files.exit().value();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->code, 7);
  EXPECT_EQ(kept->start_error, std::string(512, 'x'));
  EXPECT_EQ(kept->at, status.at);
  // One that was cut by a power failure is none.
  ASSERT_EQ(::ftruncate(lock.get(), static_cast<off_t>(text.size() - 3)), 0);
  EXPECT_FALSE(files.exit().value());
  // A file is worth more.
  ASSERT_TRUE(files.write(ExitStatus{.code = 3, .at = status.at}));
  EXPECT_EQ(files.exit().value()->code, 3);
}

TEST(Log, IsRotatedBySizeAndKeepsSoManyFiles) {
  const testing::TempDir dir;
  auto log = LogWriter::open(dir / "a.log", {.max_bytes = 20, .files = 3});
  ASSERT_TRUE(log);
  for (const char* text : {"record one....\n", "record two....\n", "record three..\n", "record four...\n"})
    log->write(text);
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log").value(), "record four...\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log.1").value(), "record three..\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log.2").value(), "record two....\n");
  EXPECT_FALSE(std::filesystem::exists(dir / "a.log.3"));
}

TEST(Log, ManyRecordsInOneWriteAreRotatedToo) {
  const testing::TempDir dir;
  auto log = LogWriter::open(dir / "a.log", {.max_bytes = 20, .files = 9});
  ASSERT_TRUE(log);
  log->write("one.....\ntwo.....\nthree...\nfour....\na record that is longer than a file may be\nlast\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log.3").value(), "one.....\ntwo.....\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log.2").value(), "three...\nfour....\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log.1").value(), "a record that is longer than a file may be\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log").value(), "last\n");
}

TEST(Log, GoesOnWhereAnEarlierShimStopped) {
  const testing::TempDir dir;
  LogWriter::open(dir / "a.log", {})->write("one\n");
  LogWriter::open(dir / "a.log", {})->write("two\n");
  EXPECT_EQ(read_file(AT_FDCWD, dir / "a.log").value(), "one\ntwo\n");
  EXPECT_FALSE(LogWriter::open(dir / "none/a.log", {}));
}

TEST(AttemptFiles, AreReadBackAsTheyWereWritten) {
  const testing::TempDir dir;
  const AttemptFiles files(dir.path());
  EXPECT_FALSE(files.started()->has_value());
  EXPECT_FALSE(files.exit()->has_value());
  const Started started{{12, 34}, TimePoint(std::chrono::nanoseconds(56)), {"a\nb\\n", ""}};
  const ExitStatus status{139, 11, "line\none", TimePoint(std::chrono::nanoseconds(78))};
  ASSERT_TRUE(files.write(started));
  ASSERT_TRUE(files.write(status));
  EXPECT_EQ(**files.started(), started);
  EXPECT_EQ(**files.exit(), status);
}

TEST(AttemptFiles, ADamagedFileIsAnError) {
  for (const char* text : {"code", "code x\nat 1\n", "code 1\n", "at 1"}) EXPECT_FALSE(parse_exit_status(text)) << text;
  EXPECT_FALSE(parse_started("at 1\n"));
  EXPECT_TRUE(parse_exit_status("code 1\nsignal 0\nlater_key x\nat 1\n")) << "a newer version's key";
}

TEST(AttemptFiles, TheLockTellsWhoLives) {
  const testing::TempDir dir;
  const AttemptFiles files(dir.path());
  {
    const auto held = files.try_lock();
    ASSERT_TRUE(held && held->valid());
    EXPECT_FALSE(files.try_lock()->valid());
  }
  EXPECT_TRUE(files.try_lock()->valid());
}

TEST(ExitStatus, IsAsAShellHasIt) {
  EXPECT_EQ(exit_status_of(7 << 8).code, 7);
  EXPECT_EQ(exit_status_of(9).code, 137);
  EXPECT_EQ(exit_status_of(9).signal, 9);
}

}  // namespace
}  // namespace mete::runtime::shim
