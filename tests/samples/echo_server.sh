#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/echo_server with nc, socat and echo_client; $1 is the program.
# shellcheck disable=SC2094 # a file is only compared with
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

seq 300000 >"$work/much" # more than both systems keep

echoes() {
    begin "$program" 0
    gets "$work/much" nc -N localhost "$port" <"$work/much"
    verdict $? "to nc, workers: $WEIR_WORKERS"
    gets "$work/much" socat -t 60 - "TCP:localhost:$port" <"$work/much"
    verdict $? "to socat"
    gets "$work/much" "$(beside echo_client)" localhost "$port" <"$work/much"
    verdict $? "to echo_client"
    clients=
    for i in $(seq 16); do
        nc -N localhost "$port" <"$work/much" >"$work/got.$i" &
        clients="$clients $!"
    done
    # shellcheck disable=SC2086 # numbers
    wait $clients
    for i in $(seq 16); do
        cmp "$work/much" "$work/got.$i" || break
    done
    verdict $? "to sixteen at once"
    end TERM 0
    verdict $? "the server ends well"
}

each_workers echoes
finish
