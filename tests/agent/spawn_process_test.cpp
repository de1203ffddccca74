// SPDX-License-Identifier: Apache-2.0
// What a child of the agent has open, and what it does not.
#include "agent/base/spawn_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "runtime/file.h"

namespace mete::agent {
namespace {

struct Ends {
  runtime::UniqueFd read, write;
};

Ends make_ends() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {runtime::UniqueFd(ends[0]), runtime::UniqueFd(ends[1])};
}

std::string all_of(int fd) {
  std::string text;
  char part[4096];
  for (ssize_t got = 0; (got = ::read(fd, part, sizeof part)) > 0;) text.append(part, static_cast<std::size_t>(got));
  return text;
}

// What a shell's `script` writes, with more descriptors as 3, 4, ...
template <class Program>
std::string said_by(Program&& shell, const std::string& script, const std::vector<int>& more) {
  Ends out = make_ends();
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path, nullptr};
  const auto child = spawn_process(shell, {"sh", "-c", script}, environment, {.output = out.write.get(), .more = more});
  EXPECT_TRUE(child) << (child ? "" : child.error().what);
  out.write.reset();
  std::string text = all_of(out.read.get());
  int status = 0;
  if (child) {
    EXPECT_EQ(::waitpid(child->pid, &status, 0), child->pid);
  }
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(!child || child->pidfd.valid());
  return text;
}

const std::string kShell = "/bin/sh";

template <class Program>
void check_descriptors(Program&& shell) {
  Ends given = make_ends();
  // Many more, not all of them closed by an exec.
  std::vector<runtime::UniqueFd> others;
  for (int i = 0; i < 300; ++i) others.emplace_back(::open("/dev/null", i % 2 == 0 ? O_RDONLY : O_RDONLY | O_CLOEXEC));
  const std::string open =
      said_by(shell, "cd /proc/self/fd; for i in *; do readlink $i; done; true", {given.read.get(), given.write.get()});
  std::size_t pipes = 0;
  std::size_t nulls = 0;
  for (std::size_t at = 0; at < open.size(); at = open.find('\n', at) + 1) {
    pipes += open.compare(at, 5, "pipe:") == 0 ? 1 : 0;
    nulls += open.compare(at, 9, "/dev/null") == 0 ? 1 : 0;
  }
  EXPECT_EQ(pipes, 3U) << "standard output, and the two that were given:\n" << open;
  EXPECT_EQ(nulls, 2U) << "standard input and error:\n" << open;
  EXPECT_EQ(said_by(shell, "echo hello >&4", {given.read.get(), given.write.get()}), "");
  given.write.reset();
  EXPECT_EQ(all_of(given.read.get()), "hello\n") << "nobody but the caller had the other end";
}

TEST(SpawnProcess, AChildHasWhatItIsGivenAndNothingElse) {
  ReadOnlyProgram program(kShell);  // without root, the path
  check_descriptors(kShell);
  check_descriptors(program);
  reserve_low_descriptors();
  check_descriptors(kShell);
  check_descriptors(program);
}

TEST(SpawnProcess, HandlersAndMaskAreNotTheChilds) {
  struct sigaction own {};
  own.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &own, &before), 0);
  const std::string status = said_by(
      kShell, "while read key value; do case $key in Sig[BC]*) echo $key$value;; esac; done </proc/self/status", {});
  EXPECT_NE(status.find("SigBlk:0000000000000000"), std::string::npos) << status;
  EXPECT_EQ(::sigaction(SIGUSR1, &before, &own), 0);
  EXPECT_NE(own.sa_handler, SIG_DFL) << "the caller's own is as it was";
}

// As after an upgrade: what is at the path when the child starts is what runs.
TEST(SpawnProcess, TheProgramIsTheOneThatIsThereNow) {
  const std::string path = ::testing::TempDir() + "spawn_process_test." + std::to_string(::getpid());
  const auto put = [&](const std::string& text) {
    ASSERT_TRUE(runtime::replace_file(path, text, 0755, runtime::Durability::volatile_));
  };
  const auto said = [&](ReadOnlyProgram& program) {
    Ends out = make_ends();
    char* environment[] = {nullptr};
    const auto child = spawn_process(program, {"script"}, environment, {.output = out.write.get()});
    EXPECT_TRUE(child) << (child ? "" : child.error().what);
    out.write.reset();
    if (child) ::waitpid(child->pid, nullptr, 0);
    return all_of(out.read.get());
  };
  const auto shell = runtime::read_file(AT_FDCWD, "/bin/sh", std::size_t{16} << 20U);
  ASSERT_TRUE(shell);
  ReadOnlyProgram program(path);
  put("no program");
  char* environment[] = {nullptr};
  EXPECT_FALSE(spawn_process(program, {"none"}, environment, {}));
  put(*shell);
  EXPECT_EQ(said(program), "");
  ::unlink(path.c_str());
  EXPECT_FALSE(spawn_process(program, {"none"}, environment, {})) << "gone";
}

// The output of a shell that is started beside the caller, after `meanwhile`.
template <class Meanwhile>
std::string said_beside(const std::string& script, Meanwhile&& meanwhile) {
  ReadOnlyProgram shell(kShell);
  Ends out = make_ends();
  char* environment[] = {nullptr};
  auto starting = StartingProcess::begin(shell, {"sh", "-c", script}, environment, {.output = out.write.get()});
  EXPECT_TRUE(starting) << (starting ? "" : starting.error().what);
  meanwhile();
  const auto child = starting->wait();
  EXPECT_TRUE(child) << (child ? "" : child.error().what);
  out.write.reset();
  std::string text = all_of(out.read.get());
  int status = -1;
  EXPECT_EQ(::waitpid(child->pid, &status, 0), child->pid);
  EXPECT_EQ(status, 0);
  return text;
}

TEST(StartingProcess, RunsBesideTheCaller) {
  reserve_low_descriptors();
  EXPECT_EQ(said_beside("echo beside", [] {}), "beside\n");
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const std::string mask =
      said_beside("while read key value; do case $key in SigBlk*) echo $value;; esac; done </proc/self/status", [] {});
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
  EXPECT_EQ(mask, "0000000000000800\n") << "the caller's, and not that of the thread that clones";
}

// Whoever takes it, the thread or the one that hurries: one child each time, and never two.
TEST(StartingProcess, IsDoneOnceHoweverSoonItIsWaitedFor) {
  reserve_low_descriptors();
  ReadOnlyProgram shell(kShell);
  char* environment[] = {nullptr};
  for (int i = 0; i < 200; ++i) {
    auto starting = StartingProcess::begin(shell, {"sh", "-c", ":"}, environment, {});
    ASSERT_TRUE(starting);
    if (i % 2 == 0) starting->hurry();
    const auto child = starting->wait();
    ASSERT_TRUE(child);
    ASSERT_EQ(::waitpid(child->pid, nullptr, 0), child->pid);
    ASSERT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "another child";
  }
}

TEST(StartingProcess, AnotherStartWaitsForIt) {
  reserve_low_descriptors();
  std::string other;
  EXPECT_EQ(said_beside("echo first", [&] { other = said_by(kShell, "echo second", {}); }), "first\n");
  EXPECT_EQ(other, "second\n");
}

TEST(StartingProcess, AProgramThatIsNotThereIsAnError) {
  ReadOnlyProgram nothing("/nowhere/at/all");
  char* environment[] = {nullptr};
  auto starting = StartingProcess::begin(nothing, {"all"}, environment, {});
  ASSERT_TRUE(starting);
  const auto child = starting->wait();
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "reaped";
}

TEST(SpawnProcess, AProgramThatIsNotThereIsAnError) {
  char* environment[] = {nullptr};
  const auto child = spawn_process("/nowhere/at/all", {"all"}, environment, {});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, ENOENT);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "reaped";
}

}  // namespace
}  // namespace mete::agent
