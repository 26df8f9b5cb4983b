#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/prices; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# How many are drawn depends on the machine, but each price is accounted for.
all_prices() {
    grep -qxE 'chart: 2000 prices, of which [0-9]+ drawn' "$work/out" &&
        grep -qxE 'alarm: 2000 prices, of which [0-9]+ high' "$work/out"
}

run
expect "each price is received, or known to be missed" 0 all_prices
finish
