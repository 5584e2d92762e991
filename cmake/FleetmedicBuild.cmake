# How every target of the tree is compiled, and the three functions that declare one.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(FLEETMEDIC_SANITIZE "" CACHE STRING "Value of -fsanitize=, empty for none")
option(FLEETMEDIC_FUZZ "Build tests/fuzz for libFuzzer (clang)" OFF)

add_library(fleetmedic_flags INTERFACE)
target_include_directories(fleetmedic_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(fleetmedic_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align
  -Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Werror
  # Members that an initialiser does not name keep the default that their struct gives them.
  -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(fleetmedic_flags INTERFACE -Wthread-safety -Wthread-safety-beta)
else()
  # g++ 12 reports null dereferences, and members of a variant or an expected that may be
  # uninitialised, inside the standard library's own inlined code.
  target_compile_options(fleetmedic_flags INTERFACE -Wno-null-dereference -Wno-maybe-uninitialized -Wduplicated-cond)
endif()
if(FLEETMEDIC_SANITIZE)
  target_compile_options(fleetmedic_flags INTERFACE -fsanitize=${FLEETMEDIC_SANITIZE}
                         -fno-sanitize-recover=all)
  target_link_options(fleetmedic_flags INTERFACE -fsanitize=${FLEETMEDIC_SANITIZE})
endif()

if(FLEETMEDIC_FUZZ)
  target_compile_options(fleetmedic_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(FLEETMEDIC_CCACHE ccache)
if(FLEETMEDIC_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${FLEETMEDIC_CCACHE})
endif()
find_program(FLEETMEDIC_MOLD mold)
find_program(FLEETMEDIC_LLD NAMES ld.lld ld.lld-16)
if(FLEETMEDIC_MOLD)
  target_link_options(fleetmedic_flags INTERFACE -fuse-ld=mold)
elseif(FLEETMEDIC_LLD)
  target_link_options(fleetmedic_flags INTERFACE -fuse-ld=lld)
endif()

# fleetmedic_library(NAME SOURCES a.cc ... [PUBLIC lib ...] [PRIVATE lib ...])
function(fleetmedic_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC fleetmedic_flags ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# fleetmedic_test(NAME SOURCES a_test.cc ... [LIBS lib ...] [LABELS unit|contract|sim|e2e]
#                 [TIMEOUT seconds] [WAITS] [BESIDE_OTHERS what] [NEEDS fixture])
# One GoogleTest binary; each of its tests is a ctest of its own, run in the source folder. Of e2e
# tests each has the machine to itself, but for those that wait for most of their time: these begin
# first and run beside others. WAITS: beside any. BESIDE_OTHERS: beside any but those with the same
# word, which start the same kind of daemon. NEEDS: a fixture of ctest that some test sets up.
function(fleetmedic_test name)
  cmake_parse_arguments(ARG "WAITS" "TIMEOUT;BESIDE_OTHERS;NEEDS" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  if(CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo AND NOT "sim" IN_LIST ARG_LABELS)
    # What is tested is optimised; what tests it runs once, and is a third of all that is compiled.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if(NOT "e2e" IN_LIST ARG_LABELS)
    set_property(GLOBAL APPEND PROPERTY FLEETMEDIC_SANITIZED_TESTS ${name})
    set(serial FALSE)
  else()
    set(serial TRUE)   # real daemons want the machine to themselves
  endif()
  set(cost 0)
  if(ARG_WAITS)
    set(serial FALSE)
    set(cost 100)
  elseif(ARG_BESIDE_OTHERS)
    set(serial FALSE)
    set(cost 50)
    set(lock RESOURCE_LOCK ${ARG_BESIDE_OTHERS})
  endif()
  if(ARG_NEEDS)
    set(needs FIXTURES_REQUIRED ${ARG_NEEDS})
  endif()
  target_link_libraries(${name} PRIVATE fleetmedic_flags ${ARG_LIBS} GTest::gmock_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    TEST_PREFIX "${name}."
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} RUN_SERIAL ${serial} COST ${cost}
      ${lock} ${needs})
endfunction()
