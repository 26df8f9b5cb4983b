#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/fds_server with Python and fds_client; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

cat >"$work/client.py" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
data, fds, flags, address = socket.recv_fds(s, 100, 4)
for fd in fds:
    sys.stdout.write(os.fdopen(fd).read())
END

hands_over() {
    begin "$program" "$work/sock" "$work/file"
    seq 1000 >"$work/file"
    gets "$work/file" "$(beside fds_client)" "$work/sock"
    verdict $? "fds_client prints the file, workers: $WEIR_WORKERS"
    gets "$work/file" python3 "$work/client.py" "$work/sock"
    verdict $? "so does a client in Python"
    read -r said <&4
    echo "$said" | grep -qx "process [0-9]* of user $(id -u) has it"
    verdict $? "the server knows who has it"
    [ "$(stat -c %a "$work/sock")" = 600 ]
    verdict $? "its path has the mode"
    rm "$work/file"
    gets /dev/null "$(beside fds_client)" "$work/sock"
    verdict $? "a file that is not there is not sent"
    end TERM 0
    verdict $? "the server ends well"
    [ ! -e "$work/sock" ]
    verdict $? "and its path goes with it"
}

each_workers hands_over
finish
