#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/pingpong; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

for n in 1 2 1000 20000; do
    run "$n"
    expect "$n round trips" 0 printed "$n round trips, $((2 * n)) strokes"
done
run
expect "without arguments" 0 printed "200000 round trips, 400000 strokes"
refuses 0
refuses -1
refuses x
refuses 1 2
finish
