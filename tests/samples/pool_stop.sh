#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/pool_stop; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

for bad in 1 2 500 990; do
    run $bad
    expect "job $bad fails: the pool stops" 0 printed "worker failed: -1000"
    expect "job $bad fails: jobs are left" 0 printed "some jobs are left"
done
run 0
expect "no job fails: all are done" 0 printed "nothing is left"
finish
