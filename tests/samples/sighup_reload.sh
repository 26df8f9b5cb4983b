#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/sighup_reload; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2119 # the program alone: without arguments
refuses
echo one >"$work/file"
mkfifo "$work/from" "$work/says"
bounded "$program" "$work/file" >"$work/from" 2>"$work/says" &
pid=$!
exec 4<"$work/from" 5<"$work/says"

# both NAME TEXT1 TEXT2: what the two workers say next, in any order.
both() {
    read -r a <&4
    read -r b <&4
    [ "$(printf '%s\n' "$a" "$b" | sort | tr '\n' ';')" = "$2;$3;" ]
    verdict $? "$1"
}

both "the settings are read" "worker 1: one" "worker 2: one"
echo two >"$work/file"
kill -HUP "$pid"
both "and again at SIGHUP" "worker 1: two" "worker 2: two"
rm "$work/file"
kill -HUP "$pid"
read -r line <&5
echo "$line" | grep -qF "$work/file cannot be read: all stays as it is"
verdict $? "or not, and it goes on"
echo three >"$work/file"
kill -HUP "$pid"
both "and reads the next ones" "worker 1: three" "worker 2: three"
kill -TERM "$pid"
both "the workers went on, until SIGTERM" "worker 1 has done many jobs" "worker 2 has done many jobs"
wait "$pid"
verdict $? "it has ended well"
finish
