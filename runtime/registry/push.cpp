// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/push.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "runtime/file.h"
#include "runtime/image/archives/layer_tar.h"
#include "runtime/image/sha256.h"
#include "runtime/registry/blob_reader.h"
#include "runtime/registry/documents.h"
#include "runtime/registry/side_by_side.h"

namespace mete::runtime::registry {
namespace {

constexpr std::size_t kPushThreads = 3;
constexpr std::size_t kMostAnswer = 1U << 20U;

class Push {
 public:
  Push(image::Store& store, const Reference& reference, image::Image image, const Access& access,
       std::shared_ptr<RegistryState> registry, const OnLayer& on_layer)
      : store_(store),
        reference_(reference),
        image_(std::move(image)),
        access_(access),
        registry_(std::move(registry)),
        on_layer_(on_layer),
        blobs_(image_.layers.size()) {}

  Result<Pushed> run();

 private:
  [[nodiscard]] std::vector<std::string> scopes() const {
    return {"repository:" + reference_.repository + ":pull,push"};
  }
  [[nodiscard]] std::string here() const { return reference_.host + "/" + reference_.repository; }
  // Layers are pushed lowest first, as a manifest lists them.
  [[nodiscard]] const std::string& layer_name(std::size_t index) const {
    return image_.layers[image_.layers.size() - 1 - index];
  }
  void tell(std::size_t index, LayerStage stage, std::int64_t bytes = 0, const std::string& from = "");
  Status layer(std::size_t index);
  Result<bool> offer(Session& session, std::size_t index, const image::LayerNote& note);
  Result<bool> has(Session& session, const std::string& digest);
  Result<bool> mount(Session& session, const std::string& digest, const std::string& source);
  Status send_layer(Session& session, std::size_t index, const image::LayerNote& note);
  Result<image::LayerBlob> make_blob(const image::LayerNote& note, const std::string& layer, int fd);
  Status upload(Session& session, const std::string& digest, const std::string& text, int fd, std::int64_t size);
  void keep(std::size_t index, image::LayerBlob blob);
  Result<std::string> make_documents(std::string& config) const;

  image::Store& store_;
  const Reference& reference_;
  const image::Image image_;
  const Access& access_;
  std::shared_ptr<RegistryState> registry_;
  const OnLayer& on_layer_;
  std::vector<image::LayerBlob> blobs_;  // as the registry has them
  std::mutex mutex_;
};

void Push::tell(std::size_t index, LayerStage stage, std::int64_t bytes, const std::string& from) {
  if (!on_layer_) return;
  const std::lock_guard guard(mutex_);
  on_layer_({layer_name(index).substr(0, 12), stage, bytes, bytes, from});
}

Result<bool> Push::has(Session& session, const std::string& digest) {
  Call call;
  call.method = "HEAD";
  call.target = "/v2/" + reference_.repository + "/blobs/" + digest;
  call.scopes = scopes();
  METE_TRY(const Answer answer, session.ask(call, kMostAnswer));
  if (answer.head.status == 200) return true;
  if (answer.head.status == 404) return false;
  return tl::unexpected(refusal(here() + "@" + digest, answer));
}

Result<bool> Push::mount(Session& session, const std::string& digest, const std::string& source) {
  Call call;
  call.method = "POST";
  call.target = "/v2/" + reference_.repository + "/blobs/uploads/?mount=" + percent_encoded(digest) +
                "&from=" + percent_encoded(source);
  call.scopes = {scopes()[0], "repository:" + source + ":pull"};
  const auto answer = session.ask(call, kMostAnswer);
  // What the mount does not do, an upload does; an upload that was begun instead ends by itself.
  return answer && answer->head.status == 201;
}

// True: the registry has one of the blobs that are known of the layer, or can take it from another repository.
Result<bool> Push::offer(Session& session, std::size_t index, const image::LayerNote& note) {
  for (auto blob = note.blobs.rbegin(); blob != note.blobs.rend(); ++blob) {
    METE_TRY(const bool there, has(session, blob->digest));
    if (there) {
      tell(index, LayerStage::kExists);
      keep(index, *blob);
      return true;
    }
    for (auto source = blob->sources.rbegin(); source != blob->sources.rend(); ++source) {
      const auto slash = source->find('/');
      const std::string repository = source->substr(slash + 1);
      if (source->substr(0, slash) != reference_.host || repository == reference_.repository) continue;
      METE_TRY(const bool mounted, mount(session, blob->digest, repository));
      if (!mounted) continue;
      tell(index, LayerStage::kMounted, 0, repository);
      keep(index, *blob);
      return true;
    }
  }
  return false;
}

void Push::keep(std::size_t index, image::LayerBlob blob) {
  blob.sources = {here()};
  image::LayerNote note = image::read_note(store_.directory(), layer_name(index));
  remember(note, blob);
  (void)image::write_note(store_.directory(), layer_name(index), note);
  blobs_[index] = std::move(blob);
}

// The blob as it was pulled, byte by byte, or one made of the layer's files.
Result<image::LayerBlob> Push::make_blob(const image::LayerNote& note, const std::string& layer, int fd) {
  for (const image::LayerBlob& blob : note.blobs) {
    for (const std::string& source : blob.sources) {
      const auto slash = source.find('/');
      const auto endpoints = endpoints_of(source.substr(0, slash), access_.policy, false);
      if (!endpoints) continue;
      auto state = open_registry(endpoints->front(), access_.logins);
      if (!state) continue;
      Session session(*state);
      if (read_to_file(session, source.substr(slash + 1), {blob.media_type, blob.digest, blob.size, {}, "", false}, fd))
        return blob;
      if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) return fail_errno("empty a file in the store");
    }
  }
  METE_TRY(const image::LayerTar tar, image::write_layer_tar(store_.layers_directory() + "/" + layer, fd));
  return image::LayerBlob{kOciLayer, tar.digest, tar.size, tar.diff_id, {}};
}

Status Push::send_layer(Session& session, std::size_t index, const image::LayerNote& note) {
  // Without a name: whatever ends this process removes it.
  METE_TRY(const UniqueFd file, open_at(AT_FDCWD, store_.directory(), O_TMPFILE | O_RDWR, 0600));
  tell(index, LayerStage::kWaiting);
  METE_TRY(image::LayerBlob blob, make_blob(note, layer_name(index), file.get()));
  METE_TRY(const bool there, has(session, blob.digest));
  if (there) {
    tell(index, LayerStage::kExists);
  } else {
    tell(index, LayerStage::kTransfer, blob.size);
    METE_CHECK(upload(session, blob.digest, "", file.get(), blob.size));
    tell(index, LayerStage::kDone, blob.size);
  }
  keep(index, std::move(blob));
  return {};
}

Status Push::layer(std::size_t index) {
  Session session(registry_);
  const image::LayerNote note = image::read_note(store_.directory(), layer_name(index));
  METE_TRY(const bool done, offer(session, index, note));
  return done ? Status() : send_layer(session, index, note);
}

Status Push::upload(Session& session, const std::string& digest, const std::string& text, int fd, std::int64_t size) {
  const std::string shown = here() + "@" + digest;
  Call begin;
  begin.method = "POST";
  begin.target = "/v2/" + reference_.repository + "/blobs/uploads/";
  begin.scopes = scopes();
  METE_TRY(const Answer begun, session.ask(begin, kMostAnswer));
  if (begun.head.status != 202) return tl::unexpected(refusal(shown, begun));
  METE_TRY(Url place, resolve_location(begun.head.url, begun.head.header("location")));
  if (begun.head.url.scheme == "https" && place.scheme != "https")
    return fail(shown + ": found the place " + place.text() + " for an upload, expected https");
  place.target += (place.target.find('?') == std::string::npos ? "?digest=" : "&digest=") + percent_encoded(digest);
  Call put;
  put.method = "PUT";
  put.target = place.text();
  put.scopes = scopes();
  put.headers = {"Content-Type: application/octet-stream"};
  put.body = text;
  put.upload = fd;
  put.upload_size = size;
  put.seconds = 0;
  METE_TRY(const HttpHead head, session.open(put));
  auto body = session.http().read_all(64U << 10U);
  if (head.status == 201) return {};
  return tl::unexpected(refusal(shown, {head, body.value_or("")}));
}

// The manifest that fits what the registry has, and the configuration that it names: those that the image came with
// when nothing had to be packed anew.
Result<std::string> Push::make_documents(std::string& config) const {
  const auto own_manifest =
      image_.manifest.empty() ? Result<std::string>(fail("none")) : store_.document(hex_of_digest(image_.manifest));
  const auto own_config = store_.document(image_.id);
  std::vector<std::string> diff_ids;
  std::vector<image::Descriptor> layers;
  for (const auto& blob : blobs_) {
    diff_ids.push_back(blob.diff_id);
    layers.push_back({blob.media_type, blob.digest, blob.size, {}, "", false});
  }
  Result<image::ConfigDocument> parsed = fail("none");
  if (own_config) parsed = image::parse_config(*own_config);
  if (parsed && parsed->diff_ids == diff_ids) {
    config = *own_config;
    if (own_manifest) {
      METE_TRY(const image::Manifest manifest, image::parse_manifest(*own_manifest));
      const bool same =
          std::equal(manifest.layers.begin(), manifest.layers.end(), layers.begin(), layers.end(),
                     [](const auto& a, const auto& b) { return a.digest == b.digest && a.size == b.size; });
      if (same && manifest.config.digest == "sha256:" + image_.id) return *own_manifest;
    }
  } else {
    METE_TRY(config, make_config(own_config ? *own_config : "", image_, diff_ids));
  }
  for (auto& layer : layers) layer.media_type = oci_layer_type(layer.media_type);
  return make_manifest(
      {kOciConfig, "sha256:" + image::sha256_hex(config), static_cast<std::int64_t>(config.size()), {}, "", false},
      layers);
}

Result<Pushed> Push::run() {
  METE_CHECK(side_by_side(blobs_.size(), kPushThreads, [this](std::size_t i) { return layer(i); }));
  std::string config;
  METE_TRY(const std::string manifest, make_documents(config));
  Session session(registry_);
  const std::string config_digest = "sha256:" + image::sha256_hex(config);
  METE_TRY(const bool there, has(session, config_digest));
  if (!there) METE_CHECK(upload(session, config_digest, config, -1, 0));
  METE_TRY(const std::string type, manifest_type(manifest, ""));
  Call put;
  put.method = "PUT";
  put.target = "/v2/" + reference_.repository + "/manifests/" + reference_.tag;
  put.scopes = scopes();
  put.headers = {"Content-Type: " + type};
  put.body = manifest;
  METE_TRY(const Answer answer, session.ask(put, kMostAnswer));
  if (answer.head.status != 201) return tl::unexpected(refusal(reference_.whole(), answer));
  return Pushed{"sha256:" + image::sha256_hex(manifest), static_cast<std::int64_t>(manifest.size())};
}

}  // namespace

Result<Pushed> push(image::Store& store, const Reference& reference, const Access& access, const OnLayer& on_layer) {
  if (reference.tag.empty())
    return fail(reference.whole() + ": found a digest, expected a tag: a push makes the digest");
  METE_TRY(image::Image image, store.find(reference.whole()));
  METE_TRY(const auto endpoints, endpoints_of(reference.host, access.policy, false));
  METE_TRY(auto registry, open_registry(endpoints.front(), access.logins));
  {
    // Whether it speaks TLS and what it asks for is known before several threads ask.
    Session session(registry);
    Call call;
    call.target = "/v2/";
    call.scopes = {"repository:" + reference.repository + ":pull,push"};
    METE_TRY(const Answer answer, session.ask(call, kMostAnswer));
    if (answer.head.status != 200) return tl::unexpected(refusal(reference.host, answer));
  }
  Push push(store, reference, std::move(image), access, std::move(registry), on_layer);
  return push.run();
}

Status check_login(const std::string& host, const config::RegistryPolicy& policy, const Login& login) {
  METE_TRY(const auto endpoints, endpoints_of(host, policy, false));
  METE_TRY(auto registry, open_registry(endpoints.front(), Logins()));
  registry->login = login;
  Session session(registry);
  Call call;
  call.target = "/v2/";
  METE_TRY(const Answer answer, session.ask(call, kMostAnswer));
  if (answer.head.status == 200) return {};
  return tl::unexpected(refusal(host, answer));
}

}  // namespace mete::runtime::registry
