// SPDX-License-Identifier: Apache-2.0
// Volumes, tmpfs, configs and secrets.
#include <algorithm>
#include <array>

#include "config/convert/docker_amounts.h"
#include "config/convert/service.h"

namespace mete::config {
namespace {

class Storage {
 public:
  Storage(ServiceContext& context, Value& spec, Value& container)
      : context_(context), spec_(spec), container_(container) {}

  void mount(const std::string& volume, const std::string& target, bool read_only, const std::string& sub_path = {}) {
    Value each;
    each["name"] = volume;
    each["mountPath"] = target;
    if (read_only) each["readOnly"] = true;
    if (!sub_path.empty()) each["subPath"] = sub_path;
    container_["volumeMounts"].push(std::move(each));
  }

  // The name of a volume of the Pod, which is added when it is new.
  std::string add(const std::string& wanted, Value source) {
    std::string name = label_from(wanted);
    if (name.empty()) name = "volume";
    for (int more = 2; names_.contains(name); ++more) name = label_from(wanted) + "-" + std::to_string(more);
    names_.insert(name);
    source["name"] = name;
    spec_["volumes"].push(std::move(source));
    return name;
  }

  std::string host_path(const std::string& path) {
    if (const auto at = paths_.find(path); at != paths_.end()) return at->second;
    Value source;
    source["name"] = "";
    const std::string full = path.starts_with('/') ? path : absolute(path);
    source["hostPath"]["path"] = full;
    return paths_[path] = add("host-" + full.substr(full.rfind('/') + 1), std::move(source));
  }

  std::string claim(const std::string& name) {
    if (const auto at = claims_.find(name); at != claims_.end()) return at->second;
    context_.claims.insert(name);
    Value source;
    source["name"] = "";
    source["persistentVolumeClaim"]["claimName"] = label_from(name);
    return claims_[name] = add(name, std::move(source));
  }

  void in_memory(const std::string& target, const std::optional<std::string>& size, bool read_only = false) {
    Value source;
    source["name"] = "";
    source["emptyDir"]["medium"] = "Memory";
    if (size) source["emptyDir"]["sizeLimit"] = *size;
    mount(add("tmp" + target, std::move(source)), target, read_only);
  }

  void empty(const std::string& target, bool read_only = false) {
    Value source;
    source["name"] = "";
    source["emptyDir"]["sizeLimit"] = "0";  // 0 is no limit: an empty mapping would not be written
    mount(add("anonymous" + target, std::move(source)), target, read_only);
  }

  // A config or secret: one file.
  void data(const View& item, const std::string& folder, bool secret) {
    const bool brief = item.node().kind != YamlNode::Kind::kMap;
    const std::string name = brief ? item.text() : item["source"].text();
    leave_out_others(item, {"source", "target", "mode"}, "the file is root's");
    if (!context_.data.contains(name))
      return leave_out(item, "the file does not say what `" + name + "` is, or it is external");
    std::string target = brief ? name : item["target"].text(name);
    if (!target.starts_with('/')) target = folder + target;
    Value source;
    source["name"] = "";
    Value& data = source[secret ? "secret" : "configMap"];
    data[secret ? "secretName" : "name"] = label_from(name);
    if (const auto mode = item["mode"].integer(); !brief && mode) data["defaultMode"] = *mode;
    mount(add(name, std::move(source)), target, true, name);
  }

 private:
  // "~/x" is the home of who calls docker, "./x" below the file's folder.
  [[nodiscard]] std::string absolute(std::string path) const {
    if (path.starts_with('~')) return context_.sources.variable("HOME").value_or("") + path.substr(1);
    while (path.starts_with("./")) path.erase(0, 2);
    std::string folder = context_.sources.folder;
    while (path == ".." || path.starts_with("../")) {
      path.erase(0, path.size() == 2 ? 2 : 3);
      folder.resize(std::min(folder.rfind('/'), folder.size()));
    }
    return path == "." || path.empty() ? (folder.empty() ? "/" : folder) : folder + "/" + path;
  }

  ServiceContext& context_;
  Value& spec_;
  Value& container_;
  std::set<std::string> names_;
  std::map<std::string, std::string> paths_;
  std::map<std::string, std::string> claims_;
};

bool is_path(const std::string& source) {
  return source.starts_with('/') || source.starts_with('.') || source.starts_with('~');
}

std::vector<std::string> options_in(const std::string& text) {
  std::vector<std::string> options;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end > start) options.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return options;
}

void leave_out_option(const View& view, const std::string& option, const std::string& why) {
  view.warn({"`" + option + "` has no translation: " + why, "`" + option + "`"});
}

// What says no more than a Pod's mount does: a claim is never filled from the image (nocopy), and nothing is labelled.
constexpr auto kPlainOptions = std::to_array<std::string_view>(
    {"ro", "rw", "nocopy", "z", "Z", "private", "rprivate", "cached", "delegated", "consistent", "default"});

// [SOURCE:]TARGET[:OPTIONS]
void add_short_volume(const View& view, Storage& storage) {
  const std::string text = view.text();
  const auto first = text.find(':');
  if (first == std::string::npos) return storage.empty(text);
  const std::string source = text.substr(0, first);
  const auto second = text.find(':', first + 1);
  const std::string target = text.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (source.empty() || !target.starts_with('/'))
    return view.error(mismatch(describe(view.node()), "[SOURCE:]TARGET[:ro], with an absolute TARGET"));
  bool read_only = false;
  if (second != std::string::npos) {
    for (const auto& option : options_in(text.substr(second + 1))) {
      read_only = read_only || option == "ro";
      if (option.ends_with("slave") || option.ends_with("shared")) {
        leave_out_option(view, option, "mountPropagation of the mount is the counterpart");
      } else if (std::find(kPlainOptions.begin(), kPlainOptions.end(), option) == kPlainOptions.end()) {
        leave_out_option(view, option, "ro has one");
      }
    }
  }
  storage.mount(is_path(source) ? storage.host_path(source) : storage.claim(source), target, read_only);
}

void add_long_volume(const View& view, Storage& storage) {
  const std::string type = view["type"].text("volume");
  const std::string source = view["source"].text();
  const std::string target = view["target"].text();
  const bool read_only = view["read_only"].boolean() || view["readonly"].boolean();
  if (target.empty()) return view.error({"`target` is missing", "nothing", "`target`"});
  leave_out_others(view, {"type", "source", "target", "read_only", "readonly", "bind", "volume", "tmpfs"},
                   "type, source, target and read_only have one");
  leave_out_others(view["bind"], {"create_host_path", "selinux", "subpath"}, "a path is mounted as it is");
  leave_out_others(view["volume"], {"nocopy", "subpath"}, "a directory is mounted as it is");
  leave_out_others(view["tmpfs"], {"size"}, "a size has one");
  if (type == "bind") {
    storage.mount(storage.host_path(source), target, read_only, view["bind"]["subpath"].text());
  } else if (type == "volume" && source.empty()) {
    storage.empty(target, read_only);
  } else if (type == "volume") {
    storage.mount(storage.claim(source), target, read_only, view["volume"]["subpath"].text());
  } else if (type == "tmpfs") {
    storage.in_memory(target, size_from_docker(view["tmpfs"]["size"].text()), read_only);
  } else {
    leave_out(view, "bind, volume and tmpfs have one");
  }
}

// PATH[:size=64m,...]
void add_tmpfs(const View& view, Storage& storage) {
  const std::string text = view.text();
  const auto colon = text.find(':');
  constexpr std::string_view kSize = "size=";
  std::optional<std::string> size;
  bool read_only = false;
  const auto options = colon == std::string::npos ? std::vector<std::string>() : options_in(text.substr(colon + 1));
  for (const auto& option : options) {
    if (option.starts_with(kSize)) {
      size = size_from_docker(option.substr(kSize.size()));
      if (!size) leave_out_option(view, option, "a size such as 64m has one");
    } else if (option == "ro" || option == "rw") {
      read_only = option == "ro";
    } else {
      leave_out_option(view, option, "a size and ro have one");
    }
  }
  storage.in_memory(text.substr(0, colon), size, read_only);
}

}  // namespace

void add_storage(const View& service, ServiceContext& context, Value& spec, Value& container) {
  Storage storage(context, spec, container);
  for (const auto& volume : service["volumes"].items()) {
    if (volume.node().kind == YamlNode::Kind::kMap) {
      add_long_volume(volume, storage);
    } else {
      add_short_volume(volume, storage);
    }
  }
  for (const auto& path : one_or_more(service["tmpfs"])) add_tmpfs(path, storage);
  if (const View size = service["shm_size"]) storage.in_memory("/dev/shm", size_from_docker(size.text()));
  for (const auto& item : service["configs"].items()) storage.data(item, "/", false);
  for (const auto& item : service["secrets"].items()) storage.data(item, "/run/secrets/", true);
}

}  // namespace mete::config
