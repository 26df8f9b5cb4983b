#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/chat with nc; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

# hears FD TEXT: the next line there is this.
hears() {
    read -r heard <&"$1"
    [ "$heard" = "$2" ] || { echo "  heard: $heard" && false; }
}

# In one write: what came after the good-bye would make the system take that back.
(head -c 2000 /dev/zero | tr '\0' a && echo) >"$work/long"

talks() {
    begin "$program" 0
    rm -f "$work"/in* "$work"/out*
    mkfifo "$work/in5" "$work/in7" "$work/out6" "$work/out8"
    nc -N localhost "$port" <"$work/in5" >"$work/out6" &
    ann=$!
    exec 5>"$work/in5" 6<"$work/out6"
    echo ann >&5
    nc -N localhost "$port" <"$work/in7" >"$work/out8" 5>&- 6<&- &
    exec 7>"$work/in7" 8<"$work/out8"
    hears 6 "Your name? Welcome. Say something."
    verdict $? "one is welcome, workers: $WEIR_WORKERS"
    echo bob >&7
    hears 6 "bob is here"
    verdict $? "who is in hears who comes"
    echo hello >&7
    hears 6 "bob: hello"
    verdict $? "and what he says"
    printf 'hi\r\nhow are you?\n' >&5
    hears 8 "Your name? Welcome. Say something." && hears 8 "ann: hi" && hears 8 "ann: how are you?"
    verdict $? "and the other way round"
    exec 5>&-
    hears 8 "ann has left"
    verdict $? "and that she leaves"
    wait "$ann"
    cat "$work/long" >&7
    hears 8 "That was too much at once. Good bye."
    verdict $? "who says too much at once has to leave"
    exec 6<&- 7>&- 8<&-
    end TERM 0
    verdict $? "the server ends well"
}

each_workers talks
finish
