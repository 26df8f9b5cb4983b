#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/echo_client; $1 is the program.
# shellcheck disable=SC2094 # a file is only compared with
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

seq 100000 >"$work/much"

talks() {
    begin "$(beside echo_server)" 0
    gets "$work/much" "$program" localhost "$port" <"$work/much"
    verdict $? "a file, workers: $WEIR_WORKERS"
    # shellcheck disable=SC2002 # a pipe is what is tested
    cat "$work/much" | gets "$work/much" "$program" localhost "$port"
    verdict $? "a pipe"
    gets /dev/null "$program" localhost "$port" </dev/null
    verdict $? "nothing"
    end TERM 0
    verdict $? "the server ends well"
    run localhost "$port" </dev/null
    expect "nobody listens there" 1 complained "echo_client: nobody listens at this address"
    # The server closes, and there might be more input: it ends all the same.
    begin "$(beside tcp_server)" 0
    rm -f "$work/input"
    mkfifo "$work/input"
    (gets "$(text "Hello, me")" "$program" localhost "$port" <"$work/input") &
    client=$!
    exec 5>"$work/input"
    echo me >&5
    wait "$client"
    verdict $? "it ends with the server"
    exec 5>&-
    end TERM 0
    verdict $? "that server ends well"
}

each_workers talks
finish
