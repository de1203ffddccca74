// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/cni/plugin_list.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/json.h"
#include "runtime/network/cni/json_fields.h"

namespace mete::runtime::network::cni {
namespace {

constexpr std::string_view kNameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
constexpr std::size_t kMostPlugins = 64;

bool is_name(const std::string& text) {
  const bool begins = !text.empty() && kNameCharacters.substr(0, 62).find(text.front()) != std::string_view::npos;
  return begins && text.find_first_not_of(kNameCharacters) == std::string::npos;
}

// A switch, which lists write as a word or as a text.
Result<bool> read_switch(const Json& object, const char* name, const std::string& shown) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  if (found->is_boolean()) return found->get<bool>();
  const std::string word = found->is_string() ? found->get<std::string>() : "";
  if (word != "true" && word != "false")
    return fail(shown + ": " + name + ": found " + shown_value(*found) + ", expected true or false");
  return word == "true";
}

Result<std::vector<std::string>> read_versions(const Json& object, const std::string& shown) {
  METE_TRY(const std::string one, required_text(object, "cniVersion", shown));
  std::vector<std::string> versions = {one};
  METE_TRY(const auto more, text_list(object, "cniVersions", shown));
  for (const auto& each : more) {
    if (std::find(versions.begin(), versions.end(), each) == versions.end()) versions.push_back(each);
  }
  const auto& spoken = spoken_versions();
  const auto is_spoken = [&](const std::string& each) {
    return std::find(spoken.begin(), spoken.end(), each) != spoken.end();
  };
  if (std::none_of(versions.begin(), versions.end(), is_spoken))
    return fail(shown + ": cniVersion: found \"" + one + "\", expected one of " + spoken.back() + " to " +
                spoken.front());
  return versions;
}

Result<Plugin> read_plugin(const Json& object, const std::string& shown) {
  if (!object.is_object()) return fail(shown + ": found " + shown_value(object) + ", expected an object");
  Plugin plugin;
  METE_TRY(plugin.type, required_text(object, "type", shown));
  // It is looked for in folders: no way out of them.
  if (plugin.type.find('/') != std::string::npos || plugin.type == "." || plugin.type == "..")
    return fail(shown + ": type: found \"" + plugin.type + "\", expected the name of a plugin's program");
  const Json capabilities = object.value("capabilities", Json::object());
  if (!capabilities.is_object())
    return fail(shown + ": capabilities: found " + shown_value(capabilities) + ", expected an object");
  for (const auto& [name, on] : capabilities.items()) {
    if (!on.is_boolean())
      return fail(shown + ": capabilities." + name + ": found " + shown_value(on) + ", expected true or false");
    if (on.get<bool>()) plugin.capabilities.insert(name);
  }
  plugin.text = object.dump();
  return plugin;
}

std::array<int, 3> parts_of(const std::string& version) {
  std::array<int, 3> parts = {-1, -1, -1};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (auto& part : parts) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc()) return {-1, -1, -1};
    at = next == end ? end : next + 1;
  }
  return parts;
}

}  // namespace

const std::vector<std::string>& spoken_versions() {
  static const std::vector<std::string> all = {"1.1.0", "1.0.0", "0.4.0", "0.3.1", "0.3.0"};
  return all;
}

bool is_older(const std::string& version, const std::string& than) {
  return parts_of(version) < parts_of(than);
}

bool takes(const PluginList& list, const std::string& capability) {
  return std::any_of(list.plugins.begin(), list.plugins.end(),
                     [&](const Plugin& each) { return each.capabilities.contains(capability); });
}

Result<PluginList> parse_list(const std::string& text, const std::string& shown) {
  METE_TRY(const Json object, parse_object(text, shown));
  PluginList list;
  METE_TRY(list.name, required_text(object, "name", shown));
  if (!is_name(list.name))
    return fail(shown + ": name: found \"" + list.name +
                "\", expected letters, digits, '_', '.' and '-', with a letter or digit first");
  METE_TRY(list.versions, read_versions(object, shown));
  METE_TRY(list.disable_check, read_switch(object, "disableCheck", shown));
  METE_TRY(list.disable_gc, read_switch(object, "disableGC", shown));
  const auto plugins = object.find("plugins");
  if (plugins == object.end()) {
    METE_TRY(auto only, read_plugin(object, shown));
    list.plugins.push_back(std::move(only));
    return list;
  }
  if (!plugins->is_array() || plugins->empty() || plugins->size() > kMostPlugins)
    return fail(shown + ": plugins: found " + (plugins->is_array() ? std::to_string(plugins->size()) : "no list") +
                ", expected a list of 1 to " + std::to_string(kMostPlugins) + " plugins");
  for (std::size_t i = 0; i < plugins->size(); ++i) {
    METE_TRY(auto plugin, read_plugin((*plugins)[i], shown + ": plugins[" + std::to_string(i) + "]"));
    list.plugins.push_back(std::move(plugin));
  }
  return list;
}

Result<std::vector<std::string>> parse_versions(const std::string& text) {
  METE_TRY(const Json object, parse_object(text, "VERSION"));
  return text_list(object, "supportedVersions", "VERSION");
}

Result<std::string> choose_version(const PluginList& list, const std::vector<std::vector<std::string>>& understood) {
  const auto by_all = [&](const std::string& version) {
    return std::all_of(understood.begin(), understood.end(),
                       [&](const auto& own) { return std::find(own.begin(), own.end(), version) != own.end(); });
  };
  const auto asked = [&](const std::string& version) {
    return std::find(list.versions.begin(), list.versions.end(), version) != list.versions.end();
  };
  const auto before_asked = [&](const std::string& version) {
    return std::any_of(list.versions.begin(), list.versions.end(),
                       [&](const std::string& each) { return is_older(version, each); });
  };
  for (const auto& version : spoken_versions()) {
    if (asked(version) && by_all(version)) return version;
  }
  for (const auto& version : spoken_versions()) {
    if (before_asked(version) && by_all(version)) return version;
  }
  return fail("network configuration " + list.name + ": found no version of the specification that its plugins have " +
              "in common up to " + list.versions.front() + ", expected one of " + spoken_versions().back() + " to " +
              spoken_versions().front());
}

}  // namespace mete::runtime::network::cni
