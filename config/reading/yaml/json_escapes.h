// SPDX-License-Identifier: Apache-2.0
// JSON writes a character beyond U+FFFF as two escapes (RFC 8259, section 7), which YAML does not know. Internal to
// config/.
#pragma once

#include <string>
#include <string_view>

namespace mete::config {

// In a text that begins with '{' or '[', so that its strings are JSON's: each pair of surrogates in a string, such as
// \ud83d\ude00, becomes YAML's escape of the character, \U0001F600. Everything else is returned as it is: in another
// document such a text may be data. A half of a pair stays, and the parser refuses it.
[[nodiscard]] std::string join_surrogates(std::string_view text);

}  // namespace mete::config
