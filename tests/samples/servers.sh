# SPDX-License-Identifier: MIT
# servers.sh - read by the scripts that test servers, after lib.sh: programs beside the one that is
# tested, and servers that run meanwhile.
# shellcheck shell=sh disable=SC2154,SC2034 # what lib.sh has, and scripts use

# The scripts of an emulator have a suffix.
kind=${program##*/}
kind=${kind#"${kind%.sh}"}

# beside NAME - another sample
beside() {
    echo "${program%/*}/$1$kind"
}

# begin PROGRAM ARGUMENT...: starts a server and waits until it listens; $port is what it says last.
# Only one at a time.
begin() {
    rm -f "$work/says"
    mkfifo "$work/says"
    bounded "$@" >"$work/says" 2>"$work/complains" &
    server=$!
    exec 4<"$work/says"
    read -r says <&4
    port=${says##* }
}

# says TEXT: the next line of the server's is this.
says() {
    read -r says <&4
    [ "$says" = "$1" ] || { echo "  says: $says" && false; }
}

# end SIGNAL STATUS: it ends so. ended STATUS: it does so without another signal.
end() {
    kill "-$1" "$server"
    ended "$2"
}

ended() {
    wait "$server" 2>/dev/null
    status=$?
    exec 4<&-
    [ "$status" -eq "$1" ] || { echo "  status $status" && cat "$work/complains" && false; }
}

# gets FILE COMMAND...: what the command prints, within a minute, is this file.
gets() {
    wanted=$1
    shift
    timeout --foreground 60 "$@" >"$work/got" 2>"$work/err"
    cmp "$wanted" "$work/got" || { head -c 300 "$work/got" "$work/err" && false; }
}

# text LINE...: prints a file of these lines.
text() {
    printf '%s\n' "$@" >"$work/text"
    echo "$work/text"
}

# each_workers FUNCTION: with one worker and with several
each_workers() {
    for WEIR_WORKERS in 1 2 8; do
        export WEIR_WORKERS
        "$@"
    done
}
