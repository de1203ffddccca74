// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "runtime/shim/attach_client.h"
#include "runtime/shim/attach_protocol.h"
#include "runtime/shim/attachments.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::shim {
namespace {

TEST(DetachKeys, AreFoundWhereverTheReadsEnd) {
  DetachKeys keys;
  EXPECT_EQ(keys.pass("ls\n"), "ls\n");
  EXPECT_EQ(keys.pass("a\x10"), "a") << "what follows decides what ctrl-p is";
  EXPECT_EQ(keys.pass("b"),
            "\x10"
            "b");
  EXPECT_FALSE(keys.detached());
  EXPECT_EQ(keys.pass("\x10\x10"), "\x10") << "the first of two is the container's";
  EXPECT_EQ(keys.pass("\x11rest"), "") << "nothing after the keys is the container's";
  EXPECT_TRUE(keys.detached());
}

TEST(AttachProtocol, AMessageIsReadAsItWasWritten) {
  const attach::Hello hello{.terminal = true, .input = false, .once = true};
  EXPECT_EQ(attach::parse_hello(attach::message(hello)), hello);
  EXPECT_EQ(attach::parse_size(attach::message(attach::WindowSize{40, 120})), (attach::WindowSize{40, 120}));
  EXPECT_EQ(attach::parse_skipped(attach::skipped_message(1ULL << 40U)), 1ULL << 40U);
  EXPECT_EQ(attach::parse_exited(attach::exited_message(137)), 137);
  EXPECT_EQ(attach::parse_exited("x"), std::nullopt);
}

class Attached : public ::testing::Test {
 protected:
  void SetUp() override {
    // Longer than a socket's address.
    path_ = dir_ / (std::string(150, 'd') + "/attach");
    ASSERT_EQ(::mkdir((dir_ / std::string(150, 'd')).c_str(), 0700), 0);
    ASSERT_TRUE(attachments_.listen(path_));
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    input_ = UniqueFd(ends[0]);
    write_end_ = UniqueFd(ends[1]);
  }
  UniqueFd connect() {
    auto socket = attach::connect_to(path_);
    EXPECT_TRUE(socket);
    handle();
    EXPECT_EQ(next(*socket).substr(0, 1), std::string(1, attach::kHello));
    return std::move(*socket);
  }
  void handle() {
    std::vector<pollfd> waits;
    attachments_.add_waits(waits);
    ASSERT_GE(::poll(waits.data(), waits.size(), 0), 0);
    attachments_.handle(waits.data());
  }
  static std::string next(const UniqueFd& socket) {
    char buffer[attach::kLargestMessage];
    const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return {buffer, got > 0 ? static_cast<std::size_t>(got) : 0};
  }
  void say(const UniqueFd& socket, const std::string& message) {
    ASSERT_EQ(::send(socket.get(), message.data(), message.size(), MSG_DONTWAIT), static_cast<ssize_t>(message.size()));
    handle();
  }
  // What the container reads; "end" at the end, "nothing" while it would wait.
  std::string read_input() const {
    char buffer[1 << 17];
    const ssize_t got = ::read(input_.get(), buffer, sizeof buffer);
    return got == 0 ? "end" : got < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(got));
  }

  testing::TempDir dir_;
  std::string path_;
  Attachments attachments_;
  UniqueFd input_;
  UniqueFd write_end_;
};

TEST_F(Attached, AllSeeWhatIsWrittenAndTheExitCode) {
  const UniqueFd first = connect();
  const UniqueFd second = connect();
  attachments_.show(attach::kOutput, "text");
  attachments_.show(attach::kErrors, "bad");
  attachments_.end(3);
  for (const auto* each : {&first, &second}) {
    EXPECT_EQ(next(*each), "otext");
    EXPECT_EQ(next(*each), "rbad");
    EXPECT_EQ(attach::parse_exited(next(*each)), 3);
    EXPECT_EQ(next(*each), "");
  }
}

TEST_F(Attached, ASlowReaderIsToldWhatItHasMissed) {
  const UniqueFd slow = connect();
  const std::string block(16 << 10, 'x');
  std::uint64_t shown = 0;
  for (int i = 0; i < 4096; ++i, shown += block.size()) attachments_.show(attach::kOutput, block);
  std::uint64_t seen = 0;
  for (std::string message = next(slow); !message.empty(); message = next(slow)) seen += message.size() - 1;
  EXPECT_GE(seen, 64U << 10U);
  EXPECT_LT(seen, shown);
  attachments_.show(attach::kOutput, "after");
  EXPECT_EQ(attach::parse_skipped(next(slow)), shown - seen);
  EXPECT_EQ(next(slow), "oafter");
}

TEST_F(Attached, InputStaysOpenForTheNext) {
  attachments_.take_input(std::move(write_end_), false);
  {
    const UniqueFd first = connect();
    say(first, "ione");
    say(first, std::string(1, attach::kInputEnd));
    EXPECT_EQ(read_input(), "one");
    EXPECT_EQ(read_input(), "nothing");
  }
  handle();
  const UniqueFd second = connect();
  say(second, "itwo");
  EXPECT_EQ(read_input(), "two");
}

TEST_F(Attached, InputOfOnceEndsWithTheFirstThatGivesSome) {
  attachments_.take_input(std::move(write_end_), true);
  { const UniqueFd looks_only = connect(); }
  handle();
  EXPECT_EQ(read_input(), "nothing");
  {
    const UniqueFd first = connect();
    say(first, "ione");
  }
  handle();
  EXPECT_EQ(read_input(), "one");
  EXPECT_EQ(read_input(), "end");
}

TEST_F(Attached, InputThatIsNotReadIsBoundedAndNoneOfItIsLost) {
  attachments_.take_input(std::move(write_end_), true);
  const UniqueFd first = connect();
  const std::string block = "i" + std::string(16 << 10, 'y');
  std::size_t given = 0;
  for (int i = 0; i < 1000; ++i) {
    if (::send(first.get(), block.data(), block.size(), MSG_DONTWAIT) < 0) break;
    given += block.size() - 1;
    handle();
  }
  EXPECT_LT(given, 4U << 20U) << "an attacher waits for a container that does not read";
  const std::string end(1, attach::kInputEnd);
  std::size_t taken = 0;
  bool said_end = false;
  for (std::string text; text != "end"; text = read_input()) {
    if (text != "nothing") taken += text.size();
    said_end = said_end || ::send(first.get(), end.data(), 1, MSG_DONTWAIT) == 1;
    handle();
  }
  EXPECT_EQ(taken, given);
}

}  // namespace
}  // namespace mete::runtime::shim
