// SPDX-License-Identifier: Apache-2.0
// Decides which cgroups' files stay open between reads when fewer files may be open than there are cgroups.
//
// A set of files that is read frequently stays open; a set that is read less often is opened for each read. A set that
// is not open becomes kept when there is room, or when other sets have not been used since its own last use: those are
// closed, the longest unused first. So a cycle over more cgroups than fit does not close and reopen all files, as plain
// least-recently-used order would.
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
    std::uint16_t index;   // the caller's index of the file
    runtime::UniqueFd fd;  // not valid: closed, or the file did not exist when last opened
  };

 private:
  struct Node {
    std::vector<File> files;
    std::size_t counted = 0;  // files counted against the budget
    Clock::time_point used = Clock::time_point::min();
  };
  using Nodes = std::list<Node>;

 public:
  // The files of one owner. Movable; its destructor closes the files.
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
    // The files are open since an earlier read.
    [[nodiscard]] bool kept() const { return node_->counted > 0; }

   private:
    friend class FileBudget;
    FileBudget* budget_ = nullptr;
    Nodes::iterator node_;
  };

  // `most`: files that may be open; 0: no limit.
  explicit FileBudget(std::size_t most) : most_(most) {}
  FileBudget(const FileBudget&) = delete;
  FileBudget& operator=(const FileBudget&) = delete;

  [[nodiscard]] Set make();
  // Called after the files of `set` were opened or used: they stay open, or are closed. Only a use() of another set
  // closes them later.
  void use(Set& set, Clock::time_point now);
  // Counts files that always stay open (those of a network namespace that has to be kept).
  void add_fixed(std::ptrdiff_t files) { open_ += static_cast<std::size_t>(files); }
  [[nodiscard]] std::size_t open() const { return open_; }

 private:
  void close(Nodes::iterator node);
  void remove(Nodes::iterator node);

  std::size_t most_;
  std::size_t open_ = 0;
  Nodes kept_;  // most recently used first
  Nodes closed_;
};

}  // namespace mete::collectors
