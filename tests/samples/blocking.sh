#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/blocking; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# says PATTERN...: each matches a whole line of the output.
says() {
    for pattern; do
        grep -qxE -- "$pattern" "$work/out" || return 1
    done
}

complains() {
    grep -qF -- "$1" "$work/err"
}

printf 'aaaa' >"$work/a" # 3 bits each
: >"$work/b"
head -c 200000 /dev/zero >"$work/c"
run "$work/a" "$work/b" "$work/c"
expect "each file, and all of them" 0 says ".*/a: 4 bytes, 12 bits set" ".*/b: 0 bytes, 0 bits set" \
    ".*/c: 200000 bytes, 0 bits set" "200004 bytes in 3 files"
run
expect "without arguments the program itself" 0 says "[1-9][0-9]* bytes in 1 files"
run "$work/a" "$work/none"
expect "a file that is not there is an error" 1 complains "none: cannot be read"
finish
