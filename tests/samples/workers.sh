#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/workers; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

sum_is() {
    printed "the sum of the squares up to $1 is $2"
}

sum=0
for i in $(seq 1000); do
    sum=$((sum + i * i))
done
for shape in "1 1" "1 5" "5 1" "3 4" "1000 1000"; do
    # shellcheck disable=SC2086 # two arguments
    run $shape 1000
    expect "producers and workers: $shape" 0 sum_is 1000 "$sum"
done
run 8 8 1
expect "more producers than numbers" 0 sum_is 1 1
run 2 2 1000000
expect "a million numbers" 0 sum_is 1000000 333333833333500000
run
expect "without arguments" 0 sum_is 100000 333338333350000
refuses 0
refuses 1 0
refuses 1 1 0
refuses 1 1 x
refuses 1 1 1 1
finish
