// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/chain.h"

#include "runtime/network/cni/json_fields.h"

namespace mete::runtime::network::cni {
namespace {

constexpr const char* kFirstWithCheck = "0.4.0";
constexpr const char* kFirstWithStatus = "1.1.0";  // and GC

// A plugin's own part of the list, as the specification has it for one call.
Json request_of(const PluginList& list, std::size_t plugin, const std::string& version) {
  Json request = Json::parse(list.plugins[plugin].text, nullptr, false);
  request.erase("capabilities");
  request.erase("cniVersions");
  request["name"] = list.name;
  request["cniVersion"] = version;
  return request;
}

std::string text_of(const Json& request) {
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

const char* to_string(Command command) {
  constexpr const char* kNames[] = {"ADD", "DEL", "CHECK", "STATUS", "GC", "VERSION"};
  return kNames[static_cast<std::size_t>(command)];
}

PluginCall call_of(Command command, const PluginList& list, std::size_t plugin, const Attachment& attachment,
                   const std::string& previous) {
  const Plugin& called = list.plugins[plugin];
  Json request = request_of(list, plugin, attachment.version);
  for (const auto& [capability, offer] : attachment.offers) {
    if (called.capabilities.contains(capability))
      request["runtimeConfig"][capability] = Json::parse(offer, nullptr, false);
  }
  if (!previous.empty()) request["prevResult"] = Json::parse(previous, nullptr, false);
  return {called.type,
          {std::string("CNI_COMMAND=") + to_string(command), "CNI_CONTAINERID=" + attachment.container,
           "CNI_NETNS=" + attachment.space, "CNI_IFNAME=" + attachment.device, "CNI_ARGS=" + attachment.arguments},
          text_of(request)};
}

Result<PluginAnswer> Chain::ask(PluginCall call, const char* command) const {
  std::string path = "CNI_PATH=";
  for (const auto& each : folders_) path += (path.back() == '=' ? "" : ":") + each;
  call.environment.push_back(std::move(path));
  const std::string shown = "network configuration " + list_.name + ": plugin " + call.type + ", " + command;
  auto answer = run_(call);
  if (!answer) return fail_in(shown, std::move(answer.error()));
  if (answer->code != 0) return fail(shown + ": " + failure_of(answer->output, answer->errors, answer->code));
  return answer;
}

Result<std::string> Chain::negotiate() const {
  std::vector<std::vector<std::string>> understood;
  for (const auto& plugin : list_.plugins) {
    const Json request = {{"cniVersion", list_.versions.front()}};
    METE_TRY(const auto answer, ask({plugin.type, {"CNI_COMMAND=VERSION"}, text_of(request)}, "VERSION"));
    auto versions = parse_versions(answer.output);
    if (!versions) return fail_in("plugin " + plugin.type, std::move(versions.error()));
    understood.push_back(std::move(*versions));
  }
  return choose_version(list_, understood);
}

Result<AddResult> Chain::add(const Attachment& attachment) const {
  AddResult result;
  for (std::size_t i = 0; i < list_.plugins.size(); ++i) {
    METE_TRY(const auto answer, ask(call_of(Command::kAdd, list_, i, attachment, result.text), "ADD"));
    METE_TRY(result, parse_result(answer.output, attachment.version,
                                  "network configuration " + list_.name + ": answer of plugin " +
                                      list_.plugins[i].type + " to ADD"));
  }
  return result;
}

Status Chain::del(const Attachment& attachment) const {
  // Before it the result of ADD was no part of DEL.
  const bool with_result = !is_older(attachment.version, kFirstWithCheck);
  const std::string previous = with_result ? attachment.result : std::string();
  for (std::size_t i = list_.plugins.size(); i-- > 0;)
    METE_CHECK(ask(call_of(Command::kDel, list_, i, attachment, previous), "DEL"));
  return {};
}

void Chain::clean_up(const Attachment& attachment) const {
  for (std::size_t i = list_.plugins.size(); i-- > 0;)
    (void)ask(call_of(Command::kDel, list_, i, attachment, {}), "DEL");
}

Status Chain::check(const Attachment& attachment) const {
  if (list_.disable_check || is_older(attachment.version, kFirstWithCheck)) return {};
  for (std::size_t i = 0; i < list_.plugins.size(); ++i)
    METE_CHECK(ask(call_of(Command::kCheck, list_, i, attachment, attachment.result), "CHECK"));
  return {};
}

Status Chain::status(const std::string& version) const {
  if (is_older(version, kFirstWithStatus)) return {};
  for (std::size_t i = 0; i < list_.plugins.size(); ++i) {
    const PluginCall call{list_.plugins[i].type, {"CNI_COMMAND=STATUS"}, text_of(request_of(list_, i, version))};
    METE_CHECK(ask(call, "STATUS"));
  }
  return {};
}

Status Chain::collect_garbage(const std::string& version, const std::vector<ValidAttachment>& valid) const {
  if (list_.disable_gc || is_older(version, kFirstWithStatus)) return {};
  Json attachments = Json::array();
  for (const auto& each : valid) attachments.push_back({{"containerID", each.container}, {"ifname", each.device}});
  // Each of them is asked, whatever the others say.
  Status first;
  for (std::size_t i = 0; i < list_.plugins.size(); ++i) {
    Json request = request_of(list_, i, version);
    request["cni.dev/valid-attachments"] = attachments;
    const auto answer = ask({list_.plugins[i].type, {"CNI_COMMAND=GC"}, text_of(request)}, "GC");
    if (!answer && first) first = tl::unexpected(answer.error());
  }
  return first;
}

}  // namespace mete::runtime::network::cni
