#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SOURCE LIBRARY CC - the README's programs, as printed there, compile without a warning, and
# the first prints what the README says. (The second is a server at a fixed port: samples/echo_server
# is what is run.)
set -eu
source=$1 library=$2 cc=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

awk -v dir="$scratch" '/^```c$/ { file = dir "/" ++n ".c"; inside = 1; next } /^```/ { inside = 0 }
    inside { print > file }' "$source/README.md"
total=$(sed -n 's/.*it prints \([0-9][0-9]*\)\..*/\1/p' "$source/README.md")
if [ ! -s "$scratch/2.c" ] || [ -z "$total" ]; then
    echo "README.md has no two programs, or does not say what the first prints" >&2
    exit 1
fi
for program in "$scratch"/*.c; do
    "$cc" -std=c11 -Wall -Wextra -Werror -I"$source/channels/include" -I"$source/actors/include" \
        -I"$source/io/include" -o "${program%.c}" "$program" "$library" -pthread
done
"$scratch/1" >"$scratch/printed"
cat "$scratch/printed"
if [ "$(cat "$scratch/printed")" != "$total" ]; then
    echo "README.md says that it prints $total" >&2
    exit 1
fi
