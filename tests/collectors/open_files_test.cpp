// SPDX-License-Identifier: Apache-2.0
// Which sets of files stay open when not all of them fit.
#include "collectors/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace mete::collectors {
namespace {

using Clock = FileBudget::Clock;

// Does as a reader: opens the files that are not open, reads them, and calls use(). Returns true when it had to open
// files.
class Reader {
 public:
  Reader(FileBudget& budget, std::size_t files) : budget_(budget), set_(budget.make()) {
    for (std::size_t i = 0; i < files; ++i) set_.files().push_back({static_cast<std::uint16_t>(i), {}});
  }
  bool read(Clock::time_point now) {
    const bool kept = set_.kept();
    if (!kept) {
      for (auto& file : set_.files()) file.fd = runtime::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    budget_.use(set_, now);
    for (const auto& file : set_.files()) EXPECT_EQ(file.fd.valid(), set_.kept());
    return !kept;
  }
  [[nodiscard]] bool kept() const { return set_.kept(); }

 private:
  FileBudget& budget_;
  FileBudget::Set set_;
};

TEST(FileBudget, ACycleOverMoreThanFitDoesNotTurnTheLotOver) {
  FileBudget budget(10);
  std::vector<Reader> readers;
  for (int i = 0; i < 20; ++i) readers.emplace_back(budget, 2);
  Clock::time_point now = Clock::now();
  for (int cycle = 0; cycle < 5; ++cycle) {
    int opened = 0;
    for (Reader& reader : readers) opened += reader.read(now += std::chrono::milliseconds(1)) ? 1 : 0;
    EXPECT_EQ(opened, cycle == 0 ? 20 : 15) << "five of twenty fit, and stay";
    EXPECT_EQ(budget.open(), 10U);
  }
}

TEST(FileBudget, WhoIsReadMoreOftenTakesThePlaceOfWhoIsNot) {
  FileBudget budget(4);
  Reader idle(budget, 2);
  Reader busy(budget, 2);
  Reader late(budget, 2);
  Clock::time_point now = Clock::now();
  idle.read(now);
  busy.read(now);
  late.read(now += std::chrono::seconds(1));
  EXPECT_FALSE(late.kept()) << "it comes last, and nobody knows that it comes again";
  busy.read(now += std::chrono::seconds(1));
  EXPECT_TRUE(late.read(now += std::chrono::seconds(1)));
  EXPECT_TRUE(late.kept());
  EXPECT_FALSE(idle.kept()) << "not used since late was used before";
  EXPECT_TRUE(busy.kept());
  EXPECT_TRUE(idle.read(now += std::chrono::seconds(1))) << "it opens its files again";
}

TEST(FileBudget, WhoGoesGivesItsFilesUp) {
  FileBudget budget(4);
  {
    Reader gone(budget, 4);
    gone.read(Clock::now());
    EXPECT_EQ(budget.open(), 4U);
    budget.add_fixed(1);
    Reader moved = std::move(gone);
    EXPECT_EQ(budget.open(), 5U);
  }
  EXPECT_EQ(budget.open(), 1U) << "what has to stay open counts too";
  Reader more(budget, 4);
  more.read(Clock::now());
  EXPECT_FALSE(more.kept());
  budget.add_fixed(-1);
  FileBudget none(0);
  Reader unlimited(none, 1000);
  unlimited.read(Clock::now());
  EXPECT_TRUE(unlimited.kept()) << "0 is no limit";
}

}  // namespace
}  // namespace mete::collectors
