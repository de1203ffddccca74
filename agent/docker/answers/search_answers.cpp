// SPDX-License-Identifier: Apache-2.0
// GET /images/search: a child `mete search` asks the registry, and what it has printed is the answer.
#include <sys/mman.h>
#include <unistd.h>

#include "agent/docker/filters.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/child_command.h"
#include "runtime/file.h"

namespace mete::agent::docker {
namespace {

constexpr std::size_t kMostText = 4U << 20U;

// Takes the place of a client that gets all at once.
class Collected : public HttpStream {
 public:
  bool write(std::string_view chunk) override {
    if (text_.size() + chunk.size() <= kMostText) text_ += chunk;
    return true;
  }
  void on_close(std::function<void()> /*callback*/) override {}
  [[nodiscard]] std::size_t queued() const override { return 0; }
  void on_drained(std::function<void()> /*callback*/) override {}
  void on_input(Input /*input*/) override {}
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void answer_search(const Call& call, const std::string& printed, int code, const std::string& errors) {
  if (code != 0) {
    const auto said = Json::parse(error_line(errors, code), nullptr, false);
    return refuse(call, code == 2 ? 400 : 500, said.value("error", "the search has failed"));
  }
  const auto found = Json::parse(printed, nullptr, false);
  if (!found.is_object() || !found.contains("results")) return refuse(call, 500, "search: found no results");
  answer(call, found["results"]);
}

}  // namespace

void search_images(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"is-official", "is-automated", "stars"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto login = login_of(call.request.registry_login);
  if (!login) return refuse(call, 400, login.error().what);
  runtime::UniqueFd input(::memfd_create("mete-login", MFD_CLOEXEC));
  if (!input.valid() || !runtime::write_all(input.get(), *login) || ::lseek(input.get(), 0, SEEK_SET) != 0)
    return refuse(call, 500, "search: no memory for a login");
  std::vector<std::string> words = {"mete", "--state", engine.services().settings.state, "search", "--output=json"};
  if (!login->empty()) words.emplace_back("--authfile=/dev/stdin");
  if (const std::string limit = call.parameter("limit"); !limit.empty() && limit != "0")
    words.push_back("--limit=" + limit);
  for (const char* name : {"is-official", "is-automated", "stars"}) {
    for (const std::string& value : filters->values(name))
      words.push_back(std::string("--filter=") + name + "=" + value);
  }
  words.emplace_back("--");
  words.push_back(call.parameter("term"));
  const auto collected = std::make_shared<Collected>();
  const auto started =
      ChildCommand::start(engine.services().loop, std::move(words), std::move(input), [collected] { return collected; },
                          {.said = [](const std::string& line) { return line; },
                           .ended =
                               [call, collected](int code, const std::string& errors) {
                                 answer_search(call, collected->text(), code, errors);
                                 return std::string();
                               }});
  if (!started) refuse(call, 500, started.error().what);
}

}  // namespace mete::agent::docker
