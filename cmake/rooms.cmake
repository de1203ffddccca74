# A room is a folder that is one static library: every .cpp file directly in it. A new file needs no line here or anywhere.
# mete_room(NAME USES libraries... FOLDERS names...): USES are the rooms before it and the libraries of others that its headers
# show. FOLDERS are folders of this one whose files belong to the same library.
#
# The release preset compiles several files of a library as one (CMAKE_UNITY_BUILD), because reading the headers costs more than
# the code. So no two files of a library give one name to two things in their anonymous namespaces. The collectors are tables that
# do so on purpose: they are compiled one by one.
function(mete_room name)
  cmake_parse_arguments(arg "" "" "USES;PRIVATE;FOLDERS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB more CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
    list(APPEND sources ${more})
  endforeach()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_PRIVATE})
endfunction()

# mete_precompile(TARGET): the standard headers are read once for all libraries below agent/ that are compiled for speed; mete_launch is the
# first of them. mete_precompile_small(TARGET): the same for those that are compiled for size, of which mete_config is the first: readers and
# clients of the network, which compile in two thirds of the time. A precompiled header is of one level of optimization.
function(mete_precompile target)
  mete_precompile_as(${target} mete_launch)
endfunction()
function(mete_precompile_small target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE -Os)
  endif()
  mete_precompile_as(${target} mete_config)
endfunction()
function(mete_precompile_as target first)
  if(target STREQUAL first)
    target_precompile_headers(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.h)
  else()
    target_precompile_headers(${target} REUSE_FROM ${first})
  endif()
endfunction()
