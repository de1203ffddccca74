// SPDX-License-Identifier: Apache-2.0
// Compose files and lines of docker run as manifests: each key alone, what is left out, and that the result can be
// read.
#include "config/convert/convert.h"

#include <gtest/gtest.h>

#include "config/convert/docker_amounts.h"
#include "config/convert/interpolate.h"
#include "config/convert/value.h"
#include "config/resolve/desired_state.h"
#include "tests/config/support.h"

namespace mete::config {
namespace {

ConvertSources sources() {
  return {"/srv/app",
          [](const std::string& path) -> Result<std::string> {
            if (path == "app.env") return std::string("# comment\nFROM_FILE='a b'\nBOTH=file\n");
            if (path == "site.conf") return std::string("listen 80;\n");
            return fail("open " + path + ": No such file or directory");
          },
          [](const std::string& name) -> std::optional<std::string> {
            if (name == "TAG") return "1.2";
            if (name == "HOME") return "/root";
            return std::nullopt;
          }};
}

Converted compose(const std::string& service) {
  return convert_compose("services:\n  web:\n    image: nginx\n" + service, "compose.yaml", sources());
}

// The lines of the manifest have `expected`, nothing is left out, and mete takes it.
void expect_has(const Converted& made, const std::string& expected) {
  EXPECT_EQ(joined(made.errors) + joined(made.left_out), "");
  EXPECT_NE(made.manifests.find(expected), std::string::npos) << expected << "in\n" << made.manifests;
  const auto state = assemble({read_documents(made.manifests, "m.yaml")});
  EXPECT_EQ(joined(state.errors), "") << made.manifests;
}

TEST(Convert, EachKeyOfAService) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "kind: Pod\nmetadata:\n  name: web\n  labels:\n    app: web\nspec:\n  restartPolicy: Never\n"},
      {"    command: nginx -g 'daemon off;'\n", "    args:\n    - nginx\n    - \"-g\"\n    - \"daemon off;\"\n"},
      {"    command: [a, \"8\"]\n", "    args:\n    - a\n    - \"8\"\n"},
      {"    command: [sh, -c, \"echo $$(B) $$$$ $$B\"]\n", "    - \"echo $$(B) $$$ $B\"\n"},
      {"    healthcheck: {test: \"test $$(id -u) = 0\"}\n", "        - \"test $$(id -u) = 0\"\n"},
      {"    entrypoint: /run.sh x\n", "    command:\n    - /run.sh\n    - x\n"},
      {"    environment: {A: 1, B: \"yes\", C: \"$${X} $$(Y)\"}\n",
       "    - name: A\n      value: \"1\"\n    - name: B\n      value: \"yes\"\n    - name: C\n      value: \"${X} "
       "$$(Y)\"\n"},
      {"    environment: [A=b=c, TAG]\n", "    - name: A\n      value: b=c\n    - name: TAG\n      value: \"1.2\"\n"},
      {"    env_file: app.env\n    environment: [BOTH=own]\n",
       "    - name: FROM_FILE\n      value: a b\n    - name: BOTH\n      value: own\n"},
      {"    env_file: [{path: none.env, required: false}]\n", "image: nginx\n"},
      {"    working_dir: /x\n", "    workingDir: /x\n"},
      {"    user: \"1000:100\"\n", "      runAsUser: 1000\n      runAsGroup: 100\n"},
      {"    privileged: true\n", "      privileged: true\n"},
      {"    read_only: true\n", "      readOnlyRootFilesystem: true\n"},
      {"    cap_add: [NET_ADMIN]\n    cap_drop: [ALL]\n",
       "      capabilities:\n        add:\n        - NET_ADMIN\n        drop:\n        - ALL\n"},
      {"    security_opt: [no-new-privileges:true, seccomp=unconfined]\n",
       "      allowPrivilegeEscalation: false\n      seccompProfile:\n        type: Unconfined\n"},
      {"    sysctls: {net.core.somaxconn: 1024}\n", "    - name: net.core.somaxconn\n      value: \"1024\"\n"},
      {"    restart: unless-stopped\n", "  restartPolicy: Always\n"},
      {"    restart: on-failure\n", "  restartPolicy: OnFailure\n"},
      {"    stop_signal: SIGINT\n    stop_grace_period: 1m30s\n", "  terminationGracePeriodSeconds: 90\n"},
      {"    labels: {tier: front, note: \"two words\"}\n", "    tier: front\n  annotations:\n    note: two words\n"},
      {"    init: true\n", "    mete/init: \"true\"\n"},
      {"    stdin_open: true\n    tty: true\n", "    stdin: true\n    tty: true\n"},
      {"    ports: [\"8080:80\", \"127.0.0.1:53:53/udp\", \"[::1]:90-91:90-91\"]\n",
       "    - containerPort: 80\n      hostPort: 8080\n    - containerPort: 53\n      hostPort: 53\n"
       "      hostIP: \"127.0.0.1\"\n      protocol: UDP\n    - containerPort: 90\n      hostPort: 90\n      hostIP: "
       "\"::1\"\n"},
      {"    ports: [{target: 80, published: \"8080\", protocol: tcp}]\n", "containerPort: 80\n      hostPort: 8080\n"},
      {"    expose: [\"3000\"]\n", "    - containerPort: 3000\n"},
      {"    hostname: front\n", "  hostname: front\n"},
      {"    extra_hosts: [\"db:10.0.0.2\", \"six=::1\"]\n",
       "  hostAliases:\n  - ip: \"10.0.0.2\"\n    hostnames:\n    - db\n  - ip: \"::1\"\n"},
      {"    dns: 10.0.0.1\n    dns_search: [a.b]\n",
       "  dnsConfig:\n    nameservers:\n    - \"10.0.0.1\"\n    searches:\n    - a.b\n"},
      {"    network_mode: host\n    pid: host\n    ipc: host\n",
       "  hostNetwork: true\n  hostPID: true\n  hostIPC: true\n"},
      {"    volumes: [\"./html:/html:ro\", \"data:/data\", \"../x:/x\", \"~/y:/y\"]\n",
       "    - name: host-html\n      mountPath: /html\n      readOnly: true\n    - name: data\n      mountPath: "
       "/data\n"},
      {"    volumes: [\"../x:/x\"]\n", "    hostPath:\n      path: /srv/x\n"},
      {"    volumes: [/cache]\n", "    emptyDir:\n      sizeLimit: \"0\"\n"},
      {"    volumes: [{type: bind, source: /a, target: /b, read_only: true}, {type: volume, source: v, target: /v}]\n",
       "    persistentVolumeClaim:\n      claimName: v\n"},
      {"    entrypoint: \"\"\n    command: [echo, hi]\n", "    command:\n    - echo\n    - hi\n"},
      {"    entrypoint: []\n    command: echo hi\n", "    command:\n    - echo\n    - hi\n"},
      {"    volumes: [\"data:/data:nocopy,ro\"]\n", "      mountPath: /data\n      readOnly: true\n"},
      {"    volumes: [{type: tmpfs, target: /t, read_only: true}]\n", "      mountPath: /t\n      readOnly: true\n"},
      {"    tmpfs: \"/t:ro\"\n", "      mountPath: /t\n      readOnly: true\n"},
      {"    tmpfs: [/run, \"/tmp:size=64m\"]\n", "      medium: Memory\n      sizeLimit: 64Mi\n"},
      {"    shm_size: 1g\n", "      mountPath: /dev/shm\n"},
      {"    healthcheck: {test: [CMD, curl, x], interval: 5s, timeout: 500ms, retries: 2, start_period: 1m}\n",
       "    readinessProbe:\n      exec:\n        command:\n        - curl\n        - x\n      periodSeconds: 5\n"
       "      timeoutSeconds: 1\n      failureThreshold: 2\n      initialDelaySeconds: 60\n"},
      {"    healthcheck: {test: \"curl x || exit 1\"}\n",
       "        - /bin/sh\n        - \"-c\"\n        - \"curl x || exit 1\"\n"},
      {"    mem_limit: 512m\n    cpus: 0.5\n", "      limits:\n        cpu: \"0.5\"\n        memory: 512Mi\n"},
      {"    deploy: {resources: {limits: {cpus: '2', memory: 1.5G}, reservations: {memory: 100m}}}\n",
       "        memory: 1536Mi\n      requests:\n        memory: 100Mi\n"},
      {"    restart: always\n    deploy: {replicas: 3}\n",
       "kind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 3\n"},
      {"    deploy: {replicas: 3}\n",
       "kind: Service\nmetadata:\n  name: web\nspec:\n  clusterIP: None\n  selector:\n    app: web\n"},
      {"    pull_policy: always\n", "    imagePullPolicy: Always\n"},
  };
  for (const auto& [service, expected] : cases) {
    SCOPED_TRACE(service);
    expect_has(compose(service), expected);
  }
}

TEST(Convert, WhatHasNoTranslationIsToldWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"    build: .\n", "compose.yaml:4:12: services.web.build: has no translation: build the image first"},
      {"    depends_on: [db]\n", "compose.yaml:4:17: services.web.depends_on: has no translation: Pods start at once"},
      {"    network_mode: host\n    ports: [\"8080:80\"]\n", "listens on the machine itself"},
      {"    networks: [a]\n", "services.web.networks"},
      {"    user: nginx\n", "users and groups by number"},
      {"    ports: [\"80\"]\n", "services.web.ports[0]: has no translation: it has no port of the machine"},
      {"    ports: [\"8080:80\"]\n    deploy: {replicas: 3}\n",
       "services.web.ports[0]: a port of the machine can be one pod's only: the other 2 wait"},
      {"    ports: [{target: 80, published: 8080}]\n    scale: 2\n", "services.web.ports[0]: a port of the machine"},
      {"    restart: on-failure:3\n", "without a bound"},
      {"    environment: [UNSET]\n", "`UNSET` is not set here"},
      {"    entrypoint: \"\"\n",
       "services.web.entrypoint: has no translation: a Pod with no entrypoint needs a command"},
      {"    tmpfs: \"/x:mode=700,noexec,size=1m\"\n", "services.web.tmpfs: `mode=700` has no translation"},
      {"    tmpfs: [\"/x:mode=700,noexec,size=1m\"]\n", "services.web.tmpfs[0]: `noexec` has no translation"},
      {"    tmpfs: \"/x:size=big\"\n", "services.web.tmpfs: `size=big` has no translation"},
      {"    volumes: [\"a:/a:rslave\"]\n", "`rslave` has no translation: mountPropagation"},
      {"    volumes: [\"a:/a:exec\"]\n", "`exec` has no translation: ro has one"},
      {"    comand: x\n", "unknown key of a service, did you mean `command`?"},
      {"    extra_hosts: [\"h:host-gateway\"]\n", "gateway of its network"},
      {"    secrets: [token]\n", "does not say what `token` is"},
      {"    security_opt: [label:disable]\n", "seccomp=unconfined"},
      {"    deploy: {placement: {}}\n", "services.web.deploy.placement"},
      {"    deploy: {labels: {a: b}}\n", "services.web.deploy.labels"},
      {"    labels: [\"bad label=x\"]\n", "no labels and annotations with such a name"},
      {"    deploy: {restart_policy: {condition: any, max_attempts: 3}}\n", "restart_policy.max_attempts"},
      {"    deploy: {resources: {limits: {pids: 9}}}\n", "limits.pids"},
      {"    volumes: [\"/a:/b:rshared\"]\n", "mountPropagation"},
      {"    volumes: [{type: bind, source: /a, target: /b, bind: {propagation: rslave}}]\n", "bind.propagation"},
      {"    cpu_count: 2\n", "`cpus` limits CPU"},
      {"    working_dir: /$NONE\n", "variable `NONE` is not set"},
  };
  for (const auto& [service, expected] : cases) {
    const auto made = compose(service);
    EXPECT_EQ(joined(made.errors), "") << service;
    const std::string told = joined(made.left_out);
    const bool gateway = std::string_view(expected) == "gateway of its network";
    EXPECT_NE(told.find(gateway ? "address of its network's gateway" : expected), std::string::npos) << service << told;
    EXPECT_NE(made.manifests, "") << service;
  }
}

TEST(Convert, WhatIsWrongGivesNoManifest) {
  const std::pair<const char*, const char*> cases[] = {
      {"    ports: [\"a:80\"]\n", "services.web.ports[0]"},
      {"    ports: [\"1-3:1-2\"]\n", "ranges of one length"},
      {"    volumes: [\"a:b\"]\n", "an absolute TARGET"},
      {"    mem_limit: much\n", "a size such as 512m"},
      {"    stop_grace_period: soon\n", "a duration such as"},
      {"    command: \"a 'b\"\n", "a quote that is not closed"},
      {"    env_file: none.env\n", "cannot be read"},
      {"    working_dir: ${X:?say where}\n", "say where"},
  };
  for (const auto& [service, expected] : cases) {
    const auto made = compose(service);
    EXPECT_NE(joined(made.errors).find(expected), std::string::npos) << service << joined(made.errors);
    EXPECT_EQ(made.manifests, "") << service;
  }
  EXPECT_FALSE(convert_compose("services: {web: {command: a}}\n", "f", sources()).errors.empty()) << "no image";
  EXPECT_FALSE(convert_compose("a: b\n", "f", sources()).errors.empty());
  EXPECT_FALSE(convert_compose("[a]\n", "f", sources()).errors.empty());
  EXPECT_EQ(joined(convert_compose("services: [a]\n", "f", sources()).errors),
            "f:1:11: services: found a list, expected a mapping of names to services\n");
  EXPECT_NE(joined(convert_compose("services: {web: image}\n", "f", sources()).errors)
                .find("services.web: found \"image\", expected a mapping with `image`"),
            std::string::npos);
}

TEST(Convert, ConfigsAndSecretsAreObjects) {
  const auto made = convert_compose(
      "services:\n  web:\n    image: nginx:${TAG}\n    configs: [site]\n    secrets: [{source: key, target: k}]\n"
      "configs:\n  site: {file: site.conf}\nsecrets:\n  key: {content: s3cret}\nx-more: 1\nversion: '3'\n",
      "c.yaml", sources());
  expect_has(made, "kind: ConfigMap\nmetadata:\n  name: site\ndata:\n  site: \"listen 80;\\n\"\n");
  expect_has(made, "kind: Secret\nmetadata:\n  name: key\nstringData:\n  key: s3cret\n");
  expect_has(made, "      mountPath: /run/secrets/k\n      readOnly: true\n      subPath: key\n");
  expect_has(made, "image: \"nginx:1.2\"\n");
}

Converted run(const std::string& line) {
  return convert_docker_run(*shell_words(line), sources());
}

TEST(Convert, ALineOfDockerRun) {
  const auto made =
      run("-d --name my_web -p 8080:80 -e A=b -e 'C=d e' --env=F=g -v /srv:/data:ro -v vol:/v -m 256m --cpus=1.5 "
          "--restart=always "
          "-it --read-only --cap-drop ALL --tmpfs /tmp -u 1000 -w /x --entrypoint /bin/sh --health-cmd 'test -e /ok' "
          "--health-interval 5s --mount type=bind,src=/a,dst=/b,readonly nginx:1 -c 'echo hi'");
  expect_has(made, "metadata:\n  name: my-web\n");
  for (const auto* expected :
       {"    command:\n    - /bin/sh\n    args:\n    - \"-c\"\n    - echo hi\n", "hostPort: 8080\n", "value: d e\n",
        "name: F\n", "      mountPath: /b\n      readOnly: true\n", "cpu: \"1.5\"\n", "memory: 256Mi\n",
        "    stdin: true\n    tty: true\n", "runAsUser: 1000\n", "periodSeconds: 5\n", "restartPolicy: Always\n"}) {
    EXPECT_NE(made.manifests.find(expected), std::string::npos) << expected << "in\n" << made.manifests;
  }
}

// A Pod expands $(NAME) and $$ in commands, values and probes; docker leaves them to the program.
TEST(Convert, WhatDockerDoesNotExpandStaysAsItWas) {
  const auto made =
      run("-e B=1 -e 'P=a$$b' -e 'Q=$$(B)' --health-cmd 'test $(id -u) = 0' --entrypoint 'sh$$' image -c "
          "'echo $(B) $$ $B'");
  for (const auto* expected : {"value: \"a$$$b\"\n", "value: \"$$$$(B)\"\n", "- \"test $$(id -u) = 0\"\n",
                               "- \"sh$$$\"\n", "- \"echo $$(B) $$$ $B\"\n"}) {
    EXPECT_NE(made.manifests.find(expected), std::string::npos) << expected << "in\n" << made.manifests;
  }
}

TEST(Convert, AnEmptyEntrypointIsNone) {
  for (const auto* line : {"--entrypoint '' busybox echo hi", "--entrypoint= busybox echo hi",
                           "--entrypoint /bin/sh --entrypoint '' busybox echo hi"}) {
    SCOPED_TRACE(line);
    const auto made = run(line);
    expect_has(made, "    command:\n    - echo\n    - hi\n");
    EXPECT_EQ(made.manifests.find("args"), std::string::npos) << made.manifests;
  }
  EXPECT_NE(joined(run("--tmpfs /x:uid=5 image").left_out).find("`uid=5` has no translation"), std::string::npos);
}

TEST(Convert, AMountIsCommaSeparatedWithQuotes) {
  const auto made = run(R"x(--mount 'type=bind,"source=/etc/a,b",target=/conf,readonly' image)x");
  EXPECT_NE(made.manifests.find("path: /etc/a,b\n"), std::string::npos) << made.manifests;
  EXPECT_NE(made.manifests.find("      mountPath: /conf\n      readOnly: true\n"), std::string::npos) << made.manifests;
  EXPECT_NE(joined(run(R"x(--mount 'type=bind,source="/a,b",target=/c' image)x").errors).find("double quote"),
            std::string::npos);
}

TEST(Convert, PlacesInALineAreColumns) {
  EXPECT_NE(joined(run("--rm --gpus all image").left_out).find("docker run:1:13: --gpus: has no translation"),
            std::string::npos)
      << joined(run("--rm --gpus all image").left_out);
  EXPECT_NE(joined(run("--publsh 80 image").errors).find("docker run:1:1: unknown flag `--publsh`"), std::string::npos);
  EXPECT_NE(joined(run("-p").errors).find("without a value"), std::string::npos);
  EXPECT_NE(joined(run("--rm").errors).find("found no image"), std::string::npos);
}

TEST(Convert, SizesOfDocker) {
  struct Case {
    const char* text;
    std::int64_t binary, decimal;
  };
  constexpr Case kCases[] = {
      {"0", 0, 0},
      {"32", 32, 32},
      {"32b", 32, 32},
      {"32B", 32, 32},
      {"32k", 32 << 10, 32'000},
      {"32K", 32 << 10, 32'000},
      {"32kb", 32 << 10, 32'000},
      {"32KiB", 32 << 10, 32'000},
      {"32m", 32 << 20, 32'000'000},
      {"32Mb", 32 << 20, 32'000'000},
      {"32g", 32LL << 30, 32'000'000'000},
      {"32TB", 32LL << 40, 32'000'000'000'000},
      {"32P", 32LL << 50, 32'000'000'000'000'000},
      {"32.3", 32, 32},
      {"32.5kB", 32 * 1024 + 512, 32'500},
      {"1.5 GiB", 3LL << 29, 1'500'000'000},
      {"32 ", 32, 32},
      {".5k", 512, 500},
      {"32.b", 32, 32},
      {"1e3", 1000, 1000},
      {"+7k", 7 << 10, 7'000},
      {"7.9b", 7, 7},
  };
  for (const auto& [text, binary, decimal] : kCases) {
    EXPECT_EQ(docker_size(text), binary) << text;
    EXPECT_EQ(docker_size(text, SizeUnits::kDecimal), decimal) << text;
  }
  for (const char* wrong : {"",        "hello", "m",      "-1",   "-32k",   " 32",  "32  m",
                            "32 mb b", "32bb",  "32mib2", "32kx", "32kib.", "32x",  "32bk",
                            "32kibb",  "nan",   "inf",    "1inf", "1,5m",   "0x10", "9223372036854775808",
                            "8192p",   "++1"})
    EXPECT_EQ(docker_size(wrong), std::nullopt) << wrong;
}

TEST(Convert, AmountsOfDocker) {
  EXPECT_EQ(size_from_docker("512m"), "512Mi");
  EXPECT_EQ(size_from_docker("1.5gb"), "1536Mi");
  EXPECT_EQ(size_from_docker("100"), "100");
  EXPECT_EQ(size_from_docker("1x"), std::nullopt);
  EXPECT_EQ(size_from_docker(""), std::nullopt);
  EXPECT_EQ(seconds_from_docker("1m30s"), 90);
  EXPECT_EQ(seconds_from_docker("500ms"), 1);
  EXPECT_EQ(seconds_from_docker("7"), 7);
  for (const char* wrong : {"soon", "nan", "nans", "inf", "infh", "1snan", "-1s"})
    EXPECT_EQ(seconds_from_docker(wrong), std::nullopt) << wrong;
  EXPECT_EQ(shell_words(R"(a "b \" c" 'd\e' f\ g "")"), (std::vector<std::string>{"a", "b \" c", "d\\e", "f g", ""}));
  EXPECT_EQ(shell_words("a 'b"), std::nullopt);
  EXPECT_EQ(label_from("_My_App.1-"), "my-app-1");
}

std::string converted(std::string_view text) {
  std::vector<std::string> missing;
  const auto value = interpolate(
      text,
      [](const std::string& name) {
        return name == "A"   ? std::optional<std::string>("a")
               : name == "E" ? std::optional<std::string>("")
                             : std::nullopt;
      },
      missing);
  return value ? *value + (missing.empty() ? "" : " missing " + missing[0]) : "error: " + value.error().what;
}

TEST(Convert, Interpolation) {
  EXPECT_EQ(converted("$A-${A}-$$A-$"), "a-a-$A-$");
  EXPECT_EQ(converted("${B:-x}${B-y}${E:-z}${E-w}"), "xyz");
  EXPECT_EQ(converted("${B:-${A}}"), "a");
  EXPECT_EQ(converted("${A:+x}${B+x}"), "x");
  EXPECT_EQ(converted("<$B>"), "<> missing B");
  EXPECT_EQ(converted("${A"), "error: found `${` without `}`");
  EXPECT_EQ(converted("${B?no}"), "error: the variable `B` is not set: no");
}

TEST(Convert, TextThatIsWrittenIsReadAgain) {
  for (const std::string text : {"a",   "yes", "null", "1",      "0x1", "1e3", " a",         "a ", "a: b", "a #b",
                                 "- a", "\"",  "a\\b", "a\nb\t", "",    "~",   "2026-01-01", "é",  "no",   "y"}) {
    Value object;
    object["k"] = text;
    const auto made = read_documents(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {k: " + yaml_scalar(text) + "}\n", "f");
    ASSERT_EQ(made.config_maps.size(), 1U) << object.yaml() << joined(made.errors);
    EXPECT_EQ(made.config_maps[0].data.at("k"), text);
  }
}

}  // namespace
}  // namespace mete::config
