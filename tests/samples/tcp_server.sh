#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/tcp_server with nc, socat and tcp_client; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

greets() {
    begin "$program" 0
    gets "$(text "Hello, Client")" "$(beside tcp_client)" localhost "$port"
    verdict $? "tcp_client is greeted, workers: $WEIR_WORKERS"
    says "Client, from 127.0.0.1" || says "Client, from ::1"
    verdict $? "the server knows who it was"
    printf 'nc\r\n' | gets "$(text "Hello, nc")" nc localhost "$port"
    verdict $? "nc is greeted, and the connection closed"
    (printf 'so' && printf 'cat\nmore\n') | gets "$(text "Hello, socat")" socat -t 60 - "TCP:127.0.0.1:$port"
    verdict $? "socat is greeted"
    : | gets /dev/null nc -N localhost "$port"
    verdict $? "who says nothing is not"
    head -c 3000 /dev/zero | tr '\0' a | gets /dev/null nc -N localhost "$port"
    verdict $? "who says too much is not, either"
    gets "$(text "Hello, Client")" "$(beside tcp_client)" 127.0.0.1 "$port"
    verdict $? "the others do not notice"
    run "$port"
    expect "the port is taken" 1 complained "tcp_server: somebody listens at this address already"
    end TERM 0
    verdict $? "the server ends well"
}

each_workers greets
finish
