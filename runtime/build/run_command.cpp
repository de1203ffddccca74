// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/run_command.h"

#include "runtime/build/language/heredoc.h"
#include "runtime/build/settings_step.h"

namespace mete::runtime::build {

Result<RunCommand> run_command(const Instruction& at, const ImageSettings& settings, char escape) {
  if (at.json) {
    if (at.json->empty()) return fail("found an empty list, expected a command");
    std::string shown;
    for (const std::string& each : *at.json) shown += (shown.empty() ? "" : " ") + each;
    return RunCommand{*at.json, "", shown};
  }
  HeredocHead head;
  const auto words = raw_words(at.rest, escape);
  if (at.heredocs.size() == 1 && words.size() == 1 && is_heredoc(words[0], head)) {
    const std::string& text = at.heredocs[0].content;
    if (text.starts_with("#!")) return RunCommand{{kScriptPath}, text, at.rest};
    return RunCommand{in_shell(settings, text), "", at.rest};
  }
  std::string text = at.rest;
  // The shell reads its own here-documents.
  for (const Heredoc& each : at.heredocs) text += "\n" + each.content + each.name;
  if (!at.heredocs.empty()) text += "\n";
  const auto args = in_shell(settings, text);
  std::string shown;
  for (std::size_t i = 0; i + 1 < args.size(); ++i) shown += args[i] + " ";
  return RunCommand{args, "", shown + at.rest};
}

}  // namespace mete::runtime::build
