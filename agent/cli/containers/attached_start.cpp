// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/containers/attached_start.h"

#include "agent/cli/containers/run_request.h"
#include "agent/cli/output/output.h"

namespace mete::agent::cli {

int start_attached(const DockerClient& client, const std::string& path, const AttachedStart& how) {
  const std::string streams =
      std::string("stream=1") + (how.output ? "&stdout=1&stderr=1" : "") + (how.input ? "&stdin=1" : "");
  auto stream = client.open("POST", path + "/attach?" + streams, true);
  if (!stream) return complain(stream.error().what, kNotStarted);
  if (stream->status != 101) return complain("attach: found status " + std::to_string(stream->status), kNotStarted);
  auto end = client.open("POST", path + "/wait?condition=" + (how.removed ? "removed" : "next-exit"));
  if (!end) return complain(end.error().what, kNotStarted);
  const auto started = client.request("POST", path + "/start");
  if (!started) return complain(started.error().what, kNotStarted);
  if (started->status >= 400) {
    const std::string message = message_of(*started);
    return complain(message, how.refused != 0 ? how.refused : code_of_refusal(message));
  }
  const StreamWishes wishes{how.input, how.tty, path + "/resize", path + "/kill"};
  switch (copy_streams(client, *stream, wishes)) {
    case StreamEnd::kDetached:
      return kDone;
    case StreamEnd::kForced:
      return complain("got 3 signals, and leaves the container as it is", kFailed);
    case StreamEnd::kClosed:
      break;
  }
  const auto result = nlohmann::json::parse(rest_of(*end), nullptr, false);
  if (!result.is_object() || !result.contains("StatusCode"))
    return complain("the agent ended before it told how the container ended", kNotStarted);
  return result["StatusCode"].get<int>();
}

}  // namespace mete::agent::cli
