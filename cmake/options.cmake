# What every target of ours is compiled with. Libraries of others are SYSTEM, so their headers do not warn.
add_library(mete_options INTERFACE)
target_include_directories(mete_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(mete_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wno-missing-field-initializers)
# g++ 12 sees overlapping copies in std::string's operator+ (GCC bug 105651) and uninitialised optionals that are not.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # With a precompiled header it forgets besides which of the standard library's headers are the system's.
  target_compile_options(mete_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow
    -Wno-stringop-overread -Wno-array-bounds)
endif()
target_compile_definitions(mete_options INTERFACE METE_VERSION="${PROJECT_VERSION}")

set(METE_SANITIZE "" CACHE STRING "Sanitizers for everything: address,undefined or thread")
if(METE_SANITIZE)
  add_compile_options(-fsanitize=${METE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${METE_SANITIZE})
  if(METE_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)
  endif()
endif()

# mete-shim and mete-oci are static so that they start without the dynamic loader; a sanitizer cannot be linked so.
if(METE_SANITIZE)
  set(METE_STATIC_LINK "")
else()
  set(METE_STATIC_LINK -static)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # With a precompiled header ccache needs to be told that __TIME__ and the order of #define do not matter to us.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# What lives as long as the machine pays for each shared library with relocations and with pages that it never uses. So mete
# is linked with the archives that Debian has (TARGETS: what stands in for them), and what nobody calls is left out.
if(NOT METE_SANITIZE)
  target_compile_options(mete_options INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(mete_options INTERFACE -Wl,--gc-sections -Wl,--as-needed)
  # 35,000 relocations in 12 kB in place of 850 (DT_RELR, glibc 2.36).
  include(CheckLinkerFlag)
  check_linker_flag(CXX -Wl,-z,pack-relative-relocs METE_PACKS_RELOCATIONS)
  if(METE_PACKS_RELOCATIONS)
    target_link_options(mete_options INTERFACE -Wl,-z,pack-relative-relocs)
  endif()
endif()
# mete_archives(OUT LIBRARIES a;b TARGETS shared): OUT becomes the archives of all LIBRARIES, or TARGETS when one has none.
function(mete_archives out)
  cmake_parse_arguments(arg "" "" "LIBRARIES;TARGETS" ${ARGN})
  set(found "")
  foreach(library ${arg_LIBRARIES})
    find_library(METE_ARCHIVE_${library} NAMES lib${library}.a NO_CACHE)
    if(METE_ARCHIVE_${library} AND NOT METE_SANITIZE)
      list(APPEND found ${METE_ARCHIVE_${library}})
    else()
      set(${out} ${arg_TARGETS} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()
