#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/proxy between curl, nc and servers; $1 is the program.
# shellcheck disable=SC2094 # a file is only compared with
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

seq 300000 >"$work/much"
refuses
refuses 0 localhost

# behind SAMPLE: that server, and then the proxy of which it is the server; both_end: SIGTERM
behind() {
    begin "$(beside "$1")" 0
    first=$server
    exec 6<&4
    begin "$program" 0 localhost "$port"
}

both_end() {
    end TERM 0
    verdict $? "the proxy ends well"
    server=$first
    end TERM 0
    verdict $? "so does the server"
    exec 6<&-
}

passes_on() {
    behind echo_server
    gets "$work/much" nc -N localhost "$port" <"$work/much"
    verdict $? "much, both ways, and the end, workers: $WEIR_WORKERS"
    gets "$work/much" socat -t 60 - "TCP:localhost:$port" <"$work/much"
    verdict $? "to socat"
    both_end
    behind http
    gets "$(text "Hello from weir." "Hello from weir.")" curl -sS "http://localhost:$port/" "http://localhost:$port/"
    verdict $? "HTTP, two requests"
    both_end
    begin "$program" 0 localhost "$port" # the server of which is not there any more
    gets /dev/null nc -N localhost "$port" </dev/null
    verdict $? "a server that is not there ends the connection"
    end TERM 0
    verdict $? "and not the proxy"
}

each_workers passes_on
finish
