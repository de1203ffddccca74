// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/volume_mounts.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/base/child_process.h"
#include "agent/base/spawn.h"
#include "runtime/file.h"
#include "runtime/json.h"
#include "runtime/storage/disk_mounts.h"

namespace mete::agent {
namespace {

using nlohmann::json;

// The kernel itself gives up a server after 30 s, once for each version of the protocol.
constexpr auto kLongestMount = std::chrono::seconds(60);
constexpr int kMostDoublings = 7;
constexpr auto kLongestPause = std::chrono::seconds(122);  // the kubelet's

Result<runtime::UniqueFd> text_file(const char* name, const std::string& text) {
  runtime::UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("memfd_create");
  METE_CHECK(runtime::write_all(file.get(), text));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  return file;
}

Status answer_in(const runtime::UniqueFd& file, int exit_code) {
  std::string text;
  if (::lseek(file.get(), 0, SEEK_SET) == 0)
    text = runtime::read_all(file.get(), "a mount's answer", 1U << 16U).value_or("");
  const auto answer = json::parse(text, nullptr, false);
  if (exit_code == 0) return {};
  if (answer.is_object() && answer.contains("error")) return fail(answer["error"].get<std::string>());
  return fail("the mount did not end within " + std::to_string(kLongestMount.count()) + " s, or was killed");
}

}  // namespace

bool VolumeMounts::is_mounted_from_elsewhere(const config::VolumeSource& source) {
  return std::holds_alternative<config::NfsVolume>(source) || std::holds_alternative<config::DiskVolume>(source);
}

Result<VolumeMounts::Request> VolumeMounts::request_of(const PodPaths& pod, const config::Volume& volume) const {
  if (const auto* nfs = std::get_if<config::NfsVolume>(&volume.source)) {
    Request request{{}, pod.volumes().memory + "/" + volume.name};
    METE_CHECK(runtime::make_directories(request.directory));
    request.text = json{{"kind", "nfs"},
                        {"server", nfs->server},
                        {"path", nfs->path},
                        {"readOnly", nfs->read_only},
                        {"target", request.directory}}
                       .dump();
    return request;
  }
  const auto& disk = std::get<config::DiskVolume>(volume.source);
  METE_TRY(const std::string device, runtime::storage::find_disk(disk, services_.settings.config.devices.disks));
  return Request{json{{"kind", "disk"},
                      {"link", disk.link},
                      {"device", device},
                      {"fileSystem", disk.file_system},
                      {"readOnly", disk.read_only},
                      {"folder", pod.disks()},
                      {"uid", pod.uid()}}
                     .dump(),
                 runtime::storage::disk_mount_point(disk, pod.disks())};
}

VolumeMounts::Failure VolumeMounts::failure(const std::string& uid, const config::Volume& volume,
                                            const std::string& what) {
  const int times = failures_[uid + " " + volume.name]++;
  std::chrono::seconds again(1LL << std::min(times, kMostDoublings));
  const bool is_disk = std::holds_alternative<config::DiskVolume>(volume.source);
  return {std::string(is_disk ? "MountVolume.MountDevice" : "MountVolume.SetUp") + " failed for volume \"" +
              volume.name + "\" : " + what,
          std::min(again, kLongestPause)};
}

void VolumeMounts::mount(const PodPaths& pod, const config::Volume& volume, Done done) {
  const std::string uid = pod.uid();
  const auto shared = std::make_shared<Done>(std::move(done));
  const auto fail_later = [this, uid, volume, shared](const std::string& what) {
    asio::post(services_.loop, alive_.guard([this, uid, volume, shared, what] {
      (*shared)(tl::unexpected(failure(uid, volume, what)));
    }));
  };
  const auto request = request_of(pod, volume);
  if (!request) return fail_later(request.error().what);
  const auto started =
      start(*request, uid, [this, uid, volume, shared, directory = request->directory](const Status& ended) {
        running_.erase(uid);
        if (!ended) return (*shared)(tl::unexpected(failure(uid, volume, ended.error().what)));
        failures_.erase(uid + " " + volume.name);
        (*shared)(directory);
      });
  if (!started) return fail_later(started.error().what);
  running_[uid] = *started;
}

Result<pid_t> VolumeMounts::start(const Request& request, const std::string& uid, std::function<void(Status)> ended) {
  METE_TRY(const auto input, text_file("mete-mount-request", request.text));
  METE_TRY(auto output, text_file("mete-mount-answer", ""));
  METE_TRY(const pid_t pid,
           spawn_self({"mete", "--state", services_.settings.state, "mount-for-agent"}, {input.get(), output.get()}));
  const auto answer = std::make_shared<runtime::UniqueFd>(std::move(output));
  const auto exit_code = std::make_shared<int>(-1);
  const auto bound = std::make_shared<Timer>(services_.loop);
  bound->expires_after(kLongestMount);
  bound->async_wait(alive_.guard([this, uid, pid] {
    if (const auto at = running_.find(uid); at != running_.end() && at->second == pid) ::kill(pid, SIGKILL);
  }));
  auto end = alive_.guard([answer, exit_code, bound, ended = std::move(ended)] {
    bound->cancel();
    ended(answer_in(*answer, *exit_code));
  });
  await_child(services_.loop, pid, [exit_code, end = std::move(end)](int code) mutable {
    *exit_code = code;
    end();
  });
  return pid;
}

void VolumeMounts::give_up(const std::string& uid) {
  // Not reaped yet: await_child() does that on this loop, and then it is out of the list.
  if (const auto at = running_.find(uid); at != running_.end()) ::kill(at->second, SIGKILL);
  std::erase_if(failures_, [&](const auto& each) { return each.first.starts_with(uid + " "); });
}

}  // namespace mete::agent
