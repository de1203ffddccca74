// SPDX-License-Identifier: Apache-2.0
// What the rules of one more container cost where there are none, and where there are many: the transaction that adds
// the elements of a container with a published port, and the one that removes them. Both in turn, each in a network
// namespace of the bench's own.
//
// rules_bench [MANY [RUNS]]
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "runtime/network/host_network.h"
#include "tests/bench/figures.h"

namespace mete::bench {
namespace {

using runtime::network::Endpoint;
using runtime::network::HostNetwork;
using runtime::network::NetworkSpec;

constexpr const char* kTable = "mete";

NetworkSpec bridge() {
  NetworkSpec spec;
  spec.name = "bridge";
  spec.device = "mete0";
  spec.range = config::parse_range("10.77.0.0/16").value();
  return spec;
}

Endpoint container(unsigned number) {
  Endpoint endpoint;
  endpoint.network = "bridge";
  endpoint.device = "mte" + std::to_string(number);
  endpoint.address = config::nth(bridge().range, number + 2);
  endpoint.mac = runtime::network::mac_of(endpoint.address);
  endpoint.ports = {{config::Protocol::kTcp, {}, static_cast<std::uint16_t>(20'000 + number), 80}};
  return endpoint;
}

// The rules of a machine with so many containers, in a network namespace of their own.
Result<HostNetwork> machine_with(unsigned containers) {
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("make a network namespace");
  METE_TRY(auto host, HostNetwork::open());
  std::vector<Endpoint> endpoints;
  for (unsigned i = 0; i < containers; ++i) endpoints.push_back(container(i));
  METE_CHECK(host.carry_out(runtime::network::replace_all(kTable, {{bridge()}, endpoints, {}})));
  return host;
}

// Microseconds of the container's coming and going.
Result<double> time_one_more(HostNetwork& host, const Endpoint& one) {
  const auto begin = std::chrono::steady_clock::now();
  METE_CHECK(host.carry_out(runtime::network::change_endpoint(kTable, std::nullopt, one)));
  METE_CHECK(host.carry_out(runtime::network::change_endpoint(kTable, one, std::nullopt)));
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

Status run(unsigned many, unsigned runs) {
  METE_TRY(auto none, machine_with(0));
  METE_TRY(auto full, machine_with(many));
  std::vector<double> alone;
  std::vector<double> beside;
  for (unsigned i = 0; i < runs; ++i) {
    METE_TRY(const double first, time_one_more(none, container(many)));
    METE_TRY(const double second, time_one_more(full, container(many)));
    alone.push_back(first);
    beside.push_back(second);
  }
  const auto one = figures(std::move(alone)).value_or(Figures{});
  const auto other = figures(std::move(beside)).value_or(Figures{});
  std::printf("rules of one more container come and go: with none p50 %.0f us, with %u p50 %.0f us: %.2f x\n", one.p50,
              many, other.p50, other.p50 / one.p50);
  return {};
}

}  // namespace
}  // namespace mete::bench

int main(int argc, char** argv) {
  const unsigned many = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 500;
  const unsigned runs = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 300;
  if (runs == 0 || many > 40'000) {
    std::fprintf(stderr, "rules_bench: expected at most 40000 containers and at least one run\n");
    return 1;
  }
  if (const auto done = mete::bench::run(many, runs); !done) {
    std::fprintf(stderr, "rules_bench: %s\n", done.error().what.c_str());
    return done.error().code == EPERM ? 77 : 1;
  }
  return 0;
}
