#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/timeout; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# says PATTERN...: each matches a whole line of the output.
says() {
    for pattern; do
        grep -qxE -- "$pattern" "$work/out" || return 1
    done
}

run
expect "no deadline: all is done, and the end is the end" 0 says \
    "3 of 3 were done" "3 jobs and nothing more to do"
run 20
expect "a deadline ends the wait, the clean-up runs" 0 says \
    "[0-3] of 3 were done" "out of time after [0-3] jobs"
finish
