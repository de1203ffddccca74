// SPDX-License-Identifier: Apache-2.0
// This machine's side of the records in etcd: its lease, what it has written there, what the others have. While etcd
// does not answer, the records stay as they were, nothing new is claimed, and it is asked again every few seconds; then
// all is read anew, and what this machine lacks there is put back.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/services.h"
#include "agent/etcd/client.h"
#include "agent/networks/overlay/overlay_records.h"

namespace mete::agent {

class OverlayStore {
 public:
  // `own` is asked each time that etcd is reached again. `changed`: the records are others; first when all are known.
  struct Owner {
    std::function<OwnRecords()> own;
    // This machine's key, where it has encrypted networks: it is written with the first pod in one.
    std::function<std::optional<OverlayHost>()> host;
    std::function<void()> changed;
  };
  OverlayStore(Services& services, Owner owner);

  void begin();
  [[nodiscard]] bool connected() const { return connected_; }
  // Whether the records are those of etcd, of now or of before it stopped to answer. Before: nothing is known.
  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] const OverlayRecords& records() const { return records_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  // This machine's address between the machines. The error: why it is not known.
  [[nodiscard]] const Result<config::IpAddress>& vtep() const { return vtep_; }

  using Done = std::function<void(Status)>;
  // overlay_changes.cpp. A new network, with the next free number. The error's code is EEXIST where the name is taken.
  using Created = std::function<void(Result<OverlayNetwork>)>;
  void create(OverlayNetwork network, Created done);
  // The error: somebody is in it.
  void remove(const std::string& network, Done done);
  // The address, for a pod of this machine; what this machine has already is its own again, also while etcd does not
  // answer. The error's code is EEXIST where another machine has it, ENOENT where there is no such network any more.
  void claim(OverlayMember member, Done done);
  void release(const OverlayRecords::Place& place);
  // This machine has no encrypted network any more.
  void withdraw_host();

 private:
  using Then = std::function<void()>;
  void start();
  void start_soon(std::chrono::milliseconds wait);
  void renew_lease(const Then& then);
  void grant_lease(const Then& then);
  void read_all();
  void put_back(const Then& then);
  void put_next(std::vector<etcd::Transaction> left, const Then& then);
  void found();
  void answer_waiting();
  void lost(const Error& error);
  void watch(etcd::Revision from);
  void take_news(const std::string& line);
  void keep_alive();
  [[nodiscard]] bool lacks_own(const std::vector<etcd::Change>& changes) const;
  [[nodiscard]] bool take_change(const etcd::Change& change);
  void transact(const etcd::Transaction& transaction, std::function<void(Result<etcd::Outcome>)> done);
  void create_numbered(OverlayNetwork network, std::uint32_t from, const Created& done);
  [[nodiscard]] tl::unexpected<Error> unreachable() const;
  [[nodiscard]] std::string identity_file() const;
  void read_identity();
  void save_identity();
  [[nodiscard]] const std::string& prefix() const { return services_.settings.config.network.overlay.prefix; }

  Services& services_;
  Owner owner_;
  etcd::Client client_;
  std::string host_;
  Result<config::IpAddress> vtep_ = fail("network.overlay: this machine's address is not known yet");
  etcd::LeaseId lease_ = 0;
  OverlayRecords records_;
  etcd::Revision revision_ = 0;  // that the records are of
  bool connected_ = false;
  bool known_ = false;
  bool asked_ = false;  // it has answered, or not: what comes before waits for that
  std::vector<Then> waiting_;
  bool told_ = false;     // that it does not answer
  unsigned attempt_ = 0;  // answers to an earlier one mean nothing any more
  std::string why_;       // it does not answer
  Timer retry_;
  Timer renew_;
  Alive alive_;
};

// What has to be written so that etcd has what this machine has: first what is to go. Pure. `lease`: of this machine.
[[nodiscard]] std::vector<etcd::Transaction> put_back_plan(const std::string& prefix, const OverlayRecords& records,
                                                           const OwnRecords& own, const std::string& host,
                                                           etcd::LeaseId lease);
// The same for a network, whose number must be free, too. Pure.
[[nodiscard]] etcd::Transaction network_transaction(const std::string& prefix, const OverlayNetwork& network);

}  // namespace mete::agent
