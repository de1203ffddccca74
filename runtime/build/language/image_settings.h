// SPDX-License-Identifier: Apache-2.0
// The configuration that a build changes, step by step, and the document that is made of it (image-spec 1.1, with
// docker's fields Healthcheck, OnBuild and Shell). Pure. Equal values give equal bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/image/image.h"

namespace mete::runtime::build {

struct Healthcheck {
  std::vector<std::string> test;  // {"NONE"}, {"CMD", ...}, {"CMD-SHELL", text}
  std::int64_t interval = 0;      // ns; 0: the default
  std::int64_t timeout = 0;
  std::int64_t start_period = 0;
  std::int64_t start_interval = 0;
  std::int64_t retries = 0;
  bool operator==(const Healthcheck&) const = default;
};

struct HistoryRow {
  std::int64_t created = 0;  // seconds since the epoch
  std::string created_by;
  std::string comment;
  std::string author;
  bool empty_layer = false;
  bool operator==(const HistoryRow&) const = default;
};

struct ImageSettings {
  std::string author;
  std::string user;
  std::set<std::string> exposed_ports;  // "80/tcp"
  std::vector<std::string> env;         // NAME=value
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::set<std::string> volumes;
  std::string working_dir;
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  std::optional<Healthcheck> healthcheck;
  std::vector<std::string> shell;  // empty: /bin/sh -c
  std::vector<std::string> on_build;
  std::vector<HistoryRow> history;
  std::vector<std::string> diff_ids;  // of the layers, lowest first
  bool operator==(const ImageSettings&) const = default;
};

// A later assignment replaces an earlier one.
void set_variable(std::vector<std::string>& env, const std::string& name, const std::string& value);
[[nodiscard]] std::optional<std::string> variable_of(const std::vector<std::string>& env, const std::string& name);

// `text` is a configuration of an image; what these settings do not know is left out.
[[nodiscard]] Result<ImageSettings> read_settings(std::string_view text);
// Of an image that came without a configuration.
[[nodiscard]] ImageSettings settings_of(const image::Image& image);

// The document. `created`: seconds since the epoch; `architecture` as Go names it.
[[nodiscard]] std::string settings_document(const ImageSettings& settings, const std::string& architecture,
                                            std::int64_t created);
// Without times and history: two images that behave the same have the same text.
[[nodiscard]] std::string settings_identity(const ImageSettings& settings);

// "2024-02-29T12:34:56Z".
[[nodiscard]] std::string utc_text(std::int64_t seconds);

}  // namespace mete::runtime::build
