// SPDX-License-Identifier: Apache-2.0
#include "config/reading/cdi_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"
#include "config/reading/yaml/shape.h"
#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {
namespace {

constexpr std::int64_t kCdiMostId = 4294967294;
constexpr std::int64_t kCdiMostNumber = 4294967295;
constexpr std::array kCdiVersions = std::to_array<std::string_view>(
    {"0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"});
constexpr std::array kCdiNodeTypes = std::to_array<std::string_view>({"", "b", "c", "u", "p"});
constexpr std::array kCdiHookPoints = std::to_array<std::string_view>(
    {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"});

constexpr std::array kCdiNodeFields = std::to_array<FieldSpec>({
    {.name = "path", .type = FieldType::kString, .required = true},
    {.name = "hostPath", .type = FieldType::kString},
    {.name = "type", .type = FieldType::kString, .values = kCdiNodeTypes},
    {.name = "major", .type = FieldType::kInteger, .min = 0, .max = kCdiMostNumber},
    {.name = "minor", .type = FieldType::kInteger, .min = 0, .max = kCdiMostNumber},
    {.name = "fileMode", .type = FieldType::kInteger, .min = 0, .max = kCdiMostNumber},
    {.name = "permissions", .type = FieldType::kString},
    {.name = "uid", .type = FieldType::kInteger, .min = 0, .max = kCdiMostId},
    {.name = "gid", .type = FieldType::kInteger, .min = 0, .max = kCdiMostId},
});
constexpr ObjectSpec kCdiNodeSpec = {.name = "CdiDeviceNode", .fields = kCdiNodeFields};

constexpr std::array kCdiMountFields = std::to_array<FieldSpec>({
    {.name = "hostPath", .type = FieldType::kString, .required = true},
    {.name = "containerPath", .type = FieldType::kString, .required = true},
    {.name = "options", .type = FieldType::kStringList},
    {.name = "type", .type = FieldType::kString},
});
constexpr ObjectSpec kCdiMountSpec = {.name = "CdiMount", .fields = kCdiMountFields};

constexpr std::array kCdiHookFields = std::to_array<FieldSpec>({
    {.name = "hookName", .type = FieldType::kString, .required = true, .values = kCdiHookPoints},
    {.name = "path", .type = FieldType::kString, .required = true},
    {.name = "args", .type = FieldType::kStringList},
    {.name = "env", .type = FieldType::kStringList},
    {.name = "timeout", .type = FieldType::kInteger, .min = 0, .max = 86'400},
});
constexpr ObjectSpec kCdiHookSpec = {.name = "CdiHook", .fields = kCdiHookFields};

constexpr std::array kCdiEditsFields = std::to_array<FieldSpec>({
    {.name = "env", .type = FieldType::kStringList},
    {.name = "deviceNodes", .type = FieldType::kObjectList, .object = &kCdiNodeSpec},
    {.name = "netDevices"},
    {.name = "mounts", .type = FieldType::kObjectList, .object = &kCdiMountSpec},
    {.name = "hooks", .type = FieldType::kObjectList, .object = &kCdiHookSpec},
    {.name = "intelRdt"},
    {.name = "additionalGids", .type = FieldType::kIntegerList, .min = 0, .max = kCdiMostId},
});
constexpr ObjectSpec kCdiEditsSpec = {.name = "CdiContainerEdits", .fields = kCdiEditsFields};

constexpr std::array kCdiDeviceFields = std::to_array<FieldSpec>({
    {.name = "name", .type = FieldType::kString, .required = true},
    {.name = "annotations", .type = FieldType::kStringMap},
    {.name = "containerEdits", .type = FieldType::kObject, .required = true, .object = &kCdiEditsSpec},
});
constexpr ObjectSpec kCdiDeviceSpec = {.name = "CdiDevice", .fields = kCdiDeviceFields};

constexpr std::array kCdiSpecFields = std::to_array<FieldSpec>({
    {.name = "cdiVersion", .type = FieldType::kString, .required = true, .values = kCdiVersions},
    {.name = "kind", .type = FieldType::kString, .required = true},
    {.name = "annotations", .type = FieldType::kStringMap},
    {.name = "devices", .type = FieldType::kObjectList, .required = true, .object = &kCdiDeviceSpec},
    {.name = "containerEdits", .type = FieldType::kObject, .object = &kCdiEditsSpec},
});
constexpr ObjectSpec kCdiFileSpec = {.name = "CdiSpec", .fields = kCdiSpecFields};

bool is_ascii_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}
bool is_ascii_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_name_part(std::string_view part, bool of_device) {
  if (part.empty() || !(of_device ? is_ascii_word(part.front()) : is_ascii_letter(part.front())) ||
      !is_ascii_word(part.back()))
    return false;
  return std::all_of(part.begin(), part.end(), [&](char c) {
    return is_ascii_word(c) || c == '_' || c == '-' || c == '.' || (of_device && c == ':');
  });
}

void check_cdi_path(const View& view) {
  if (view && !view.text().starts_with('/')) view.error(mismatch(describe(view.node()), "an absolute path"));
}

void check_cdi_env(const View& list) {
  for (const auto& item : list.items()) {
    const auto at = item.text().find('=');
    if (at == std::string::npos || at == 0) item.error(mismatch(describe(item.node()), "NAME=value"));
  }
}

CdiDeviceNode read_cdi_node(const View& view) {
  CdiDeviceNode node{.path = view["path"].text(),
                     .host_path = view["hostPath"].text(),
                     .type = view["type"].text(),
                     .major = view["major"].integer(),
                     .minor = view["minor"].integer(),
                     .mode = read_id(view["fileMode"]),
                     .uid = read_id(view["uid"]),
                     .gid = read_id(view["gid"]),
                     .file = view.report().file};
  check_cdi_path(view["path"]);
  if (!node.host_path.empty()) check_cdi_path(view["hostPath"]);
  const View rights = view["permissions"];
  const std::string text = rights.text();
  if (text.find_first_not_of("rwm") != std::string::npos && text != "none")
    rights.error(mismatch(describe(rights.node()), "some of r, w and m, or none"));
  if (!text.empty()) node.access = text == "none" ? "" : text;
  return node;
}

CdiEdits read_cdi_edits(const View& view) {
  CdiEdits edits;
  edits.env = view["env"].texts();
  check_cdi_env(view["env"]);
  for (const auto& item : view["deviceNodes"].items()) edits.nodes.push_back(read_cdi_node(item));
  for (const auto& item : view["mounts"].items()) {
    edits.mounts.push_back({item["hostPath"].text(), item["containerPath"].text(), item["options"].texts(),
                            item["type"].text() == "bind" ? std::string() : item["type"].text(), view.report().file});
    check_cdi_path(item["containerPath"]);
  }
  for (const auto& item : view["hooks"].items()) {
    CdiHook hook{item["hookName"].text(), item["path"].text(), item["args"].texts(), item["env"].texts(), {},
                 view.report().file};
    check_cdi_path(item["path"]);
    check_cdi_env(item["env"]);
    if (const auto timeout = item["timeout"].integer(); timeout.value_or(0) > 0)
      hook.timeout = std::chrono::seconds(*timeout);
    edits.hooks.push_back(std::move(hook));
  }
  for (const auto& item : view["additionalGids"].items()) {
    // As the interface's library: the group of root is nobody's to give.
    if (const auto id = read_id(item); id.value_or(0) != 0) edits.gids.push_back(*id);
  }
  for (const char* field : {"netDevices", "intelRdt"}) {
    if (view[field]) edits.others.push_back(view.report().file + ": `" + field + "`");
  }
  return edits;
}

CdiSpec read_cdi_object(const View& view) {
  CdiSpec spec{
      .file = view.report().file, .kind = view["kind"].text(), .edits = read_cdi_edits(view["containerEdits"])};
  if (view["kind"]) view["kind"].check(check_cdi_kind(spec.kind));
  std::set<std::string> names;
  for (const auto& item : view["devices"].items()) {
    const View name = item["name"];
    if (name && !is_name_part(name.text(), true))
      name.error(mismatch(describe(name.node()),
                          "letters, digits, '.', '-', '_' and ':', with a letter or digit at both ends"));
    check_unique(name, "device", names);
    spec.devices.push_back({name.text(), read_cdi_edits(item["containerEdits"]), item.location()});
  }
  if (spec.devices.empty() && view["devices"]) view["devices"].error(mismatch("no device", "at least one"));
  return spec;
}

}  // namespace

Status check_cdi_kind(std::string_view kind) {
  const auto slash = kind.find('/');
  if (slash != std::string_view::npos && is_name_part(kind.substr(0, slash), false) &&
      is_name_part(kind.substr(slash + 1), false))
    return {};
  return fail("found \"" + std::string(kind.substr(0, 300)) + "\", expected VENDOR/CLASS such as vendor.com/device");
}

bool is_cdi_device(std::string_view text) {
  const auto equals = text.find('=');
  return equals != std::string_view::npos && check_cdi_kind(text.substr(0, equals)) &&
         is_name_part(text.substr(equals + 1), true);
}

CdiSpecFile read_cdi_spec(std::string_view text, std::string_view file) {
  CdiSpecFile result;
  Documents out;
  Report report{out, std::string(file), ""};
  auto wrong = check_text(text, 1);
  if (wrong.empty()) {
    const auto tree = parse_document(text, 1);
    if (tree) {
      const View view(&*tree, "", report);
      if (!view) {
        out.errors.push_back({{report.file, 1, 1}, "", "", "found nothing, expected a specification", "", "", ""});
      } else {
        check_shape(view, kCdiFileSpec, "is not acted on yet");
      }
      if (out.errors.empty()) result.spec = read_cdi_object(view);
    } else {
      wrong.push_back(tree.error());
    }
  }
  for (const ParseError& error : wrong)
    out.errors.push_back({{report.file, error.line, error.column}, "", "", error.message, "", "", ""});
  result.errors = std::move(out.errors);
  return result;
}

}  // namespace mete::config
