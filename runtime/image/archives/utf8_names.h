// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <clocale>

namespace mete::runtime::image {

// libarchive converts the UTF-8 names of pax archives to and from the locale's encoding; "C" has no such names. The
// locale of the calling thread is UTF-8 while this lives.
class Utf8Names {
 public:
  Utf8Names() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 != nullptr) before_ = ::uselocale(utf8);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() {
    if (before_ != nullptr) ::uselocale(before_);
  }

 private:
  locale_t before_ = nullptr;
};

}  // namespace mete::runtime::image
