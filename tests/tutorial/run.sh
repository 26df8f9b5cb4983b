#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SOURCE LIBRARY CC - each program of docs/tutorial.md compiles without a warning, and
# prints what stands after it, in some order.
set -eu
source=$1 library=$2 cc=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# N.c is the n-th program, N.expected the next block
awk -v dir="$scratch" '
    /^```c$/ { inside = 1; file = dir "/" ++n ".c"; next }
    /^```$/ && !inside { inside = 1; file = dir "/" n ".expected"; next }
    /^```/ { inside = 0; next }
    inside { print > file }' "$source/docs/tutorial.md"
[ -s "$scratch/1.c" ] || {
    echo "docs/tutorial.md has no program" >&2
    exit 1
}
for program in "$scratch"/*.c; do
    name=${program%.c}
    "$cc" -std=gnu11 -Wall -Wextra -Wpedantic -Werror -I"$source/channels/include" \
        -I"$source/actors/include" -I"$source/io/include" -o "$name" "$program" "$library" -pthread
    "$name" >"$name.printed"
    sort -o "$name.printed" "$name.printed"
    sort "$name.expected" | diff - "$name.printed" || {
        echo "docs/tutorial.md: program ${name##*/} prints (>) something else than it says (<)" >&2
        exit 1
    }
done
echo "$(find "$scratch" -name '*.c' | wc -l) programs"
