#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/tcp_client; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

talks() {
    begin "$(beside tcp_server)" 0
    gets "$(text "Hello, Client")" "$program" localhost "$port"
    verdict $? "by name, workers: $WEIR_WORKERS"
    gets "$(text "Hello, Client")" "$program" 127.0.0.1 "$port"
    verdict $? "by address"
    end TERM 0
    verdict $? "the server ends well"
    run localhost "$port"
    expect "nobody listens there" 1 complained "tcp_client: nobody listens at this address"
    run nowhere.invalid 1234
    expect "no such host" 1 complained "tcp_client: "
}

each_workers talks
finish
