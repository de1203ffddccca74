// SPDX-License-Identifier: Apache-2.0
// From a tree of files to the exposition text, on both versions. METE_UPDATE_GOLDEN=1 writes the expected text anew.
#include "collectors/sampler.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <set>

#include "collectors/cumulative.h"
#include "collectors/effective.h"
#include "runtime/file.h"
#include "tests/support/readings.h"

namespace {
// How often this program has allocated: a warm read must not.
std::size_t allocations = 0;  // NOLINT: tests run on one thread
}  // namespace

// Not inlined: the compiler would take malloc's and free's sides for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;  // NOLINT
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}  // NOLINT
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}  // NOLINT

namespace mete::collectors {
namespace {

using runtime::cgroup::find_hierarchies;
using runtime::cgroup::Group;

// A tree of captured files, which of its cgroups is read, and which of its processes has the network.
struct Captured {
  const char* name;
  const char* group;
  pid_t pid;
};
constexpr const char* kScope =
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1f0e2d3c_4b5a_4678_9a0b_c1d2e3f40516.slice/"
    "cri-containerd-5f0c9a3b7e1d2c4f6a8b0e9d7c5b3a1f2e4d6c8b0a9f7e5d3c1b2a4f6e8d0c9b.scope";
constexpr Captured kHybrid{"v1-6.18-hybrid", "/mete/web", 42};
constexpr Captured kV2{"v2-6.1", "/mete/web", 42};
constexpr Captured kV1{"v1-6.1", "/system.slice/web.service", 134};
constexpr Captured kSystemd{"v2-6.1-systemd", kScope, 106};

class SamplerTest : public ::testing::TestWithParam<Captured> {
 protected:
  SamplerTest()
      : root_(std::string(METE_SOURCE_DIR "/tests/fixtures/") + GetParam().name),
        hierarchies_(find_hierarchies(root_ + "/proc", root_).value()) {}
  [[nodiscard]] CollectionOptions options() const {
    return {.proc = root_ + "/proc", .sys = root_ + "/sys", .etc = root_ + "/etc"};
  }
  [[nodiscard]] CollectionOptions with_all() const {
    CollectionOptions all = options();
    for (const Collector& collector : builtin_collectors()) {
      if (!collector.on) all.with.emplace_back(collector.name);
    }
    return all;
  }
  [[nodiscard]] Group group() const { return Group::at(hierarchies_, GetParam().group).value(); }
  std::string root_;
  runtime::cgroup::Hierarchies hierarchies_;
};

Sample fixed(const Sample& sample) {
  Sample copy = sample;
  copy.memory.oom_events = copy.memory.oom_kills;  // the reader works it out from the counters of the whole path
  copy.wall_time = std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  return copy;
}

void expect_golden(const std::string& path, const std::string& text) {
  if (std::getenv("METE_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(runtime::replace_file(path, text, 0644));
  }
  EXPECT_EQ(text, runtime::read_file(AT_FDCWD, path).value_or("")) << path;
}

TEST_P(SamplerTest, GivesTheExpectedMetrics) {
  Collection collection(hierarchies_, with_all());
  auto sampler = CgroupSampler::open(collection, group());
  ASSERT_TRUE(sampler) << sampler.error().what;
  ASSERT_TRUE(sampler->watch_network(GetParam().pid));
  ASSERT_EQ(sampler->read(), CgroupSampler::Outcome::kRead);
  for (const auto& cost : collection.cost()) EXPECT_EQ(cost.errors, 0U) << cost.collector;
  const Sample sample = fixed(sampler->sample());
  const Machine machine = MachineReader(root_ + "/proc", root_ + "/sys", root_ + "/etc").read();
  const LabelBlock labels{{"id", GetParam().group}, {"name", "web"}, {"namespace", "default"}};
  Series series;
  series.created = std::chrono::system_clock::time_point(std::chrono::seconds(1'699'999'000));
  series.started = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'699'999'000'500));
  const Sample* const chain[] = {&sample};
  series.effective = effective_limits(chain, machine);
  std::string tail;
  write_machine(tail, machine);
  expect_golden(root_ + "/metrics.txt", render(reading_of(labels, sample, series)) + tail);
  std::string open_metrics;
  write_machine(open_metrics, machine, Format::kOpenMetrics);
  ExpositionStream stream(reading_of(labels, sample, series), Format::kOpenMetrics, {}, open_metrics);
  std::string text;
  for (auto piece = stream.next(); !piece.empty(); piece = stream.next()) text += piece;
  expect_golden(root_ + "/metrics.openmetrics.txt", text);
}

TEST_P(SamplerTest, AWarmReadAllocatesNothing) {
  CollectionOptions all = with_all();
  all.settings_for = std::chrono::nanoseconds(0);
  Collection collection(hierarchies_, all);
  auto sampler = CgroupSampler::open(collection, group()).value();
  ASSERT_TRUE(sampler.watch_network(GetParam().pid));
  Sample total;
  const Sample base = sampler.sample();
  for (int pass = 0; pass < 3; ++pass) {
    ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
    add_into(base, sampler.sample(), total);
  }
  const std::size_t before = allocations;
  for (int pass = 0; pass < 10; ++pass) {
    if (sampler.read() != CgroupSampler::Outcome::kRead) break;
    add_into(base, sampler.sample(), total);
  }
  const std::size_t made = allocations - before;
  EXPECT_EQ(made, 0U);
  EXPECT_EQ(total.cpu.usage, sampler.sample().cpu.usage);
}

TEST_P(SamplerTest, CountsItsOwnCost) {
  Collection collection(hierarchies_, options());
  auto sampler = CgroupSampler::open(collection, group()).value();
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  std::uint64_t files = 0;
  for (const auto& cost : collection.cost()) {
    files += cost.files;
    if (cost.files > 0) {
      EXPECT_GT(cost.time.count(), 0) << cost.collector;
    }
  }
  EXPECT_GT(files, sampler.open_files()) << "the settings too in the first pass";
  const std::uint64_t first = files;
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  files = 0;
  for (const auto& cost : collection.cost()) files += cost.files;
  EXPECT_EQ(files - first, sampler.open_files()) << "and not in the second";
}

TEST_P(SamplerTest, FilesThatMayNotStayOpenAreOpenedForEachRead) {
  CollectionOptions few = options();
  few.open_files = 3;  // fewer than one sampler has
  Collection collection(hierarchies_, few);
  auto sampler = CgroupSampler::open(collection, group()).value();
  EXPECT_EQ(sampler.open_files(), 0U);
  Collection all(hierarchies_, options());
  auto kept = CgroupSampler::open(all, group()).value();
  EXPECT_GT(kept.open_files(), 3U);
  EXPECT_EQ(all.open_files(), kept.open_files());
  for (int pass = 0; pass < 2; ++pass) {
    ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
    ASSERT_EQ(kept.read(), CgroupSampler::Outcome::kRead);
    EXPECT_EQ(sampler.open_files(), 0U);
    EXPECT_EQ(collection.open_files(), 0U);
    EXPECT_EQ(to_text(sampler.sample()), to_text(kept.sample()));
    EXPECT_EQ(sampler.sample().memory.usage, kept.sample().memory.usage);
  }
}

TEST_P(SamplerTest, AQuietGroupOpensOnlyWhatItIsAskedForEachTime) {
  CollectionOptions few = options();
  few.open_files = 3;
  few.back_off = true;
  Collection collection(hierarchies_, few);
  auto sampler = CgroupSampler::open(collection, group()).value();
  Collection all(hierarchies_, options());
  auto kept = CgroupSampler::open(all, group()).value();
  for (int pass = 0; pass < 6; ++pass) {
    ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
    ASSERT_EQ(kept.read(), CgroupSampler::Outcome::kRead);
    EXPECT_LE(sampler.open_files(), 3U);
    EXPECT_EQ(collection.open_files(), sampler.open_files());
    EXPECT_EQ(to_text(sampler.sample()), to_text(kept.sample()));
  }
}

INSTANTIATE_TEST_SUITE_P(Machines, SamplerTest, ::testing::Values(kHybrid, kV2, kV1, kSystemd),
                         [](const auto& machine) {
                           std::string name = machine.param.name;
                           std::erase_if(name, [](char c) { return c == '-' || c == '.'; });
                           return name;
                         });

// The quota of a slice above holds for what is below it.
TEST(EffectiveLimitsTest, OfASystemdTree) {
  const std::string root = METE_SOURCE_DIR "/tests/fixtures/v2-6.1-systemd";
  const auto hierarchies = find_hierarchies(root + "/proc", root).value();
  Collection collection(hierarchies, {.proc = root + "/proc"});
  std::vector<Sample> samples;
  for (std::string path = kScope; !path.empty(); path.erase(path.rfind('/'))) {
    auto sampler = CgroupSampler::open(collection, Group::at(hierarchies, path).value()).value();
    ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead) << path;
    samples.push_back(sampler.sample());
  }
  ASSERT_EQ(samples.size(), 4U);
  std::vector<const Sample*> chain;
  for (const Sample& sample : samples) chain.push_back(&sample);
  Machine machine;
  machine.cores = 2;
  machine.memory = Bytes(std::int64_t{1} << 30);
  const EffectiveLimits limits = effective_limits(chain, machine);
  EXPECT_EQ(limits.cpu_cores, 0.2);
  EXPECT_EQ(limits.memory, Bytes(67'108'864));
  EXPECT_EQ(limits.ancestor_throttled, samples[2].cpu.throttled);
  EXPECT_TRUE(limits.ancestor_throttled) << "kubepods-burstable.slice has a quota";
  EXPECT_EQ(effective_limits(std::span(chain).subspan(1), machine).cpu_cores, 1.5);
  EXPECT_EQ(effective_limits(std::span(chain).subspan(3), machine).cpu_cores, 2.0);
  EXPECT_EQ(effective_limits(std::span(chain).subspan(3), machine).ancestor_throttled, Time());
}

// A group is stopped while any of them is, so the nearest alone would be no bound.
TEST(EffectiveLimitsTest, ThrottlingOfAllAncestorsIsSummed) {
  const auto with = [](Time quota, int throttled, std::uint64_t periods) {
    Sample sample;
    sample.cpu.quota = quota;
    sample.cpu.period = std::chrono::milliseconds(100);
    sample.cpu.throttled = std::chrono::seconds(throttled);
    sample.cpu.throttled_periods = periods;
    return sample;
  };
  const Sample self = with(std::chrono::milliseconds(50), 100, 100);
  const Sample near = with(std::chrono::milliseconds(50), 3, 30);
  const Sample lifted = with({}, 2, 20);  // had a quota once
  const Sample far = with(std::chrono::milliseconds(80), 1, 10);
  const Sample* const chain[] = {&self, &near, nullptr, &lifted, &far};
  EXPECT_EQ(effective_limits(chain, {}).ancestor_throttled, Time(std::chrono::seconds(6)))
      << "its own is not among them";
  EXPECT_EQ(effective_limits(chain, {}).ancestor_throttled_periods, Count(60));
  const Sample* const free[] = {&self, &lifted};
  EXPECT_EQ(effective_limits(free, {}).ancestor_throttled, Time());
}

TEST(DeviceNamesTest, UnknownDevicesAreAskedForOnce) {
  DeviceNames names(METE_SOURCE_DIR "/tests/fixtures/v2-6.1/proc");
  std::vector<DeviceSample> devices(3);
  devices[0].major = 254;
  devices[1].major = 999;
  devices[2].major = 998;
  names.name(devices);
  EXPECT_EQ(devices[0].name.view(), "vda");
  EXPECT_EQ(devices[1].name.view(), "");
  const std::size_t before = allocations;
  names.name(devices);
  EXPECT_EQ(allocations, before) << "the file is not read again";
}

TEST(Collectors, EveryFamilyBelongsToOneAndEveryNameIsGoodAndUnique) {
  std::set<std::string_view> names;
  const auto check = [&](std::string_view name, MetricType type) {
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(name.starts_with("container_") || name.starts_with("machine_") || name.starts_with("mete_")) << name;
    // In OpenMetrics only a counter's sample ends in _total, and every counter's does.
    if (type == MetricType::kCounter) {
      EXPECT_TRUE(name.ends_with("_total")) << name;
    } else if (type != MetricType::kUntyped) {
      EXPECT_FALSE(name.ends_with("_total") || name.ends_with("_count")) << name;
    }
  };
  for (const Family* family : all_families()) {
    EXPECT_NE(find_collector(family->collector), nullptr) << family->name << ": " << family->collector;
    EXPECT_FALSE(family->help.ends_with('.')) << family->name;
    check(family->name, family->type);
  }
  for (const MachineFamily* family : machine_families()) check(family->name, family->type);
}

TEST(Collectors, EachHasATableAndUniqueFiles) {
  for (const Collector& collector : builtin_collectors()) {
    for (const SourceFile& a : collector.files) {
      int same = 0;
      for (const SourceFile& b : collector.files) same += a.where == b.where && a.file == b.file ? 1 : 0;
      EXPECT_EQ(same, 1) << a.file;
    }
  }
}

}  // namespace
}  // namespace mete::collectors
