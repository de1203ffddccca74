// SPDX-License-Identifier: Apache-2.0
// Which cgroups' files stay open between reads, when there may not be as many open as there are cgroups.
//
// Who is read again and again keeps its files; who is read less often opens them for each read. A set whose files are
// not open gets to keep them when there is room, or when others were not used since it was itself used last: those are
// closed, the longest unused first. So a cycle over more cgroups than fit does not turn the whole lot over.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <utility>
#include <vector>

#include "runtime/fd.h"

namespace mete::collectors {

class FileBudget {
 public:
  using Clock = std::chrono::steady_clock;
  struct File {
    std::uint16_t index;   // its owner's
    runtime::UniqueFd fd;  // not valid: closed, or not there when last opened
  };

 private:
  struct Node {
    std::vector<File> files;
    std::size_t counted = 0;  // against the budget
    Clock::time_point used = Clock::time_point::min();
  };
  using Nodes = std::list<Node>;

 public:
  // One owner's files. Moves, and gives its files up when it goes.
  class Set {
   public:
    Set() = default;
    Set(Set&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), node_(other.node_) {}
    Set& operator=(Set&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(node_, other.node_);
      return *this;
    }
    Set(const Set&) = delete;
    Set& operator=(const Set&) = delete;
    ~Set() {
      if (budget_ != nullptr) budget_->remove(node_);
    }
    [[nodiscard]] std::vector<File>& files() { return node_->files; }
    [[nodiscard]] const std::vector<File>& files() const { return node_->files; }
    // They are open since an earlier read.
    [[nodiscard]] bool kept() const { return node_->counted > 0; }

   private:
    friend class FileBudget;
    FileBudget* budget_ = nullptr;
    Nodes::iterator node_;
  };

  // 0: no limit.
  explicit FileBudget(std::size_t most) : most_(most) {}
  FileBudget(const FileBudget&) = delete;
  FileBudget& operator=(const FileBudget&) = delete;

  [[nodiscard]] Set make();
  // After its files were opened, or used: they stay open or are closed. Nothing else closes them but another's use().
  void use(Set& set, Clock::time_point now);
  // Files that stay open whatever happens (a network namespace that has to be kept) count too.
  void add_fixed(std::ptrdiff_t files) { open_ += static_cast<std::size_t>(files); }
  [[nodiscard]] std::size_t open() const { return open_; }

 private:
  void close(Nodes::iterator node);
  void remove(Nodes::iterator node);

  std::size_t most_;
  std::size_t open_ = 0;
  Nodes kept_;  // the one used last comes first
  Nodes closed_;
};

}  // namespace mete::collectors
