# SPDX-License-Identifier: Apache-2.0
"""docker-compose (Debian's, 1.29) and docker-py against the agent's socket. The network is the test's own."""
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/support")
import own_network  # noqa: E402
from mete_agent import Agent, run_tests, skip, wait_for  # noqa: E402
from registries import DockerRegistry  # noqa: E402

try:
    import docker
except ImportError:
    docker = None
COMPOSE = shutil.which("docker-compose")

PROJECT = """
version: "2.4"
services:
  db:
    image: busybox
    command: sh -c 'echo rows > /data/table; touch /data/up; exec nc -ll -p 5432 -e cat /data/table'
    volumes: [ "rows:/data" ]
    networks: [ back ]
    stop_grace_period: 0s
    healthcheck: { test: [ "CMD", "test", "-e", "/data/up" ], interval: 200ms, retries: 50 }
  cache:
    image: busybox
    command: sh -c 'echo cache up; exec nc -ll -p 6379 -e echo PONG'
    networks: { back: { aliases: [ redis ] } }
    stop_grace_period: 0s
  web:
    image: busybox
    command: sh -c 'mkdir /www; echo $$GREETING > /www/index.html; echo serving; exec httpd -f -p 80 -h /www'
    depends_on: { db: { condition: service_healthy }, cache: { condition: service_started } }
    environment: { GREETING: hello }
    ports: [ "80" ]
    networks: [ front, back ]
    mem_limit: 64m
    stop_grace_period: 0s
networks: { front: {}, back: {} }
volumes: { rows: {} }
"""


class Compose:
    def __init__(self, agent, text):
        self.folder = agent.work + "/shop"
        os.mkdir(self.folder)
        with open(self.folder + "/docker-compose.yml", "w") as file:
            file.write(text)
        self.env = {**os.environ, "DOCKER_HOST": "unix://%s/docker.sock" % agent.run, "COMPOSE_HTTP_TIMEOUT": "60"}

    def run(self, *words):
        done = subprocess.run([COMPOSE, "--ansi", "never", *words], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, "docker-compose %s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr)
        return done.stdout.strip()

    def try_run(self, *words):
        return subprocess.run([COMPOSE, *words], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=120).stdout.strip()


def client_of(agent):
    return docker.APIClient(base_url="unix://%s/docker.sock" % agent.run, version="1.41", timeout=60)


def test_a_project_goes_up_and_down():
    with Agent() as agent:
        agent.start("--network", "bridge")
        shop = Compose(agent, PROJECT)
        client = client_of(agent)
        shop.run("up", "-d")
        assert client.inspect_container("shop_db_1")["State"]["Health"]["Status"] == "healthy"
        assert sorted(client.inspect_container("shop_web_1")["NetworkSettings"]["Networks"]) == ["shop_back", "shop_front"]
        wait_for("the page", lambda: shop.try_run("exec", "-T", "web", "wget", "-qO-", "http://localhost/") == "hello")
        # By the name of the service and by an alias, in the network that is not the first of the container's.
        wait_for("the cache", lambda: shop.try_run("exec", "-T", "web", "nc", "redis", "6379") == "PONG")
        wait_for("the database", lambda: shop.try_run("exec", "-T", "web", "nc", "db", "5432") == "rows")
        # One more container of a service that runs, which compose links to those that are there.
        assert shop.run("run", "--rm", "-T", "web", "sh", "-c", "nc db 5432; ping -c 1 -W 5 shop_web_1 | head -1").startswith("rows\nPING shop_web_1 (")
        assert "serving" in shop.run("logs") and "Up (healthy)" in shop.run("ps")
        assert shop.run("port", "web", "80").startswith("0.0.0.0:")
        shop.run("up", "-d", "--scale", "web=3")
        assert len(shop.run("ps", "-q", "web").split()) == 3
        # Unchanged services stay as they are: networks and containers are what the file asks for.
        before = shop.run("ps", "-q")
        shop.run("up", "-d", "--scale", "web=3")
        assert shop.run("ps", "-q") == before
        shop.run("stop")
        assert client.containers() == []
        shop.run("start")
        wait_for("the database again", lambda: shop.try_run("exec", "-T", "web", "nc", "db", "5432") == "rows")
        assert {each["Name"] for each in client.volumes()["Volumes"]} == {"shop_rows"}
        shop.run("down", "-v")
        assert client.containers(all=True) == [] and not client.volumes()["Volumes"]
        assert {each["Name"] for each in client.networks()} == {"bridge", "host", "none"}
        assert agent.pod_cgroups() == []


def test_several_networks_outlive_the_agent_and_the_container():
    with Agent() as agent:
        agent.start("--network", "bridge")
        client = client_of(agent)
        for name in ("front", "back", "late"):
            client.create_network(name)
        made = client.create_container("busybox", "sleep 1000", name="both", host_config=client.create_host_config(network_mode="front"))["Id"]
        client.connect_container_to_network(made, "back", aliases=["db"])
        client.start(made)

        def addresses():
            networks = client.inspect_container(made)["NetworkSettings"]["Networks"]
            return {name: each["IPAddress"] for name, each in networks.items()}

        def inside():
            done = client.exec_create(made, ["ip", "-4", "-o", "addr"])["Id"]
            return client.exec_start(done).decode()

        client.connect_container_to_network(made, "late")
        before = addresses()
        assert sorted(before) == ["back", "front", "late"] and all(each in inside() for each in before.values()), before
        agent.kill()
        agent.start("--network", "bridge")
        client = client_of(agent)
        assert addresses() == before and all(each in inside() for each in before.values())
        client.disconnect_container_from_network(made, "late")
        client.restart(made, timeout=0)
        after = addresses()
        assert sorted(after) == ["back", "front"] and all(each in inside() for each in after.values()), after
        client.stop(made, timeout=0)
        client.disconnect_container_from_network(made, "front")
        client.start(made)
        assert sorted(addresses()) == ["back"] and addresses()["back"] in inside()
        client.remove_container(made, force=True)


def test_a_container_that_is_created_is_not_started():
    with Agent() as agent:
        agent.start("--network", "none")
        client = client_of(agent)
        made = client.create_container("busybox", "sleep 1000", name="made")["Id"]
        # What follows in the agent's queue would be its start.
        other = client.create_container("busybox", "true", name="other")["Id"]
        client.start(other)
        assert client.wait(other)["StatusCode"] == 0
        assert client.inspect_container(made)["State"]["Status"] == "created"


def test_health():
    with Agent() as agent:
        agent.start("--network", "none")
        client = client_of(agent)
        check = {"test": "test -e /tmp/well || { echo not yet; exit 1; }", "interval": 100_000_000, "retries": 2}
        made = client.create_container("busybox", "sleep 1000", name="checked", healthcheck=check)["Id"]
        begun = int(time.time()) - 1
        client.start(made)

        def health():
            return client.inspect_container(made)["State"]["Health"]

        wait_for("too many failures", lambda: health()["Status"] == "unhealthy")
        seen = health()
        assert seen["FailingStreak"] >= 2 and "not yet" in seen["Log"][-1]["Output"] and seen["Log"][-1]["ExitCode"] == 1, seen
        assert client.containers(filters={"health": "unhealthy"})[0]["Id"] == made
        exec_id = client.exec_create(made, ["touch", "/tmp/well"])["Id"]
        client.exec_start(exec_id)
        wait_for("a success", lambda: health()["Status"] == "healthy")
        assert "(healthy)" in client.containers()[0]["Status"]
        told = [each["status"] for each in client.events(since=begun, until=int(time.time()) + 1, decode=True) if "status" in each]
        assert [each for each in told if each.startswith("health_status")] == ["health_status: unhealthy", "health_status: healthy"], told
        client.remove_container(made, force=True)


DOCKERFILE = """
FROM busybox
ARG WORD=none
RUN mkdir -p /site/deep && echo $WORD > /site/word && ln -s /etc/passwd /site/link && chown 7:8 /site && chmod 750 /site
RUN ln -s /site /place
VOLUME /site
HEALTHCHECK --interval=100ms CMD test -e /site/word
EXPOSE 80
CMD ["sleep", "1000"]
"""


def context_of(dockerfile):
    bytes_of = io.BytesIO()
    with tarfile.open(fileobj=bytes_of, mode="w") as tar:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        tar.addfile(entry, io.BytesIO(dockerfile.encode()))
    bytes_of.seek(0)
    return bytes_of


def build(client, dockerfile, **more):
    return list(client.build(fileobj=context_of(dockerfile), custom_context=True, decode=True, **more))


def test_builds_and_volumes_filled_by_their_image():
    with Agent() as agent:
        agent.start("--network", "none")
        client = client_of(agent)
        said = build(client, DOCKERFILE, tag="site:1", buildargs={"WORD": "told"}, labels={"by": "me"})
        ids = [each["aux"]["ID"] for each in said if "aux" in each]
        image = client.inspect_image("site:1")
        assert ids == [image["Id"]], said
        assert any(each.get("stream", "").startswith("Successfully built ") for each in said), said
        assert image["Config"]["Labels"] == {"by": "me"} and "/site" in image["Config"]["Volumes"]
        history = client.history("site:1")
        assert history[0]["Id"] == image["Id"] and any("chown 7:8" in each["CreatedBy"] for each in history), history
        failed = build(client, "FROM busybox\nRUN exit 3\n")
        assert "error" in failed[-1] and failed[-1]["errorDetail"]["message"] == failed[-1]["error"], failed
        try:
            build(client, "FROM busybox\n", shmsize=1 << 20)
            raise AssertionError("expected a refusal")
        except docker.errors.APIError as error:
            assert error.response.status_code == 400 and "shmsize" in str(error), error
        # A named volume, by a path that is a link in the image, and the one of VOLUME, which has no name.
        host = client.create_host_config(binds=["named:/place"])
        made = client.create_container("site:1", name="filled", host_config=host)["Id"]
        mounts = {each["Destination"]: each["Source"] for each in client.inspect_container(made)["Mounts"]}
        for folder in (mounts["/place"], mounts["/site"]):
            assert sorted(os.listdir(folder)) == ["deep", "link", "word"], folder
            assert open(folder + "/word").read() == "told\n"
            assert os.readlink(folder + "/link") == "/etc/passwd"
            found = os.stat(folder)
            assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (7, 8, 0o750)
        client.start(made)
        wait_for("health by the image", lambda: client.inspect_container(made)["State"]["Health"]["Status"] == "healthy")
        client.remove_container(made, force=True, v=True)
        # What is in a volume stays, and nothing is added to it.
        with open(mounts["/place"] + "/word", "w") as file:
            file.write("changed\n")
        os.unlink(mounts["/place"] + "/link")
        client.create_container("site:1", name="again", host_config=host)
        assert sorted(os.listdir(mounts["/place"])) == ["deep", "word"] and open(mounts["/place"] + "/word").read() == "changed\n"
        client.create_container("site:1", name="empty", host_config=client.create_host_config(binds=["bare:/site:nocopy"]))
        assert os.listdir(client.inspect_volume("bare")["Mountpoint"]) == []


def test_push():
    with DockerRegistry(users={"me": "secret"}) as registry, Agent() as agent:
        agent.start("--network", "none")
        client = client_of(agent)
        name = registry.host + "/team/app"
        missing = list(client.push(name, tag="1", stream=True, decode=True))
        assert missing[-1]["error"] == "An image does not exist locally with the tag: " + name, missing
        client.tag("busybox", name, "1")
        denied = list(client.push(name, tag="1", stream=True, decode=True))
        assert denied[-1]["errorDetail"]["message"] == denied[-1]["error"], denied
        login = {"username": "me", "password": "secret", "serveraddress": registry.host}
        said = list(client.push(name, tag="1", stream=True, decode=True, auth_config=login))
        aux = [each["aux"] for each in said if "aux" in each]
        assert len(aux) == 1 and aux[0]["Tag"] == "1" and aux[0]["Digest"].startswith("sha256:") and aux[0]["Size"] > 0, said
        assert any(each.get("status") == "Pushed" and len(each.get("id", "")) == 12 for each in said), said
        pulled = list(client.pull(name, tag="1", auth_config=login, stream=True, decode=True))
        assert pulled[-1]["status"].startswith("Status: ") and "Digest: " in pulled[-2]["status"], pulled


if __name__ == "__main__":
    if docker is None or COMPOSE is None:
        skip("needs docker-compose and docker-py (Debian: docker-compose python3-docker)")
    own_network.enter()
    run_tests(sys.modules[__name__])
