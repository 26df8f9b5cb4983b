#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/simulated; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

unset WEIR_SEED
found() {
    grep -qxE 'WEIR_SEED=[0-9]+: OK, charged [0-9]+ instead of 30' "$work/out"
}

run
expect "nothing is wrong with the right protocol" 0 printed "1000 runs, nothing wrong"

run flawed
expect "the flaw is found" 1 found
seed=$(sed -n 's/^WEIR_SEED=\([0-9]*\):.*/\1/p' "$work/out")
cp "$work/out" "$work/first"

WEIR_SEED=$seed
export WEIR_SEED
run flawed
expect "its seed shows it again" 1 cmp "$work/out" "$work/first"
run
expect "and nothing else" 0 printed "nothing wrong with WEIR_SEED=$seed"
finish
