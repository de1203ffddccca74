// SPDX-License-Identifier: Apache-2.0
// What clients read and write in words: why a start failed, filters, changes of an image, types of fields.
#include <gtest/gtest.h>

#include "agent/docker/container/container_filters.h"
#include "agent/docker/container/start_errors.h"
#include "agent/docker/container/top_columns.h"
#include "agent/docker/images/change_lines.h"
#include "agent/docker/images/image_names.h"
#include "agent/docker/streams/body_types.h"

namespace mete::agent::docker {
namespace {

ContainerRecord web_record() {
  ContainerRecord record;
  record.id = std::string(64, 'b');
  record.name = "web";
  record.image = "busybox";
  record.image_id = "sha256:" + std::string(64, 'c');
  record.config = {{"Labels", Json::object()}, {"MetePorts", {8080}}};
  record.host_config = Json::parse(
      R"({"NetworkMode":"default","Binds":["data:/d","/srv:/s"],"PortBindings":{"80/tcp":[{"HostIp":"","HostPort":""}]}})");
  return record;
}

TEST(DockerStartErrors, HaveTheWordsThatClientsLookFor) {
  const auto text = [](int code, const std::string& message) { return start_error_text(web_record(), code, message); };
  EXPECT_EQ(text(127, "exec \"x\": executable file not found in $PATH of the container"),
            "failed to create task for container: exec \"x\": executable file not found in $PATH of the container");
  EXPECT_EQ(text(127, "exec \"/x\": not found"),
            "failed to create task for container: executable file not found in $PATH: exec \"/x\": not found");
  EXPECT_EQ(text(126, "exec \"/x\": not executable: exec format error"),
            "failed to create task for container: permission denied: exec \"/x\": not executable: exec format error");
  EXPECT_EQ(text(125, "user \"app:staff\": expected one of the image's /etc/passwd"),
            "unable to find user app: no matching entries in passwd file");
  EXPECT_EQ(text(125, "user \"app:staff\": found the group \"staff\", expected one of the image's /etc/group"),
            "unable to find group staff: no matching entries in group file");
  EXPECT_EQ(text(0, "network inner: found no network of that name, expected one of `mete network ls`"),
            "network inner not found");
  const std::string taken =
      text(0, "port 127.0.0.1:80/tcp: found it published for pod docker/other, expected a free one");
  EXPECT_TRUE(taken.starts_with("driver failed programming external connectivity on endpoint web (")) << taken;
  EXPECT_TRUE(taken.ends_with("): Bind for 127.0.0.1:80 failed: port is already allocated")) << taken;
}

TEST(DockerStartErrors, HaveAStatus) {
  EXPECT_EQ(start_error_status("network inner not found", false), 404U);
  EXPECT_EQ(start_error_status("failed to create task for container: x", true), 400U);
  EXPECT_EQ(start_error_status("failed to create task for container: x", false), 500U);
}

TEST(DockerImages, AreNamedWithTheirTag) {
  EXPECT_EQ(with_tag("busybox"), "busybox:latest");
  EXPECT_EQ(with_tag("busybox:1"), "busybox:1");
  EXPECT_EQ(with_tag("127.0.0.1:5000/a"), "127.0.0.1:5000/a:latest");
  EXPECT_EQ(with_tag("a@sha256:0"), "a@sha256:0");
  EXPECT_EQ(no_such_image("a/b"), "No such image: a/b:latest");
}

TEST(DockerChanges, AreTheLinesOfAllParameters) {
  EXPECT_EQ(change_lines({"ENV A=1\nCMD x", "", "USER 1"}), (std::vector<std::string>{"ENV A=1", "CMD x", "USER 1"}));
  EXPECT_EQ(wrong_change({"ENV A=1", "  Cmd [\"x\"]", "cmd {\"a\": 1}", "CMD [\"x\"", "CMD []"}), "");
  EXPECT_EQ(wrong_change({"ENV A=1", "RUN x", "ADD y"}), "run is not a valid change command");
  EXPECT_EQ(wrong_change({"CMD [\"a\", 1]"}), "when using JSON array syntax, arrays must be comprised of strings only");
  EXPECT_EQ(wrong_change({"env \t"}), "ENV requires at least one argument");
  EXPECT_EQ(wrong_change({"USER"}), "USER requires exactly one argument");
}

TEST(DockerChanges, AContainersConfigurationIsSome) {
  const auto config = Json::parse(R"({"Cmd":["sh","-c","x"],"Entrypoint":null,"Env":["A=1 \"2\""],"Labels":{"a":"b c"},
                                      "ExposedPorts":{"80/tcp":{}},"Volumes":null,"User":"1","WorkingDir":"/w"})");
  EXPECT_EQ(lines_of_config(config),
            (std::vector<std::string>{"ENTRYPOINT []", "CMD [\"sh\",\"-c\",\"x\"]", "ENV \"A=1 \\\"2\\\"\"",
                                      "LABEL \"a=b c\"", "EXPOSE \"80/tcp\"", "USER 1", "WORKDIR /w"}));
}

TEST(DockerTop, TakesTheColumnsThatAClientNames) {
  const auto titles = [](const char* words) {
    std::string text;
    const auto columns = top_columns(words);
    if (!columns) return columns.error().what;
    for (const auto& each : *columns) text += each.title + std::to_string(each.of) + " ";
    return text;
  };
  EXPECT_EQ(titles(""), "UID0 PID1 PPID2 C3 STIME4 TTY5 TIME6 CMD7 ");
  EXPECT_EQ(titles("-ef"), titles(""));
  EXPECT_EQ(titles("-o pid,args"), "PID1 COMMAND7 ");
  EXPECT_EQ(titles("-eo pid -o user"), "PID1 USER0 ");
  EXPECT_EQ(titles("-o nosuch"), "ps: error: unknown user-defined format specifier \"nosuch\"");
  EXPECT_EQ(titles("aux"), "ps_args: found \"aux\", expected -ef, or -o with columns: mete runs no ps");
  EXPECT_EQ(titles("-o"), "ps_args: found -o and no columns after it, expected some such as pid,args");
}

TEST(DockerTypes, AWrongOneIsNamed) {
  EXPECT_TRUE(check_types(Json::parse(R"({"Image":"a","Cmd":"x","Labels":{"a":"b"},"HostConfig":{"Memory":1}})")));
  EXPECT_TRUE(check_types(Json::parse(R"({"Image":"a","Labels":null,"HostConfig":null})")));
  const auto wrong = [](const char* text) { return check_types(Json::parse(text)).error().what; };
  EXPECT_EQ(wrong(R"({"Labels":{"a":{"b":"c"}}})"), "Labels: found {\"a\":{\"b\":\"c\"}}, expected an object of texts");
  EXPECT_EQ(wrong(R"({"Env":[1]})"), "Env: found [1], expected a list of texts");
  EXPECT_EQ(wrong(R"({"HostConfig":{"Memory":"64m"}})"), "HostConfig.Memory: found \"64m\", expected a whole number");
  EXPECT_EQ(wrong(R"({"HostConfig":{"Memory":1.5}})"), "HostConfig.Memory: found 1.5, expected a whole number");
  EXPECT_EQ(wrong(R"({"HostConfig":{"Memory":18446744073709551615}})"),
            "HostConfig.Memory: found 18446744073709551615, expected a whole number");
  EXPECT_TRUE(check_types(Json::parse(R"({"HostConfig":{"Memory":-1}})")));
  EXPECT_EQ(wrong(R"({"HostConfig":[]})"), "HostConfig: found [], expected an object");
}

TEST(DockerFilters, UntilIsATimeOrHowLongAgo) {
  const auto until = [](const std::string& word) {
    return Filters::parse(Json{{"until", {word}}}.dump(), {"until"})->until();
  };
  EXPECT_EQ(Filters().until()->has_value(), false);
  EXPECT_EQ(**until("100"), std::chrono::system_clock::time_point(std::chrono::seconds(100)));
  EXPECT_EQ(**until("1970-01-01T00:01:40Z"), std::chrono::system_clock::time_point(std::chrono::seconds(100)));
  const auto hour = std::chrono::system_clock::now() - **until("1h");
  EXPECT_GE(hour, std::chrono::minutes(60));
  EXPECT_LT(hour, std::chrono::minutes(70));
  EXPECT_FALSE(until("yesterday"));
}

TEST(DockerFilters, AContainerIsFoundByWhatItHas) {
  const auto record = web_record();
  View view{.record = record,
            .state = {},
            .networks = {},
            .volumes = "/v",
            .log = {},
            .execs = {},
            .health = {},
            .version = 41};
  view.state.running = true;
  view.state.status = "running";
  const auto asked = [&](const char* name, const std::string& value) {
    const auto filters = container_filters(Json{{name, {value}}}.dump());
    return filters && is_asked_for(false, *filters, view);
  };
  for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{{"publish", "8080"},
                                                                                    {"publish", "8000-8100/tcp"},
                                                                                    {"expose", "80/tcp"},
                                                                                    {"volume", "data"},
                                                                                    {"volume", "/s"},
                                                                                    {"volume", "/srv"},
                                                                                    {"network", "bridge"},
                                                                                    {"is-task", "false"},
                                                                                    {"ancestor", "busybox"},
                                                                                    {"status", "running"},
                                                                                    {"health", "none"},
                                                                                    {"id", "bb"}}) {
    EXPECT_TRUE(asked(name, value)) << name << "=" << value;
  }
  for (const auto& [name, value] : std::vector<std::pair<const char*, std::string>>{{"publish", "80"},
                                                                                    {"publish", "8080/udp"},
                                                                                    {"expose", "8080"},
                                                                                    {"volume", "dat"},
                                                                                    {"network", "other"},
                                                                                    {"is-task", "true"},
                                                                                    {"status", "exited"},
                                                                                    {"exited", "0"}}) {
    EXPECT_FALSE(asked(name, value)) << name << "=" << value;
  }
  EXPECT_EQ(container_filters(R"({"status":["nosuch"]})").error().what, "Invalid filter 'status=nosuch'");
}

}  // namespace
}  // namespace mete::agent::docker
