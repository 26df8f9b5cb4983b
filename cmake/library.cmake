# SPDX-License-Identifier: MIT
# weir::weir (shared) and weir::weir_static, from the same objects.

add_library(weir SHARED)
add_library(weir_static STATIC)
set(map ${PROJECT_SOURCE_DIR}/cmake/weir.map)
set_target_properties(weir PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINK_DEPENDS ${map})
set_target_properties(weir_static PROPERTIES OUTPUT_NAME weir)
target_link_options(weir PRIVATE -Wl,-z,now -Wl,--version-script=${map})
if(NOT WEIR_SANITIZE)
    target_link_options(weir PRIVATE -Wl,--no-undefined)
endif()

foreach(library weir weir_static)
    # A frame larger than the guard must touch every page on its way; see actors/stack.h.
    target_compile_options(${library} INTERFACE -fstack-clash-protection)
    add_library(weir::${library} ALIAS ${library})
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE C)
    target_sources(${library} PRIVATE
        $<TARGET_OBJECTS:weir_channels> $<TARGET_OBJECTS:weir_actors>
        $<TARGET_OBJECTS:weir_io>)
    target_include_directories(${library} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/channels/include>
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/actors/include>
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/io/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
target_link_libraries(weir PRIVATE Threads::Threads weir_instrumented)
target_link_libraries(weir_static PUBLIC Threads::Threads)
