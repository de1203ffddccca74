// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/pull.h"

#include <algorithm>
#include <mutex>
#include <numeric>

#include "runtime/image/archives/archive.h"
#include "runtime/image/archives/import.h"
#include "runtime/image/archives/layout.h"
#include "runtime/image/layer_lock.h"
#include "runtime/image/layer_publisher.h"
#include "runtime/image/sha256.h"
#include "runtime/registry/blob_reader.h"
#include "runtime/registry/documents.h"
#include "runtime/registry/side_by_side.h"

namespace mete::runtime::registry {
namespace {

constexpr std::size_t kMostManifest = 4U << 20U;
constexpr std::size_t kPullThreads = 4;
constexpr int kPullTries = 3;

// What a registry has under a name.
struct Found {
  std::shared_ptr<RegistryState> registry;
  std::string digest;    // of what the name leads to: a manifest or an index
  std::string manifest;  // text of the manifest for this machine
  image::Manifest parsed;
};

struct Document {
  std::string text;
  std::string type;
  std::string digest;
};

Result<Document> fetch_manifest(Session& session, const Reference& reference, const std::string& target) {
  Call call;
  call.target = "/v2/" + reference.repository + "/manifests/" + target;
  call.scopes = {"repository:" + reference.repository + ":pull"};
  call.headers = {kAcceptManifests};
  METE_TRY(Answer answer, session.ask(call, kMostManifest));
  const std::string shown = reference.whole();
  if (answer.head.status == 404)
    return tl::unexpected(Error{ENOENT, "manifest for " + shown + " not found: " + refusal(shown, answer).what});
  if (answer.head.status != 200) return tl::unexpected(refusal(shown, answer));
  Document document{std::move(answer.body), "", ""};
  document.digest = "sha256:" + image::sha256_hex(document.text);
  const std::string told = answer.head.header("docker-content-digest");
  for (const std::string& expected : {told, target}) {
    if (image::is_digest(expected) && expected != document.digest)
      return fail(shown + ": found a manifest with the digest " + document.digest + ", expected " + expected);
  }
  auto type = manifest_type(document.text, answer.head.header("content-type"));
  if (!type) return fail_in(shown, type.error());
  document.type = std::move(*type);
  return document;
}

Result<Found> look_up(Session& session, const Reference& reference, std::shared_ptr<RegistryState> state) {
  METE_TRY(Document document, fetch_manifest(session, reference, reference.target()));
  Found found{std::move(state), document.digest, "", {}};
  if (image::is_index_type(document.type)) {
    auto chosen = choose_from_index(document.text);
    if (!chosen) return fail_in(reference.whole(), chosen.error());
    METE_TRY(document, fetch_manifest(session, reference, chosen->digest));
    if (static_cast<std::int64_t>(document.text.size()) != chosen->size || !image::is_manifest_type(document.type))
      return fail(reference.whole() + ": found " + std::to_string(document.text.size()) + " bytes of " + document.type +
                  ", expected the manifest of " + std::to_string(chosen->size) + " bytes that its index names");
  }
  auto parsed = image::parse_manifest(document.text);
  if (!parsed) return fail_in(reference.whole(), parsed.error());
  found.parsed = std::move(*parsed);
  found.manifest = std::move(document.text);
  return found;
}

// The first of the mirrors and the registry that has it. The error is the registry's own.
Result<Found> ask_all(const Reference& reference, const Access& access) {
  METE_TRY(const auto endpoints, endpoints_of(reference.host, access.policy, true));
  Result<Found> found = fail("no registry");
  for (const Endpoint& endpoint : endpoints) {
    auto state = open_registry(endpoint, access.logins);
    if (!state) {
      found = tl::unexpected(std::move(state.error()));
      continue;
    }
    Session session(*state);
    found = look_up(session, reference, *state);
    if (found) break;
  }
  return found;
}

class Pull {
 public:
  Pull(image::Store& store, const Reference& reference, Found found, const OnLayer& on_layer)
      : store_(store), reference_(reference), found_(std::move(found)), on_layer_(on_layer) {}

  Result<image::Image> run(const std::string& name) {
    METE_CHECK(read_config());
    for (int tries = 1;; ++tries) {
      locks_.clear();
      const std::vector<std::size_t> order = largest_first();
      image::LayerPublisher publisher(
          order.size(), [this](std::size_t index, image::LayerLock lock) { hold(index, std::move(lock), true); });
      const Status unpacked =
          side_by_side(order.size(), kPullThreads, [&](std::size_t i) { return layer(order[i], publisher); });
      METE_TRY(auto last, publisher.finish());
      METE_CHECK(unpacked);
      auto image = commit(name, last);
      // Between two locks somebody may have removed a layer.
      if (image || image.error().code != ESTALE || tries == kPullTries) return image;
    }
  }

 private:
  Status read_config() {
    if (auto kept = store_.document(hex_of_digest(found_.parsed.config.digest))) {
      config_text_ = std::move(*kept);
    } else {
      Session session(found_.registry);
      METE_TRY(config_text_, read_document(session, reference_.repository, found_.parsed.config));
    }
    auto parsed = image::parse_config(config_text_);
    if (!parsed) return fail_in(reference_.whole(), parsed.error());
    config_ = std::move(*parsed);
    if (auto fits = image::check_image(config_, found_.parsed.layers.size()); !fits)
      return fail_in(reference_.whole(), fits.error());
    return {};
  }

  // So that at the end no thread has a large layer to itself while the others have nothing left.
  [[nodiscard]] std::vector<std::size_t> largest_first() const {
    const auto& layers = found_.parsed.layers;
    std::vector<std::size_t> order(layers.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return layers[a].size > layers[b].size; });
    return order;
  }

  void tell(std::size_t index, LayerStage stage, std::int64_t bytes = 0) {
    if (!on_layer_) return;
    const auto& blob = found_.parsed.layers[index];
    const std::lock_guard guard(mutex_);
    on_layer_({hex_of_digest(blob.digest).substr(0, 12), stage, bytes, blob.size, ""});
  }

  [[nodiscard]] std::string layer_name(std::size_t index) const {
    return image::Staging::layer_name(hex_of_digest(config_.diff_ids[index]));
  }

  Status layer(std::size_t index, image::LayerPublisher& publisher) {
    METE_TRY(image::LayerLock lock, image::LayerLock::acquire(store_.directory(), layer_name(index)));
    tell(index, lock.must_make() ? LayerStage::kTransfer : LayerStage::kExists);
    if (!lock.must_make()) {
      hold(index, std::move(lock), false);
      publisher.there();
      return {};
    }
    METE_TRY(std::string directory, lock.make_directory());
    METE_CHECK(unpack(index, directory));
    publisher.add(index, std::move(lock), std::move(directory));
    return {};
  }

  [[nodiscard]] image::LayerNote noted(std::size_t index, image::LayerNote note) const {
    const auto& blob = found_.parsed.layers[index];
    note.diff_id = config_.diff_ids[index];
    remember(note,
             {blob.media_type, blob.digest, blob.size, note.diff_id, {reference_.host + "/" + reference_.repository}});
    return note;
  }

  // The layer is visible. `made`: by this pull.
  void hold(std::size_t index, image::LayerLock lock, bool made) {
    if (made) tell(index, LayerStage::kDone);
    const std::string name = layer_name(index);
    const std::lock_guard guard(mutex_);
    const image::LayerNote known = image::read_note(store_.directory(), name);
    const image::LayerNote note = noted(index, known);
    // Another pull may be writing it. A push needs it little.
    if (note != known) (void)image::write_note(store_.directory(), name, note);
    locks_.push_back(std::move(lock));
  }

  Status unpack(std::size_t index, const std::string& directory) {
    const auto& blob = found_.parsed.layers[index];
    const std::string shown = reference_.host + "/" + reference_.repository + "@" + blob.digest;
    if (blob.size < 0) return fail(shown + ": found a negative size");
    Session session(found_.registry);
    BlobReader reader(session, reference_.repository, blob,
                      [&](std::int64_t bytes) { tell(index, LayerStage::kTransfer, bytes); });
    Status transfer;  // its error says more than that of the archive, which only ends too early
    auto source = [&](char* buffer, std::size_t size) -> Result<std::size_t> {
      auto got = reader.read(buffer, size);
      if (!got) transfer = tl::unexpected(got.error());
      return got;
    };
    METE_TRY(image::LayerWriter writer, image::LayerWriter::open(directory));
    METE_TRY(image::Budget budget, image::Budget::of(store_.directory()));
    auto tar = image::TarReader::open(source, shown);
    METE_CHECK(transfer);
    if (!tar) return tl::unexpected(std::move(tar.error()));
    auto sums = image::extract_layer(std::move(*tar), shown, writer, budget);
    METE_CHECK(transfer);
    if (!sums) return tl::unexpected(std::move(sums.error()));
    if ("sha256:" + sums->file != blob.digest)
      return fail(shown + ": found content with the digest sha256:" + sums->file);
    if ("sha256:" + sums->content != config_.diff_ids[index])
      return fail(shown + ": found a layer with the diff_id sha256:" + sums->content + ", expected " +
                  config_.diff_ids[index]);
    return {};
  }

  // `last`: the layers that become visible with the image.
  Result<image::Image> commit(const std::string& name, std::vector<image::LayerPublisher::Whole>& last) {
    METE_TRY(image::Staging staging, image::Staging::begin(store_.directory(), image::Wait::kYes));
    for (const auto& layer : last) {
      METE_CHECK(staging.add_layer(layer.directory, layer_name(layer.index)));
      staging.add_note(layer_name(layer.index), noted(layer.index, {}));
    }
    image::Image image;
    image.name = name;
    image.id = hex_of_digest(staging.add_document(config_text_));
    image.manifest = staging.add_document(found_.manifest);
    image.digest = found_.digest;
    image.config = config_.config;
    image.created = config_.created;
    for (std::size_t i = 0; i < config_.diff_ids.size(); ++i) {
      image.layers.insert(image.layers.begin(), layer_name(i));
      if (!staging.has_layer(image.layers.front()))
        return tl::unexpected(Error{ESTALE, reference_.whole() + ": a layer was removed while others came"});
    }
    METE_TRY(image, finish_image(staging, std::move(image)));
    for (auto& layer : last) hold(layer.index, std::move(layer.lock), true);
    return image;
  }

  image::Store& store_;
  const Reference& reference_;
  const Found found_;
  const OnLayer& on_layer_;
  std::string config_text_;
  image::ConfigDocument config_;
  std::mutex mutex_;
  std::vector<image::LayerLock> locks_;  // of all layers, until an image has them
};

}  // namespace

Result<Pulled> pull(image::Store& store, const Reference& reference, const Access& access, const OnLayer& on_layer) {
  METE_TRY(Found found, ask_all(reference, access));
  METE_TRY(const std::string name, image::normalize_name(reference.whole()));
  const auto before = store.find(name);
  const std::string id = hex_of_digest(found.parsed.config.digest);
  const bool newer = !before || before->id != id;
  if (!newer && before->digest == found.digest && hex_of_digest(before->manifest) == image::sha256_hex(found.manifest))
    return Pulled{*before, false};
  Pull pull(store, reference, std::move(found), on_layer);
  METE_TRY(image::Image image, pull.run(name));
  return Pulled{std::move(image), newer};
}

}  // namespace mete::runtime::registry
