#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/wordserver/client where there is no server; wordserver.sh tests it with one. $1 is
# the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

run --help
expect "help" 0 grep -q '^Usage: wordclient' "$work/out"
refuses
refuses -c 0 localhost:1
refuses -n x localhost:1
refuses localhost:1 argument
run "$work/nobody" </dev/null
expect "nobody is there" 1 complained "wordclient: there is nothing of this name"
run nowhere.invalid:1 </dev/null
expect "no such host" 1 [ -s "$work/err" ]

# A server that is not a wordserver.
not_one() {
    begin "$(beside echo_server)" 0
    run -c 3 "localhost:$port" <"$(text text)"
    expect "not a wordserver, workers: $WEIR_WORKERS" 1 complained "wordclient: "
    end TERM 0
    verdict $? "the server ends well"
}

each_workers not_one
finish
