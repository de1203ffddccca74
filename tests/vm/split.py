# SPDX-License-Identifier: Apache-2.0
"""Which cases run on which machine of machine.py. A name here that no test has is a failure, so that the tables stay true."""
import glob
import os
import re
import subprocess

from machine import BIN, SOURCE, skip

SOAK = os.environ.get("METE_SOAK") == "1"

PROGRAMS = ["cgroup_root_test", "launch_root_test", "oci_root_test", "underlay_root_test"]
OCI_SCRIPTS = ["oci_stress_test", "oci_attack_test", "oci_attack_process_test", "oci_attack_rights_test", "oci_hostile_config_test",
               "oci_isolation_test", "oci_image_habits_test", "oci_compared_test", "oci_limits_test"]
# Of those, what depends on the cgroup version. All their other cases do the same on each, so that they run on it in `make soak` only.
OCI_CASES = {
    "oci_stress_test": ["test_cycles_leave_nothing_and_nothing_grows", "test_the_measure_sees_what_is_left",
                        "test_what_is_killed_at_any_moment_is_removed_by_delete_force"],
    "oci_attack_rights_test": ["test_release_agents_cannot_be_set"],
    "oci_hostile_config_test": ["test_numbers_and_texts_out_of_range"],
    "oci_isolation_test": ["test_devices_in_a_user_namespace_are_nosuid_and_noexec", "test_nothing_starts_in_a_frozen_cgroup"],
    "oci_limits_test": ["test_a_killed_container_has_no_quota_to_wait_for", "test_exec_that_memory_is_too_small_for_names_the_limit",
                        "test_a_limit_of_tasks_that_leaves_no_room_is_named"],
}
POLICY_SCRIPTS = ["threshold_policies_test", "raise_policies_test", "interrupted_policies_test", "pressure_policies_test", "oom_policies_test"]
# What the executor of policies does the same on each cgroup version: in `make soak` only.
POLICY_SOAK_CASES = {
    "threshold_policies_test": ["test_a_short_dip_arms_a_rule_again", "test_an_exec_that_hangs_or_is_not_there_is_told",
                                "test_containers_do_not_have_the_agents_priority", "test_dry_run_does_nothing_and_records_all",
                                "test_guard_alerts_instead_of_killing", "test_restart_is_graceful", "test_signal_and_exec_at_thresholds"],
    "oom_policies_test": ["test_a_restart_that_takes_its_time_is_told_once"],
}
OTHER_SCRIPTS = ["foreign_policies_test", "foreign_owner_test", "drift_test", "swap_test", "io_cost_test",
                 "oom_kills_test", "pod_users_test"]
OTHER_SOAK_SCRIPTS = ["reboot_test"]  # in `make soak` only: after a start of the machine no cgroup is there, on each version
DOCKER_CASES = ["test_a_pause_is_seen_whoever_asked_for_it"]  # of docker_api_test: cgroup.freeze, among the files of limits here
# Of tests/peers: the cgroups that runc and crun are given. The rest does not depend on the version.
RUNTIME_CASES = ["test_a_container_is_what_mete_makes_of_it", "test_a_probe_an_exec_and_a_copy_enter_it",
                 "test_an_oom_kill_is_counted_and_the_counters_go_on", "test_what_is_killed_is_found"]
QEMU_SCRIPTS = ["devices_test"]  # all of it: /dev/cpu_dma_latency
CRASH_SCRIPTS = ["enforcement_crash_test"]  # on qemu: one CPU has either the event or who kills the agent for it

# On uml: device mapper and project quotas, which the kernels of machines that run tests need not have.
STORAGE_PROGRAM_CASES = "devicemapper"  # of storage_root_test: those of this driver
STORAGE_SCRIPTS = ["storage_drivers_test", "disk_quota_test"]  # the cases whose name has one of the words
STORAGE_WORDS = ("devicemapper", "project_quota")

# On qemu: user-mode-linux has nf_tables without families for IPv4, IPv6 and inet. What Debian's kernel has and this machine's may lack, and of
# each table of rules one pod that needs it.
NETWORK_CASES = {
    "network_bridge_test": ["test_a_published_port_answers_from_everywhere"],
    "network_policy_test": ["test_a_closed_pod_is_reached_by_whom_a_policy_names"],
    "encrypted_overlay_test": ["test_nothing_is_plain_on_the_wire", "test_agents_keys_and_devices_come_and_go"],
    "macvlan_test": ["test_names_are_answered_inside", "test_ipvlan"],
}
# In `make soak` only: they do the same on each kernel that has the kind of network.
NETWORK_SOAK_CASES = {
    "network_bridge_test": ["test_a_pod_has_an_address_and_reaches_its_gateway"],
    "network_life_test": ["test_members_are_found_by_name_and_all_others_by_the_machine"],
    "macvlan_test": ["test_port_53_stays_the_pods_own"],
}

NETWORK_PROGRAM_CASES = {
    "tunnel_root_test": ["TunnelOfKernel.IsTakenOverWithItsPeers", "TunnelOfKernel.MachinesReachEachOtherByTheirKeys",
                         "TunnelOfKernel.NothingLeavesByAnotherWay", "TunnelOfKernel.VxlanSendsByItAlone", "TunnelOfKernel.APortThatIsTakenIsOneSentence"],
}

# The environment of scripts on a machine with a disk. METE_SLOW: all takes longer there. METE_UNIT: see memory_policies.py.
UML_DISK = {"METE_DISK": "/dev/ubda", "METE_BIN_DIR": "/mete", "METE_SLOW": 3, "METE_OWN_MACHINE": 1, "METE_UNIT": 256 << 10}
QEMU_DISK = {"METE_DISK": "/dev/nvme0n1", "METE_BIN_DIR": "/mete", "METE_SLOW": 4, "METE_OWN_MACHINE": 1}

# Of agent_cases, where each case goes on from the one before it.
AGENT_CASES = {
    "uml": ["agent_starts", "agent_has_a_protected_cgroup_of_its_own", "busy_loop_under_cpu_max_uses_ten_percent",
            "memory_requests_are_protected_from_the_parent_down", "foreign_write_is_put_back",
            "oom_kill_is_counted_once_and_told_with_its_numbers", "policy_kills_the_process_and_not_the_container",
            "changed_policy_counts_on", "killed_agent_comes_back_and_adopts", "threshold_kills_before_the_kernel",
            "hold_freezes_at_memory_high_and_then_kills", "raise_lets_it_live", "reclaim_by_memory_reclaim", "stuck_at_high_is_freed",
            "refused_forks_are_told", "a_pod_has_a_limit_of_processes_of_its_own", "a_limit_above_pods_is_named",
            "resizes_in_place_or_refuses", "shim_thaws_when_no_agent_comes_back", "delete_leaves_nothing"],
    # The files of PSI, and what PSI says of who is stuck. The first makes the agent for the others, the last ends it.
    "qemu": ["agent_starts", "fixtures_have_the_kernels_form", "stuck_at_high_is_freed", "delete_leaves_nothing"],
}
# Of the test programs.
QEMU_PROGRAM_CASES = {
    "cgroup_root_test": ["ROOT_Cgroup.LimitsAreWrittenVerifiedAndDriftIsFound", "ROOT_Cgroup.LimitsGoUpAndDownInAnyOrder",  # cpuset
                         "ROOT_Cgroup.WhatVanishesBetweenTwoCallsIsGoneAndNothingElse",  # cpuset
                         "ROOT_Cgroup.AllThatThisMachineOffersIsRead",  # PSI
                         "ROOT_Cgroup.AMemoryLimitBelowUsageIsRefusedAndNobodyDies"],  # much memory in little time
    "launch_root_test": ["LaunchRootTest.ATimeNamespaceShiftsTheBootClock"],
    "oci_root_test": ["OciTest.AUserNamespaceAndATimeNamespace", "OciMountsTest.ATimeNamespaceByPath",
                      "OciResourcesTest.CpuWithBurstAndIdle", "OciResourcesTest.UpdateByFlags", "OciInputTest.WhatFailsLateLeavesNothing",  # cpuset
                      "OciResourcesTest.HugePages", "OciFieldsTest.MemoryPolicy", "OciFieldsTest.ExecAffinity",  # two CPUs
                      "OciCommandsTest.TheCallersCpusAreNotTheContainers",  # two CPUs
                      "OciResourcesTest.AnUpdateThatIsRefusedChangesNothing",  # cpuset
                      "OciFieldsTest.Personality"],
}
# Of the scripts of tests/root.
QEMU_SCRIPT_CASES = {
    "pressure_policies_test": ["test_pressure_is_a_share_of_time"],  # PSI
    "io_cost_test": ["test_the_root_is_told_and_is_put_back_also_after_a_death"],  # io.cost
    # The victim of a kernel's kill is read after it, which one CPU has no time for; much memory in little time.
    "foreign_policies_test": ["test_kernel_kills_in_a_cgroup_of_others_are_recorded", "test_held_and_put_back_to_the_exact_bytes"],
}


def check_known(name, chosen, all_cases, table):
    unknown = sorted(set(chosen) - set(all_cases))
    assert not unknown, "%s has no %s: mend %s in tests/vm/split.py" % (name, ", ".join(unknown), table)


def split(all_cases, for_qemu, machine, name):
    check_known(name, for_qemu, all_cases, "QEMU_*_CASES")
    return [each for each in all_cases if (each in for_qemu) == (machine == "qemu")]


def all_script_cases(name):
    [path] = glob.glob("%s/tests/root/**/%s.py" % (SOURCE, name), recursive=True)
    with open(path) as file:
        return re.findall(r"^def (test_\w+)", file.read(), re.M)


def script_cases(name, machine):
    return split(all_script_cases(name), QEMU_SCRIPT_CASES.get(name, ()), machine, name)


def policy_cases(name):
    """Of a script of POLICY_SCRIPTS, on uml."""
    cases = script_cases(name, "uml")
    left_out = POLICY_SOAK_CASES.get(name, [])
    check_known(name, left_out, cases, "POLICY_SOAK_CASES")
    return cases if SOAK else [each for each in cases if each not in left_out]


def oci_cases(name):
    """Of a script of OCI_SCRIPTS, on uml."""
    cases = script_cases(name, "uml")
    chosen = OCI_CASES.get(name, [])
    check_known(name, chosen, cases, "OCI_CASES")
    return cases if SOAK else chosen


def network_cases():
    """{script: cases}, on qemu."""
    chosen = {}
    for table in (NETWORK_CASES, NETWORK_SOAK_CASES):
        for name, cases in table.items():
            check_known(name, cases, all_script_cases(name), "NETWORK_*CASES")
            if table is NETWORK_CASES or SOAK:
                chosen.setdefault(name, []).extend(cases)
    return chosen


def network_program_cases():
    """{test program: cases}, on qemu."""
    for name, cases in NETWORK_PROGRAM_CASES.items():
        check_known(name, cases, all_program_cases(name), "NETWORK_PROGRAM_CASES")
    return NETWORK_PROGRAM_CASES


def storage_cases(name):
    """Those of a script that its loop over all drivers makes, too."""
    made = ["test_devicemapper_" + each for each in ("exercise", "copies_on_write", "allocates_on_demand")] if name == "storage_drivers_test" else []
    return made + [each for each in all_script_cases(name) if any(word in each for word in STORAGE_WORDS)]


def all_program_cases(name):
    if not os.path.exists(BIN + "/" + name):
        skip("needs %s in %s" % (name, BIN))
    listed = subprocess.run([BIN + "/" + name, "--gtest_list_tests"], check=True, capture_output=True, text=True).stdout
    suite, found = "", []
    for line in listed.splitlines():
        if line.startswith("  "):
            found.append(suite + line.split()[0])
        elif line.split(" ")[0].endswith("."):  # not "Running main() from ..."
            suite = line.split()[0]
    return found


def program_cases(name, machine):
    return split(all_program_cases(name), QEMU_PROGRAM_CASES.get(name, ()), machine, name)
