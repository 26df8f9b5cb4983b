#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/primitives; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

run
expect "all have cooked, two at a time" 0 printed \
    "5 meals, never more than 2 cooks at the stoves, 2 of 2 stoves free"
finish
