// SPDX-License-Identifier: Apache-2.0
// The pool as a whole: its devices, its book, its beginning and its end. Volumes: thin_volumes.cpp.
#include "runtime/storage/mapper/thin_pool.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "runtime/file.h"
#include "runtime/storage/loop_device.h"

namespace mete::runtime::storage {
namespace {

constexpr std::int64_t kMostDefaultSize = std::int64_t{100} << 30U;

std::string book_of(const std::string& directory) {
  return directory + "/book";
}

PoolSource source_of(const config::ThinPoolPolicy& policy) {
  if (!policy.pool.empty()) return {PoolKind::kForeign, policy.pool};
  if (!policy.device.empty()) return {PoolKind::kDevice, policy.device};
  return {};
}

std::string shown_source(const PoolSource& source) {
  if (source.kind == PoolKind::kFile) return "a file of the state folder";
  return (source.kind == PoolKind::kDevice ? "device " : "pool ") + source.name;
}

Result<std::string> random_name() {
  std::uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) return fail_errno("getrandom");
  std::array<char, 9> text{};
  (void)std::snprintf(text.data(), text.size(), "%08x", number);
  return std::string(text.data());
}

Result<Bytes> default_size(const std::string& directory) {
  struct statvfs info {};
  if (::statvfs(directory.c_str(), &info) != 0) return fail_errno("look at " + directory);
  const auto free = static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
  return Bytes(std::min(free, kMostDefaultSize) / kPoolBlock * kPoolBlock);
}

struct BlockDevice {
  UniqueFd fd;
  std::string text;  // "MAJOR:MINOR"
  Bytes size;
};

Result<BlockDevice> look_at_device(UniqueFd fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("stat " + path);
  if (!S_ISBLK(info.st_mode)) return fail(path + ": found something else, expected a block device");
  std::uint64_t size = 0;
  if (::ioctl(fd.get(), BLKGETSIZE64, &size) != 0) return fail_errno("read the size of " + path);
  return BlockDevice{std::move(fd), text_of_device(info.st_rdev), Bytes(static_cast<std::int64_t>(size))};
}

Result<BlockDevice> open_block_device(const std::string& path) {
  METE_TRY(UniqueFd fd, open_at(AT_FDCWD, path, O_RDWR));
  return look_at_device(std::move(fd), path);
}

// The beginning of a device that is nobody's: no file system, no partition, no LVM. O_EXCL: nothing has it mounted.
Status expect_empty(const std::string& path) {
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, path, O_RDWR | O_EXCL));
  std::vector<char> block(std::size_t{128} << 10U);
  const ssize_t got = ::pread(fd.get(), block.data(), block.size(), 0);
  if (got != static_cast<ssize_t>(block.size())) return fail_errno("read " + path);
  if (std::any_of(block.begin(), block.end(), [](char each) { return each != 0; }))
    return fail("storage.thinPool.device: found data at the beginning of " + path +
                ", expected an empty device: `wipefs -a` and `blkdiscard -z` make it one");
  return {};
}

// Without a superblock a pool makes its metadata anew.
Status clear_superblock(const BlockDevice& device, const std::string& path) {
  const std::vector<char> zeros(kPoolBlock, 0);
  if (::pwrite(device.fd.get(), zeros.data(), zeros.size(), 0) != static_cast<ssize_t>(zeros.size()) ||
      ::fsync(device.fd.get()) != 0)
    return fail_errno("write " + path);
  return {};
}

}  // namespace

bool ThinPool::is_known(const std::string& directory) {
  return ::access(book_of(directory).c_str(), F_OK) == 0;
}

Result<ThinPool> ThinPool::lock(const std::string& directory) {
  METE_TRY(DeviceMapper mapper, DeviceMapper::open());
  METE_CHECK(make_directories(directory, 0700));
  METE_TRY(UniqueFd held, open_at(AT_FDCWD, directory + "/lock", O_RDWR | O_CREAT, 0600));
  if (::flock(held.get(), LOCK_EX) != 0) return fail_errno("lock " + directory);
  ThinPool pool(directory, std::move(held), std::move(mapper));
  METE_CHECK(pool.read_book());
  return pool;
}

Status ThinPool::read_book() {
  const auto text = read_file(AT_FDCWD, book_of(directory_));
  if (!text) return text.error().code == ENOENT ? Status() : tl::unexpected(text.error());
  auto book = parse_book(*text);
  if (!book) return fail_in(book_of(directory_), book.error());
  book_ = std::move(*book);
  return {};
}

Status ThinPool::save() const {
  return replace_file(book_of(directory_), text_of(book_));
}

std::string ThinPool::pool_name() const {
  return book_.source.kind == PoolKind::kForeign ? book_.source.name : name_of("pool");
}

Status ThinPool::require(const config::ThinPoolPolicy& policy) {
  const PoolSource wanted = source_of(policy);
  if (has_pool() && !(book_.source == wanted)) {
    METE_CHECK(start());
    METE_CHECK(sweep());
    if (!book_.volumes.empty())
      return fail("storage.thinPool: found " + std::to_string(book_.volumes.size()) + " volumes on " +
                  shown_source(book_.source) +
                  ", expected agent.yaml to name that until containers and images are removed");
    METE_CHECK(remove());
  }
  if (!has_pool()) METE_CHECK(begin(wanted, policy));
  METE_CHECK(start());
  return grow(policy);
}

Status ThinPool::begin(const PoolSource& source, const config::ThinPoolPolicy& policy) {
  ThinBook book;
  METE_TRY(book.pool, random_name());
  book.source = source;
  if (source.kind == PoolKind::kFile) {
    METE_TRY(const Bytes size, policy.size ? Result<Bytes>(*policy.size) : default_size(directory_));
    METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, file(), O_RDWR | O_CREAT | O_TRUNC, 0600));
    if (::ftruncate(fd.get(), size.count()) != 0 || ::fsync(fd.get()) != 0) return fail_errno("make " + file());
    book.metadata = metadata_size(size);
  } else if (source.kind == PoolKind::kDevice) {
    METE_CHECK(expect_empty(source.name));
    METE_TRY(const BlockDevice device, open_block_device(source.name));
    book.metadata = metadata_size(device.size);
    METE_CHECK(clear_superblock(device, source.name));
  }
  book_ = std::move(book);
  if (source.kind == PoolKind::kForeign) {
    METE_TRY(const PoolStatus found, status());
    book_.transaction = found.transaction;
  }
  return save();
}

Status ThinPool::start() {
  if (!has_pool()) return fail(directory_ + ": found no thin pool, expected one");
  METE_TRY(const auto device, mapper_.find(pool_name()));
  if (!device && book_.source.kind != PoolKind::kForeign) METE_CHECK(make_devices());
  return settle();
}

Status ThinPool::make_devices() const {
  for (const char* half_made : {"meta", "data"}) METE_CHECK(mapper_.remove(name_of(half_made)));
  BlockDevice device;
  LoopDevice loop;  // goes with its descriptor, when nothing has it any more
  if (book_.source.kind == PoolKind::kFile) {
    METE_TRY(loop, attach_loop(file(), LoopUse::kReadWrite));
    METE_TRY(device, open_block_device(loop.path));
  } else {
    METE_TRY(device, open_block_device(book_.source.name));
  }
  if (device.size.count() <= book_.metadata.count() + kPoolBlock)
    return fail(shown_source(book_.source) + ": found " + std::to_string(device.size.count()) +
                " bytes, expected more than " + std::to_string(book_.metadata.count() + kPoolBlock));
  const Bytes data_size = device.size - book_.metadata;
  const auto made = [&]() -> Status {
    METE_TRY(const auto metadata, mapper_.create(name_of("meta"), linear_table(device.text, Bytes(0), book_.metadata)));
    METE_TRY(const auto data, mapper_.create(name_of("data"), linear_table(device.text, book_.metadata, data_size)));
    METE_CHECK(mapper_.create(pool_name(),
                              pool_table(text_of_device(metadata.number), text_of_device(data.number), data_size)));
    return {};
  }();
  if (!made) {
    for (const char* part : {"data", "meta"}) (void)mapper_.remove(name_of(part));
  }
  return made;
}

// What an agent left that was killed in the middle: the pool's number is made that of the book, and sweep() finds the
// volume.
Status ThinPool::settle() {
  METE_TRY(const PoolStatus found, status());
  if (found.mode == "Fail")
    return fail(pool_name() + ": found that " + fault_of(found) + "; expected a pool that works");
  const auto age = compare_transaction(book_, found.transaction);
  if (!age) return fail_in(directory_, age.error());
  if (*age == PoolAge::kSame) return {};
  return mapper_.message(
      pool_name(), "set_transaction_id " + std::to_string(found.transaction) + " " + std::to_string(book_.transaction));
}

// A file is made larger, and what is behind the metadata is all data.
Status ThinPool::grow(const config::ThinPoolPolicy& policy) const {
  if (book_.source.kind == PoolKind::kForeign) return {};
  METE_TRY(const MapperTable data, mapper_.table(name_of("data")));
  const auto part = parse_linear_table(data.parameters);
  if (!part) return fail(name_of("data") + ": found another table than was made, expected a linear one");
  std::string path = book_.source.name;
  if (book_.source.kind == PoolKind::kFile) {
    std::error_code failed;
    const auto found = std::filesystem::read_symlink("/sys/dev/block/" + part->device, failed);
    if (failed) return fail("/sys/dev/block/" + part->device + ": found none, expected the loop device of " + file());
    path = "/dev/" + found.filename().string();
    struct stat info {};
    if (::stat(file().c_str(), &info) != 0) return fail_errno("stat " + file());
    if (!policy.size || policy.size->count() <= info.st_size) return {};
    if (::truncate(file().c_str(), policy.size->count()) != 0) return fail_errno("grow " + file());
  }
  METE_TRY(const UniqueFd fd, open_at(AT_FDCWD, path, O_RDWR));
  if (book_.source.kind == PoolKind::kFile && ::ioctl(fd.get(), LOOP_SET_CAPACITY) != 0)
    return fail_errno("grow " + path);
  std::uint64_t all = 0;
  if (::ioctl(fd.get(), BLKGETSIZE64, &all) != 0) return fail_errno("read the size of " + path);
  const Bytes size = Bytes(static_cast<std::int64_t>(all)) - book_.metadata;
  if (size.count() - static_cast<std::int64_t>(data.sectors) * kSector < kPoolBlock) return {};
  METE_CHECK(mapper_.reload(name_of("data"), linear_table(part->device, book_.metadata, size)));
  METE_TRY(const MapperTable pool, mapper_.table(pool_name()));
  const auto parts = parse_pool_table(pool.parameters);
  if (!parts) return fail(pool_name() + ": found another table than was made, expected a pool's");
  return mapper_.reload(pool_name(), pool_table(parts->metadata, parts->data, size));
}

Result<PoolStatus> ThinPool::status() const {
  METE_TRY(const auto device, mapper_.find(pool_name()));
  if (!device)
    return fail("storage.thinPool.pool: found no device " + pool_name() +
                ", expected a thin pool of that name, as `dmsetup ls --target thin-pool` shows it");
  METE_TRY(const MapperTable table, mapper_.table(pool_name()));
  if (table.target != "thin-pool")
    return fail("storage.thinPool.pool: found " + pool_name() + " to be of target " + table.target +
                ", expected thin-pool");
  METE_TRY(const std::string line, mapper_.status(pool_name()));
  return parse_pool_status(line);
}

Result<PoolUse> ThinPool::use() const {
  METE_TRY(const PoolStatus found, status());
  METE_TRY(const MapperTable table, mapper_.table(pool_name()));
  const auto parts = parse_pool_table(table.parameters);
  const std::int64_t block = parts ? parts->block.count() : kPoolBlock;
  return PoolUse{pool_name(),
                 Bytes(block),
                 Bytes(found.data_used * block),
                 Bytes(found.data_blocks * block),
                 Bytes(found.metadata_used * kMetadataBlock),
                 Bytes(found.metadata_blocks * kMetadataBlock),
                 fault_of(found)};
}

Status ThinPool::stop() const {
  if (!has_pool()) return {};
  for (const ThinVolume& each : book_.volumes) METE_CHECK(close_volume(each.id));
  if (book_.source.kind == PoolKind::kForeign) return {};
  for (const char* part : {"pool", "data", "meta"}) METE_CHECK(mapper_.remove(name_of(part)));
  return {};
}

Status ThinPool::remove() {
  while (!book_.volumes.empty()) METE_CHECK(remove_volume(book_.volumes.front().id));
  METE_CHECK(stop());
  if (book_.source.kind == PoolKind::kFile && ::unlink(file().c_str()) != 0 && errno != ENOENT)
    return fail_errno("remove " + file());
  if (book_.source.kind == PoolKind::kDevice) {
    METE_TRY(const BlockDevice device, open_block_device(book_.source.name));
    METE_CHECK(clear_superblock(device, book_.source.name));
  }
  if (::unlink(book_of(directory_).c_str()) != 0) return fail_errno("remove " + book_of(directory_));
  book_ = ThinBook();
  return {};
}

}  // namespace mete::runtime::storage
