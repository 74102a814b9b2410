# Compiler and linker flags: warnings are errors, release builds keep their hardening.
# SPDX-License-Identifier: Apache-2.0
add_library(lk_flags INTERFACE)
target_compile_options(lk_flags INTERFACE
  # A designated initialiser leaves out what has a default on purpose.
  -Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -fstack-protector-strong -fcf-protection=full -fno-omit-frame-pointer)
option(LK_WERROR "warnings are errors" ON)
if(LK_WERROR)
  target_compile_options(lk_flags INTERFACE -Werror)
endif()
target_compile_definitions(lk_flags INTERFACE _GLIBCXX_ASSERTIONS FMT_HEADER_ONLY=0)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these from inside libstdc++ with optimisation on (PR 105329, PR 105562).
  target_compile_options(lk_flags INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # libstdc++ 12's own std::stable_sort calls what it has deprecated.
  target_compile_options(lk_flags INTERFACE -Wno-deprecated-declarations)
endif()
if(LK_SANITIZE)
  target_compile_options(lk_flags INTERFACE -fsanitize=${LK_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(lk_flags INTERFACE -fsanitize=${LK_SANITIZE})
else()
  target_compile_definitions(lk_flags INTERFACE $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
target_link_options(lk_flags INTERFACE -Wl,-z,relro,-z,now)
find_program(LK_MOLD mold)
find_program(LK_LLD ld.lld)
if(LK_MOLD)
  target_link_options(lk_flags INTERFACE -fuse-ld=mold)
elseif(LK_LLD)
  target_link_options(lk_flags INTERFACE -fuse-ld=lld)
endif()
find_program(LK_CCACHE ccache)
if(LK_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LK_CCACHE})
endif()
