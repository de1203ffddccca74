// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <type_traits>

#include "collectors/cumulative.h"
#include "collectors/cumulative_fields.h"

namespace mete::collectors {
namespace {

using namespace cumulative;  // NOLINT(google-build-using-namespace): its own

void append_line(std::string& out, std::string_view key, std::uint64_t number) {
  out.append(key).append(" ").append(std::to_string(number)).append("\n");
}

// Sets the member named by `key` in the item of the list that equals `wanted` in its name; adds the item when it is
// missing.
template <class Item, class ForEach>
void set_item(std::vector<Item>& items, const Item& wanted, std::string_view key, std::uint64_t value,
              ForEach for_each) {
  auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return same(item, wanted); });
  if (found == items.end()) found = items.insert(found, wanted);
  for_each([&](std::string_view field, auto member) {
    if (field == key) set(member(*found), value);
  });
}

// Parses the rest of a line "device 254:0 vda read_bytes 5".
template <class Device, class ForEach>
bool parse_device_line(std::string_view rest, std::vector<Device>& into, ForEach for_each) {
  std::string_view number = next_word(rest);
  const auto major = parse_u64(next_part(number, ':'));
  const auto minor = parse_u64(number);
  const std::string_view name = next_word(rest);
  const std::string_view key = next_word(rest);
  const auto value = parse_u64(next_word(rest));
  if (!major || !minor || *major > 0xffffffffU || *minor > 0xffffffffU || !value) return false;
  Device wanted;
  wanted.major = static_cast<std::uint32_t>(*major);
  wanted.minor = static_cast<std::uint32_t>(*minor);
  if (name != "-") wanted.name = ShortText<31>(name);
  set_item(into, wanted, key, *value, for_each);
  return true;
}

// Parses the rest of a line "interface eth0 receive_bytes 5" or "hugetlb 2MB failcnt 5".
template <class Item, class ForEach>
bool parse_named_line(std::string_view rest, std::vector<Item>& into, ForEach for_each) {
  Item wanted;
  const std::string_view name = next_word(rest);
  if constexpr (std::is_same_v<Item, InterfaceSample>) {
    wanted.name = ShortText<15>(name);
  } else {
    wanted.page_size = ShortText<7>(name);
  }
  const std::string_view key = next_word(rest);
  const auto value = parse_u64(next_word(rest));
  if (!value) return false;
  set_item(into, wanted, key, *value, for_each);
  return true;
}

bool parse_line(std::string_view line, Sample& into) {
  const std::string_view key = next_word(line);
  if (key == "device") return parse_device_line(line, into.devices, [](auto visit) { for_each_device_field(visit); });
  if (key == "device_detail") {
    return parse_device_line(line, into.device_details, [](auto visit) { for_each_detail_field(visit); });
  }
  if (key == "interface") {
    return parse_named_line(line, into.interfaces, [](auto visit) { for_each_interface_field(visit); });
  }
  if (key == "hugetlb") return parse_named_line(line, into.hugetlb, [](auto visit) { for_each_hugetlb_field(visit); });
  const auto number = parse_u64(next_word(line));
  bool known = false;
  const auto set_if_named = [&](auto& object_of) {
    return [&](std::string_view field, Kind, auto member) {
      if (field != key) return;
      known = true;
      if (number) set(member(object_of()), *number);
    };
  };
  const auto whole = [&]() -> Sample& { return into; };
  const auto more = [&]() -> MemoryMore& { return into.memory.more.make(); };
  const auto processes = [&]() -> ProcessesSample& { return into.processes.make(); };
  for_each_field(set_if_named(whole));
  for_each_more_field(set_if_named(more));
  for_each_process_field(set_if_named(processes));
  return !known || number.has_value();
}

template <class Item, class ForEach>
void append_items(std::string& out, const std::string& head, const Item& item, ForEach for_each) {
  for_each([&](std::string_view key, auto member) {
    if (member(item)) append_line(out, head + " " + std::string(key), raw(*member(item)));
  });
}

template <class Device>
std::string head_of(const char* kind, const Device& device) {
  const std::string name(device.name.view().empty() ? "-" : device.name.view());
  return kind + std::to_string(device.major) + ":" + std::to_string(device.minor) + " " + name;
}

}  // namespace

std::string to_text(const Sample& sample) {
  std::string out;
  const auto append_all = [&](const auto& part) {
    return [&](std::string_view key, Kind, auto member) {
      if (member(part)) append_line(out, key, raw(*member(part)));
    };
  };
  for_each_field(append_all(sample));
  if (sample.memory.more) for_each_more_field(append_all(*sample.memory.more));
  if (sample.processes) for_each_process_field(append_all(*sample.processes));
  for (const DeviceSample& device : sample.devices) {
    append_items(out, head_of("device ", device), device, [](auto visit) { for_each_device_field(visit); });
  }
  for (const DeviceDetail& device : sample.device_details) {
    append_items(out, head_of("device_detail ", device), device, [](auto visit) { for_each_detail_field(visit); });
  }
  for (const InterfaceSample& interface : sample.interfaces) {
    append_items(out, "interface " + std::string(interface.name.view()), interface,
                 [](auto visit) { for_each_interface_field(visit); });
  }
  for (const HugetlbSample& pages : sample.hugetlb) {
    append_items(out, "hugetlb " + std::string(pages.page_size.view()), pages,
                 [](auto visit) { for_each_hugetlb_field(visit); });
  }
  return out;
}

Result<Sample> from_text(std::string_view text) {
  Sample sample;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = next_line(text);
    if (trim(line).empty() || parse_line(line, sample)) continue;
    return fail("counters, line " + std::to_string(number) + ": found \"" + std::string(line.substr(0, 80)) +
                "\", expected a key and a number");
  }
  return sample;
}

}  // namespace mete::collectors
