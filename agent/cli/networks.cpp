// SPDX-License-Identifier: Apache-2.0
// `mete network`: docker's words for it.
#include <algorithm>
#include <memory>

#include "agent/cli/containers/subject.h"
#include "agent/cli/output/output.h"
#include "agent/cli/output/table.h"
#include "agent/http/http_url.h"

namespace mete::agent::cli {
namespace {

struct CreateOptions {
  std::string name;
  std::vector<std::string> subnets;
  std::vector<std::string> gateways;
  std::vector<std::string> reserved;
  std::vector<std::string> options;
  std::vector<std::string> labels;
  std::string part;
  std::string driver;
  std::string mtu;
  bool internal = false;
  bool no_icc = false;
};

std::string lines_of(const std::vector<std::string>& words) {
  std::string lines;
  for (const auto& each : words) lines += each + "\n";
  return lines;
}

int network_create(const Common& common, const CreateOptions& options) {
  std::string query =
      "?name=" + url_encode(options.name) + "&mtu=" + url_encode(options.mtu) + "&driver=" + url_encode(options.driver);
  for (const auto& each : options.subnets)
    query += (each.find(':') == std::string::npos ? "&subnet=" : "&subnet6=") + url_encode(each);
  for (const auto& each : options.gateways)
    query += (each.find(':') == std::string::npos ? "&gateway=" : "&gateway6=") + url_encode(each);
  query += "&ipRange=" + url_encode(options.part) + "&auxAddresses=" + url_encode(lines_of(options.reserved)) +
           "&options=" + url_encode(lines_of(options.options));
  if (options.internal) query += "&internal=1";
  if (options.no_icc) query += "&icc=0";
  const auto fetched = fetch(common, "POST", "/mete/v1/networks/create" + query, lines_of(options.labels));
  if (fetched.code == kDone) print(options.name + "\n");
  return fetched.code;
}

int network_list(const Common& common) {
  const auto fetched = fetch(common, "GET", "/mete/v1/networks");
  if (fetched.code != kDone) return fetched.code;
  if (print_structured(common, fetched.value)) return kDone;
  Table table({"NAME", "DRIVER", "DEVICE", "SUBNET", "PODS"});
  for (const auto& each : fetched.value["networks"]) {
    std::string subnet = each["subnet"].get<std::string>();
    if (each.contains("subnet6")) subnet += "," + each["subnet6"].get<std::string>();
    table.add({printable(each["name"].get<std::string>()), each["driver"].get<std::string>(),
               each["device"].get<std::string>(), subnet, std::to_string(each["pods"].size())});
  }
  print(table.text());
  return kDone;
}

int network_inspect(const Common& common, const std::vector<std::string>& names) {
  const auto fetched = fetch(common, "GET", "/mete/v1/networks");
  if (fetched.code != kDone) return fetched.code;
  int worst = kDone;
  Json found = Json::array();
  for (const auto& name : names) {
    const auto& all = fetched.value["networks"];
    const auto at = std::find_if(all.begin(), all.end(), [&](const Json& each) { return each["name"] == name; });
    if (at == all.end()) {
      worst = complain("there is no network " + name, kNotFound);
    } else {
      found.push_back(*at);
    }
  }
  if (!print_structured(common, {{"networks", found}})) print(to_yaml({{"networks", found}}));
  return worst;
}

int network_remove(const Common& common, const std::vector<std::string>& names) {
  int worst = kDone;
  for (const auto& name : names) {
    const auto fetched = fetch(common, "POST", "/mete/v1/networks/remove?name=" + url_encode(name));
    if (fetched.code == kDone) print(name + "\n");
    worst = std::max(worst, fetched.code);
  }
  return worst;
}

int network_prune(const Common& common) {
  const auto fetched = fetch(common, "POST", "/mete/v1/networks/prune");
  if (fetched.code != kDone) return fetched.code;
  for (const auto& each : fetched.value["removed"]) print(each.get<std::string>() + "\n");
  return kDone;
}

// Exit 1: something is wrong with one of its pods.
int network_check(const Common& common, const std::string& name) {
  const auto fetched = fetch(common, "POST", "/mete/v1/networks/check?name=" + url_encode(name));
  if (fetched.code != kDone) return fetched.code;
  int worst = kDone;
  for (const auto& each : fetched.value["pods"]) {
    const std::string wrong = each["wrong"].get<std::string>();
    print(each["pod"].get<std::string>() + ": " + (wrong.empty() ? "as it was connected" : printable(wrong)) + "\n");
    if (!wrong.empty()) worst = kFailed;
  }
  return worst;
}

void add_plugins(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  auto checked = std::make_shared<std::string>();
  line.add(
          {"check", "Ask the plugins of a network of driver cni whether they and its pods are well (STATUS and CHECK)",
           "  mete network check shop"},
          [&common, checked] { return network_check(common, *checked); }, group)
      ->add_option("name", *checked, "The network")
      ->required()
      ->type_name(kNetworkName);
  auto cleaned = std::make_shared<std::string>();
  line.add(
          {"gc",
           "Have the plugins of a network of driver cni release all that no pod of this agent has (GC), also what "
           "another runtime has asked for by the same configuration",
           "  mete network gc shop"},
          [&common, cleaned] {
            return fetch(common, "POST", "/mete/v1/networks/gc?name=" + url_encode(*cleaned)).code;
          },
          group)
      ->add_option("name", *cleaned, "The network")
      ->required()
      ->type_name(kNetworkName);
}

struct ConnectOptions {
  std::string network;
  std::string pod;
  std::string address;
};

// Of a container of `mete run` by docker's request, which a stopped one has, too.
int network_connect(const Common& common, const ConnectOptions& options, const char* action) {
  const Subject subject = find_subject(common, options.pod);
  if (subject.code != kDone) return subject.code;
  if (!subject.is_pod) {
    Json wishes = {{"Container", subject.path.substr(std::string_view("/containers/").size())}};
    if (!options.address.empty())
      wishes["EndpointConfig"]["IPAMConfig"]
            [options.address.find(':') == std::string::npos ? "IPv4Address" : "IPv6Address"] = options.address;
    return ask_docker(common, "POST", "/networks/" + url_encode(options.network) + "/" + action, wishes.dump());
  }
  const std::string query = "?name=" + url_encode(options.network) + "&pod=" + url_encode(key_of(subject)) +
                            "&ip=" + url_encode(options.address);
  return fetch(common, "POST", std::string("/mete/v1/networks/") + action + query).code;
}

void add_connections(CommandLine& line, CLI::App* group) {
  const Common& common = line.common();
  auto made = std::make_shared<ConnectOptions>();
  auto* connect = line.add(
      {"connect", "Put a running pod into a further network",
       "  mete network connect shop web\n  mete network connect --ip 10.90.0.9 back web"},
      [&common, made] { return network_connect(common, *made, "connect"); }, group);
  connect->add_option("network", made->network, "The network")->required()->type_name(kNetworkName);
  connect->add_option("pod", made->pod, kPodName)->required()->type_name(kPod);
  connect->add_option("--ip", made->address, "Its address there; default: the next free one")->type_name("ADDRESS");
  auto ended = std::make_shared<ConnectOptions>();
  auto* disconnect = line.add(
      {"disconnect", "Take a pod out of a further network", "  mete network disconnect shop web"},
      [&common, ended] { return network_connect(common, *ended, "disconnect"); }, group);
  disconnect->add_option("network", ended->network, "The network")->required()->type_name(kNetworkName);
  disconnect->add_option("pod", ended->pod, kPodName)->required()->type_name(kPod);
}

}  // namespace

void add_networks(CommandLine& line) {
  const Common& common = line.common();
  auto* group = line.add_group({"network", "Networks of pods", "  mete network create shop\n  mete network ls"});
  auto made = std::make_shared<CreateOptions>();
  auto* create = line.add(
      {"create", "Make a network; a pod is in it by its annotation mete/network",
       "  mete network create shop\n  mete network create --subnet 10.90.0.0/24 --internal back\n"
       "  mete network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 --gateway 192.0.2.254 lan\n"
       "  mete network create -d overlay --subnet 10.91.0.0/24 everywhere\n"
       "  mete network create -d overlay --opt encrypted secret"},
      [&common, made] { return network_create(common, *made); }, group);
  create->add_option("name", made->name, "Its name")->required()->type_name("NAME");
  create->add_option("--subnet", made->subnets, "Its addresses: 10.90.0.0/24, or fd00:90::/64 for IPv6 beside them")
      ->type_name("CIDR");
  create
      ->add_option(
          "-d,--driver", made->driver,
          "bridge, the default; macvlan, ipvlan or cni; or overlay: over all machines that agent.yaml's etcd knows")
      ->type_name("NAME");
  create->add_option("-o,--opt", made->options, "An option of the driver: parent=eth0, macvlan_mode=bridge, encrypted")
      ->type_name("NAME=VALUE");
  create->add_option("--gateway", made->gateways, "The router's address; default: the subnet's first one")
      ->type_name("ADDRESS");
  create->add_option("--ip-range", made->part, "The part of the subnet that pods get addresses of")->type_name("CIDR");
  create->add_option("--aux-address", made->reserved, "An address of the subnet that somebody else has")
      ->type_name("NAME=ADDRESS");
  create
      ->add_option("--mtu", made->mtu,
                   "Default: that of the default network; of an overlay what VXLAN leaves of the machine's")
      ->type_name("BYTES");
  create->add_option("--label", made->labels, "A label of it")->type_name("NAME=VALUE");
  create->add_flag("--internal", made->internal, "Without a way out, and none in");
  create->add_flag("--no-icc", made->no_icc, "Its containers do not reach each other");
  line.add_output(line.add(
      {"ls", "List networks", "  mete network ls -o json"}, [&common] { return network_list(common); }, group));
  auto shown = std::make_shared<std::vector<std::string>>();
  auto* inspect = line.add(
      {"inspect", "All that is known of networks", "  mete network inspect bridge"},
      [&common, shown] { return network_inspect(common, *shown); }, group);
  inspect->add_option("names", *shown, "Networks")->required()->type_name(kNetworkName);
  line.add_output(inspect);
  auto removed = std::make_shared<std::vector<std::string>>();
  line.add(
          {"rm", "Remove networks that no pod is in", "  mete network rm shop"},
          [&common, removed] { return network_remove(common, *removed); }, group)
      ->add_option("names", *removed, "Networks")
      ->required()
      ->type_name(kNetworkName);
  add_connections(line, group);
  add_plugins(line, group);
  line.add(
      {"prune", "Remove all networks that no pod is in, but the default one", "  mete network prune"},
      [&common] { return network_prune(common); }, group);
}

}  // namespace mete::agent::cli
