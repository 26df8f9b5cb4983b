#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/threads; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

for n in 0 1 2 1000; do
    run "$n"
    expect "$n numbers" 0 printed "the sum is $((2 * n * (n + 1)))"
done
run
expect "without arguments" 0 printed "the sum is 200020000"
refuses -1
refuses x
refuses 1 2
finish
