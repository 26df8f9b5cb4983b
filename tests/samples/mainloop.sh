#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/mainloop; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# lines N: so many were printed.
lines() {
    [ "$(wc -l <"$work/out")" -eq "$1" ]
}

primes() {
    [ "$(grep -c 'is prime' "$work/out")" -eq "$1" ] && lines "$2"
}

: >"$work/in"
run <"$work/in"
expect "no numbers" 0 lines 0
seq 2 1000 >"$work/in"
run <"$work/in"
expect "the primes below 1000" 0 primes 168 999
expect "factors" 0 printed "35 = 5 * 7"

# The input stays open until the answer is there: the loop waits for both.
mkfifo "$work/to" "$work/from"
timeout 120 "$program" <"$work/to" >"$work/from" 2>"$work/err" &
exec 3>"$work/to" 4<"$work/from"
echo 999983 >&3
read -r answer <&4
exec 3>&-
wait $!
status=$?
echo "$answer" >"$work/out"
expect "an answer while the input is open" 0 printed "999983 is prime"
finish
