// SPDX-License-Identifier: Apache-2.0
#include "agent/export/exporter.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "agent/base/agent_families.h"
#include "agent/export/kube_names.h"
#include "agent/export/kube_services.h"
#include "agent/export/kube_workloads.h"
#include "agent/export/network_metrics.h"
#include "agent/export/pool_metrics.h"
#include "agent/export/process_metrics.h"
#include "agent/export/stats_json.h"
#include "agent/export/targets.h"
#include "agent/http/http_negotiate.h"
#include "agent/pods/device_book.h"
#include "agent/services/service_json.h"
#include "agent/workloads/workload_json.h"
#include "collectors/metrics/family.h"

namespace mete::agent {
namespace {

using collectors::Format;
using collectors::LabelBlock;
using collectors::Reading;

constexpr auto kShared = std::chrono::milliseconds(200);

std::set<std::string_view> collector_names() {
  std::set<std::string_view> names = {"agent", "kube", "machine"};
  for (const auto* family : collectors::all_families()) names.insert(family->collector);
  return names;
}

// Adds the cost of the loop's own reads (last counters, `mete ps`) to that of the collecting thread, by collector.
std::vector<collectors::CollectionCost> cost_of(const Reading& reading, const collectors::Collection& loops) {
  std::vector<collectors::CollectionCost> all = reading.cost;
  for (const auto& more : loops.cost()) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& cost) { return cost.collector == more.collector; });
    if (same == all.end()) {
      all.push_back(more);
      continue;
    }
    same->time += more.time;
    same->files += more.files;
    same->errors += more.errors;
  }
  return all;
}

void write_cost(std::string& out, const std::vector<collectors::CollectionCost>& costs, Format format) {
  auto seconds = own_writer(out, "mete_collection_seconds_total", format);
  for (const auto& cost : costs) seconds.add(LabelBlock{{"collector", cost.collector}}, cost.time);
  auto files = own_writer(out, "mete_collection_files_total", format);
  for (const auto& cost : costs) files.add(LabelBlock{{"collector", cost.collector}}, cost.files);
  auto errors = own_writer(out, "mete_collection_errors_total", format);
  for (const auto& cost : costs) errors.add(LabelBlock{{"collector", cost.collector}}, cost.errors);
}

KubeNode node_of(const collectors::Machine& machine) {
  std::array<char, 256> name{};
  (void)::gethostname(name.data(), name.size() - 1);
  return {name.data(), machine.cores, machine.memory};
}

}  // namespace

Result<std::function<bool(std::string_view)>> collector_filter(const std::vector<std::string>& collect,
                                                               const std::vector<std::string>& exclude) {
  if (!collect.empty() && !exclude.empty()) return fail("collect[] and exclude[]: found both, expected one of them");
  const auto names = collector_names();
  for (const auto* list : {&collect, &exclude}) {
    for (const auto& name : *list) {
      if (names.contains(name)) continue;
      std::string known;
      for (const auto& each : names) known.append(known.empty() ? "" : ", ").append(each);
      return fail("collector: found \"" + name + "\", expected one of " + known);
    }
  }
  return [only = std::set<std::string, std::less<>>(collect.begin(), collect.end()),
          without = std::set<std::string, std::less<>>(exclude.begin(), exclude.end())](std::string_view collector) {
    return (only.empty() || only.contains(collector)) && !without.contains(collector);
  };
}

void Exporter::read(CollectingThread::Done done) {
  const auto now = std::chrono::steady_clock::now();
  const auto event = services_.events.newest();
  if (reading_ && reading_event_ == event && now - reading_->at < kShared) return done(reading_);
  // A reading that was requested just now is shared.
  if (pending_ && pending_->event == event && now - pending_->asked_at < kShared) {
    pending_->waiting.push_back(std::move(done));
    return;
  }
  reading_.reset();  // too old to be shared; freed before the next one is made
  pending_ = std::make_shared<Pending>(Pending{now, event, {std::move(done)}});
  collecting_.read(targets_of(reconciler_), [this, pending = pending_](const std::shared_ptr<const Reading>& reading) {
    reading_ = reading;
    reading_event_ = pending->event;
    if (pending_ == pending) pending_.reset();
    forget_.expires_at(reading->at + kShared);
    forget_.async_wait([this](ErrorCode error) {
      if (!error) reading_.reset();
    });
    services_.instruments.scrape(reading->took);
    for (const auto& each : pending->waiting) each(reading);
  });
}

void Exporter::scrape(const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  auto wanted = collector_filter(request.parameters("collect[]"), request.parameters("exclude[]"));
  if (!wanted) return reply->send({.status = 400, .body = wanted.error().what + "\n", .encoding = {}});
  // A collector asked for by name is exported even when agent.yaml does not enable it.
  const auto named = request.parameters("collect[]");
  const bool kube = (*wanted)("kube") && (services_.settings.config.exported.kube ||
                                          std::find(named.begin(), named.end(), "kube") != named.end());
  const Format format = choose_format(request.accept);
  const bool gzip = accepts_gzip(request.accept_encoding);
  read([this, reply, wanted = std::move(*wanted), format, gzip, kube,
        cadvisor = request.path == "/metrics/cadvisor"](const std::shared_ptr<const Reading>& reading) {
    CollectingThread::Rendering rendering;
    rendering.reading = reading;
    rendering.format = format;
    rendering.filter = [wanted](const collectors::Family& family) { return wanted(family.collector); };
    if (wanted("machine")) collectors::write_machine(rendering.tail, reading->machine, format);
    if (wanted("agent")) rendering.tail += own_families(*reading, format);
    // Its labels break Prometheus' naming rules: written only on cAdvisor's page.
    if (wanted("agent") && cadvisor) write_version(rendering.tail, reading->machine, format);
    if (kube) {
      std::vector<nlohmann::ordered_json> objects;
      for (const auto& [uid, object] : workloads_.objects()) {
        if (!object->record.expired) objects.push_back(workload_json(workloads_, *object));
      }
      KubeNode node = node_of(reading->machine);
      node.devices = reconciler_.devices().devices().counts();
      std::vector<nlohmann::ordered_json> of_services;
      for (const auto& [name, object] : keeper_.objects()) {
        of_services.push_back(service_json(object));
        of_services.push_back(endpoints_json(object));
        for (auto& slice : endpoint_slices_json(object, node.name)) of_services.push_back(std::move(slice));
      }
      for (const auto& policy : keeper_.traffic_policies()) {
        of_services.push_back(nlohmann::ordered_json::parse(policy.text));
        of_services.back()["metadata"]["namespace"] = policy.metadata.namespace_;
      }
      const auto& policy = services_.settings.config.exported;
      std::vector<nlohmann::ordered_json> of_pods;
      if (policy.kube_labels.contains("pods") || policy.kube_annotations.contains("pods"))
        of_pods = kube_pod_names_of(reconciler_);
      rendering.more = [pods = kube_pods_of(reconciler_), of_pods = std::move(of_pods), &policy,
                        objects = std::move(objects), of_services = std::move(of_services), node,
                        format](std::string& tail) {
        write_kube(tail, pods, node, format);
        write_kube_workloads(tail, objects, format);
        write_kube_services(tail, of_services, format);
        write_kube_names(tail, {&of_pods, &objects, &of_services}, policy, format);
      };
    }
    rendering.gzip = gzip;
    HttpResponse head;
    head.type = content_type(format);
    if (gzip) head.encoding = "gzip";
    head.headers = {{"Vary", "Accept, Accept-Encoding"}};
    reply->send(std::move(head), collecting_.render(std::move(rendering)));
  });
}

void Exporter::stats(const std::shared_ptr<HttpReply>& reply) {
  read([this, reply](const std::shared_ptr<const Reading>& reading) {
    HttpResponse head;
    head.type = "application/json";
    reply->send(std::move(head), collecting_.render([reading] { return stats_json(*reading); }));
  });
}

std::string Exporter::own_families(const Reading& reading, Format format) const {
  std::string out;
  write_cost(out, cost_of(reading, services_.collection), format);
  std::array<std::uint64_t, 4> by_state{};
  for (const auto& [key, pod] : reconciler_.pods()) {
    for (const auto& container : pod->containers()) ++by_state.at(static_cast<std::size_t>(container->record().state));
  }
  auto containers = own_writer(out, "mete_agent_containers", format);
  for (std::size_t i = 0; i < by_state.size(); ++i) {
    containers.add(LabelBlock{{"state", to_string(static_cast<ContainerState>(i))}}, by_state.at(i));
  }
  own_writer(out, "mete_agent_open_fds", format).add(open_descriptors());
  auto features = own_writer(out, "mete_agent_kernel_feature", format);
  for (const auto& feature : services_.features.list)
    features.add(LabelBlock{{"feature", feature.name}}, std::uint64_t{feature.there ? 1U : 0U});
  if (const auto window = services_.features.psi_window)
    own_writer(out, "mete_agent_psi_window_seconds", format).add(std::chrono::nanoseconds(*window));
  write_networks(out, reconciler_.networks(), format);
  if (const auto use = services_.storage->last_use()) write_pool(out, *use, format);
  services_.instruments.write(out, format);
  write_process(out, format);
  return out;
}

}  // namespace mete::agent
