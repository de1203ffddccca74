// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/run_flags.h"

#include "agent/cli/command_line.h"

namespace mete::agent::cli {
namespace {

void add_field_options(CLI::App& command, GivenFields& given) {
  for (const RunField& field : run_fields()) {
    auto& words = given[field.field];
    if (field.kind == RunField::Kind::kSwitch) {
      command.add_flag_callback(
          field.flag, [&words] { words = {"true"}; }, field.help);
      continue;
    }
    command.add_option(field.flag, words, field.help)
        ->type_name(field.value)
        ->expected(1)
        ->allow_extra_args(false)
        ->take_all();
  }
}

}  // namespace

void add_run_options(CLI::App& command, RunFlags& flags) {
  auto& to = flags.options;
  command.add_flag("--rm", to.remove, "Remove it when it has ended");
  command.add_flag("-i,--interactive", to.interactive, "Pass standard input on");
  command.add_flag("-t,--tty", to.tty, "With a terminal");
  command.add_option("--name", to.name, "Its name; without one it is invented")->type_name("NAME");
  const auto list = [&](const char* name, std::vector<std::string>& words, const char* what, const char* kind) {
    command.add_option(name, words, what)->type_name(kind)->expected(1)->allow_extra_args(false)->take_all();
  };
  list("-e,--env", flags.env, "A variable; a name alone has the caller's value", "NAME=VALUE");
  list("--env-file", flags.env_files, "Variables, one a line", kFile);
  list("-v,--volume", to.volumes, "SOURCE:TARGET[:ro]; SOURCE is a path or a volume's name", kFile);
  list("--tmpfs", to.tmpfs, "TARGET[:OPTIONS]: a file system in memory", kFolder);
  list("-p,--publish", to.ports,
       "[ADDRESS:][PORT:]PORT[/PROTOCOL]: a port of the machine that leads to it; ranges 80-82", "PORT");
  list("--mount", to.mounts, "type=bind|volume|tmpfs,source=,target=[,readonly]", "TEXT");
  command.add_option("--network,--net", to.network, "A network, none, host, or container:NAME")
      ->type_name(kNetworkName);
  command.add_option("--ip", to.address, "Its IPv4 address")->type_name("ADDRESS");
  list("--network-opt", to.network_options,
       "Its bandwidth: ingress=10M, egress=2M (bits a second), burst=256Ki (bytes)", "NAME=VALUE");
  list("--network-alias,--net-alias", to.aliases, "A further name of it in its network", "NAME");
  list("--dns", to.dns, "A server that it asks for names", "ADDRESS");
  list("--add-host", to.hosts, "NAME:ADDRESS: a line of its /etc/hosts", "NAME=VALUE");
  command.set_help_flag("--help", "Print this help message and exit");  // -h is docker's word for the hostname
  command.add_option("-h,--hostname", to.hostname, "Its own name; by default the id's begin")->type_name("NAME");
  command.add_option("-m,--memory", to.memory, "At most so much memory: 512m")->type_name("SIZE");
  command.add_option("--cpus", to.cpus, "At most so many CPUs: 1.5")->type_name("CPUS");
  command.add_option("-w,--workdir", to.directory, "Where the command begins")->type_name(kFolder);
  command.add_option("-u,--user", to.user, "A user of the image: name or number, :GROUP after it")->type_name("NAME");
  command.add_option("--entrypoint", to.entrypoint, "In place of the image's")->type_name("COMMAND");
  command.add_option("--restart", to.restart, "no, on-failure[:N], always or unless-stopped")->type_name("NAME");
  list("-l,--label", to.labels, "A label, by which policies select it", "NAME=VALUE");
  command.add_flag("--read-only", to.read_only, "Its root cannot be written");
  command.add_flag("--privileged", to.privileged, "All rights and devices of the machine");
  command.add_flag("--init", to.init, "A process of mete's is its first one: passes signals on, and reaps");
  list("--cap-add", to.capabilities, "A capability more", "CAPABILITY");
  list("--cap-drop", to.dropped_capabilities, "A capability less", "CAPABILITY");
  list("--label-file", flags.label_files, "Labels, one a line", kFile);
  command.add_option("--health-cmd", to.health_command, "A shell command that fails when it is not well")
      ->type_name("COMMAND");
  command.add_flag("--no-healthcheck", to.no_healthcheck, "Not even that of the image");
  command.add_option("--cidfile", flags.id_file, "Write its id into this file")->type_name(kFile);
  command.add_option("--pull", flags.pull, "Whether the image is pulled")
      ->check(CLI::IsMember({"missing", "always", "never"}));
  add_field_options(command, to.fields);
  command.add_option("image", to.image, "What it is made from")->type_name("IMAGE")->required();
  command.add_option("command", to.command, "The command and its arguments, in place of the image's")
      ->type_name("COMMAND");
  command.positionals_at_end();  // what follows the image is the command's
}

}  // namespace mete::agent::cli
