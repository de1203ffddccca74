// SPDX-License-Identifier: Apache-2.0
// The containers of docker's clients. Each is a pod of one container that this class asks the Reconciler to make; the
// pod has the life-cycle, and everything that pods have. What is here: names and ids, the clients' wishes on disk, and
// docker's order of things: a container is created, started, ends and stays until it is removed.
//
// A container that has ended is a stopped pod: it holds no cgroup, no address and no port.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/asio.h"
#include "agent/docker/container/health_watch.h"
#include "agent/docker/container/layer_book.h"
#include "agent/docker/container/record.h"
#include "agent/docker/container/row_texts.h"
#include "agent/docker/container/state.h"
#include "agent/docker/streams/events.h"
#include "agent/docker/volumes.h"
#include "agent/pods/manifests/manifests.h"
#include "agent/pods/reconciler.h"

namespace mete::agent::docker {

struct NetworkWishes;  // endpoints.h
struct Surrounding;    // pod_of.h

// Files of builds in STATE/docker begin so: each gets the id of its image, and goes with the build.
inline constexpr const char* kBuildIds = "build-";

// Why something is not done, for a client.
struct Refusal {
  unsigned status = 500;
  std::string message;
};
using Done = std::function<void(const std::optional<Refusal>&)>;  // called on the loop, later or at once

class Containers {
 public:
  Containers(Services& services, Manifests& manifests, Reconciler& reconciler);

  // Reads the records. Before Reconciler::adopt().
  [[nodiscard]] Status open();
  // After it: finishes what an earlier agent had begun.
  void begin();

  [[nodiscard]] const std::map<std::string, ContainerRecord>& all() const { return records_; }  // by id
  // By name, id or the beginning of an id.
  [[nodiscard]] tl::expected<ContainerRecord*, Refusal> find(const std::string& word);
  [[nodiscard]] ContainerRecord* by_name(const std::string& name);
  [[nodiscard]] Pod* pod(const ContainerRecord& record) const { return reconciler_.find(record.key()); }
  [[nodiscard]] Container* container(const ContainerRecord& record) const;
  [[nodiscard]] State state(const ContainerRecord& record) const;

  // Makes the container, created and not started. `name` empty: one is invented.
  [[nodiscard]] tl::expected<ContainerRecord*, Refusal> create(ContainerRecord record, const std::string& name);
  void start(const std::string& id, Done done);
  // Between the making of its cgroup and the moment at which it runs or has failed to.
  [[nodiscard]] bool is_being_started(const ContainerRecord& record) const;
  // While files are copied into a container that does not run, it is not started.
  void copying(const std::string& id, bool begins);
  // `grace` empty: the container's own. `signal` 0: the container's own.
  void stop(const std::string& id, std::optional<std::chrono::seconds> grace, int signal, Done done);
  void restart(const std::string& id, std::optional<std::chrono::seconds> grace, Done done);
  [[nodiscard]] std::optional<Refusal> kill(const ContainerRecord& record, int signal);
  [[nodiscard]] std::optional<Refusal> pause(ContainerRecord& record, bool paused);
  [[nodiscard]] std::optional<Refusal> rename(ContainerRecord& record, const std::string& name);
  // Other resources, or another restart policy: `host_config` as it is to be.
  [[nodiscard]] std::optional<Refusal> update(ContainerRecord& record, Json host_config);
  void remove(const std::string& id, bool force, bool volumes, Done done);
  // To a further network or from it, at once when it runs, and from its next start on. container_networks.cpp.
  void connect(const std::string& id, const std::string& network, const Json& endpoint, Done done);
  void disconnect(const std::string& id, const std::string& network, Done done);

  // `look` is called after each change of the container, and once it is gone, until it returns true.
  void watch(const std::string& id, std::function<bool()> look);
  // Those who watch look again, though nothing has changed: one of them may have no use for it any more.
  void look_again(const std::string& id) { call_watchers(id); }
  // How often it has ended since this agent began to look.
  [[nodiscard]] unsigned ends(const std::string& id) const;

  // Null: it has no healthcheck, or has not run since this agent began to look.
  [[nodiscard]] const HealthState* health(const std::string& id) const;

  // container_events.cpp
  void tell(const ContainerRecord& record, const std::string& action, Json more = Json::object());
  void tell_volume(const std::string& action, const std::string& name, Json more = Json::object());
  [[nodiscard]] Events& events() { return events_; }
  [[nodiscard]] Volumes& volumes() { return volumes_; }
  [[nodiscard]] RowTexts& rows() { return rows_; }
  [[nodiscard]] Reconciler& reconciler() { return reconciler_; }
  [[nodiscard]] Services& services() { return services_; }

 private:
  // What is known of a container's pod as it was at the last look.
  struct Seen {
    std::uint32_t attempt = 0;
    bool running = false;
    WallTime finished{};
    unsigned ends = 0;
    bool remove_volumes = false;
    int copies = 0;      // that write into its files now
    bool holds = false;  // something may be mounted for it
    bool is_being_stopped = false;
    bool begins_without_plan = false;
    int moves = 0;                    // from one network to another, under way
    std::uint32_t asked_attempt = 0;  // the last one before a client's start
    // Of the present attempt: further networks, each with why it is not connected; empty: it is, or will be.
    std::map<std::string, std::string> joined;
    std::uint32_t joined_attempt = 0;
    std::unique_ptr<HealthWatch> health;  // of the present attempt, or of the last one
    std::uint32_t health_attempt = 0;
  };
  [[nodiscard]] ChildPlan plan(const PodRecord& pod);
  [[nodiscard]] Result<config::PodPlan> plan_for(const ContainerRecord& record);
  // Its pod, with the plan that follows from what is there now; none: there is no pod, or it keeps the plan that it
  // has.
  Pod* plan_anew(const ContainerRecord& record);
  [[nodiscard]] Status save(const ContainerRecord& record);
  [[nodiscard]] std::string path_of(const std::string& id) const {
    return services_.settings.docker() + "/" + id + ".json";
  }
  // container_others.cpp
  [[nodiscard]] Status take_from_others(ContainerRecord& record);
  [[nodiscard]] Status take_other_network(ContainerRecord& record);
  [[nodiscard]] Status take_other_spaces(ContainerRecord& record);
  void find_spaces(const ContainerRecord& record, Surrounding& around) const;
  [[nodiscard]] std::string shared_memory_folder() const { return services_.settings.run + "/docker-shm"; }
  // container_mounts.cpp: what is mounted on the machine while it runs.
  [[nodiscard]] std::vector<HeldMount> mounts_to_hold(const ContainerRecord& record) const;
  [[nodiscard]] bool lacks_mounts(const ContainerRecord& record);
  void hold_mounts(const std::string& id, std::function<void(const Status&)> done);
  void mount_next();
  void release_mounts(const ContainerRecord& record);
  void release_mount(const std::string& path);
  void sweep_mounts();
  void fail_start(const std::string& id, const std::string& why);
  void start_with_mounts(const std::string& id, Done done);
  void begin_without_plan(const std::string& id);
  [[nodiscard]] Status check_machine(const Json& host_config) const;
  // Of --runtime: the name of another OCI runtime; empty: mete. "runc" is one where agent.yaml names it, and else mete.
  [[nodiscard]] std::string other_runtime(const Json& host_config) const;
  [[nodiscard]] Status prepare_mounts(ContainerRecord& record);
  [[nodiscard]] Status choose_ports(ContainerRecord& record);
  [[nodiscard]] Status keep_seccomp(ContainerRecord& record);  // container_seccomp.cpp
  void forget_seccomp(const ContainerRecord& record);          // of one that is none of records_ any more
  void changed(const std::string& key);                        // of a pod
  void look(const std::string& id);
  void look_after_move(const std::string& id);  // others may wait for their turn; where it is still there
  void look_at_ends(ContainerRecord& record, Pod& pod);
  [[nodiscard]] bool tries_again(const ContainerRecord& record, const std::string& error) const;
  void tell_networks(const ContainerRecord& record, const std::string& action);
  void tell_start(const ContainerRecord& record);
  void tell_end(const ContainerRecord& record, const agent::ContainerRecord& inside);
  void tell_stop(const ContainerRecord& record, int signal);
  void find_layer(const ContainerRecord& record) const;
  [[nodiscard]] LayerBook layers() const;
  void settle(ContainerRecord& record, Pod& pod);
  void watch_health(ContainerRecord& record, Pod& pod);
  void health_changed(const std::string& id);
  void join_networks(ContainerRecord& record, Pod& pod);
  bool leave_own(const ContainerRecord& record, Pod& pod);
  // Whether its further networks are all there, or will not be: then why.
  [[nodiscard]] bool has_joined(const ContainerRecord& record, std::string& error) const;
  [[nodiscard]] std::optional<Refusal> change_networks(ContainerRecord& record, NetworkWishes wishes);
  void gone(const std::string& id);
  void call_watchers(const std::string& id);
  [[nodiscard]] std::string invented_name();

  Services& services_;
  Manifests& manifests_;
  Reconciler& reconciler_;
  Volumes volumes_;
  Events events_;
  std::map<std::string, ContainerRecord> records_;  // by id
  std::map<std::string, Seen> seen_;                // by id
  RowTexts rows_;                                   // of records_, as they are
  std::map<std::string, std::list<std::function<bool()>>> watchers_;
  struct Mounting {
    std::string id;
    std::function<void(const Status&)> done;
  };
  std::deque<Mounting> mounting_;  // the first one is at work
  bool all_read_ = true;           // every record of earlier agents was readable
  Alive alive_;
};

}  // namespace mete::agent::docker
