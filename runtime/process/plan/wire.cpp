// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/wire.h"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

namespace mete::runtime::process {
namespace {

constexpr std::string_view kMagic = "mete-plan-5\n";

// The structs of launch_spec.h stay plain: their fields are listed here.
template <class Archive>
void fields_of(Archive& archive, IdMapping& value) {
  archive(value.inside, value.outside, value.count);
}
template <class Archive>
void fields_of(Archive& archive, IdMap& value) {
  archive(value.uids, value.gids, value.user_namespace, value.recursive);
}
template <class Archive>
void fields_of(Archive& archive, OverlayRoot& value) {
  archive(value.layers_dir, value.lowers, value.upper, value.work, value.owners);
}
template <class Archive>
void fields_of(Archive& archive, NamespaceUse& value) {
  archive(value.kind, value.path);
}
template <class Archive>
void fields_of(Archive& archive, Scheduling& value) {
  archive(value.policy, value.flags, value.nice, value.priority, value.runtime, value.deadline, value.period);
}
template <class Archive>
void fields_of(Archive& archive, MemoryPolicy& value) {
  archive(value.mode, value.nodes);
}
template <class Archive>
void fields_of(Archive& archive, Tuning& value) {
  archive(value.scheduling, value.io_priority, value.personality, value.memory_policy, value.first_cpus, value.cpus);
}
template <class Archive>
void fields_of(Archive& archive, CapabilitySets& value) {
  archive(value.bounding, value.effective, value.permitted, value.inheritable, value.ambient);
}
template <class Archive>
void fields_of(Archive& archive, ResourceLimit& value) {
  archive(value.resource, value.soft, value.hard);
}
template <class Archive>
void fields_of(Archive& archive, Identity& value) {
  archive(value.uid, value.gid, value.additional_gids, value.umask, value.capabilities, value.no_new_privileges,
          value.seccomp_filter, value.seccomp_flags, value.rlimits, value.apparmor_profile);
}
template <class Archive>
void fields_of(Archive& archive, CgroupJoin& value) {
  archive(value.procs_files, value.v2_directory);
}
template <class Archive>
void fields_of(Archive& archive, cgroup::DeviceRule& value) {
  archive(value.allow, value.type, value.major, value.minor, value.access);
}
template <class Archive, class T>
requires requires(T& value, Archive& archive) {
  value.fields(archive);
}
void fields_of(Archive& archive, T& value) {
  value.fields(archive);
}

class Writer {
 public:
  template <class... Ts>
  void operator()(Ts&... values) {
    (put(values), ...);
  }
  std::string out{kMagic};

 private:
  void number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
  }
  template <class T>
  void put(T& value) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      number(static_cast<std::uint64_t>(value));
    } else {
      fields_of(*this, value);
    }
  }
  void put(std::string& value) {
    number(value.size());
    out += value;
  }
  template <class T>
  void put(std::vector<T>& values) {
    number(values.size());
    for (auto& value : values) put(value);
  }
  template <class T>
  void put(std::optional<T>& value) {
    number(value ? 1 : 0);
    if (value) put(*value);
  }
  void put(SetupOp& op) {
    number(op.index());
    std::visit([&](auto& each) { fields_of(*this, each); }, op);
  }
};

class Reader {
 public:
  explicit Reader(std::string_view bytes, bool (*wanted)(const SetupOp&) = nullptr) : rest_(bytes), wanted_(wanted) {}
  template <class... Ts>
  void operator()(Ts&... values) {
    (get(values), ...);
  }
  [[nodiscard]] bool whole() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t number() {
    if (rest_.size() < 8) ok_ = false;
    if (!ok_) return 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i)
      value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    rest_.remove_prefix(8);
    return value;
  }
  // A count of items that take at least one byte each cannot exceed the bytes left.
  std::size_t size() {
    const std::uint64_t count = number();
    if (count > rest_.size()) ok_ = false;
    return ok_ ? static_cast<std::size_t>(count) : 0;
  }
  template <class T>
  void get(T& value) {
    if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
      value = static_cast<T>(number());
    } else {
      fields_of(*this, value);
    }
  }
  void get(std::string& value) {
    const std::size_t length = size();
    value = rest_.substr(0, length);
    rest_.remove_prefix(length);
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.clear();
    std::size_t left = size();
    // Growing would touch twice the memory; a damaged count must not take it all.
    constexpr std::size_t kMostAtOnce = 256;
    values.reserve(std::min(left, kMostAtOnce));
    for (; left > 0 && ok_; --left) get(values.emplace_back());
  }
  void get(std::vector<SetupOp>& ops) {
    if (wanted_ == nullptr) return get<SetupOp>(ops);
    ops.clear();
    for (std::size_t left = size(); left > 0 && ok_; --left) {
      SetupOp op;
      get(op);
      if (wanted_(op)) ops.push_back(std::move(op));
    }
  }
  template <class T>
  void get(std::optional<T>& value) {
    value.reset();
    if (number() != 0) get(value.emplace());
  }
  void get(SetupOp& op) {
    const std::uint64_t index = number();
    if (index >= std::variant_size_v<SetupOp>) ok_ = false;
    if (!ok_) return;
    emplace(op, index, std::make_index_sequence<std::variant_size_v<SetupOp>>());
    std::visit([&](auto& each) { fields_of(*this, each); }, op);
  }
  template <std::size_t... I>
  static void emplace(SetupOp& op, std::uint64_t index, std::index_sequence<I...>) {
    ((index == I ? static_cast<void>(op.emplace<I>()) : static_cast<void>(0)), ...);
  }

  std::string_view rest_;
  bool (*wanted_)(const SetupOp&);
  bool ok_ = true;
};

template <class T>
std::string encoded(T copy) {  // the field lists serve reading and writing, so they take what may change
  Writer writer;
  copy.fields(writer);
  return std::move(writer.out);
}

template <class T>
Result<T> decoded(std::string_view bytes, bool (*wanted)(const SetupOp&) = nullptr) {
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return fail("plan: found no \"mete-plan-5\" at its start, expected one written by the same version of mete");
  }
  Reader reader(bytes.substr(kMagic.size()), wanted);
  T value;
  value.fields(reader);
  if (!reader.whole()) return fail("plan: found a truncated or damaged plan, expected the output of encode");
  return value;
}

}  // namespace

std::string encode(const Plan& plan) {
  return encoded(plan);
}

std::string encode(const ForeignPlans& plans) {
  return encoded(plans);
}

Result<Plan> decode_plan(std::string_view bytes) {
  return decoded<Plan>(bytes);
}

Result<Plan> decode_plan(std::string_view bytes, bool (*wanted)(const SetupOp&)) {
  return decoded<Plan>(bytes, wanted);
}

Result<ForeignPlans> decode_foreign_plans(std::string_view bytes) {
  return decoded<ForeignPlans>(bytes);
}

}  // namespace mete::runtime::process
