#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/supervised; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

says() {
    [ "$(cat "$work/out")" = "$1" ]
}

run
expect "it counts, crashes, and counts anew in the same mailbox" 0 says "add 1: 101
add 2: 103
add 0: EPIPE
add 5: 105
add 1: EPIPE"
finish
