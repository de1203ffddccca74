# SPDX-License-Identifier: Apache-2.0
"""POST /auth: docker login against the agent asks the registry, and the agent keeps nothing."""
import os
import sys

sys.path.insert(0, __file__.rsplit("/", 3)[0] + "/support")
import own_network  # noqa: E402
import registries  # noqa: E402
from docker_api import Docker  # noqa: E402
from mete_agent import Agent, run_tests  # noqa: E402


def test_a_login_is_asked_of_the_registry():
    with registries.DockerRegistry(users={"me": "right"}) as registry, Agent() as agent:
        os.environ["DOCKER_CONFIG"] = agent.work + "/docker-config"
        agent.start()
        docker = Docker(agent)

        def login(**body):
            return docker.ask("POST", "/auth", body)
        done = login(username="me", password="right", serveraddress=registry.host)
        assert done.status == 200 and done.json() == {"IdentityToken": "", "Status": "Login Succeeded"}, done.body
        done = login(username="me", password="wrong", serveraddress=registry.host)
        assert done.status == 401 and registry.host in done.message, (done.status, done.body)
        assert login(username="me", serveraddress=registry.host).status == 400
        assert login(username="-x", password="right", serveraddress=registry.host).status == 400
        assert login(username="me", password="right", serveraddress="127.0.0.1:1").status == 500
        assert not os.path.exists(agent.work + "/docker-config")


if __name__ == "__main__":
    own_network.enter()
    run_tests(sys.modules[__name__])
