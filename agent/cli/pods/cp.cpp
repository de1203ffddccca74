// SPDX-License-Identifier: Apache-2.0
// `mete cp`: copies by itself, from descriptor to descriptor; the image needs no tar.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "agent/cli/containers/subject.h"
#include "agent/cli/objects/pod_word.h"
#include "agent/cli/output/table.h"
#include "agent/docker/container/stopped_root.h"
#include "agent/http/http_url.h"
#include "runtime/file.h"
#include "runtime/process/inside_files.h"

namespace mete::agent::cli {
namespace {

namespace process = runtime::process;
using runtime::UniqueFd;

// "NAMESPACE/POD:PATH" or "POD:PATH" is in a container, anything else a path of this machine. A name with '/' before
// its
// ':' may be either: a path of this machine begins with '/' or '.' then.
struct Place {
  std::string pod;  // empty: this machine
  std::string path;
};

Place place_of(const std::string& word) {
  const auto colon = word.find(':');
  const bool own = colon == std::string::npos || colon == 0 || word.front() == '/' || word.front() == '.';
  return own ? Place{{}, word} : Place{word.substr(0, colon), word.substr(colon + 1)};
}

struct CopyOptions {
  std::string from;
  std::string to;
  std::string container;
  std::string space;
};

// The two ends, whichever of them is in the container.
class Ends {
 public:
  explicit Ends(process::InsideFiles inside) : inside_(std::move(inside)) {}

  [[nodiscard]] Result<UniqueFd> open(const Place& place, int flags) const {
    return place.pod.empty() ? runtime::open_at(AT_FDCWD, place.path.empty() ? "." : place.path, flags)
                             : inside_.open_path(place.path.empty() ? "." : place.path, flags);
  }
  [[nodiscard]] process::CopyOwner owner_at(const Place& place) const {
    return place.pod.empty() ? process::CopyOwner{::geteuid(), ::getegid()}
                             : process::CopyOwner{inside_.uid(), inside_.gid()};
  }

 private:
  process::InsideFiles inside_;
};

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// "/a/b" -> {"/a", "b"}, "b" -> {".", "b"}
std::pair<std::string, std::string> split(const std::string& given) {
  const std::string path = without_slashes(given);
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// What is copied: the directory that it is in, and its name there.
struct Item {
  UniqueFd directory;
  std::string name;
};

Result<Item> source_of(const Ends& ends, const Place& place) {
  auto [directory, name] = split(place.path);
  // ".", ".." and "/" name a directory without a name of its own: it is opened, and copied as what is in it.
  if (name.empty() || name == "." || name == "..") {
    METE_TRY(UniqueFd whole, ends.open(place, O_RDONLY | O_DIRECTORY));
    return Item{std::move(whole), "."};
  }
  METE_TRY(UniqueFd parent, ends.open({place.pod, directory}, O_PATH | O_DIRECTORY));
  return Item{std::move(parent), name};
}

// As cp(1) and kubectl have it: into a directory that is there, else under the new name.
Result<Item> target_of(const Ends& ends, const Place& place, const std::string& source_name) {
  if (auto there = ends.open(place, O_RDONLY | O_DIRECTORY)) return Item{std::move(*there), source_name};
  auto [directory, name] = split(place.path);
  METE_TRY(UniqueFd parent, ends.open({place.pod, directory}, O_RDONLY | O_DIRECTORY));
  if (name.empty() || name == "." || name == ".." || place.path.ends_with('/'))
    return fail(place.path + ": found no such directory, expected one, or a name without '/' at its end");
  return Item{std::move(parent), name};
}

Status copy(const Ends& ends, const Place& from, const Place& to) {
  METE_TRY(const Item source, source_of(ends, from));
  METE_TRY(const Item target, target_of(ends, to, source.name));
  return process::copy_between(
      source.directory, source.name, target.directory, target.name, ends.owner_at(to), [](const std::string& path) {
        std::fprintf(stderr, "warning: skipping %s: neither a file nor a directory\n", printable(path).c_str());
      });
}

// Of `mete run`, at its end or before its start. Volumes are not mounted then.
Result<process::InsideFiles> of_stopped(const Common& common, const Subject& subject, const Json& container,
                                        const Place& place) {
  METE_TRY(const Answer told, docker_client(common).request("GET", subject.path + "/json"));
  const Json inspected = Json::parse(told.body, nullptr, false);
  if (told.status != 200 || !inspected.is_object()) return fail(message_of(told));
  const auto status = inspected["State"]["Status"].get<std::string>();
  if (status != "exited" && status != "created")
    return fail("container " + subject.word + " is " + status + ", expected it running or stopped");
  std::vector<std::string> targets;
  for (const Json& each : inspected["Mounts"]) targets.push_back(each["Destination"].get<std::string>());
  if (const std::string target = docker::mount_above(place.path, targets); !target.empty())
    return fail(place.path + ": found the mount " + target + ", which is there while " + subject.word + " runs");
  // Of one that was never started the agent makes the root, with its storage driver.
  METE_TRY(const Answer made, docker_client(common).request("HEAD", subject.path + "/archive?path=/"));
  if (made.status != 200) return fail("container " + subject.word + ": found no root that can be opened, expected one");
  METE_TRY(const auto store, runtime::image::Store::open(common.settings.images()));
  const auto image = store.resolve(inspected["Image"].get<std::string>());
  const auto layers = image ? image->layers : container.value("layers", std::vector<std::string>());
  METE_TRY(auto root, docker::open_stopped_root(store, layers, container["directory"].get<std::string>()));
  return process::InsideFiles::below(std::move(root));
}

Result<process::InsideFiles> inside_of(const Common& common, const Subject& subject, const Json& container,
                                       const Place& place) {
  if (container.contains("pid")) {
    auto inside =
        process::InsideFiles::open({container["pid"].get<pid_t>(), container.value("pidStartTime", std::uint64_t{0})});
    if (!inside) return fail("the container has just ended: " + inside.error().what);
    return inside;
  }
  if (!subject.is_pod) return of_stopped(common, subject, container, place);
  return fail("container " + container["name"].get<std::string>() + " is " + container["state"].get<std::string>() +
              ", expected it running");
}

// A tar archive on standard output or from standard input, as docker has it.
int copy_archive(const Common& common, const Subject& subject, const Place& place, bool out) {
  if (subject.is_pod) return refuse_pod(subject, "cp -", "for a pod there is `mete exec POD -- tar`");
  if (out && ::isatty(STDOUT_FILENO) == 1)
    return complain("refusing to copy to a terminal; redirect the output", kUsage);
  const DockerClient client = docker_client(common);
  const std::string target = subject.path + "/archive?path=" + url_encode(place.path);
  const auto answer = out ? client.download(target, STDOUT_FILENO) : client.upload(target, STDIN_FILENO);
  if (!answer) return complain(answer.error().what);
  if (answer->status >= 300) return complain(message_of(*answer), answer->status == 404 ? kNotFound : kFailed);
  return kDone;
}

int cp(const Common& common, const CopyOptions& options) {
  Place from = place_of(options.from);
  Place to = place_of(options.to);
  if (from.pod.empty() == to.pod.empty())
    return complain(
        "cp: found " + std::string(from.pod.empty() ? "no" : "two") + " paths in a container (POD:PATH), expected one",
        kUsage);
  Place& place = from.pod.empty() ? to : from;
  auto word = pod_word(place.pod, options.space);
  if (!word) return complain("cp: " + word.error().what, kUsage);
  place.pod = std::move(*word);
  const Subject subject = find_subject(common, place.pod);
  if (subject.code != kDone) return subject.code;
  if (options.from == "-" || options.to == "-") return copy_archive(common, subject, place, options.to == "-");
  if (!subject.pod.is_object()) return complain("container " + place.pod + " is being made or removed");
  const auto container = find_container(subject.pod, options.container);
  if (!container) return kNotFound;
  auto inside = inside_of(common, subject, *container, place);
  if (!inside) return complain(inside.error().what);
  const auto done = copy(Ends(std::move(*inside)), from, to);
  const int failed = !done && done.error().code == ENOENT ? kNotFound : kFailed;
  return done ? kDone : complain("cp " + options.from + " " + options.to + ": " + done.error().what, failed);
}

}  // namespace

void add_cp(CommandLine& line) {
  auto options = std::make_shared<CopyOptions>();
  const Common& common = line.common();
  auto* command = line.add({"cp", "Copy files and directories into a container, or out of it",
                            "  mete cp web:/etc/nginx/nginx.conf .\n  mete cp ./site web:/srv -c nginx\n"
                            "  mete cp web:/var/log - | tar -t"},
                           [&common, options] { return cp(common, *options); });
  command->add_option("from", options->from, "PATH, or [NAMESPACE/]POD:PATH; of a container also -, a tar archive")
      ->type_name("[POD:]PATH")
      ->required();
  command->add_option("to", options->to, "The same; one of both is in a container")
      ->type_name("[POD:]PATH")
      ->required();
  command->add_option("-c,--container", options->container, "Which container")->type_name(kContainer);
  command->add_option("-n,--namespace", options->space, kPodNamespace)->type_name("NAMESPACE");
}

}  // namespace mete::agent::cli
