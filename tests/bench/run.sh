#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh LOAD SERVER - the load generator of the bench accepts a server that is right, and notices
# each fault of one that is not: a figure that comes of lost or changed bytes is none.
set -eu
load=$1 server=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

verdict() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $2: $(cat "$scratch/out")" >&2
    fi
}

# right KIND SCENARIO... - a result, and nothing is left over
right() {
    kind=$1
    shift
    ok=0
    TMPDIR="$scratch" "$load" "$@" warm=5 ms=20 -- "$server" "$kind" >"$scratch/out" 2>&1 || ok=1
    grep -q '^RESULT [0-9.]*$' "$scratch/out" || ok=1
    [ -z "$(find "$scratch" -mindepth 1 ! -name out)" ] || ok=1
    verdict $ok "$kind $*"
}

# wrong KIND MESSAGE SCENARIO... - no result, but this message, long before the window is over
window=60000
wrong() {
    kind=$1 message=$2
    shift 2
    ok=0
    ! timeout 30 "$load" "$@" warm=5 ms="$window" patience=1000 -- "$server" "$kind" \
        >"$scratch/out" 2>&1 || ok=1
    grep -q "$message" "$scratch/out" || ok=1
    ! grep -q '^RESULT' "$scratch/out" || ok=1
    verdict $ok "$kind $*"
}

# ends KIND MESSAGE SCENARIO... - only the end is wrong
ends() {
    kind=$1 message=$2
    shift 2
    ok=0
    ! "$load" "$@" warm=5 ms=20 patience=1000 -- "$server" "$kind" >"$scratch/out" 2>&1 || ok=1
    grep -q "$message" "$scratch/out" || ok=1
    verdict $ok "$kind $*"
}

right echo echo connections=4
right echo echo connections=4 depth=8 size=100 unix=1
right echo echo connections=2 idle=20 size=16384 pin=1
right echo connect connections=8
right echo memory connections=20
right sink bulk
wrong corrupt 'came back as' echo connections=4 depth=4
wrong corrupt 'came back as' echo connections=4 size=16384
wrong corrupt 'came back as' connect connections=8
wrong corrupt 'came back as' memory connections=40 size=1000
wrong lose 'c[ao]me back' echo connections=4 depth=4
wrong twice 'came back' echo connections=4 depth=4
wrong more 'came back' echo connections=1
wrong other 'came back' echo connections=2 depth=4
wrong silent 'did not come back' echo connections=4
wrong silent 'were not served' connect connections=4
wrong cut 'closed a connection' echo connections=4
wrong cut 'closed a connection' connect connections=4
wrong mute 'did not begin to listen' echo
ends stay 'did not end when' echo
ends fail 'exit status 1' echo
window=20 # the end tells
wrong miscount 'the server got' bulk
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
