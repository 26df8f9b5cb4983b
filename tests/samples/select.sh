#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/select; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

run
expect "the sum is right" 0 printed "the sum up to 100000 is 5000050000"
finish
