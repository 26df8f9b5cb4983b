#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/unix_client; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

talks() {
    begin "$(beside unix_server)" "$work/sock"
    gets "$(text "Hello, Client")" "$program" "$work/sock"
    verdict $? "it talks, workers: $WEIR_WORKERS"
    end TERM 143
    verdict $? "the server has not ended by itself"
    run "$work/sock"
    expect "nobody listens there" 1 complained "unix_client: nobody listens at this address"
    run "$work/no/such"
    expect "no such path" 1 complained "unix_client: there is nothing of this name"
}

each_workers talks
finish
