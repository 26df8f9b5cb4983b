#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/sigterm_drain; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# ends SIGNAL: it is told so while it works, and does all that it has taken.
ends() {
    rm -f "$work/from"
    mkfifo "$work/from"
    bounded "$program" >"$work/from" 2>"$work/err" &
    pid=$!
    exec 4<"$work/from"
    read -r line <&4
    [ "$line" = "working" ]
    verdict $? "it works until SIG$1"
    kill "-$1" "$pid"
    read -r line <&4
    echo "$line" | grep -qE '^([0-9]+) of \1 jobs were done$'
    verdict $? "all that was taken is done after SIG$1"
    wait "$pid"
    verdict $? "it has ended well after SIG$1"
    exec 4<&-
}

ends TERM
ends INT
finish
