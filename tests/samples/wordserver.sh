#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/wordserver with nc, socat and wordclient; $1 is the program. What is right,
# coreutils say.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

# words: of standard input, as wordclient has to print them
words() {
    tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2
}

# tells ANSWERS TEXT: a client that says this is answered so.
tells() {
    # shellcheck disable=SC2059 # with its escapes
    printf "$1" >"$work/wanted"
    # shellcheck disable=SC2059
    printf "$2" | gets "$work/wanted" nc -N localhost "$port"
}


# ---- command line ----
run --help
expect "help" 0 grep -q '^Usage: wordserver' "$work/out"
refuses -x
refuses -p 65536
refuses -p x
refuses -p
refuses -j 0
refuses argument
run -p 0 -u /no/such/directory/sock
expect "no place for the socket" 1 complained "wordserver: "

protocol() {
    begin "$program" -p 0 -u "$work/sock" -j 3
    tells 'OK 0\nOK 0 0\nOK 0\nOK 0\nBYE 0\n' 'TOP 5\nTOTAL\nSYNC\nTOP 0\nQUIT\n'
    verdict $? "nothing was counted yet, workers: $WEIR_WORKERS"
    tells 'OK 2\n2 be\n2 to\nOK 6 4\nOK 2\nBYE 2\n' \
        'to be or not to be\nTOP 2\nTOTAL\nthat is the question\nSYNC\nQUIT\nnot counted'
    verdict $? "text and commands, one after the other"
    tells 'OK 1\nBYE 1\n' 'a\r\nSYNC\r\n'
    verdict $? "lines end with CR and LF, too"
    tells 'BYE 2\n' ' TOP 1\nTOP x'
    verdict $? "text that looks like a command; the end of the text is its end"
    tells 'BYE 5\n' 'TOP\nTOP \nTOP 1x\ntotal\nTOP -1\n'
    verdict $? "text that is nearly a command"
    printf 'QUIT\n' | socat -t 60 - "UNIX-CONNECT:$work/sock" >"$work/got"
    [ "$(cat "$work/got")" = "BYE 0" ]
    verdict $? "socat, over the UNIX socket"
    tells 'OK 1\n6 top\nBYE 0\n' 'TOP 1\n'
    verdict $? "all of it was counted"
    head -c 70000 /dev/zero | tr '\0' a >"$work/long"
    (cat "$work/long" && printf '\nTOTAL\n') | gets "$(text "ERR the word is too long")" \
        nc -N localhost "$port"
    verdict $? "a word that is too long"
    (printf 'x ' && head -c 60000 "$work/long" && printf ' ' && head -c 60000 "$work/long" &&
        printf ' TOP 1\nSYNC\n') | gets "$(text "OK 1" "BYE 1")" nc -N localhost "$port"
    verdict $? "a line that is longer than what is kept of one"
    end TERM 0
    verdict $? "SIGTERM ends it"
    [ ! -e "$work/sock" ]
    verdict $? "its socket is removed"
}

# drains SIGNAL: clients that have said something are told how much of it has been counted.
drains() {
    begin "$program" -p 0
    end "$1" 0
    verdict $? "SIG$1 ends it at once when there is no client, workers: $WEIR_WORKERS"
    begin "$program" -p 0
    mkfifo "$work/in" "$work/answers"
    nc localhost "$port" <"$work/in" >"$work/answers" &
    client=$!
    exec 5>"$work/in" 6<"$work/answers"
    rm "$work/in" "$work/answers"
    printf 'one two\nthree\nSYNC\nnot finished' >&5
    read -r answer <&6
    [ "$answer" = "OK 2" ]
    verdict $? "a client talks, workers: $WEIR_WORKERS"
    end "$1" 0
    verdict $? "SIG$1 ends the server"
    read -r answer <&6
    [ "$answer" = "BYE 2" ]
    verdict $? "the client is told what has been counted"
    exec 5>&- 6<&-
    wait "$client"
}

# streams ADDRESS CONNECTIONS: what wordclient gets told is what coreutils say.
streams() {
    begin "$program" -p 0 -u "$work/sock"
    timeout --foreground 300 "$(beside wordclient)" -c "$2" -n 1000000 "$(eval "echo $1")" \
        <"$work/much" >"$work/got" 2>"$work/err"
    cmp "$work/wanted" "$work/got"
    verdict $? "the words of $2 connections to $1 are right, workers: $WEIR_WORKERS"
    grep -q '^64 KiB of text until counted .* times, ms: 50 % .*, 99 % ' "$work/err"
    verdict $? "times are printed"
    end INT 0
    verdict $? "it ends after SIGINT"
}

each_workers protocol
each_workers drains TERM
drains INT
# What one would take for commands is in it, too.
seq 300000 | awk '{ print "w" $1 % 977, "TOP " $1 % 10; if ($1 % 10 == 0) printf "TOP %d\nSYNC\n", $1 }' |
    tr 0-9 a-j >"$work/much"
printf 'TOP 5\nQUIT\nTOTAL\n' >>"$work/much"
words <"$work/much" >"$work/wanted"
# shellcheck disable=SC2016 # the port is not known yet
each_workers streams 'localhost:$port' 64
# shellcheck disable=SC2016
each_workers streams '$work/sock' 3
finish
