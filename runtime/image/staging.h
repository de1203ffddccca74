// SPDX-License-Identifier: Apache-2.0
// One change of the store: holds its lock, and a directory below tmp/ for what is not visible yet. Whatever an earlier
// change left in tmp/ because it was killed is removed first; what this one leaves is removed at its end.
#pragma once

#include <map>
#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/image/image.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

enum class Wait { kYes, kNo };

class Staging {
 public:
  // Error EAGAIN: not waited, and another process is changing the store.
  [[nodiscard]] static Result<Staging> begin(const std::string& store, Wait wait);
  Staging(Staging&&) = default;
  Staging& operator=(Staging&&) = delete;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  // A layer's sum as its directory's name: short, so that a hundred fit into the options of one mount.
  [[nodiscard]] static std::string layer_name(const std::string& sum) { return sum.substr(0, 24); }
  // In the store, or added by this change.
  [[nodiscard]] bool has_layer(const std::string& name) const;
  // Where it is now.
  [[nodiscard]] std::string layer_path(const std::string& name) const;
  // A new directory, empty.
  [[nodiscard]] Result<std::string> make_directory();
  // What was written in `directory` is the layer `name`; when there is one already, that one stays.
  [[nodiscard]] Status add_layer(const std::string& directory, const std::string& name);
  // The layers added, then the image, become visible; all is on the disk before.
  [[nodiscard]] Status commit(const Image& image);
  // Off the store at once, then removed.
  [[nodiscard]] Status discard_layer(const std::string& name);

  [[nodiscard]] const std::string& store() const { return store_; }
  Budget& budget() { return budget_; }

 private:
  Staging(std::string store, UniqueFd lock, Budget budget)
      : store_(std::move(store)), lock_(std::move(lock)), budget_(std::move(budget)) {}

  std::string store_;
  UniqueFd lock_;
  Budget budget_;
  std::map<std::string, std::string> added_;  // name -> directory
  int made_ = 0;
};

}  // namespace mete::runtime::image
