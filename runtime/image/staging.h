// SPDX-License-Identifier: Apache-2.0
// One change of the store. It holds the store's lock and a directory below tmp/ for what is not visible yet. begin()
// removes what a killed change left in tmp/; the destructor removes what this change leaves.
#pragma once

#include <map>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/image/image.h"
#include "runtime/image/layer_note.h"
#include "runtime/image/layer_writer.h"

namespace mete::runtime::image {

enum class Wait { kYes, kNo };

class Staging {
 public:
  // Error EAGAIN: another process is changing the store, and `wait` is kNo.
  [[nodiscard]] static Result<Staging> begin(const std::string& store, Wait wait);
  Staging(Staging&&) = default;
  Staging& operator=(Staging&&) = delete;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();

  // A layer's directory name, from its sum: short, so that a hundred names fit into the options of one mount.
  [[nodiscard]] static std::string layer_name(const std::string& sum) { return sum.substr(0, 24); }
  // True for a layer in the store or added by this change.
  [[nodiscard]] bool has_layer(const std::string& name) const;
  // The layer's current directory.
  [[nodiscard]] std::string layer_path(const std::string& name) const;
  // The bytes of the layer's files. Walks through a layer whose size is not known yet, and notes it for the next image.
  [[nodiscard]] Result<std::int64_t> layer_size(const std::string& name);
  // Makes a new, empty directory.
  [[nodiscard]] Result<std::string> make_directory();
  // Adds the content of `directory`, which lies on the store's file system, as the layer `name`; an existing layer of
  // that name is kept instead.
  [[nodiscard]] Status add_layer(const std::string& directory, const std::string& name);
  // What commit() writes besides: a note beside a layer that this change adds, and a document by its own digest.
  void add_note(const std::string& layer, LayerNote note) { notes_[layer] = std::move(note); }
  // Returns the document's digest.
  std::string add_document(const std::string& text);
  // Whether an image of this id is in the store under a name.
  [[nodiscard]] Result<bool> has_name(const std::string& id) const;
  // Makes the added layers and then the image visible, after all of them are on disk; returns when this is on disk,
  // too. With a name it is not nameless() any more.
  [[nodiscard]] Status commit(const Image& image);
  // Makes the layer invisible at once, then removes it.
  [[nodiscard]] Status discard_layer(const std::string& name);

  [[nodiscard]] const std::string& store() const { return store_; }
  Budget& budget() { return budget_; }

 private:
  Staging(std::string store, UniqueFd lock, Budget budget)
      : store_(std::move(store)), lock_(std::move(lock)), budget_(std::move(budget)) {}
  [[nodiscard]] Status show_layers() const;

  std::string store_;
  UniqueFd lock_;
  Budget budget_;
  std::map<std::string, std::string> added_;      // name -> directory
  std::map<std::string, LayerNote> notes_;        // by layer
  std::map<std::string, std::string> documents_;  // sha256 -> text
  int made_ = 0;
};

}  // namespace mete::runtime::image
