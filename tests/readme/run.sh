#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh SOURCE LIBRARY CC - the README's first program, as printed there, compiles
# without a warning, and prints what the README says.
set -eu
source=$1 library=$2 cc=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

awk '/^```c$/ && !n++ { inside = 1; next } /^```/ { inside = 0 } inside' "$source/README.md" \
    >"$scratch/program.c"
total=$(sed -n 's/.*it prints \([0-9][0-9]*\)\..*/\1/p' "$source/README.md")
if [ ! -s "$scratch/program.c" ] || [ -z "$total" ]; then
    echo "README.md has no program, or does not say what it prints" >&2
    exit 1
fi
"$cc" -std=c11 -Wall -Wextra -Werror -I"$source/channels/include" -I"$source/actors/include" \
    -I"$source/io/include" -o "$scratch/program" "$scratch/program.c" "$library" -pthread
"$scratch/program" >"$scratch/printed"
cat "$scratch/printed"
if [ "$(cat "$scratch/printed")" != "$total" ]; then
    echo "README.md says that it prints $total" >&2
    exit 1
fi
