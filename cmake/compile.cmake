# SPDX-License-Identifier: MIT
# How everything of weir is compiled. A preset makes the warnings errors
# (CMAKE_COMPILE_WARNING_AS_ERROR); a user's build with a newer compiler is not stopped.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)

add_library(weir_warnings INTERFACE)
target_compile_options(weir_warnings INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wstrict-prototypes;-Wvla>)

# Paths in messages are those in the source tree.
set(relative -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

# Sanitizers and coverage: one setting for the library and for all that links it.
add_library(weir_instrumented INTERFACE)
if(WEIR_SANITIZE STREQUAL "address")
    set(instrument -fsanitize=address,undefined -fno-sanitize-recover=all)
    target_compile_definitions(weir_instrumented INTERFACE WEIR_ASAN)
elseif(WEIR_SANITIZE STREQUAL "thread")
    set(instrument -fsanitize=thread)
    target_compile_definitions(weir_instrumented INTERFACE WEIR_TSAN)
    # libck's inline structures through a ck_pr.h that ThreadSanitizer can see.
    target_include_directories(weir_instrumented BEFORE INTERFACE ${PROJECT_SOURCE_DIR}/tests/shadow)
elseif(WEIR_SANITIZE)
    message(FATAL_ERROR "WEIR_SANITIZE is ${WEIR_SANITIZE}, not address or thread")
endif()
if(WEIR_COVERAGE)
    list(APPEND instrument --coverage -fprofile-update=atomic)
    target_compile_definitions(weir_instrumented INTERFACE WEIR_COVERAGE)
endif()
target_compile_options(weir_instrumented INTERFACE ${instrument})
target_link_options(weir_instrumented INTERFACE ${instrument})

# For a target that is part of the library.
function(weir_part target)
    target_link_libraries(${target} PRIVATE weir_warnings weir_instrumented)
    target_include_directories(${target} SYSTEM PRIVATE ${CK_INCLUDE_DIRS})
    target_compile_options(${target} PRIVATE
        ${relative} -fno-semantic-interposition -fno-omit-frame-pointer -fstack-clash-protection)
    set_target_properties(${target} PROPERTIES
        C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
endfunction()

# For a program of ours.
function(weir_program target)
    target_link_libraries(${target} PRIVATE weir_warnings weir_instrumented)
    target_compile_options(${target} PRIVATE ${relative} -fno-omit-frame-pointer)
endfunction()
