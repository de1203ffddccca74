// SPDX-License-Identifier: Apache-2.0
#include "runtime/registry/curl_library.h"

#include <dlfcn.h>

namespace mete::runtime::registry {
namespace {

constexpr const char* kFile = "libcurl.so.4";

Result<CurlLibrary> load() {
  void* const library = ::dlopen(kFile, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return fail(std::string("registries are asked with libcurl, which cannot be loaded: ") + (why ? why : kFile) +
                "; expected the package libcurl4");
  }
  CurlLibrary found;
  std::string missing;
  const auto take = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  decltype(&::curl_global_init) global_init = nullptr;
  take(global_init, "curl_global_init");
  take(found.easy_init, "curl_easy_init");
  take(found.easy_cleanup, "curl_easy_cleanup");
  take(found.easy_reset, "curl_easy_reset");
  take(found.easy_setopt, "curl_easy_setopt");
  take(found.easy_pause, "curl_easy_pause");
  take(found.easy_strerror, "curl_easy_strerror");
  take(found.multi_init, "curl_multi_init");
  take(found.multi_cleanup, "curl_multi_cleanup");
  take(found.multi_add_handle, "curl_multi_add_handle");
  take(found.multi_remove_handle, "curl_multi_remove_handle");
  take(found.multi_perform, "curl_multi_perform");
  take(found.multi_poll, "curl_multi_poll");
  take(found.multi_info_read, "curl_multi_info_read");
  take(found.slist_append, "curl_slist_append");
  take(found.slist_free_all, "curl_slist_free_all");
  if (!missing.empty())
    return fail(std::string(kFile) + ": found no function " + missing + ", expected libcurl 7.85 or later");
  if (const CURLcode code = global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK)
    return fail(std::string(kFile) + ": " + found.easy_strerror(code));
  return found;
}

}  // namespace

Result<const CurlLibrary*> curl_library() {
  static const Result<CurlLibrary> library = load();
  if (!library) return tl::unexpected(library.error());
  return &*library;
}

}  // namespace mete::runtime::registry
