// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/stages.h"

#include <algorithm>
#include <charconv>

#include "runtime/build/language/heredoc.h"
#include "runtime/build/language/run_mounts.h"

namespace mete::runtime::build {
namespace {

constexpr std::size_t kLongestName = 4096;  // of an image and a platform, bytes; an image's name is shorter

bool is_stage_name(const std::string& name) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), is_part);
}

std::optional<std::size_t> number_of(const std::string& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class Splitter {
 public:
  Splitter(const Dockerfile& file, const Arguments& given, const Arguments& platform)
      : file_(file), given_(given), platform_(platform) {}

  Result<Stages> run() {
    for (const Instruction& each : file_.instructions) {
      if (each.keyword == "FROM") {
        METE_CHECK(from(each));
      } else if (!stages_.all.empty()) {
        METE_CHECK(take_needs(each));
        stages_.all.back().body.push_back(each);
      } else if (each.keyword == "ARG") {
        METE_CHECK(global_argument(each));
      } else {
        return error(each, each.keyword, "found " + each.keyword + " before any FROM, expected FROM or ARG");
      }
    }
    if (stages_.all.empty()) return fail(file_.source.name() + ": found no FROM, expected one");
    return std::move(stages_);
  }

 private:
  tl::unexpected<Error> error(const Instruction& at, std::string_view word, const std::string& what) const {
    return file_.source.error(at.line, word, what);
  }

  Result<std::string> expanded(const Instruction& at, std::string_view text) const {
    const Lookup lookup = [&](const std::string& name) -> std::optional<std::string> {
      if (const auto found = stages_.global.find(name); found != stages_.global.end()) return found->second;
      if (const auto found = platform_.find(name); found != platform_.end()) return found->second;
      return std::nullopt;
    };
    auto value = expand(text, lookup, file_.escape);
    if (!value) return error(at, text, value.error().what);
    return value;
  }

  Status global_argument(const Instruction& at) {
    for (const std::string& word : raw_words(at.rest, file_.escape)) {
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      stages_.declared.push_back(name);
      if (const auto given = given_.find(name); given != given_.end()) {
        stages_.global[name] = given->second;
      } else if (equals != std::string::npos) {
        METE_TRY(std::string value, expanded(at, word.substr(equals + 1)));
        bytes_ += value.size();
        if (bytes_ > kMostVariables)
          return error(at, word,
                       "ARG: found more than " + std::to_string(kMostVariables) +
                           " bytes in the arguments before the first FROM, expected fewer");
        stages_.global[name] = std::move(value);
      }
    }
    return {};
  }

  Status from(const Instruction& at) {
    Stage stage;
    stage.index = stages_.all.size();
    stage.from = at;
    for (const Flag& flag : at.flags) {
      if (flag.name != "platform" || !flag.value)
        return error(at, "--" + flag.name, "FROM: found the flag --" + flag.name + ", expected --platform=OS/ARCH");
      METE_TRY(stage.platform, expanded(at, *flag.value));
    }
    const auto words = raw_words(at.rest, file_.escape);
    if (words.size() != 1 && (words.size() != 3 || upper_case(words[1]) != "AS"))
      return error(at, at.rest,
                   "FROM: found " + std::to_string(words.size()) +
                       " words, expected an image, and AS with a name if it has one");
    METE_TRY(stage.base, expanded(at, words[0]));
    if (stage.base.size() + stage.platform.size() > kLongestName)
      return error(at, words[0],
                   "FROM: found " + std::to_string(stage.base.size() + stage.platform.size()) +
                       " bytes after variables are replaced, expected an image");
    if (stage.base.empty())
      return error(at, words[0], "FROM: found an empty name after variables are replaced, expected an image");
    if (words.size() == 3) {
      stage.name = lower_case(words[2]);
      if (!is_stage_name(stage.name))
        return error(at, words[2],
                     "FROM: found the name \"" + words[2] +
                         "\" of a stage, expected a letter, and letters, digits, _, - and . after it");
      if (!stages_.names.emplace(stage.name, stage.index).second)
        return error(at, words[2], "FROM: found a second stage with the name \"" + words[2] + "\", expected another");
    }
    // Only by its name: an image may be called "1".
    const auto parent = stages_.names.find(lower_case(stage.base));
    if (parent != stages_.names.end() && parent->second < stage.index) stage.parent = parent->second;
    if (stage.parent) stage.needs.push_back(*stage.parent);
    stages_.all.push_back(std::move(stage));
    return {};
  }

  Status take_needs(const Instruction& at) {
    Stage& stage = stages_.all.back();
    std::vector<std::string> sources;
    if (at.keyword == "COPY") {
      if (const auto from = flag_value(at, "from")) sources.push_back(*from);
    }
    if (at.keyword == "RUN") {
      auto mounts = run_mounts(at);
      if (!mounts) return error(at, "--mount", mounts.error().what);
      for (const RunMount& mount : *mounts) {
        if (!mount.from.empty()) sources.push_back(mount.from);
      }
    }
    for (const std::string& source : sources) {
      if (source.find('$') != std::string::npos)
        return error(at, source,
                     at.keyword + ": found a variable in from=" + source +
                         ", expected a name: make a stage FROM the variable and name that");
      const auto found = find_stage(stages_, source, stage.index);
      if (found) {
        stage.needs.push_back(*found);
      } else if (number_of(source)) {
        return error(at, source, at.keyword + ": found no stage " + source + " before this one, expected one");
      }
    }
    return {};
  }

  const Dockerfile& file_;
  const Arguments& given_;
  const Arguments& platform_;
  Stages stages_;
  std::size_t bytes_ = 0;  // of the global arguments
};

}  // namespace

std::optional<std::string> flag_value(const Instruction& instruction, const std::string& name) {
  for (const Flag& flag : instruction.flags) {
    if (flag.name == name) return flag.value.value_or("");
  }
  return std::nullopt;
}

std::optional<std::size_t> find_stage(const Stages& stages, const std::string& name, std::size_t before) {
  if (const auto named = stages.names.find(lower_case(name)); named != stages.names.end() && named->second < before)
    return named->second;
  const auto number = number_of(name);
  if (number && *number < before && *number < stages.all.size()) return number;
  return std::nullopt;
}

Arguments platform_arguments(const std::string& architecture) {
  Arguments values;
  for (const std::string side : {"TARGET", "BUILD"}) {
    values[side + "PLATFORM"] = "linux/" + architecture;
    values[side + "OS"] = "linux";
    values[side + "ARCH"] = architecture;
    values[side + "VARIANT"] = "";
  }
  return values;
}

Result<Stages> split_stages(const Dockerfile& file, const Arguments& given, const Arguments& platform) {
  return Splitter(file, given, platform).run();
}

Result<std::vector<std::size_t>> needed_stages(const Stages& stages, const std::string& target) {
  std::size_t last = stages.all.size() - 1;
  if (!target.empty()) {
    const auto found = find_stage(stages, target, stages.all.size());
    if (!found) return fail("--target: found no stage \"" + target + "\" in the Dockerfile, expected one of its names");
    last = *found;
  }
  std::vector<bool> needed(stages.all.size());
  needed[last] = true;
  std::vector<std::size_t> order;
  for (std::size_t i = last + 1; i-- > 0;) {
    if (!needed[i]) continue;
    order.push_back(i);
    for (const std::size_t each : stages.all[i].needs) needed[each] = true;
  }
  std::reverse(order.begin(), order.end());
  return order;
}

}  // namespace mete::runtime::build
