// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/cni/cni_work.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/network/host_network.h"

namespace mete::agent {
namespace {

namespace cni = runtime::network::cni;
using runtime::UniqueFd;

bool is_space(const std::string& path) {
  struct statfs found {};
  return ::statfs(path.c_str(), &found) == 0 && found.f_type == NSFS_MAGIC;
}

Result<UniqueFd> new_space() {
  METE_TRY(auto host, runtime::network::HostNetwork::open());
  METE_TRY(auto made, host.make_namespace());
  return std::move(made.file);
}

}  // namespace

std::string CniWork::record_of(const Member& member) const {
  return places_.records + "/" + member.uid + "@" + member.network + ".json";
}

std::vector<CniWork::Member> CniWork::recorded() const {
  std::vector<Member> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(places_.records, ignored)) {
    const std::string name = entry.path().stem().string();
    const auto at = name.find('@');
    if (entry.path().extension() == ".json" && at != std::string::npos)
      all.push_back({name.substr(0, at), name.substr(at + 1)});
  }
  return all;
}

Result<cni::Chain> CniWork::chain_of(const std::string& text, const std::string& shown) const {
  METE_TRY(auto list, cni::parse_list(text, shown));
  return cni::Chain(std::move(list), places_.limits.folders,
                    [limits = places_.limits](const cni::PluginCall& call) { return cni::run_program(call, limits); });
}

Status CniWork::look_at(const std::string& configuration) const {
  METE_TRY(const auto text, cni::find_list(places_.configurations, configuration));
  METE_TRY(const auto chain, chain_of(text, "network configuration " + configuration));
  METE_TRY(const auto version, chain.negotiate());
  return chain.status(version);
}

// A mount of the namespace, which keeps it until DEL: plugins find there what they have made.
Result<std::string> CniWork::keep_space(const std::string& uid, int inside) const {
  const std::string path = places_.spaces + "/" + uid;
  if (is_space(path)) (void)::umount2(path.c_str(), MNT_DETACH);
  METE_CHECK(runtime::make_directories(places_.spaces, 0700));
  METE_TRY(const auto file, runtime::open_at(AT_FDCWD, path, O_RDONLY | O_CREAT, 0600));
  const std::string source = "/proc/thread-self/fd/" + std::to_string(inside);
  if (::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return fail_errno("mount a network namespace on " + path);
  return path;
}

void CniWork::forget(const Member& member) const {
  (void)::unlink(record_of(member).c_str());
  const auto left = recorded();
  const auto is_its = [&](const Member& each) { return each.uid == member.uid; };
  if (std::any_of(left.begin(), left.end(), is_its)) return;
  const std::string path = places_.spaces + "/" + member.uid;
  (void)::umount2(path.c_str(), MNT_DETACH);
  (void)::unlink(path.c_str());
}

Result<CniWork::Recorded> CniWork::read_record(const Member& member) const {
  METE_TRY(const auto text, runtime::read_file(AT_FDCWD, record_of(member)));
  METE_TRY(auto attachment, cni::parse_attachment(text));
  METE_TRY(auto chain, chain_of(attachment.configuration, "record of network " + member.network));
  // After a reboot there is none, and plugins do without.
  if (!is_space(attachment.space)) attachment.space.clear();
  return Recorded{std::move(chain), std::move(attachment)};
}

Result<CniWork::Added> CniWork::add(const Wish& wish) const {
  // An earlier life of the container.
  METE_CHECK(remove(wish.member));
  METE_TRY(const auto text, cni::find_list(places_.configurations, wish.configuration));
  METE_TRY(const auto chain, chain_of(text, "network configuration " + wish.configuration));
  for (const auto& each : wish.needs) {
    if (!cni::takes(chain.list(), each))
      return fail("network configuration " + wish.configuration + ": found no plugin with the capability " + each +
                  ", which the pod needs");
  }
  cni::Attachment attachment{wish.member.uid, {}, wish.device, wish.arguments, wish.offers, text, {}, {}};
  METE_TRY(attachment.version, chain.negotiate());
  METE_TRY(UniqueFd inside, wish.inside ? Result<UniqueFd>(std::move(*wish.inside)) : new_space());
  METE_TRY(attachment.space, keep_space(wish.member.uid, inside.get()));
  const auto save = [&]() -> Status {
    METE_CHECK(runtime::make_directories(places_.records, 0700));
    return runtime::replace_file(record_of(wish.member), cni::to_json(attachment), 0600,
                                 runtime::Durability::volatile_);
  };
  if (auto saved = save(); !saved) {
    forget(wish.member);
    return tl::unexpected(std::move(saved.error()));
  }
  auto result = chain.add(attachment);
  if (result) {
    attachment.result = result->text;
    if (const auto saved = save(); !saved) result = tl::unexpected(saved.error());
  }
  if (!result) {
    chain.clean_up(attachment);
    forget(wish.member);
    return tl::unexpected(std::move(result.error()));
  }
  return Added{std::move(*result), std::move(inside)};
}

Status CniWork::remove(const Member& member) const {
  if (::access(record_of(member).c_str(), F_OK) != 0) return {};
  METE_TRY(const auto recorded, read_record(member));
  // An ADD that did not end is undone as far as it got.
  if (recorded.attachment.result.empty()) {
    recorded.chain.clean_up(recorded.attachment);
  } else {
    METE_CHECK(recorded.chain.del(recorded.attachment));
  }
  forget(member);
  return {};
}

Status CniWork::check(const Member& member) const {
  METE_TRY(const auto recorded, read_record(member));
  if (recorded.attachment.space.empty())
    return fail("network " + member.network + ": found no namespace of pod " + member.uid + ", expected a mount of it");
  return recorded.chain.check(recorded.attachment);
}

Status CniWork::collect_garbage(const std::string& configuration) const {
  METE_TRY(const auto text, cni::find_list(places_.configurations, configuration));
  METE_TRY(const auto chain, chain_of(text, "network configuration " + configuration));
  METE_TRY(const auto version, chain.negotiate());
  std::vector<cni::ValidAttachment> valid;
  for (const auto& member : recorded()) {
    const auto found = read_record(member);
    if (!found) return tl::unexpected(found.error());
    if (found->chain.list().name == configuration)
      valid.push_back({found->attachment.container, found->attachment.device});
  }
  return chain.collect_garbage(version, valid);
}

}  // namespace mete::agent
