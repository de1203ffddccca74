// SPDX-License-Identifier: Apache-2.0
// The part of NetworkThread that holds pods to their bandwidth.
#include "agent/networks/endpoint_record.h"
#include "agent/networks/network_thread_run.h"
#include "runtime/file.h"

namespace mete::agent {

void NetworkThread::measure(Endpoints limited, std::function<void(const Throttling&)> done) {
  const auto work = [this, limited = std::move(limited)]() -> Throttling {
    auto found = open() ? host_->throttling(limited) : fail("no network");
    return found ? std::move(*found) : Throttling(limited.size());
  };
  run(work, std::move(done));
}

void NetworkThread::hold(runtime::network::Endpoint endpoint, std::string record, Done done) {
  const auto work = [this, endpoint = std::move(endpoint), record = std::move(record)]() -> Status {
    METE_CHECK(open());
    METE_CHECK(host_->hold_bandwidth(endpoint));
    return runtime::replace_file(record, to_json(endpoint), 0600, runtime::Durability::volatile_);
  };
  run(work, std::move(done));
}

}  // namespace mete::agent
