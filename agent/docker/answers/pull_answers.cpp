// SPDX-License-Identifier: Apache-2.0
// POST /images/create: images that come from a registry.
#include <memory>

#include "agent/base/image_puller.h"
#include "agent/docker/images/platform.h"
#include "agent/docker/images/registry_login.h"
#include "agent/docker/routes.h"
#include "runtime/image/archives/platforms.h"

namespace mete::agent::docker {
namespace {

// A pull that a client waits for. The puller holds it until it has asked for the last time.
class Pull : public std::enable_shared_from_this<Pull> {
 public:
  Pull(Engine& engine, std::shared_ptr<HttpReply> reply, WantedImage wanted)
      : engine_(engine), reply_(std::move(reply)), wanted_(std::move(wanted)), user_("docker pull " + new_id()) {
    if (const auto before = engine.services().images.find(wanted_.name)) id_before_ = before->id;
  }

  void look() {
    if (!reply_) return;
    const auto again = [self = shared_from_this()] { self->look(); };
    const auto waits = engine_.services().puller.ask(wanted_, {user_, [](Reason, const std::string&) {}, again});
    if (!waits) return pulled();
    if (!waits->event) return;  // it is on its way
    const bool missing =
        waits->message.find("not found") != std::string::npos || waits->message.find("unknown") != std::string::npos;
    std::exchange(reply_, nullptr)->send(refusal_response(missing ? 404 : 500, waits->message));
  }

 private:
  void pulled() {
    engine_.services().puller.launched(user_);
    const auto image = engine_.services().images.find(wanted_.name);
    const bool newer = image && image->id != id_before_;
    if (image) engine_.containers().events().add({"image", "pull", image->name, {{"name", image->name}}, {}});
    std::string lines;
    const std::string digest = image ? image->digest : "";
    if (!digest.empty()) lines += Json{{"status", "Digest: " + digest}}.dump() + "\r\n";
    lines +=
        Json{{"status", std::string("Status: ") + (newer ? "Downloaded newer image for " : "Image is up to date for ") +
                            (image ? image->name : wanted_.name)}}
            .dump() +
        "\r\n";
    answer_lines(*std::exchange(reply_, nullptr), lines);
  }

  Engine& engine_;
  std::shared_ptr<HttpReply> reply_;  // null: it has had its answer
  WantedImage wanted_;
  std::string user_;
  std::string id_before_;
};

}  // namespace

void pull_image(Engine& engine, const Call& call) {
  const std::string from = call.parameter("fromImage");
  if (!call.parameter("fromSrc").empty()) return import_image(engine, call);
  if (from.empty()) return refuse(call, 400, "fromImage, fromSrc: found neither, expected an image or an archive");
  if (const std::string asked = call.parameter("platform"); !asked.empty()) {
    const std::string own = runtime::image::machine_architecture();
    const auto platform = parse_platform(asked, own);
    if (!platform) return refuse(call, 400, platform.error().what);
    if (platform->system != "linux" || platform->architecture != own)
      return refuse(call, 400,
                    "platform: found " + to_text(*platform) + ", expected linux/" + own +
                        ": mete keeps images that this machine can run");
  }
  const std::string tag = call.parameter("tag");
  std::string name = from;
  if (!tag.empty()) name += (tag.starts_with("sha256:") ? "@" : ":") + tag;
  auto login = login_of(call.request.registry_login);
  if (!login) return refuse(call, 400, login.error().what);
  WantedImage wanted{name, config::PullPolicy::kAlways, {}};
  if (!login->empty()) wanted.logins.push_back(std::move(*login));
  std::make_shared<Pull>(engine, call.reply, std::move(wanted))->look();
}

}  // namespace mete::agent::docker
