// SPDX-License-Identifier: Apache-2.0
// HEAD, GET and PUT /containers/ID/archive: docker cp. The files are walked on a thread.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "agent/docker/container/stopped_root.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/storage_opt.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/routes.h"
#include "agent/docker/streams/file_body.h"
#include "runtime/file.h"
#include "runtime/image/archives/inside_tar.h"
#include "runtime/process/inside_files.h"
#include "runtime/storage/place.h"

namespace mete::agent::docker {
namespace {

using runtime::UniqueFd;
using runtime::image::InsideStat;

// Of a container that does not run, and will not start by itself. Its root is made where it was never started.
struct Stopped {
  runtime::storage::RootWish wish;
  std::vector<std::string> layers;
};

Result<Stopped> stopped_of(Engine& engine, const ContainerRecord& record, const std::string& path) {
  const State state = engine.containers().state(record);
  const Pod* const pod = engine.containers().pod(record);
  if (pod == nullptr || state.removing || (state.status != "exited" && state.status != "created"))
    return fail("container " + record.id + " is " + state.status + ", expected it running or stopped");
  METE_TRY(const auto mounts, mounts_of(record.config, record.host_config));
  std::vector<std::string> targets;
  for (const auto& each : mounts) targets.push_back(each.target);
  if (const std::string target = mount_above(path, targets); !target.empty())
    return fail(path + ": found the mount " + target + ", which is there while container " + record.name + " runs");
  const auto& inside = pod->record().containers.front();
  const auto& store = engine.services().images;
  const auto image = store.resolve(record.image_id);
  const auto layers = image ? image->layers : inside.layers;
  METE_TRY(const auto quota, layer_size_of(record.host_config));
  return Stopped{{pod->paths().attempt(inside.name, inside.attempt), layers, quota}, layers};
}

// On a thread, one at a time: a place is made once.
Result<UniqueFd> open_stopped(const Services& services, const Stopped& stopped) {
  static std::mutex turn;
  const std::lock_guard<std::mutex> lock(turn);
  if (!runtime::storage::keeps_written(stopped.wish.place)) {
    METE_CHECK(runtime::make_directories(stopped.wish.place));
    METE_CHECK(services.storage->make(stopped.wish));
  }
  return open_stopped_root(services.images, stopped.layers, stopped.wish.place);
}

using Root = std::shared_ptr<UniqueFd>;

// Calls `then` with the container's root, on the loop; the request may be gone by then. Errors are refused here.
void with_root(Engine& engine, const Call& call, const ContainerRecord& record, std::function<void(Root)> then) {
  const Container* const container = engine.containers().container(record);
  if (container != nullptr && container->record().state == agent::ContainerState::kRunning) {
    const auto inside = runtime::process::InsideFiles::open(container->record().process);
    auto root = inside ? inside->open_path("/", O_PATH | O_DIRECTORY) : tl::unexpected(inside.error());
    if (!root) return refuse(call, 409, "Container " + record.id + " is not running");
    return then(std::make_shared<UniqueFd>(std::move(*root)));
  }
  auto stopped = stopped_of(engine, record, call.parameter("path"));
  if (!stopped) return refuse(call, 409, stopped.error().what);
  const auto root = std::make_shared<Result<UniqueFd>>();
  engine.containers().copying(record.id, true);
  engine.services().workers.run(
      [root, stopped = std::move(*stopped), &services = engine.services()] { *root = open_stopped(services, stopped); },
      [&engine, call, root, then = std::move(then), id = record.id] {
        engine.containers().copying(id, false);
        if (!*root) return refuse(call, 409, root->error().what);
        then(std::make_shared<UniqueFd>(std::move(**root)));
      });
}

void refuse_path(const Call& call, const std::string& container, const std::string& path, const Error& error) {
  const bool missing = error.code == ENOENT || error.code == ENOTDIR;
  refuse(call, missing ? 404 : 500,
         missing ? "Could not find the file " + path + " in container " + container : error.what);
}

HttpHeaders stat_headers(const InsideStat& stat) {
  const std::int64_t seconds = stat.mtime / 1'000'000'000;
  const WallTime at(std::chrono::seconds(seconds) + std::chrono::nanoseconds(stat.mtime % 1'000'000'000));
  const Json value = {{"name", stat.name},
                      {"size", stat.size},
                      {"mode", go_mode(stat.mode)},
                      {"mtime", time_text(at)},
                      {"linkTarget", stat.link_target}};
  return {{"X-Docker-Container-Path-Stat", encode_base64(value.dump(-1, ' ', false, Json::error_handler_t::replace))}};
}

// A container may be gone when its files have been read.
void tell_of(Engine& engine, const std::string& id, const char* action) {
  const auto at = engine.containers().all().find(id);
  if (at != engine.containers().all().end()) engine.containers().tell(at->second, action);
}

struct Wanted {
  std::string path;
  std::string id;
  std::string container;  // its name, for errors
  bool head_only;
};

void send_archive(Engine& engine, const Call& call, const Root& root, const Wanted& wanted) {
  const auto& path = wanted.path;
  const auto stat = runtime::image::stat_inside(root->get(), path);
  if (!stat) return refuse_path(call, wanted.container, path, stat.error());
  HttpResponse head;
  head.headers = stat_headers(*stat);
  head.type = "application/x-tar";
  if (wanted.head_only) return call.reply->send(std::move(head));
  auto file = temporary_file(engine.services().settings.docker());
  if (!file) return refuse(call, 500, file.error().what);
  struct Work {
    UniqueFd file;
    Status done;
  };
  const auto work = std::make_shared<Work>(Work{std::move(*file), {}});
  engine.services().workers.run(
      [work, root, path] { work->done = runtime::image::write_inside_tar(root->get(), path, work->file.get()); },
      [&engine, call, work, head, id = wanted.id] {
        if (!work->done) return refuse(call, 500, work->done.error().what);
        tell_of(engine, id, "archive-path");
        call.reply->send(head, std::make_shared<FileBody>(std::move(work->file)));
      });
}

struct Received {
  std::string container;  // its id
  std::string name;       // for errors
  bool stopped;
  std::string path;
  bool keep;      // a directory stays one, and what is none
  UniqueFd file;  // of the request's body
  Status done = {};
};

void extract_archive(Engine& engine, const Call& call, const Root& root, const std::shared_ptr<Received>& work) {
  if (work->stopped) engine.containers().copying(work->container, true);
  engine.services().workers.run(
      [work, root] {
        const auto source = [work](char* buffer, std::size_t size) -> Result<std::size_t> {
          const ssize_t piece = ::read(work->file.get(), buffer, size);
          if (piece < 0) return fail_errno("read the request's body");
          return static_cast<std::size_t>(piece);
        };
        work->done = runtime::image::extract_inside(root->get(), work->path, source, work->keep);
      },
      [&engine, call, work] {
        if (work->stopped) engine.containers().copying(work->container, false);
        if (work->done) {
          tell_of(engine, work->container, "extract-to-dir");
          return answer_nothing(call, 200);
        }
        const bool missing = work->done.error().code == ENOENT || work->done.error().code == ENOTDIR;
        refuse(call, missing ? 404 : 400,
               missing ? "Could not find the file " + work->path + " in container " + work->name
                       : work->done.error().what);
      });
}

}  // namespace

std::uint32_t go_mode(std::uint32_t mode) {
  std::uint32_t value = mode & 0777U;
  if (S_ISDIR(mode)) value |= 0x80000000U;
  if (S_ISLNK(mode)) value |= 0x08000000U;
  if (S_ISBLK(mode)) value |= 0x04000000U;
  if (S_ISCHR(mode)) value |= 0x04200000U;
  if (S_ISFIFO(mode)) value |= 0x02000000U;
  if (S_ISSOCK(mode)) value |= 0x01000000U;
  if ((mode & S_ISUID) != 0) value |= 0x00800000U;
  if ((mode & S_ISGID) != 0) value |= 0x00400000U;
  if ((mode & S_ISVTX) != 0) value |= 0x00100000U;
  return value;
}

void read_archive(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const std::string path = call.parameter("path");
  if (path.empty()) return refuse(call, 400, "path: found none, expected one in the container");
  with_root(engine, call, *record,
            [&engine, call, wanted = Wanted{path, record->id, record->name, call.request.method == "HEAD"}](
                const Root& root) { send_archive(engine, call, root, wanted); });
}

void write_archive(Engine& engine, const Call& call) {
  ContainerRecord* const record = container_of(engine, call);
  if (record == nullptr) return;
  const std::string path = call.parameter("path");
  if (path.empty()) return refuse(call, 400, "path: found none, expected one in the container");
  if (call.flag("copyUIDGID"))
    return refuse(call, 400, "copyUIDGID: files have the owners that the archive gives them");
  auto body = body_of(call.request);
  if (!body) return refuse(call, 500, body.error().what);
  const auto work = std::make_shared<Received>(Received{.container = record->id,
                                                        .name = record->name,
                                                        .stopped = !engine.containers().state(*record).has_process(),
                                                        .path = path,
                                                        .keep = call.flag("noOverwriteDirNonDir"),
                                                        .file = std::move(*body)});
  with_root(engine, call, *record,
            [&engine, call, work](const Root& root) { extract_archive(engine, call, root, work); });
}

}  // namespace mete::agent::docker
