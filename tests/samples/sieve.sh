#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/sieve; $1 is the program. factor(1) knows which numbers are primes.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

seq 2 10000 | factor | sed -n 's/^\([0-9]*\): \1$/\1/p' >"$work/primes"

are_primes() {
    head -n "$1" "$work/primes" | cmp -s - "$work/out"
}

for n in 0 1 2 3 100 500; do
    run "$n"
    expect "the first $n primes" 0 are_primes "$n"
done
run
expect "without arguments" 0 are_primes 100
run 10
expect "the tenth is 29" 0 printed 29
refuses -1
refuses x
refuses 1 2
finish
