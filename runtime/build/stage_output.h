// SPDX-License-Identifier: Apache-2.0
// What stages that are built side by side say: whole lines, each with the name of its stage before it. Pure.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace mete::runtime::build {

class StageOutput {
 public:
  using OnText = std::function<void(std::string_view)>;
  // `out` gets whole lines; `mutex` is held while it is called. An empty `name`: texts pass as they come.
  StageOutput(const OnText& out, std::mutex& mutex, const std::string& name)
      : out_(&out), mutex_(&mutex), prefix_(name.empty() ? "" : "[" + name + "] ") {}
  StageOutput(const StageOutput&) = delete;
  StageOutput& operator=(const StageOutput&) = delete;
  ~StageOutput();  // says what has no line end yet

  void say(std::string_view text);

 private:
  const OnText* out_;
  std::mutex* mutex_;
  std::string prefix_;
  std::string pending_;  // without a line end
};

}  // namespace mete::runtime::build
