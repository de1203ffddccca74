// SPDX-License-Identifier: Apache-2.0
// The seccomp profiles of docker clients. Each becomes a file named by its content among those that pods name
// (seccompProfile: Localhost), and goes with the last container that has it.
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "agent/docker/container/containers.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/create/seccomp_opt.h"
#include "runtime/file.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/sha256.h"
#include "runtime/pod/user.h"
#include "runtime/process/capabilities.h"

namespace mete::agent::docker {
namespace {

Result<SeccompSubject> subject_of(const Json& host) {
  SeccompSubject subject;
  subject.architecture = runtime::image::machine_architecture();
  utsname machine{};
  if (::uname(&machine) != 0 ||
      std::sscanf(&machine.release[0], "%u.%u", &subject.kernel_major, &subject.kernel_minor) != 2)
    return fail("found no version of the kernel, expected one such as \"6.1\"");
  METE_TRY(const std::uint64_t available, runtime::process::own_bounding_set());
  METE_TRY(subject.capabilities, runtime::pod::capabilities_of(security_of(host), available));
  return subject;
}

}  // namespace

Status Containers::keep_seccomp(ContainerRecord& record) {
  const std::string text = seccomp_text_of(record.host_config);
  if (text.empty()) return {};
  METE_TRY(const SeccompSubject subject, subject_of(record.host_config));
  METE_TRY(const std::string profile, seccomp_profile(text, subject));
  const std::string file =
      runtime::pod::kProfilesOfClients + runtime::image::sha256_hex(profile).substr(0, 24) + ".json";
  const std::string folder = services_.settings.seccomp_profiles();
  METE_CHECK(runtime::make_directories(folder + "/" + runtime::pod::kProfilesOfClients, 0700));
  METE_CHECK(runtime::replace_file(folder + "/" + file, profile, 0600));
  record.config["MeteSeccomp"] = file;
  return {};
}

void Containers::forget_seccomp(const ContainerRecord& record) {
  const std::string file = text_of(record.config, "MeteSeccomp");
  const auto has_it = [&](const auto& each) { return text_of(each.second.config, "MeteSeccomp") == file; };
  if (!file.empty() && std::none_of(records_.begin(), records_.end(), has_it))
    (void)::unlink((services_.settings.seccomp_profiles() + "/" + file).c_str());
}

}  // namespace mete::agent::docker
