# SPDX-License-Identifier: Apache-2.0
# Flags that every target of ours has. Warnings are errors.

find_program(GK_CCACHE ccache)
if(GK_CCACHE)
  # Precompiled headers are cached only with these.
  set(launcher ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${GK_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

find_program(GK_MOLD mold)
if(GK_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(GK_SANITIZE "" CACHE STRING "Sanitizers: empty, 'address,undefined' or 'thread'")
if(GK_SANITIZE)
  add_compile_options(-fsanitize=${GK_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${GK_SANITIZE})
endif()

# Debian's libraries are built with g++ 12; clang 18 changed how it mangles constrained templates
# (absl::Cord's constructor, for one), so later ones do not find their symbols.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fclang-abi-compat=17>)
endif()

option(GK_FUZZ "Build the libFuzzer targets in tests/fuzz (clang only)" OFF)
if(GK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_compile_options(-fstack-protector-strong -pthread)
if(NOT GK_SANITIZE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(_FORTIFY_SOURCE=2)
endif()

add_library(gk_flags INTERFACE)
target_compile_options(gk_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wimplicit-fallthrough -Wno-unused-parameter -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(gk_flags INTERFACE -Wthread-safety -Wno-gnu-statement-expression
                         "SHELL:-Xclang -fno-pch-timestamp")
endif()
target_compile_definitions(gk_flags INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  SPDLOG_COMPILED_LIB SPDLOG_SHARED_LIB SPDLOG_FMT_EXTERNAL)
target_include_directories(gk_flags INTERFACE ${CMAKE_SOURCE_DIR}/server)
