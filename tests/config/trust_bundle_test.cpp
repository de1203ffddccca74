// SPDX-License-Identifier: Apache-2.0
// ClusterTrustBundles: the objects, and the files that volumes have of them.
#include "config/resolve/desired_state.h"
#include "config/values/pem.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

// The shortest that looks like a certificate from outside: a SEQUENCE of one number.
std::string der_of(char number) {
  return {0x30, 0x03, 0x02, 0x01, number};
}

std::string pem_of(const std::string& numbers) {
  std::string text;
  for (const char each : numbers) text += certificate_text(der_of(each));
  return text;
}

std::string bundle(const std::string& name, const std::string& numbers, const std::string& more = "",
                   const std::string& labels = "") {
  std::string text = "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata: {name: \"" + name +
                     "\", labels: {" + labels + "}}\nspec:\n" + more + "  trustBundle: |\n";
  std::string pem = pem_of(numbers);
  for (std::size_t at = 0; at < pem.size();) {
    const auto end = pem.find('\n', at);
    text += "    " + pem.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return text + "---\n";
}

std::string pod_with(const std::string& source) {
  return pod_text(
      "", "  volumes: [{name: v, projected: {defaultMode: 256, sources: [{clusterTrustBundle: " + source + "}]}}]\n");
}

TEST(Pem, CertificatesAreReadAndWritten) {
  const std::string der = std::string(1, 0x30) + std::string(1, 0x78) + std::string(0x78, 'x');
  const std::string text = certificate_text(der);
  EXPECT_EQ(text.find('\n', 28) - 28, 64U) << text;
  EXPECT_EQ(parse_certificates("\n" + text + " \n"), std::vector<std::string>{der});
  EXPECT_EQ(parse_certificates(pem_of("ab"))->size(), 2U);
  EXPECT_EQ(certificate_text("0"), "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n");
}

TEST(Pem, WhatIsWrongIsNamed) {
  const std::string good = pem_of("a");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "found no certificate"},
      {"words\n" + good, "block 1: found text outside"},
      {good + "words", "block 2: found text outside"},
      {"-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n", "type \"PRIVATE KEY\""},
      {"-----BEGIN CERTIFICATE-----\nMAMCAQU=\n", "found no end"},
      {"-----BEGIN CERTIFICATE-----\nA: b\n\nMAMCAQU=\n-----END CERTIFICATE-----\n", "found headers"},
      {"-----BEGIN CERTIFICATE-----\nMAM\n-----END CERTIFICATE-----\n", "block 1: "},
      {"-----BEGIN CERTIFICATE-----\nMAMCAQ==\n-----END CERTIFICATE-----\n", "expected DER"},
      {good + good, "block 2: found a certificate a second time"},
  };
  for (const auto& [text, part] : cases) {
    const auto parsed = parse_certificates(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().what.find(part), std::string::npos) << parsed.error().what;
  }
}

TEST(TrustBundle, WhatIsWrongIsNamed) {
  const auto errors = [](const std::string& text) { return read_documents(text, "b.yaml").errors; };
  EXPECT_TRUE(has(errors(bundle("a:b", "x")), "metadata.name", "expected"));
  EXPECT_TRUE(
      has(errors(bundle("a", "x", "  signerName: example.org/one\n")), "metadata.name", "\"example.org:one:\""));
  EXPECT_TRUE(has(errors(bundle("one:a", "x", "  signerName: one\n")), "spec.signerName", "DOMAIN/PATH"));
  EXPECT_TRUE(has(errors("apiVersion: certificates.k8s.io/v1\nkind: ClusterTrustBundle\nmetadata: {name: a}\nspec: "
                         "{trustBundle: x}\n"),
                  "spec.trustBundle", "outside of a block"));
  EXPECT_TRUE(has(errors("apiVersion: certificates.k8s.io/v2\nkind: ClusterTrustBundle\nmetadata: {name: a}\n"),
                  "apiVersion", "v2"));
  const auto twice = assemble({read_documents(bundle("a", "x") + bundle("a", "y"), "b.yaml")});
  EXPECT_TRUE(has(twice.errors, "metadata.name", "taken already")) << joined(twice.errors);
}

const VolumeFiles& files_of(const DesiredState& state) {
  return state.pods.at(0)->volume_files.at(0);
}

TEST(TrustBundle, AVolumeHasTheOneOfAName) {
  const auto state = assemble({read_documents(bundle("mine", "ba") + pod_with("{name: mine, path: ca/all.pem}"), "p")});
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  const auto& files = files_of(state);
  EXPECT_EQ(files.missing, "");
  EXPECT_EQ(files.files, (std::vector{VolumeFile{"ca/all.pem", pem_of("ab"), 0400}})) << "sorted, and mode 256";
}

TEST(TrustBundle, AVolumeHasThoseOfASignerThatLabelsFitEachOnce) {
  const std::string signer = "  signerName: example.org/one\n";
  const std::string all = bundle("example.org:one:a", "ab", signer, "live: \"yes\"") +
                          bundle("example.org:one:b", "bc", signer, "live: \"yes\"") +
                          bundle("example.org:one:c", "d", signer, "live: \"no\"") + bundle("other", "e");
  const auto content = [&](const std::string& selector) {
    const auto state =
        assemble({read_documents(all + pod_with("{signerName: example.org/one, path: p" + selector + "}"), "p")});
    EXPECT_TRUE(state.ok()) << joined(state.errors);
    return files_of(state).missing.empty() ? files_of(state).files.at(0).content : files_of(state).missing;
  };
  EXPECT_EQ(content(", labelSelector: {matchLabels: {live: \"yes\"}}"), pem_of("abc"));
  EXPECT_EQ(content(", labelSelector: {matchExpressions: [{key: live, operator: In, values: [\"no\", maybe]}]}"),
            pem_of("d"));
  EXPECT_EQ(content(", labelSelector: {}"), pem_of("abcd")) << "an empty one fits all";
  const std::string none = "combination of signerName and labelSelector matched zero ClusterTrustBundles";
  EXPECT_EQ(content(""), none) << "one that is not there fits none";
  EXPECT_EQ(content(", labelSelector: {matchLabels: {live: maybe}}"), none);
  EXPECT_EQ(content(", optional: true"), "");
}

TEST(TrustBundle, OneThatIsMissingIsWaitedFor) {
  const auto state = assemble({read_documents(pod_with("{name: mine, path: p}"), "p.yaml")});
  ASSERT_TRUE(state.ok()) << joined(state.errors);
  EXPECT_EQ(files_of(state).missing,
            "while getting ClusterTrustBundle: clustertrustbundle.certificates.k8s.io \"mine\" not found");
  EXPECT_TRUE(has(state.warnings, "spec.volumes[0].projected.sources[0].clusterTrustBundle", "the pod waits for it"))
      << joined(state.warnings);
}

TEST(TrustBundle, AnotherContentIsTheSamePodAndAnotherReferenceIsNot) {
  const auto plan = [](const std::string& numbers, const std::string& source) {
    return *assemble({read_documents(bundle("mine", numbers) + bundle("more", "z") + pod_with(source), "p")})
                .pods.at(0);
  };
  const std::string by_name = "{name: mine, path: p}";
  EXPECT_EQ(plan("a", by_name).by_name, plan("b", by_name).by_name);
  EXPECT_NE(plan("a", by_name).volume_files, plan("b", by_name).volume_files);
  EXPECT_NE(plan("a", by_name).by_name, plan("a", "{name: more, path: p}").by_name);
  const std::string signer = "{signerName: example.org/one, optional: true, path: p";
  EXPECT_NE(plan("a", signer + "}").by_name, plan("a", signer + ", labelSelector: {}}").by_name);
  EXPECT_NE(plan("a", signer + ", labelSelector: {matchLabels: {a: b}}}").by_name,
            plan("a", signer + ", labelSelector: {matchLabels: {a: c}}}").by_name);
}

}  // namespace
}  // namespace mete::config
