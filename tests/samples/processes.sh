#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/processes; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

run
expect "numbers are taken apart" 0 printed "18 = 2 3 3"
expect "large ones, too" 0 printed "1000006000009 = 1000003 1000003"
expect "a crash is an error" 0 printed \
    "13: the worker process did not come up, or ended without an answer"
expect "what hangs is killed" 0 printed "17: the deadline passed"
expect "the crash is reported" 0 complained "take_apart: worker process"
expect "all others go on" 0 test "$(grep -c = "$work/out")" -eq 11
finish
