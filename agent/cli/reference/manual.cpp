// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/reference/manual.h"

#include <algorithm>

#include "agent/cli/reference/roff.h"
#include "config/reading/schema/field_list.h"

namespace mete::agent::cli {
namespace {

std::string term_of(const OptionModel& option) {
  std::string term;
  for (const auto& name : option.names) term += (term.empty() ? "" : ", ") + name;
  return option.value.empty() || !option.names.front().starts_with('-') ? term : term + " " + option.value;
}

std::string help_of(const OptionModel& option) {
  std::string text = option.help;
  if (!option.default_value.empty()) text += (text.empty() ? "Default: " : "; default: ") + option.default_value;
  if (!option.environment.empty()) text += ". The variable `" + option.environment + "` sets it as well";
  if (option.repeated && option.help.find("more than once") == std::string::npos)
    text += ". May be given more than once";
  return text;
}

void add_options(RoffPage& page, const std::vector<OptionModel>& options) {
  for (const auto& option : options) page.item(term_of(option), help_of(option));
}

// What stands for a word: "POD ...", "[CONTAINER]"
std::string synopsis_of(const OptionModel& word) {
  std::string text = word.value.empty() ? word.names.front() : word.value;
  if (word.repeated) text += " ...";
  return word.required ? text : "[" + text + "]";
}

std::string synopsis(const std::string& program, const CommandModel& command) {
  std::string text = program + " " + command.name;
  if (!command.options.empty()) text += " [OPTIONS]";
  for (const auto& word : command.words) text += " " + synopsis_of(word);
  return text;
}

void add_command(RoffPage& page, const std::string& program, const CommandModel& command) {
  if (!command.commands.empty()) {
    for (const auto& each : command.commands) add_command(page, program + " " + command.name, each);
    return;
  }
  page.subsection(synopsis(program, command));
  page.paragraph(command.what);
  for (const auto& word : command.words) {
    if (!word.help.empty()) page.item(synopsis_of(word), word.help);
  }
  add_options(page, command.options);
  if (!command.examples.empty()) page.code(command.examples);
}

void add_exit_status(RoffPage& page) {
  page.section("EXIT STATUS");
  page.item("0", "done");
  page.item("1", "failed; of `mete diff`: there is a difference");
  page.item("2", "wrong usage");
  page.item("3", "no agent answers");
  page.item("4", "not found");
  page.paragraph("`mete exec` returns the exit status of its command");
}

ManualPage mete_page(const CommandModel& mete, std::string_view date) {
  RoffPage page({"mete", '1', "launch, measure and hold containers on one machine"}, date);
  page.section("SYNOPSIS");
  page.paragraph("`mete` [OPTIONS] COMMAND [...]:");
  page.section("DESCRIPTION");
  page.paragraph(
      "`mete` launches containers from YAML manifests, measures them and every other cgroup of the machine, holds them "
      "to "
      "their limits, and exports the numbers to Prometheus");
  page.paragraph(
      "The commands talk to the agent, `mete agent`, over its socket. POD is NAME or NAMESPACE/NAME; the namespace is "
      "`default` where none is named. Every table can be had with `-o json` and `-o yaml`");
  page.section("OPTIONS");
  page.paragraph("These stand before or after the command");
  add_options(page, mete.options);
  page.section("COMMANDS");
  for (const auto& command : mete.commands) {
    if (command.name == "agent") {
      page.subsection("mete agent [OPTIONS]");
      page.paragraph(command.what + "; see mete-agent(8)");
    } else {
      add_command(page, "mete", command);
    }
  }
  add_exit_status(page);
  page.section("FILES");
  page.item("/run/mete/mete.sock", "the agent's socket");
  page.item("/etc/mete/manifests/", "manifests that the agent runs");
  page.item("/var/lib/mete/", "images, records, logs and forensic records");
  page.see_also("mete-agent(8), mete-agent.yaml(5), mete-oci(8)");
  return {"mete.1", page.text()};
}

ManualPage agent_page(const CommandModel& mete, std::string_view date) {
  const auto agent =
      std::find_if(mete.commands.begin(), mete.commands.end(), [](const auto& each) { return each.name == "agent"; });
  if (agent == mete.commands.end()) return {};
  RoffPage page({"mete-agent", '8', "the daemon of mete"}, date);
  page.section("SYNOPSIS");
  page.paragraph("`mete agent` [OPTIONS]:");
  page.section("DESCRIPTION");
  page.paragraph(
      "The agent launches what its manifests say, measures every cgroup, enforces limits and policies, and serves "
      "metrics. Containers are no children of it: they keep running, inside their limits, while no agent runs, and the "
      "next one adopts them");
  page.section("OPTIONS");
  add_options(page, agent->options);
  add_options(page, mete.options);
  page.section("SIGNALS");
  page.item("SIGTERM, SIGINT",
            "end the agent. Containers keep running; what was changed on cgroups of others is put back. With "
            "`--remove-all` containers are ended first");
  page.section("FILES");
  page.item("/etc/mete/agent.yaml", "settings, mete-agent.yaml(5)");
  page.item("/etc/default/mete", "variables of the service that the Debian package installs");
  page.item("/etc/mete/manifests/", "watched folder: Pods, ConfigMaps, Secrets and Policies");
  page.item("/var/lib/mete/", "what survives a reboot: images, records, volumes, logs");
  page.item("/run/mete/", "the socket, and volumes in memory");
  if (!agent->examples.empty()) {
    page.section("EXAMPLES");
    page.code(agent->examples);
  }
  page.see_also("mete(1), mete-agent.yaml(5), systemd(1)");
  return {"mete-agent.8", page.text()};
}

ManualPage oci_page(std::string_view date) {
  const CommandModel oci = oci_model();
  RoffPage page({"mete-oci", '8', "an OCI runtime"}, date);
  page.section("SYNOPSIS");
  page.paragraph("`mete-oci` [GLOBAL OPTIONS] COMMAND [OPTIONS] [ID] [...]:");
  page.section("DESCRIPTION");
  page.paragraph(oci.what +
                 ". It takes runc's commands and flags, so podman, docker and containerd can use it in its place");
  page.section("GLOBAL OPTIONS");
  add_options(page, oci.options);
  page.section("COMMANDS");
  for (const auto& command : oci.commands) add_command(page, "mete-oci", command);
  page.section("EXIT STATUS");
  page.paragraph(
      "0 done, 1 failed. `mete-oci run` and `mete-oci exec` return the exit status of the container's process; an "
      "`exec` that fails by itself returns 255");
  page.section("EXAMPLES");
  page.code(oci.examples);
  page.see_also("mete(1), podman(1), dockerd(8)");
  return {"mete-oci.8", page.text()};
}

ManualPage config_page(std::string_view date) {
  RoffPage page({"mete-agent.yaml", '5', "settings of the agent of mete"}, date);
  page.section("SYNOPSIS");
  page.paragraph("`/etc/mete/agent.yaml`:");
  page.section("DESCRIPTION");
  page.paragraph(
      "The agent reads this file when it starts. Every field may be left out, and so may the file. An error prevents "
      "the "
      "start; it names file, line, column and field. A change takes effect when the agent is restarted; containers "
      "keep "
      "running meanwhile");
  page.paragraph("Patterns: `*` matches any text, `/` included; `?` matches one character");
  page.section("FIELDS");
  for (const auto& field : config::agent_field_list())
    page.item(field.path + " (" + field.type + (field.required ? ", required" : "") + ")", field.doc);
  page.section("EXAMPLES");
  page.code(
      "export: {other: true, exclude: [\"*/snapd*\"]}\n"
      "machine:\n"
      "  reserve: {cpu: 500m, memory: 512Mi}\n"
      "  outOfMemory: {protect: [default/db]}\n");
  page.see_also("mete-agent(8), mete(1)");
  return {"mete-agent.yaml.5", page.text()};
}

}  // namespace

std::vector<ManualPage> manual_pages(const CommandModel& mete, std::string_view date) {
  return {mete_page(mete, date), agent_page(mete, date), oci_page(date), config_page(date)};
}

}  // namespace mete::agent::cli
