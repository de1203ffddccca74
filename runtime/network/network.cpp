// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/network.h"

namespace mete::runtime::network {
namespace {

// A pod without resources on the host: there is nothing to attach or release.
class Unconnected : public Driver {
 public:
  explicit Unconnected(bool own_namespace) : own_namespace_(own_namespace) {}
  [[nodiscard]] bool own_namespace() const override { return own_namespace_; }
  [[nodiscard]] bool needs_attachment() const override { return false; }
  [[nodiscard]] Result<Attachment> attach(const std::string& /*uid*/,
                                          const std::string& /*network_namespace*/) const override {
    return Attachment{};
  }
  [[nodiscard]] Status detach(const std::string& /*uid*/) const override { return {}; }

 private:
  bool own_namespace_;
};

}  // namespace

const Driver& driver_of(const config::PodSpec& spec) {
  static const Unconnected none(true);
  static const Unconnected host(false);
  return spec.host_network ? host : none;
}

}  // namespace mete::runtime::network
