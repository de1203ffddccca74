// SPDX-License-Identifier: Apache-2.0
// What a container gives to others or takes over from them: its seccomp listener, interfaces of the caller's network
// namespace.
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <thread>

#include "runtime/descriptor_passing.h"
#include "tests/root/oci/oci_resources_support.h"

namespace mete::test {
namespace {

using runtime::receive_with_descriptor;
using runtime::UniqueFd;

TEST_F(OciResourcesTest, ASeccompListenerIsTold) {
  const std::string path = dir_ / "listener";
  const UniqueFd server = listen_at(path);
  ASSERT_TRUE(server.valid());
  config_["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                 {"listenerPath", path},
                                 {"listenerMetadata", "for the listener"},
                                 {"syscalls", {{{"names", {"mkdir"}}, {"action", "SCMP_ACT_NOTIFY"}}}}};
  Json told;
  std::uint64_t answered = 0;
  std::thread agent([&] {
    const UniqueFd connection(::accept(server.get(), nullptr, nullptr));
    char text[4096];
    UniqueFd listener;
    const ssize_t got = receive_with_descriptor(connection.get(), text, sizeof text, listener);
    told = Json::parse(std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0), nullptr, false);
    struct seccomp_notif request {};
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
    answered = static_cast<std::uint64_t>(request.data.nr);
    struct seccomp_notif_resp response {};
    response.id = request.id;
    response.error = -71;  // EPROTO: nobody else would say that
    ::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  });
  const Done done = run("busybox mkdir /tmp/x 2>&1");
  agent.join();
  EXPECT_TRUE(has(done.out, "Protocol error")) << done.out << done.err;
  EXPECT_EQ(answered, 83U) << "mkdir";
  ASSERT_TRUE(told.is_object());
  EXPECT_EQ(told.at("fds"), Json::array({"seccompFd"}));
  EXPECT_EQ(told.at("metadata"), "for the listener");
  EXPECT_EQ(told.at("state").at("id"), "one");
  EXPECT_EQ(told.at("pid"), told.at("state").at("pid"));
  // Nobody there: create fails, and nothing is left.
  std::filesystem::remove(path);
  EXPECT_TRUE(has(refused(), "linux.seccomp.listenerPath"));
}

TEST_F(OciResourcesTest, NetworkInterfacesAreMoved) {
  if (std::system("ip -V 2> /dev/null | grep -q iproute2") != 0) GTEST_SKIP() << "needs Debian's iproute2";
  config_["linux"]["netDevices"] = {{"mete-a", {{"name", "inside0"}}}};
  command(
      "cat /proc/net/dev | grep inside0; cat /sys/class/net/inside0/flags; cat /proc/net/fib_trie | grep -c 10.99.7.5; "
      "cat /proc/net/if_inet6 | grep inside0");
  write_config();
  // In a network namespace of the test's own: the machine's is not touched.
  const std::string script =
      "ip link add mete-a type veth peer name mete-b && ip addr add 10.99.7.5/24 dev mete-a && ip addr add fd99::5/64 "
      "nodad dev mete-a && ip link set mete-b up && " METE_BIN_DIR "/mete-oci --root " +
      root() + " run --bundle " + bundle() + " one > " + std::string(dir_ / "out") + " 2>&1";
  const int code = std::system(("unshare -n sh -c '" + script + "'").c_str());
  const std::string out = slurp(dir_ / "out");
  EXPECT_EQ(code, 0) << out;
  EXPECT_TRUE(has(out, "inside0") && has(out, "0x1003") && has(out, "fd990000000000000000000000000005")) << out;
  EXPECT_FALSE(has(out, "\n0\n")) << "its address is there: " << out;
  config_["linux"]["netDevices"] = {{"no-such", Json::object()}};
  EXPECT_TRUE(has(refused(), "linux.netDevices: no-such: found no such interface"));
}

}  // namespace
}  // namespace mete::test
