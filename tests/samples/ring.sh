#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/ring; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

ends_at() {
    sed 's/ in [0-9.]* s//' "$work/out" >"$work/timeless"
    echo "$1 hops around $2 actors: the token ends at actor $3" | cmp -s - "$work/timeless"
}

while read -r actors hops; do
    run "$actors" "$hops"
    expect "$hops hops around $actors actors" 0 ends_at "$hops" "$actors" $((hops % actors))
done <<END
1 0
1 1
1 1000
2 0
2 1
2 1001
7 6
7 7
1000 999
1000 12345
5000 5001
END
run
expect "without arguments" 0 ends_at 100000 1000 0
refuses 0
refuses 1 -1
refuses x
refuses 1 x
refuses 1 2 3
finish
