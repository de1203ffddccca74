// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/network_thread.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "agent/networks/endpoint_record.h"
#include "agent/networks/network_thread_run.h"
#include "agent/self/locks.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::Durability;
namespace network = runtime::network;

// Namespaces that are made before somebody asks. One saves half a millisecond of a start, and costs the kernel 100 KB.
constexpr std::size_t kReady = 2;
// How long the thread has had nothing to do. The kernel lets who is woken by a write wait for the writer's processor: a
// namespace that was made at once kept the loop from the container that had just been connected for half a millisecond.
constexpr auto kQuiet = std::chrono::milliseconds(20);

Status write_record(const std::string& path, const std::string& text) {
  return runtime::replace_file(path, text, 0600, Durability::volatile_);
}

}  // namespace

NetworkThread::NetworkThread(asio::io_context& loop, std::string table)
    : loop_(loop), work_(worker_.get_executor()), table_(std::move(table)), refill_(worker_) {}

NetworkThread::~NetworkThread() {
  asio::post(worker_, [this] { refill_.cancel(); });
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

Status NetworkThread::open() {
  if (!lock_.valid()) {
    METE_TRY(lock_, lock_networks(table_));
  }
  if (host_) return {};
  METE_TRY(auto host, network::HostNetwork::open());
  host_.emplace(std::move(host));
  return {};
}

void NetworkThread::fill_pool_later() {
  refill_.expires_after(kQuiet);
  refill_.async_wait([this](const boost::system::error_code& error) {
    if (!error) fill_pool();
  });
}

void NetworkThread::fill_pool() {
  while (host_ && !bridges_.empty() && ready_.size() < kReady) {
    auto made = host_->make_namespace();
    if (!made) return;  // who needs one is told why
    ready_.push_back(std::move(*made));
  }
}

Status NetworkThread::bridges(const Networks& networks, const std::set<std::string>& known) {
  bool v6 = false;
  if (std::none_of(networks.begin(), networks.end(), network::is_encrypted)) METE_CHECK(remove_tunnel(true));
  for (const auto& each : networks) {
    const auto index = bridge(each);
    if (!index && &each == &networks.front()) return tl::unexpected(index.error());
    v6 |= each.range6.has_value();
  }
  METE_CHECK(host_->adopt_shapers(known, end_prefix()));
  METE_TRY(const auto links, host_->links());
  for (const auto& link : links) {
    const bool ours = std::any_of(bridges_.begin(), bridges_.end(), [&](const auto& bridge) {
      return bridge.second == link.master && link.master != 0 && link.kind == "veth";
    });
    if (ours && link.name.starts_with(network::kDevicePrefix) && !known.contains(link.name))
      METE_CHECK(host_->remove(link));
  }
  return networks.empty() ? Status() : host_->forward(v6);
}

void NetworkThread::bring_up(Networks networks, Endpoints endpoints, Done done) {
  const auto work = [this, networks = std::move(networks), endpoints = std::move(endpoints)]() -> Status {
    METE_CHECK(open());
    std::set<std::string> known;
    for (const auto& each : endpoints) known.insert(each.device);
    // The rules first: no moment without them.
    METE_CHECK(host_->carry_out(network::replace_all(table_, {networks, endpoints, pod_rules_})));
    auto made = bridges(networks, known);
    if (!made && endpoints.empty()) (void)host_->carry_out(network::remove_all(table_));
    up_ = made.has_value();
    return made ? filter_bridges() : made;
  };
  run(work, std::move(done));
}

void NetworkThread::ensure_bridge(network::NetworkSpec network, Done done) {
  const auto work = [this, network = std::move(network)]() -> Status {
    METE_CHECK(open());
    METE_CHECK(bridge(network));
    METE_CHECK(filter_bridges());
    return host_->forward(network.range6.has_value());
  };
  run(work, std::move(done));
}

void NetworkThread::ensure_parent(network::NetworkSpec network, Done done) {
  const auto work = [this, network = std::move(network)]() -> Status {
    METE_CHECK(open());
    return host_->ensure_parent(network);
  };
  run(work, std::move(done));
}

void NetworkThread::verify(Networks networks, Endpoints endpoints, Verified done) {
  const auto work = [this, networks = std::move(networks),
                     endpoints = std::move(endpoints)]() -> Result<std::vector<std::string>> {
    METE_CHECK(open());
    std::vector<std::string> found;
    // One that cannot be mended keeps nothing else from it.
    if (auto changed = verify_tunnel(); changed && !changed->empty()) found.push_back(std::move(*changed));
    for (const auto& each : networks) {
      if (!bridges_.contains(each.name)) continue;
      METE_TRY(auto wrong, host_->check_bridge(each, endpoints));
      if (wrong.empty()) {
        METE_TRY(wrong, verify_remote(each));
        if (!wrong.empty()) found.push_back(std::move(wrong));
        continue;
      }
      METE_TRY(const int index, bridge(each));
      METE_CHECK(filter_bridges());
      METE_CHECK(host_->enslave(each, index, endpoints));
      found.push_back(std::move(wrong));
    }
    if (!networks.empty()) METE_CHECK(host_->forward(false));
    return found;
  };
  run(work, std::move(done));
}

void NetworkThread::write_rules(Networks networks, Endpoints endpoints, Done done) {
  const auto work = [this, networks = std::move(networks), endpoints = std::move(endpoints)]() -> Status {
    METE_CHECK(open());
    return host_->carry_out(network::replace_all(table_, {networks, endpoints, pod_rules_}));
  };
  run(work, std::move(done));
}

void NetworkThread::serve(network::PodRules rules, Networks networks, Endpoints endpoints, Done done) {
  const auto work = [this, rules = std::move(rules), networks = std::move(networks),
                     endpoints = std::move(endpoints)]() -> Status {
    const network::PodRules before = std::exchange(pod_rules_, rules);
    if (!up_ || before == pod_rules_) return {};
    METE_CHECK(open());
    auto changes = network::change_pod_rules(table_, before, pod_rules_);
    if (changes && host_->carry_out(std::move(*changes))) return {};
    // The chains become others, or somebody has changed the rules meanwhile.
    METE_CHECK(host_->carry_out(network::replace_all(table_, {networks, endpoints, pod_rules_})));
    return filter_bridges();
  };
  run(work, std::move(done));
}

Status NetworkThread::filter_bridges() {
  if (!pod_rules_.traffic) return {};
  for (const auto& [name, index] : bridges_) METE_CHECK(host_->filter_bridge(index));
  return {};
}

Result<network::Namespace> NetworkThread::take_namespace(const std::shared_ptr<runtime::UniqueFd>& inside) {
  if (inside) return host_->enter(std::move(*inside));
  if (ready_.empty()) return host_->make_namespace();
  network::Namespace taken = std::move(ready_.front());
  ready_.pop_front();
  return taken;
}

Status NetworkThread::link(network::Namespace& inside, const Connection& connection) {
  const auto& spec = connection.network;
  if (network::has_parent(spec)) return host_->connect_to_parent(inside, spec, connection.endpoint);
  return host_->connect(inside, spec, bridges_.at(spec.name), connection.endpoint);
}

void NetworkThread::connect(Connection connection, Connected done) {
  const auto work = [this, connection = std::move(connection)]() -> Result<runtime::UniqueFd> {
    const auto& spec = connection.network;
    const auto& endpoint = connection.endpoint;
    const auto& record = connection.record;
    METE_CHECK(open());
    if (network::has_bridge(spec) && !bridges_.contains(spec.name)) METE_CHECK(bridge(spec));
    METE_CHECK(write_record(record, to_json(endpoint)));
    const auto undo_record = [&] { (void)::unlink(record.c_str()); };
    auto taken = take_namespace(connection.inside);
    if (!taken) {
      undo_record();
      return tl::unexpected(std::move(taken.error()));
    }
    network::Namespace inside = std::move(*taken);
    // The rules before the link: there is no moment in which it may send what it likes.
    if (auto ruled = host_->carry_out(network::change_endpoint(table_, std::nullopt, endpoint)); !ruled) {
      undo_record();
      return tl::unexpected(std::move(ruled.error()));
    }
    if (auto linked = link(inside, connection); !linked) {
      (void)host_->carry_out(network::change_endpoint(table_, endpoint, std::nullopt));
      undo_record();
      return tl::unexpected(std::move(linked.error()));
    }
    return std::move(inside.file);
  };
  run(work, std::move(done));
}

void NetworkThread::disconnect(network::Endpoint endpoint, std::string record, runtime::UniqueFd inside, Done done) {
  auto held = std::make_shared<runtime::UniqueFd>(std::move(inside));
  const auto work = [this, endpoint = std::move(endpoint), record = std::move(record), held]() -> Status {
    METE_CHECK(open());
    // A device of a parent goes at once: its hardware address is taken until it has gone.
    if (network::is_on_parent(endpoint) && held->valid()) {
      METE_TRY(auto entered, host_->enter(std::move(*held)));
      METE_CHECK(host_->remove_inside(entered, endpoint.inside));
    }
    held->reset();
    return release(endpoint, record);
  };
  run(work, std::move(done));
}

Status NetworkThread::release(const network::Endpoint& endpoint, const std::string& record) {
  METE_CHECK(remove_rules(endpoint));
  (void)::unlink(record.c_str());
  return {};
}

Status NetworkThread::remove_rules(const network::Endpoint& endpoint) {
  METE_CHECK(host_->remove_shaper(endpoint));
  auto ruled = host_->carry_out(network::change_endpoint(table_, endpoint, std::nullopt));
  // Somebody has flushed them: that is what was wanted.
  return !ruled && ruled.error().code != ENOENT ? ruled : Status();
}

// The records last: an agent that is killed before them is asked once more, and finds done what has been done.
void NetworkThread::leave(Leaving leaving, Done done) {
  const auto work = [this, leaving = std::move(leaving)]() -> Status {
    METE_CHECK(open());
    METE_CHECK(host_->disconnect(leaving.left));
    METE_CHECK(remove_rules(leaving.left));
    if (leaving.network) {
      METE_TRY(auto inside, host_->enter(std::move(*leaving.inside)));
      METE_CHECK(host_->set_way_out(inside, *leaving.network, leaving.now));
    }
    METE_CHECK(write_record(leaving.record, to_json(leaving.now)));
    if (leaving.network) (void)::unlink(leaving.further_record.c_str());
    return {};
  };
  run(work, std::move(done));
}

void NetworkThread::detach(network::Endpoint endpoint, std::string record, std::shared_ptr<runtime::UniqueFd> inside,
                           Done done) {
  const auto work = [this, endpoint = std::move(endpoint), record = std::move(record), inside]() -> Status {
    METE_CHECK(open());
    if (inside) {
      METE_TRY(auto entered, host_->enter(std::move(*inside)));
      METE_CHECK(host_->remove_inside(entered, endpoint.inside));
    } else {
      METE_CHECK(host_->disconnect(endpoint));
    }
    return release(endpoint, record);
  };
  run(work, std::move(done));
}

void NetworkThread::change(network::Endpoint before, network::Endpoint after, std::string record, Done done) {
  const auto work = [this, before = std::move(before), after = std::move(after),
                     record = std::move(record)]() -> Status {
    METE_CHECK(open());
    METE_CHECK(write_record(record, to_json(after)));
    return host_->carry_out(network::change_endpoint(table_, before, after));
  };
  run(work, std::move(done));
}

void NetworkThread::take_down(Networks networks, bool tables, Done done) {
  const auto work = [this, networks = std::move(networks), tables]() -> Status {
    METE_CHECK(open());
    for (const auto& each : networks) {
      bridges_.erase(each.name);
      remote_.erase(each.name);
      METE_CHECK(network::has_parent(each) ? host_->remove_parent(each) : host_->remove_bridge(each));
      encrypted_.erase(each.name);
    }
    METE_CHECK(remove_tunnel(false));
    if (!tables) return {};
    ready_.clear();
    up_ = false;
    METE_CHECK(host_->carry_out(network::remove_all(table_)));
    lock_.reset();
    return {};
  };
  run(work, std::move(done));
}

}  // namespace mete::agent
