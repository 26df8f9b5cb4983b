#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/unix_server with nc, socat and unix_client; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

greets() {
    begin "$program" "$work/sock"
    gets "$(text "Hello, Client")" "$(beside unix_client)" "$work/sock"
    verdict $? "unix_client is greeted, workers: $WEIR_WORKERS"
    echo nc | gets "$(text "Hello, nc")" nc -U "$work/sock"
    verdict $? "nc is greeted"
    echo socat | gets "$(text "Hello, socat")" socat -t 60 - "UNIX:$work/sock"
    verdict $? "socat is greeted"
    : | gets /dev/null nc -NU "$work/sock"
    verdict $? "who says nothing is not"
    run "$work/sock"
    expect "another one is there" 1 complained "unix_server: somebody listens at this address already"
    end TERM 143
    verdict $? "it is killed, and its socket stays"
}

each_workers greets # each finds the dead socket of the one before, but the first
rm -f "$work/sock"
text file >"$work/none"
cp "$work/text" "$work/sock"
run "$work/sock"
expect "a file is not removed" 1 cmp -s "$work/text" "$work/sock"
finish
