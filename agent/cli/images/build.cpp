// SPDX-License-Identifier: Apache-2.0
// `mete build` acts on the store, so it works with and without an agent. Its words are those of docker's classic
// builder.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>

#include "agent/cli/images/build_network.h"
#include "agent/cli/images/build_outside.h"
#include "agent/cli/images/registry_access.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "config/values/quantity.h"
#include "runtime/build/context_archive.h"
#include "runtime/build/language/run_mounts.h"
#include "runtime/file.h"

namespace mete::agent::cli {
namespace {

namespace build = runtime::build;

struct BuildWords {
  std::vector<std::string> names;
  std::string file;
  std::vector<std::string> arguments;
  std::vector<std::string> labels;
  std::vector<std::string> secrets;
  std::string target;
  std::string platform;
  std::string memory;
  std::string cpus;
  std::string network = "default";
  std::string cgroup_parent = "/mete-build";  // not the agent's, which removes what it does not know there
  std::string id_file;
  std::string context;
  bool no_cache = false;
  bool pull = false;
  bool quiet = false;
  RegistryOptions registry;
};

// NAME=value, or NAME: what the environment has of it.
Result<std::map<std::string, std::string>> pairs_of(const std::vector<std::string>& words, const char* option) {
  std::map<std::string, std::string> pairs;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (name.empty()) return fail(std::string(option) + ": found \"" + word + "\", expected NAME=VALUE");
    if (equals != std::string::npos) {
      pairs[name] = word.substr(equals + 1);
    } else if (const char* value = std::getenv(name.c_str()); value != nullptr) {
      pairs[name] = value;
    }
  }
  return pairs;
}

// id=NAME,src=FILE or id=NAME,env=NAME.
Result<std::map<std::string, std::string>> secrets_of(const std::vector<std::string>& words) {
  constexpr std::size_t kMostSecret = 500U << 10U;
  std::map<std::string, std::string> secrets;
  for (const std::string& word : words) {
    std::map<std::string, std::string> fields;
    for (std::size_t start = 0; start <= word.size();) {
      const std::size_t end = std::min(word.find(',', start), word.size());
      const std::string field = word.substr(start, end - start);
      const std::size_t equals = field.find('=');
      fields[field.substr(0, equals)] = equals == std::string::npos ? "" : field.substr(equals + 1);
      start = end + 1;
    }
    if (fields.contains("source")) fields["src"] = fields["source"];
    const std::string id = fields["id"];
    if (id.empty()) return fail("--secret: found \"" + word + "\", expected id=NAME,src=FILE or id=NAME,env=NAME");
    if (fields.contains("env")) {
      const char* value = std::getenv(fields["env"].c_str());
      if (value == nullptr) return fail("--secret: found no variable " + fields["env"] + ", expected it to be set");
      secrets[id] = value;
    } else {
      METE_TRY(secrets[id], runtime::read_file(AT_FDCWD, fields["src"].empty() ? id : fields["src"], kMostSecret));
    }
  }
  return secrets;
}

Result<std::optional<std::int64_t>> source_date_epoch() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (*end != '\0' || value < 0)
    return fail(std::string("SOURCE_DATE_EPOCH: found \"") + text + "\", expected seconds since 1970");
  return std::optional<std::int64_t>(value);
}

Status read_limits(const BuildWords& words, build::BuildOptions& options) {
  if (!words.memory.empty()) {
    METE_TRY(const std::int64_t bytes, build::bytes_of(words.memory));
    options.memory = Bytes(bytes);
  }
  if (!words.cpus.empty()) {
    METE_TRY(options.cpus, config::parse_cpu(words.cpus));
  }
  return read_network(words.network, options);
}

// Standard input has a tar archive with the context, or a Dockerfile alone.
Status read_standard_input(const BuildWords& words, build::BuildOptions& options) {
  std::string head(512, '\0');
  std::size_t size = 0;
  while (size < head.size()) {
    const ssize_t got = ::read(STDIN_FILENO, head.data() + size, head.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read standard input");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  head.resize(size);
  if (!build::begins_archive(head)) {
    METE_TRY(const std::string rest, runtime::read_all(STDIN_FILENO, "standard input", build::kMostDockerfile));
    options.dockerfile_name = "Dockerfile";
    options.dockerfile = head + rest;
    return {};
  }
  options.dockerfile_name = words.file.empty() ? "Dockerfile" : words.file;
  auto first = std::make_shared<std::string>(std::move(head));
  options.archive = [first](char* buffer, std::size_t room) -> Result<std::size_t> {
    if (!first->empty()) {
      const std::size_t part = first->copy(buffer, room);
      first->erase(0, part);
      return part;
    }
    ssize_t got = -1;
    do {
      got = ::read(STDIN_FILENO, buffer, room);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail_errno("read standard input");
    return static_cast<std::size_t>(got);
  };
  return {};
}

Status read_context(const BuildWords& words, build::BuildOptions& options) {
  if (words.context == "-") {
    if (words.file == "-") return fail("found - for the context and for -f, expected standard input for one of them");
    return read_standard_input(words, options);
  }
  if (words.context.find("://") != std::string::npos || words.context.starts_with("git@"))
    return fail("found the context " + words.context + ", expected a folder, or - for a tar archive on standard input");
  options.context = words.context;
  if (words.file == "-") {
    options.dockerfile_name = "Dockerfile";
    METE_TRY(options.dockerfile, runtime::read_all(STDIN_FILENO, "standard input", build::kMostDockerfile));
    return {};
  }
  struct stat info {};
  if (::stat(words.context.c_str(), &info) != 0) return fail_errno(words.context);
  if (!S_ISDIR(info.st_mode)) return fail(words.context + ": found a file, expected the folder of the context");
  options.dockerfile_name = words.file.empty() ? "Dockerfile" : words.file;
  if (words.file.empty()) {
    // The context may be a stranger's: its Dockerfile is no link out of it.
    METE_TRY(options.dockerfile, build::read_in_context(words.context, "Dockerfile", build::kMostDockerfile));
  } else {
    METE_TRY(options.dockerfile, runtime::read_file(AT_FDCWD, words.file, build::kMostDockerfile));
  }
  return {};
}

Result<build::BuildOptions> options_of(const BuildWords& words) {
  build::BuildOptions options;
  for (const std::string& name : words.names) {
    METE_TRY(std::string normal, runtime::image::normalize_name(name));
    if (normal.find('@') != std::string::npos)
      return fail("-t " + name + ": found a digest, expected a tag: a digest is what a registry gives");
    options.names.push_back(std::move(normal));
  }
  METE_TRY(options.arguments, pairs_of(words.arguments, "--build-arg"));
  METE_TRY(options.labels, pairs_of(words.labels, "--label"));
  METE_TRY(options.secrets, secrets_of(words.secrets));
  METE_TRY(options.epoch, source_date_epoch());
  METE_CHECK(read_limits(words, options));
  options.target = words.target;
  options.platform = words.platform;
  options.use_cache = !words.no_cache;
  options.pull = words.pull;
  options.cgroup_parent = words.cgroup_parent;
  METE_CHECK(read_context(words, options));
  return options;
}

// A picture of the place has several lines, in which a Dockerfile's text stands.
int complain_of_build(const Error& error) {
  (void)runtime::write_all(STDERR_FILENO, "mete: " + printable_lines(error.what) + "\n");
  return kFailed;
}

void write_text(std::string_view text) {
  (void)runtime::write_all(STDOUT_FILENO, text);
}

// The end is what tells why a build has failed.
void keep_last(std::string& kept, std::string_view text) {
  constexpr std::size_t kMost = 1U << 20U;
  kept += text;
  if (kept.size() > 2 * kMost) kept.erase(0, kept.size() - kMost);
}

int build_image(Common& common, const BuildWords& words) {
  auto options = options_of(words);
  if (!options) return complain(options.error().what);
  auto store = runtime::image::Store::open(common.settings.images());
  if (!store) return complain(store.error().what);
  std::string kept;  // with -q: what is said only when the build fails
  const build::OnText on_text =
      words.quiet ? build::OnText([&](std::string_view text) { keep_last(kept, text); }) : build::OnText(write_text);
  const build::Outside outside = build_outside(common, words.registry, *store, words.quiet);
  const auto id = build::build(*store, *options, outside, on_text);
  if (!id) {
    if (words.quiet) (void)runtime::write_all(STDERR_FILENO, kept);
    return complain_of_build(id.error());
  }
  if (!words.id_file.empty()) {
    if (auto written = runtime::replace_file(words.id_file, "sha256:" + *id, 0644); !written)
      return complain(written.error().what);
  }
  if (words.quiet) {
    write_text("sha256:" + *id + "\n");
    return kDone;
  }
  write_text("Successfully built " + id->substr(0, 12) + "\n");
  for (const std::string& name : options->names) write_text("Successfully tagged " + name + "\n");
  return kDone;
}

void add_options(CLI::App* command, BuildWords& words) {
  command->add_option("-t,--tag", words.names, "What the image is called; may be repeated")
      ->type_name("IMAGE")
      ->allow_extra_args(false);
  command->add_option("-f,--file", words.file, "The Dockerfile; - is standard input; default: CONTEXT/Dockerfile")
      ->type_name(kFile);
  command->add_option("--build-arg", words.arguments, "Value of an ARG; without =VALUE that of the environment")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--label", words.labels, "A label of the image")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command->add_option("--secret", words.secrets, "A file for RUN --mount=type=secret: id=NAME,src=FILE or env=NAME")
      ->type_name("LIST")
      ->allow_extra_args(false);
  command->add_option("--target", words.target, "The stage to build; default: the last")->type_name("NAME");
  command->add_option("--platform", words.platform, "OS/ARCH; only this machine's is built")->type_name("NAME");
  command->add_option("-m,--memory", words.memory, "Memory that all RUN together may use, such as 512m")
      ->type_name("SIZE");
  command->add_option("--cpus", words.cpus, "CPUs that all RUN together may use, such as 1.5")->type_name("CPUS");
  command
      ->add_option("--network", words.network,
                   "Network of RUN: default and host: the host's; none; ns:PATH[,SERVER]: a namespace")
      ->type_name("NAME");
  command->add_option("--cgroup-parent", words.cgroup_parent, "Where the build's cgroup is made; default: /mete-build")
      ->type_name("CGROUP");
  command->add_option("--iidfile", words.id_file, "Writes the image's id into the file")->type_name(kFile);
  command->add_flag("--no-cache", words.no_cache, "Does every step again");
  command->add_flag("--pull", words.pull, "Asks the registry for base images that are there");
  command->add_flag("-q,--quiet", words.quiet, "Prints the image's id alone");
  add_registry_options(command, words.registry);
  command->add_option("context", words.context, "Folder with the files, or - for a tar archive on standard input")
      ->type_name(kFolder)
      ->required();
}

}  // namespace

void add_build(CommandLine& line) {
  Common& common = line.common();
  auto words = std::make_shared<BuildWords>();
  auto* command = line.add({"build", "Build an image from a Dockerfile",
                            "  mete build -t cncamp/httpserver:v1.0 .\n"
                            "  mete build -t app -f release.Dockerfile --build-arg VERSION=2 --target final src\n"
                            "  tar c . | mete build -t app -"},
                           [&common, words] { return build_image(common, *words); });
  add_options(command, *words);
  auto* of_client = line.add({"build-for-agent", "Build an image for a client of the agent", ""}, [&common, words] {
    // It ends with the agent, whose networks RUN is in, and nobody waits for it any more.
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
    return build_image(common, *words);
  });
  add_options(of_client, *words);
}

}  // namespace mete::agent::cli
