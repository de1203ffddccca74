# SPDX-License-Identifier: Apache-2.0
"""podman, dockerd and containerd on mete-oci, as they are: the same script on runc is the control.

    oci_podman_test.py, oci_docker_test.py, oci_ctr_test.py [--runtime PATH] [--control PATH] [part of a case's name]...
"""
import argparse
import os
import shutil
import sys

from leftovers import clean_up
from mete_agent import BIN, need_root, skip, work_folder
from oci_clients import ctr_cases, docker_only, engine_life, engine_options, podman_only
from oci_clients_support import CtrClient, DockerClient, PodmanClient, Runtime
from two_runtimes import Comparison


def cases_of(*modules):
    """Their own functions, in the order in which they stand."""
    return [each for module in modules for name, each in vars(module).items()
            if getattr(each, "__module__", "") == module.__name__ and not name.startswith("_")]


def open_client(name, work, runtimes):
    if name == "podman":
        return PodmanClient(work), cases_of(engine_life, engine_options, podman_only)
    if name == "docker":
        return DockerClient(work, runtimes), cases_of(engine_life, engine_options, docker_only)
    return CtrClient(work), cases_of(ctr_cases)


def main(client_name):
    parser = argparse.ArgumentParser()
    parser.add_argument("--runtime", default=BIN + "/mete-oci")
    parser.add_argument("--control", default=shutil.which("runc"))
    parser.add_argument("cases", nargs="*")
    chosen = parser.parse_args()
    need_root()
    for program, package in (("podman", "podman"), ("dockerd", "docker.io"), ("docker", "docker.io"), ("ctr", "containerd"), ("runc", "runc"),
                             ("tini-static", "tini")):
        if shutil.which(program) is None:
            skip("needs %s (Debian's %s)" % (program, package))
    if not os.path.exists(chosen.runtime):
        skip("needs " + chosen.runtime)
    runtimes = [Runtime("runc", os.path.realpath(chosen.control)), Runtime("mete-oci", os.path.realpath(chosen.runtime))]
    work = work_folder("mete-oci-%s-" % client_name)
    try:
        client, cases = open_client(client_name, work, runtimes)
        with client:
            comparison = Comparison(client, *runtimes, only=chosen.cases)
            for case in cases:
                comparison.run(case)
    finally:
        clean_up([work])
    print("%d passed, %d that the control cannot do here, %d failed" % (comparison.passed, comparison.skipped, comparison.failed))
    sys.exit(1 if comparison.failed or not comparison.passed else 0)
