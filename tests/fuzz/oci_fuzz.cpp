// SPDX-License-Identifier: Apache-2.0
// The texts that mete-oci reads: a bundle's config.json, the files of its other commands, its own state and plans.
// Whatever the bytes, no crash; what is accepted can be planned or is refused with a reason, and what is written reads
// back the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/cgroup/devices/device_program.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/state.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mete::runtime;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  oci::Surroundings surroundings;
  surroundings.bundle = "/bundle";
  surroundings.cgroup_view.v1 = {{"memory", "memory"}};
  surroundings.cgroup_view.unified = true;
  if (const auto config = oci::read_config(text, surroundings)) {
    if (config->seccomp) (void)oci::compile_seccomp(*config->seccomp);
    (void)cgroup::device_program(config->resources.device_rules);
    if (const auto plan = process::make_plan(config->launch)) {
      const auto back = process::decode_plan(process::encode(*plan));
      if (!back || !(*back == *plan)) std::abort();
    }
  }
  (void)oci::read_process(text, surroundings);
  (void)oci::read_resources(text);
  if (auto state = oci::parse_state(text)) {
    // Those that have run are not kept.
    state->hooks.prestart = state->hooks.create_runtime = state->hooks.create_container = {};
    const auto back = oci::parse_state(oci::to_text(*state));
    if (!back || back->id != state->id || back->hooks != state->hooks) std::abort();
  }
  (void)process::decode_plan(text);
  (void)oci::check_id(std::string(text));
  return 0;
}
