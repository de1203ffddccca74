// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/archives/gunzip.h"

#include <dlfcn.h>

#include <algorithm>
#include <limits>
#include <string>

#if __has_include(<isa-l/igzip_lib.h>)
#include <isa-l/igzip_lib.h>
#define METE_HAS_ISAL 1
#endif

namespace mete::runtime::image {

#ifdef METE_HAS_ISAL

namespace {

struct IsaLibrary {
  decltype(&::isal_inflate_init) init = nullptr;
  decltype(&::isal_inflate) inflate = nullptr;
};

IsaLibrary load_isa_library() {
  IsaLibrary found;
  void* const library = ::dlopen("libisal.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return found;
  found.init = reinterpret_cast<decltype(found.init)>(::dlsym(library, "isal_inflate_init"));
  found.inflate = reinterpret_cast<decltype(found.inflate)>(::dlsym(library, "isal_inflate"));
  return found;
}

const IsaLibrary& isa_library() {
  static const IsaLibrary library = load_isa_library();
  return library;
}

}  // namespace

struct Gunzip::State {
  inflate_state inflate;
  bool begun = false;  // a member
};

Result<Gunzip::Step> Gunzip::step(std::string_view in, char* out, std::size_t size) {
  inflate_state& inflate = state_->inflate;
  if (!state_->begun) {
    isa_library().init(&inflate);
    inflate.crc_flag = ISAL_GZIP;
    state_->begun = true;
  }
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto given = static_cast<std::uint32_t>(std::min(in.size(), kMost));
  const auto room = static_cast<std::uint32_t>(std::min(size, kMost));
  // ISA-L declares bytes that it only reads as its caller's to change.
  inflate.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(in.data()));
  inflate.avail_in = given;
  inflate.next_out = reinterpret_cast<std::uint8_t*>(out);
  inflate.avail_out = room;
  if (const int code = isa_library().inflate(&inflate); code < 0)
    return fail("found damaged gzip data (ISA-L's error " + std::to_string(code) + ")");
  Step done{given - inflate.avail_in, room - inflate.avail_out, inflate.block_state == ISAL_BLOCK_FINISH};
  if (done.end) state_->begun = false;
  return done;
}

std::unique_ptr<Gunzip> Gunzip::open() {
  const IsaLibrary& library = isa_library();
  if (library.init == nullptr || library.inflate == nullptr) return nullptr;
  return std::unique_ptr<Gunzip>(new Gunzip(std::make_unique_for_overwrite<State>()));
}

#else

struct Gunzip::State {};

std::unique_ptr<Gunzip> Gunzip::open() {
  return nullptr;
}

Result<Gunzip::Step> Gunzip::step(std::string_view /*in*/, char* /*out*/, std::size_t /*size*/) {
  return fail("built without ISA-L");
}

#endif

Gunzip::Gunzip(std::unique_ptr<State> state) : state_(std::move(state)) {}
Gunzip::~Gunzip() = default;

}  // namespace mete::runtime::image
