#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/pool_stop; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# Whether the others have done all that was handed out before they are stopped is a matter of time.
said_what_is_left() {
    printed "some jobs are left" || printed "nothing is left"
}

for bad in 1 2 500 990; do
    run $bad
    expect "job $bad fails: the pool stops" 0 printed "worker failed: -1000"
    expect "job $bad fails: what is left is told" 0 said_what_is_left
done
run 0
expect "no job fails: all are done" 0 printed "nothing is left"
finish
