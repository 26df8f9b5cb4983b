#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/fds_client with a server in Python; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

cat >"$work/server.py" <<'END'
import os, socket, sys
l = socket.socket(socket.AF_UNIX)
l.bind(sys.argv[1])
l.listen()
print("listening", flush=True)
s, address = l.accept()
with open(sys.argv[2]) as file:
    socket.send_fds(s, [b"x"], [file.fileno()] * int(sys.argv[3]))
END

receives() {
    rm -f "$work/sock"
    seq 1000 >"$work/file"
    begin python3 "$work/server.py" "$work/sock" "$work/file" "$1"
    gets "$2" "$program" "$work/sock"
    verdict $? "$1 descriptors come, workers: $WEIR_WORKERS"
    ended 0
    verdict $? "the server has sent them"
}

one_and_more() {
    receives 1 "$work/file"
    receives 3 "$work/file" # two of which it has no room for
}

each_workers one_and_more
run "$work/nobody"
expect "nobody is there" 1 complained "fds_client: there is nothing of this name"
finish
