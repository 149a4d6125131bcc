# SPDX-License-Identifier: Apache-2.0
# Included by server/CMakeLists.txt: compiles provider/catalogue/*.yaml into gk_provider.
# Run with -P (FILES, OUT set): writes the source file that holds them.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/gen/embedded_catalogue.cc)
  file(GLOB catalogue CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/provider/catalogue/*.yaml)
  add_custom_command(
    OUTPUT ${embedded}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${catalogue}" -DOUT=${embedded} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${catalogue} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Embedding the provider catalogue" VERBATIM)
  target_sources(gk_provider PRIVATE ${embedded})
  return()
endif()

set(entries "")
foreach(path IN LISTS FILES)
  get_filename_component(name ${path} NAME_WE)
  file(READ ${path} text)
  string(APPEND entries "    {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
file(WRITE ${OUT} "// Written by cmake/embed_catalogue.cmake from server/provider/catalogue/*.yaml.
#include \"provider/built_in.h\"

namespace grantkeep {
namespace {

constexpr EmbeddedFile kFiles[] = {
${entries}};

}  // namespace

std::span<const EmbeddedFile> EmbeddedCatalogue() { return kFiles; }

}  // namespace grantkeep
")
