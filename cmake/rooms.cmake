# SPDX-License-Identifier: Apache-2.0
# One target a room (ARCHITECTURE.md). Sources are found by folder, so a new file needs no edit here.

# gk_room(NAME FOLDER folder LINK libraries...)
function(gk_room name)
  cmake_parse_arguments(ARG "" "FOLDER" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_FOLDER}/*.cc ${ARG_FOLDER}/*.h)
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(${name} PUBLIC gk_flags ${ARG_LINK})
  gk_precompile(${name})
endfunction()

# Compiles `target` with the project's precompiled header, which gk_base owns. GCC takes such a header
# only for the very same definitions, which the rooms' libraries do not leave us.
function(gk_precompile target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    return()
  endif()
  if(target STREQUAL "gk_base")
    target_precompile_headers(gk_base PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)
  else()
    target_precompile_headers(${target} REUSE_FROM gk_base)
  endif()
endfunction()
