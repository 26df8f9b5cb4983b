#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/batches; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# What the clock does is not the same each time, but no job is lost.
all_jobs() {
    grep -qxE '2000 jobs in [0-9]+ batches, [0-9]+ of them not full' "$work/out"
}

run
expect "each job is stored, in time" 0 all_jobs
finish
