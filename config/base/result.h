// SPDX-License-Identifier: Apache-2.0
// The one error type of the project and the one way to return it.
//
//   Result<int> parse(std::string_view);       // a value or an error
//   METE_TRY(int n, parse(text));              // returns the error to the caller
//   METE_CHECK(write_all(fd, text));           // the same for a Status
//   return fail("shares: found 1, expected at least 2");
//   return fail_errno("mkdir " + path);        // with the text of errno
#pragma once

#include <tl/expected.hpp>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <version>
#ifdef __cpp_lib_source_location
#include <source_location>
#endif

namespace mete {

#ifdef __cpp_lib_source_location
using SourceLocation = std::source_location;
#else
// clang 14 (the fuzz preset) lacks __builtin_source_location, so libstdc++ has no std::source_location there. This
// class has the same interface, made from builtins that clang has.
class SourceLocation {
 public:
  static constexpr SourceLocation current(const char* file = __builtin_FILE(),
                                          const char* function = __builtin_FUNCTION(),
                                          unsigned line = __builtin_LINE()) {
    SourceLocation here;
    here.file_ = file;
    here.function_ = function;
    here.line_ = line;
    return here;
  }
  [[nodiscard]] constexpr const char* file_name() const { return file_; }
  [[nodiscard]] constexpr const char* function_name() const { return function_; }
  [[nodiscard]] constexpr unsigned line() const { return line_; }
  [[nodiscard]] constexpr unsigned column() const { return 0; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  unsigned line_ = 0;
};
#endif

struct Error {
  int code = 0;      // errno of the failed system call; 0 when no system call failed
  std::string what;  // one sentence for a person: where, what was found, what was expected
  SourceLocation where = SourceLocation::current();
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::string what, SourceLocation where = SourceLocation::current()) {
  return tl::unexpected<Error>(Error{0, std::move(what), where});
}

// `doing` names the attempt ("open /proc/1/ns/net"); the kernel's reason is appended.
[[nodiscard]] inline tl::unexpected<Error> fail_errno(std::string doing, int code = errno,
                                                      SourceLocation where = SourceLocation::current()) {
  doing += ": ";
  doing += std::strerror(code);
  return tl::unexpected<Error>(Error{code, std::move(doing), where});
}

// The same error, with `doing` put before its text.
[[nodiscard]] inline tl::unexpected<Error> fail_in(const std::string& doing, Error error) {
  error.what = doing + ": " + error.what;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace mete

#define METE_CONCAT_(a, b) a##b
#define METE_CONCAT(a, b) METE_CONCAT_(a, b)
#define METE_TRY_(tmp, declaration, ...)                                  \
  auto tmp = (__VA_ARGS__);                                               \
  if (!tmp) return tl::unexpected<::mete::Error>(std::move(tmp.error())); \
  declaration = std::move(*tmp)
#define METE_TRY(declaration, ...) METE_TRY_(METE_CONCAT(mete_try_, __COUNTER__), declaration, __VA_ARGS__)
#define METE_CHECK(...)                                                                   \
  do {                                                                                    \
    auto mete_check = (__VA_ARGS__);                                                      \
    if (!mete_check) return tl::unexpected<::mete::Error>(std::move(mete_check.error())); \
  } while (false)
