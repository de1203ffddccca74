// SPDX-License-Identifier: Apache-2.0
// What a client of BuildKit's builder gets, which mete does not have: its sentence, in the place that the client shows.
// It takes connections over and speaks gRPC on them: on /session the client is the server (20.10 serves its files there
// while POST /build runs), on /grpc it calls the builder (buildx).
#include "agent/docker/images/build_request.h"
#include "agent/docker/routes.h"
#include "agent/probes/grpc_refusal.h"

namespace mete::agent::docker {
namespace {

// Null: refused already.
std::shared_ptr<HttpStream> take_over(const Call& call) {
  if (!call.request.upgrades) {
    refuse(call, 400, kNoBuildKit);
    return nullptr;
  }
  HttpResponse head;
  head.status = 101;
  head.type.clear();
  head.headers = {{"Connection", "Upgrade"}, {"Upgrade", "h2c"}};
  return call.reply->take_over(std::move(head));
}

}  // namespace

// Any other answer would be shown in place of what POST /build is refused with.
void hold_session(Engine&, const Call& call) {
  const auto client = take_over(call);
  if (client == nullptr) return;
  client->on_input([client](std::string_view bytes) {
    if (bytes.empty()) client->on_input(nullptr);
    return !bytes.empty();
  });
}

void refuse_grpc(Engine&, const Call& call) {
  const auto client = take_over(call);
  if (client == nullptr) return;
  const auto refusal = std::make_shared<GrpcRefusal>(kNoBuildKit);
  client->on_input([client, refusal](std::string_view bytes) {
    const auto said = bytes.empty() ? std::nullopt : refusal->feed(bytes);
    if (said && client->write(*said)) return true;
    client->on_input(nullptr);
    return false;
  });
}

}  // namespace mete::agent::docker
