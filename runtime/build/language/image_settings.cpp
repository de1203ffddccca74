// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/language/image_settings.h"

#include <algorithm>
#include <ctime>

#include "runtime/json_numbers.h"
#include "runtime/ordered_json.h"

namespace mete::runtime::build {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;  // what is written
using Strings = std::vector<std::string>;

// A null value means the same as an absent one.
template <class T>
T value_of(const json& object, const char* key, T otherwise = T()) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? std::move(otherwise) : found->template get<T>();
}

// Nanoseconds or a count.
std::int64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? 0 : whole_number<std::int64_t>(*found, 0);
}

std::int64_t seconds_of(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return 0;
  return std::max<std::int64_t>(::timegm(&parts), 0);
}

std::set<std::string> keys_of(const json& object, const char* key) {
  std::set<std::string> names;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return names;
  for (const auto& each : found->items()) names.insert(each.key());
  return names;
}

Healthcheck read_healthcheck(const json& object) {
  Healthcheck check;
  check.test = value_of<Strings>(object, "Test");
  check.interval = number_of(object, "Interval");
  check.timeout = number_of(object, "Timeout");
  check.start_period = number_of(object, "StartPeriod");
  check.start_interval = number_of(object, "StartInterval");
  check.retries = number_of(object, "Retries");
  return check;
}

Json healthcheck_json(const Healthcheck& check) {
  Json object = Json::object();
  if (!check.test.empty()) object["Test"] = check.test;
  if (check.interval != 0) object["Interval"] = check.interval;
  if (check.timeout != 0) object["Timeout"] = check.timeout;
  if (check.start_period != 0) object["StartPeriod"] = check.start_period;
  if (check.start_interval != 0) object["StartInterval"] = check.start_interval;
  if (check.retries != 0) object["Retries"] = check.retries;
  return object;
}

Json config_json(const ImageSettings& settings) {
  Json config = Json::object();
  if (!settings.user.empty()) config["User"] = settings.user;
  if (!settings.exposed_ports.empty()) config["ExposedPorts"] = empty_objects(settings.exposed_ports);
  if (!settings.env.empty()) config["Env"] = settings.env;
  if (!settings.entrypoint.empty()) config["Entrypoint"] = settings.entrypoint;
  if (!settings.cmd.empty()) config["Cmd"] = settings.cmd;
  if (settings.healthcheck) config["Healthcheck"] = healthcheck_json(*settings.healthcheck);
  if (!settings.volumes.empty()) config["Volumes"] = empty_objects(settings.volumes);
  if (!settings.working_dir.empty()) config["WorkingDir"] = settings.working_dir;
  if (!settings.on_build.empty()) config["OnBuild"] = settings.on_build;
  if (!settings.labels.empty()) config["Labels"] = settings.labels;
  if (!settings.stop_signal.empty()) config["StopSignal"] = settings.stop_signal;
  if (!settings.shell.empty()) config["Shell"] = settings.shell;
  return config;
}

Json history_json(const std::vector<HistoryRow>& rows) {
  Json list = Json::array();
  for (const HistoryRow& row : rows) {
    Json object = {{"created", utc_text(row.created)}};
    if (!row.created_by.empty()) object["created_by"] = row.created_by;
    if (!row.author.empty()) object["author"] = row.author;
    if (!row.comment.empty()) object["comment"] = row.comment;
    if (row.empty_layer) object["empty_layer"] = true;
    list.push_back(std::move(object));
  }
  return list;
}

// Texts of a Dockerfile may be in any encoding, JSON has one.
std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string utc_text(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char text[40] = {};
  if (::gmtime_r(&time, &parts) != nullptr) (void)std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

void set_variable(std::vector<std::string>& env, const std::string& name, const std::string& value) {
  const auto same = [&](const std::string& each) { return each.starts_with(name + "="); };
  const auto at = std::find_if(env.begin(), env.end(), same);
  if (at == env.end()) {
    env.push_back(name + "=" + value);
  } else {
    *at = name + "=" + value;
  }
}

std::optional<std::string> variable_of(const std::vector<std::string>& env, const std::string& name) {
  for (const std::string& each : env) {
    if (each.starts_with(name + "=")) return each.substr(name.size() + 1);
  }
  return std::nullopt;
}

Result<ImageSettings> read_settings(std::string_view text) {
  try {
    const json document = json::parse(text);
    const json none = json::object();
    const auto found = document.find("config");
    const json& config = found == document.end() || !found->is_object() ? none : *found;
    ImageSettings settings;
    settings.author = value_of<std::string>(document, "author");
    settings.user = value_of<std::string>(config, "User");
    settings.exposed_ports = keys_of(config, "ExposedPorts");
    settings.env = value_of<Strings>(config, "Env");
    settings.entrypoint = value_of<Strings>(config, "Entrypoint");
    settings.cmd = value_of<Strings>(config, "Cmd");
    settings.volumes = keys_of(config, "Volumes");
    settings.working_dir = value_of<std::string>(config, "WorkingDir");
    settings.labels = value_of<std::map<std::string, std::string>>(config, "Labels");
    settings.stop_signal = value_of<std::string>(config, "StopSignal");
    settings.shell = value_of<Strings>(config, "Shell");
    settings.on_build = value_of<Strings>(config, "OnBuild");
    const auto check = config.find("Healthcheck");
    if (check != config.end() && check->is_object()) settings.healthcheck = read_healthcheck(*check);
    settings.diff_ids = value_of<Strings>(document.at("rootfs"), "diff_ids");
    for (const json& row : document.value("history", json::array())) {
      settings.history.push_back({seconds_of(value_of<std::string>(row, "created")),
                                  value_of<std::string>(row, "created_by"), value_of<std::string>(row, "comment"),
                                  value_of<std::string>(row, "author"), value_of<bool>(row, "empty_layer")});
    }
    return settings;
  } catch (const nlohmann::json::exception& error) {
    return fail(std::string("image configuration: ") + error.what());
  }
}

ImageSettings settings_of(const image::Image& image) {
  ImageSettings settings;
  const image::ImageConfig& config = image.config;
  settings.user = config.user;
  settings.env = config.env;
  settings.entrypoint = config.entrypoint;
  settings.cmd = config.cmd;
  settings.working_dir = config.working_dir;
  settings.labels = config.labels;
  settings.stop_signal = config.stop_signal;
  const auto created = std::chrono::system_clock::to_time_t(image.created);
  for (std::size_t i = 0; i < image.layers.size(); ++i)
    settings.history.push_back({created, "", "imported as " + image.name, "", false});
  return settings;
}

std::string settings_document(const ImageSettings& settings, const std::string& architecture, std::int64_t created) {
  Json document = {{"created", utc_text(created)}};
  if (!settings.author.empty()) document["author"] = settings.author;
  document["architecture"] = architecture;
  document["os"] = "linux";
  document["config"] = config_json(settings);
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", settings.diff_ids}};
  document["history"] = history_json(settings.history);
  return dump(document);
}

std::string settings_identity(const ImageSettings& settings) {
  return dump({config_json(settings), settings.author, settings.diff_ids});
}

}  // namespace mete::runtime::build
