#!/bin/sh
# SPDX-License-Identifier: MIT
# prints.sh PROGRAM EXPECTED - the program prints, with one worker and with several, exactly what is
# in EXPECTED.out; or, if the actors may come in another order, the lines of EXPECTED.lines.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
expected=${2:?usage: $0 PROGRAM EXPECTED}

prints_it() {
    [ ! -s "$work/err" ] || return 1
    case $expected in
    *.lines)
        sort "$work/out" >"$work/sorted"
        sort "$expected" | diff - "$work/sorted"
        ;;
    *) diff "$expected" "$work/out" ;;
    esac
}

for workers in 1 2 8; do
    WEIR_WORKERS=$workers
    export WEIR_WORKERS
    run
    expect "what it says, with WEIR_WORKERS=$workers" 0 prints_it
done
finish
