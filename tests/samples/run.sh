#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests of all samples. $1: the directory that holds the programs.
set -u
programs=${1:?usage: $0 DIRECTORY}
here=$(dirname "$0")
passed=0
failed=0

for script in "$here"/*.sh; do
    name=$(basename "$script" .sh)
    case $name in
    lib | run) continue ;;
    esac
    echo "# $name"
    output=$(sh "$script" "$programs/$name")
    status=$?
    echo "$output" | sed '$d'
    counts=$(echo "$output" | sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
    if [ -z "$counts" ]; then
        echo "not ok - $name.sh ended with status $status and no count"
        counts="0 1"
    fi
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
