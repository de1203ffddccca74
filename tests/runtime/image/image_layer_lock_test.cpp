// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <optional>
#include <thread>

#include "runtime/image/layer_publisher.h"
#include "tests/runtime/image/image_fixture.h"

namespace mete::testing {
namespace {

using runtime::image::LayerLock;

class LayerLocks : public ImageFixture {
 protected:
  [[nodiscard]] std::string store() const { return dir_ / "store"; }
  [[nodiscard]] std::string incoming() const { return dir_ / "store/incoming"; }
};

TEST_F(LayerLocks, OneMakesTheLayerAndTheOthersUseIt) {
  std::atomic<int> made = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto lock = LayerLock::acquire(store(), "abc");
      ASSERT_TRUE(lock) << lock.error().what;
      if (lock->must_make()) {
        ++made;
        const auto directory = lock->make_directory();
        ASSERT_TRUE(directory) << directory.error().what;
        write_file(*directory + "/file", "content");
        ASSERT_TRUE(lock->made(*directory));
      }
      EXPECT_EQ(text(store() + "/layers/abc/file"), "content");
    });
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(made, 1);
  EXPECT_TRUE(std::filesystem::is_empty(incoming()));
}

TEST_F(LayerLocks, WholeLayersBecomeVisibleWhileOthersAreMade) {
  std::vector<std::string> visible(5);
  std::vector<LayerLock> held;
  runtime::image::LayerPublisher publisher(visible.size() + 1, [&](std::size_t index, LayerLock lock) {
    visible[index] = text(store() + "/layers/layer" + std::to_string(index) + "/file");
    held.push_back(std::move(lock));
  });
  for (std::size_t i = 0; i < visible.size(); ++i) {
    auto lock = LayerLock::acquire(store(), "layer" + std::to_string(i));
    ASSERT_TRUE(lock) << lock.error().what;
    auto directory = lock->make_directory();
    ASSERT_TRUE(directory) << directory.error().what;
    write_file(*directory + "/file", "content");
    publisher.add(i, std::move(*lock), *directory);
    // Another pull gets each layer before the publisher is told to finish.
    const auto other = LayerLock::acquire(store(), "layer" + std::to_string(i));
    ASSERT_TRUE(other) << other.error().what;
    EXPECT_FALSE(other->must_make());
  }
  // One has failed: what is whole stays for the next attempt.
  const auto last = publisher.finish();
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->empty());
  EXPECT_EQ(visible, std::vector<std::string>(5, "content"));
  EXPECT_EQ(held.size(), 5U);
}

TEST_F(LayerLocks, TheLastLayersWaitForTheirImage) {
  runtime::image::LayerPublisher publisher(2, [](std::size_t /*index*/, const LayerLock& /*lock*/) { ADD_FAILURE(); });
  publisher.there();
  auto lock = LayerLock::acquire(store(), "abc");
  ASSERT_TRUE(lock);
  auto directory = lock->make_directory();
  ASSERT_TRUE(directory);
  publisher.add(7, std::move(*lock), *directory);
  {
    const auto last = publisher.finish();
    ASSERT_TRUE(last);
    ASSERT_EQ(last->size(), 1U);
    EXPECT_EQ(last->front().index, 7U);
    EXPECT_EQ(last->front().directory, *directory);
    EXPECT_FALSE(std::filesystem::exists(store() + "/layers/abc"));
  }
  // No image came: nothing of it is left.
  EXPECT_TRUE(std::filesystem::is_empty(incoming()));
}

TEST_F(LayerLocks, ALayerThatCannotBecomeVisibleIsAnError) {
  runtime::image::LayerPublisher publisher(2, [](std::size_t /*index*/, const LayerLock& /*lock*/) { ADD_FAILURE(); });
  auto lock = LayerLock::acquire(store(), "abc");
  ASSERT_TRUE(lock);
  publisher.add(0, std::move(*lock), incoming() + "/not-there");
  EXPECT_FALSE(publisher.finish());
}

TEST_F(LayerLocks, ALayerThatAPullCountsOnIsNotRemoved) {
  std::optional<LayerLock> lock(std::move(LayerLock::acquire(store(), "abc").value()));
  ASSERT_TRUE(lock->must_make());
  ASSERT_TRUE(lock->made(lock->make_directory().value()));
  EXPECT_FALSE(LayerLock::try_alone(store(), "abc")->held());
  ASSERT_TRUE(store_->prune());
  EXPECT_TRUE(std::filesystem::exists(store() + "/layers/abc"));
  lock.reset();
  ASSERT_TRUE(store_->prune());
  EXPECT_FALSE(std::filesystem::exists(store() + "/layers/abc"));
}

TEST_F(LayerLocks, WhatAKilledPullLeftIsRemoved) {
  write_file(incoming() + "/half/etc/passwd", "x");
  write_file(incoming() + "/half.lock", "");
  ASSERT_TRUE(store_->prune());
  EXPECT_TRUE(std::filesystem::is_empty(incoming()));
  // The next pull of that layer removes it, too.
  write_file(incoming() + "/half/etc/passwd", "x");
  auto lock = LayerLock::acquire(store(), "half");
  ASSERT_TRUE(lock && lock->must_make());
  EXPECT_TRUE(std::filesystem::is_empty(lock->make_directory().value()));
}

TEST_F(LayerLocks, AFailedOneLetsTheNextMakeIt) {
  {
    auto lock = LayerLock::acquire(store(), "abc");
    ASSERT_TRUE(lock && lock->must_make());
    write_file(lock->make_directory().value() + "/file", "half");
  }
  EXPECT_TRUE(std::filesystem::is_empty(incoming()));
  EXPECT_TRUE(LayerLock::acquire(store(), "abc")->must_make());
}

TEST_F(LayerLocks, ATagIsASecondName) {
  ASSERT_TRUE(import_tar({{"bin/sh", "x"}}, "app:1"));
  ASSERT_TRUE(store_->tag("app:1", "localhost:5000/team/app"));
  const auto first = store_->find("app:1");
  const auto second = store_->find("localhost:5000/team/app:latest");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->id, second->id);
  EXPECT_EQ(first->layers, second->layers);
  EXPECT_EQ(store_->tag("none", "other").error().code, ENOENT);
  EXPECT_FALSE(store_->tag("app:1", "a@sha256:" + std::string(64, 'a')));
  ASSERT_TRUE(store_->remove("app:1"));
  EXPECT_TRUE(std::filesystem::exists(in_layer(*second, "bin/sh")));
  ASSERT_TRUE(store_->remove("localhost:5000/team/app"));
  EXPECT_TRUE(std::filesystem::is_empty(store_->layers_directory()));
}

}  // namespace
}  // namespace mete::testing
