// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/platforms.h"

#include <sys/utsname.h>

#include <algorithm>

#include "runtime/image/store.h"

namespace mete::runtime::image {
namespace {

std::string list(const std::vector<Descriptor>& found) {
  std::string text;
  for (const Descriptor& at : found) {
    if (text.size() > 500) return text + ", ...";
    text += (text.empty() ? "" : ", ") + at.platform->os + "/" + at.platform->architecture;
    if (!at.platform->variant.empty()) text += "/" + at.platform->variant;
    if (!at.reference.empty()) text += " (" + at.reference + ")";
  }
  return text.empty() ? "nothing" : text;
}

// Keeps the descriptors that `wanted` accepts, unless it accepts none.
template <class Wanted>
void prefer(std::vector<Descriptor>& found, Wanted wanted) {
  if (std::any_of(found.begin(), found.end(), wanted)) {
    std::erase_if(found, [&](const Descriptor& at) { return !wanted(at); });
  }
}

std::vector<Descriptor> here_of(const std::vector<Descriptor>& found) {
  std::vector<Descriptor> fit = found;
  std::erase_if(fit, [](const Descriptor& at) {
    return at.platform->os != "linux" || at.platform->architecture != machine_architecture();
  });
  return fit;
}

Error none_for_this_machine(const std::vector<Descriptor>& found) {
  return Error{0, "found images for " + list(found) + ", expected one for linux/" + machine_architecture()};
}

// A variant needs a newer processor than the plain architecture; arm64's only variant is v8.
bool is_plain(const Descriptor& at) {
  return at.platform->variant.empty() || at.platform->variant == "v8";
}

// A layout may give whole names, or tags alone.
bool is_called(const Descriptor& at, const std::string& name) {
  if (at.reference.empty()) return false;
  const std::string whole = name_of_reference(at.reference);
  return whole.empty() ? name == at.reference + ":latest" || name.ends_with(":" + at.reference) : whole == name;
}

}  // namespace

std::string name_of_reference(const std::string& reference) {
  if (reference.find_first_of(":/@") == std::string::npos) return "";
  return normalize_name(reference).value_or("");
}

std::string machine_architecture() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  std::string machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine == "i686" || machine == "i386") return "386";
  if (machine == "armv7l") return "arm";
  return machine;  // riscv64, s390x, ppc64le
}

Result<std::vector<Descriptor>> all_platforms(const std::vector<Descriptor>& found) {
  std::vector<Descriptor> all = here_of(found);
  if (all.empty()) return tl::unexpected(none_for_this_machine(found));
  // Two variants of one name are one image.
  std::vector<Descriptor> chosen;
  for (const Descriptor& each : all) {
    const auto other = std::find_if(chosen.begin(), chosen.end(), [&](const Descriptor& at) {
      return !at.reference.empty() && at.reference == each.reference;
    });
    if (other == chosen.end()) {
      chosen.push_back(each);
    } else if (is_plain(each) && !is_plain(*other)) {
      *other = each;
    }
  }
  return chosen;
}

Result<Descriptor> choose_platform(std::vector<Descriptor> found, const std::string& name) {
  std::vector<Descriptor> fit = here_of(found);
  if (fit.empty()) return tl::unexpected(none_for_this_machine(found));
  prefer(fit, [&](const Descriptor& at) { return is_called(at, name); });
  prefer(fit, is_plain);
  const bool same =
      std::all_of(fit.begin(), fit.end(), [&](const Descriptor& at) { return at.digest == fit[0].digest; });
  if (!same) return fail("found several images: " + list(fit) + "; expected one, or one that is called " + name);
  return fit[0];
}

}  // namespace mete::runtime::image
