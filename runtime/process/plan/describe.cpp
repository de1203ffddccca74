// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/plan.h"

namespace mete::runtime::process {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;  // implied in C++20; clang 14 needs it

}  // namespace

std::string describe(const SetupOp& op) {
  const std::string name = std::visit([](const auto& each) { return std::string(each.kName); }, op);
  const std::string details = std::visit(
      Overloaded{
          [](const JoinNamespaces& each) {
            std::string paths;
            for (const auto& use : each.all) paths += (paths.empty() ? " " : ", ") + use.path;
            return paths;
          },
          [](const SetHostname& each) { return " " + (each.name.empty() ? each.domain : each.name); },
          [](const MountRoot& each) { return " " + each.target; },
          [](const MountFilesystem& each) { return " " + each.type + " on " + each.destination; },
          [](const BindMount& each) {
            return " " + each.source + (each.sub_path.empty() ? "" : "/" + each.sub_path) + " on " + each.destination;
          },
          [](const MakeDevice& each) { return " " + each.path; },
          [](const MakeSymlink& each) { return " " + each.path; },
          [](const WriteSysctl& each) { return " " + each.path; },
          [](const MaskPath& each) { return " " + each.path; },
          [](const MakePathReadOnly& each) { return " " + each.path; },
          [](const MakeDirectory& each) { return " " + each.path; },
          [](const ChangeDirectory& each) { return " " + each.path; },
          [](const OpenRoot& each) { return " " + each.path; },
          [](const EnterDirectory& each) { return " " + each.path; },
          [](const JoinKeyring& each) { return " " + each.name; },
          [](const ChangeMount& each) { return " " + each.path; },
          [](const auto&) { return std::string(); },
      },
      op);
  return name + details;
}

}  // namespace mete::runtime::process
