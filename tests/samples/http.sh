#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/http with curl, nc and wrk; $1 is the program.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/samples/servers.sh
. "$(dirname "$0")/servers.sh"

crlf=$(printf '\r')

# answers STATUSES NAME REQUEST: raw bytes (printf's escapes) are answered by these statuses, and
# the connection ends.
answers() {
    # shellcheck disable=SC2059 # with its escapes
    printf "$3" | timeout --foreground 60 nc localhost "$port" >"$work/got"
    statuses=$(tr -d '\r' <"$work/got" | sed -n 's|^HTTP/1.1 \([0-9]*\) .*|\1|p' | tr '\n' ' ')
    [ "$statuses" = "$1 " ] || { echo "  $statuses" && head -c 500 "$work/got" && false; }
    verdict $? "$2: $1"
}

# curls NAME EXPECTED ARGUMENT...: what curl prints with -w '%{http_code} %{num_connects}'
curls() {
    name=$1
    text "$2" >"$work/name"
    shift 2
    gets "$work/text" curl -sS -m 60 -w '%{http_code} %{num_connects}\n' "$@"
    verdict $? "curl: $name"
}

header() {
    grep -qix "$1$crlf" "$work/got"
}

no_body() {
    [ "$(tail -c 4 "$work/got" | od -An -tx1 | tr -d ' \n')" = 0d0a0d0a ]
}

# repeat N TEXT
repeat() {
    head -c "$1" /dev/zero | sed "s|.|$2|g; s|\x00|$2|g"
}

serves() {
    begin "$program" 0
    host='Host: x\r\n'
    last='Host: x\r\nConnection: close\r\n\r\n'
    end_='GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

    # ---- with curl ----
    curls "a page, workers: $WEIR_WORKERS" "Hello from weir.
200 1" "http://localhost:$port/"
    curls "two on a connection" "Hello from weir.
200 1
There is no such page.
404 0" "http://localhost:$port/" "http://localhost:$port/none"
    curls "HEAD" "200 1" -o /dev/null -I "http://localhost:$port/about"
    seq 100000 >"$work/body" # half a megabyte; curl waits for "100 Continue"
    curls "POST, and the connection goes on" "There is nothing but GET and HEAD.
405 1
There is nothing but GET and HEAD.
405 0" --data-binary "@$work/body" "http://localhost:$port/" "http://localhost:$port/"
    curls "POST in chunks" "There is nothing but GET and HEAD.
405 1
There is nothing but GET and HEAD.
405 0" -H 'Transfer-Encoding: chunked' --data-binary "@$work/body" "http://localhost:$port/" \
        "http://localhost:$port/"
    curls "HTTP/1.0" "Hello from weir.
200 1
Hello from weir.
200 1" -0 "http://localhost:$port/" "http://localhost:$port/"
    curls "GET with a body" "Hello from weir.
200 1" -X GET -d body "http://localhost:$port/"
    timeout 60 curl -sS "http://127.0.0.1:$port/about?me" | grep -qE '^You are (::ffff:)?127\.0\.0\.1\.$'
    verdict $? "curl: who it is"

    # ---- request lines ----
    answers "200" "close" "$end_"
    header 'Connection: close' && header 'Content-Length: 17' &&
        header 'Date: [A-Z][a-z][a-z], [0-9]* [A-Z][a-z]* [0-9]* [0-9:]* GMT'
    verdict $? "its fields"
    answers "200 404 200 405 200" "pipelining" "GET / HTTP/1.1\r\n$host\r\nGET /x HTTP/1.1\r\n$host\r\nHEAD / HTTP/1.1\r\n$host\r\nPUT / HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc$end_"
    answers "200" "HEAD" "HEAD / HTTP/1.1\r\n$last"
    no_body && header 'Content-Length: 17'
    verdict $? "no body, but its size"
    answers "200" "HTTP/1.0 ends" 'GET / HTTP/1.0\r\n\r\n'
    answers "200 200" "HTTP/1.0, kept alive" "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"
    answers "200" "a whole address" "GET http://x/ HTTP/1.1\r\n$last"
    answers "200" "a whole address without a path" "GET http://x?q HTTP/1.1\r\n$last"
    answers "200" "an empty line before" "\r\n$end_"
    answers "200" "lines without CR" 'GET / HTTP/1.1\nHost: x\nConnection: close\n\n'
    answers "400" "no HTTP" 'hello\r\n\r\n'
    answers "400" "no version" 'GET /\r\n\r\n'
    answers "400" "a method that is none" "G{T / HTTP/1.1\r\n$last"
    answers "400" "no path" "GET x HTTP/1.1\r\n$last"
    answers "400" "a blank too many" "GET / / HTTP/1.1\r\n$last"
    answers "400" "half a version" "GET / HTTP/1\r\n$last"
    answers "400" "not a version" "GET / HTTP/1.x\r\n$last"
    answers "400" "a byte that must not be" "GET /\\000 HTTP/1.1\r\n$last"
    answers "400" "CR within a line" "GET /\rx HTTP/1.1\r\n$last"
    answers "505" "another version" "GET / HTTP/2.0\r\n$last"
    answers "414" "a long path" "GET /$(repeat 4200 a) HTTP/1.1\r\n$last"

    # ---- fields ----
    answers "400" "no host" 'GET / HTTP/1.1\r\n\r\n'
    answers "400" "two hosts" "GET / HTTP/1.1\r\n$host$host\r\n"
    answers "400" "no colon" "GET / HTTP/1.1\r\n${host}nothing\r\n\r\n"
    answers "400" "a blank before the colon" "GET / HTTP/1.1\r\n${host}A : b\r\n\r\n"
    answers "400" "a field that goes on" "GET / HTTP/1.1\r\n${host}A: b\r\n c\r\n\r\n"
    answers "431" "a long field" "GET / HTTP/1.1\r\nA: $(repeat 4200 a)\r\n$last"
    answers "200" "a hundred fields" "GET / HTTP/1.1\r\n$(repeat 98 'A: b\\r\\n')$last"
    answers "431" "more of them" "GET / HTTP/1.1\r\n$(repeat 99 'A: b\\r\\n')$last"
    answers "417" "an expectation" "GET / HTTP/1.1\r\n${host}Expect: more\r\n\r\n"

    # ---- bodies ----
    post="POST / HTTP/1.1\r\n$host"
    answers "405 200" "a body" "${post}Content-Length: 5\r\n\r\nGET /$end_"
    answers "405 200" "its size twice" "${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nGET /$end_"
    answers "400" "two sizes" "${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nGET /$end_"
    answers "400" "a size that is none" "${post}Content-Length: +5\r\n\r\nGET /$end_"
    answers "400" "no size" "${post}Content-Length:\r\n\r\n$end_"
    answers "400" "a size beyond all" "${post}Content-Length: 99999999999999999999999\r\n\r\n$end_"
    answers "413" "too large a body" "${post}Content-Length: 1048577\r\n\r\n$end_"
    chunked="${post}Transfer-Encoding: chunked\r\n\r\n"
    answers "405 200" "chunks" "${chunked}5\r\nGET /\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n$end_"
    answers "405 200" "no chunks" "${chunked}0\r\n\r\n$end_"
    answers "400" "chunks and a size" "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$end_"
    answers "501" "another coding" "${post}Transfer-Encoding: gzip, chunked\r\n\r\n$end_"
    answers "400" "a chunk's size that is none" "${chunked}x\r\n\r\n$end_"
    answers "400" "a chunk that is longer than its size" "${chunked}2\r\nabc\r\n0\r\n\r\n$end_"
    answers "413" "too large a chunk" "${chunked}100001\r\n$end_"
    answers "413" "a huge one" "${chunked}fffffffff\r\n$end_"
    answers "100 405 200" "it says that a body may come" "${post}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx$end_"
    answers "413" "or that it may not" "${post}Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n"
    printf 'GET / HTTP/1.1\r\nHo' | gets /dev/null nc -N localhost "$port"
    verdict $? "half a request is not answered"

    # ---- many at once; a signal ----
    timeout --foreground 60 wrk -t 1 -c 32 -d 1 "http://localhost:$port/" >"$work/got"
    grep -qE '^ *[1-9][0-9]* requests in' "$work/got" && ! grep -qE 'Non-2xx|Socket errors' "$work/got"
    verdict $? "wrk"
    rm -f "$work/in" "$work/out"
    mkfifo "$work/in" "$work/out"
    nc localhost "$port" <"$work/in" >"$work/out" &
    client=$!
    exec 5>"$work/in" 6<"$work/out"
    printf 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n' >&5
    read -r answer <&6
    [ "$answer" = "HTTP/1.1 100 Continue$crlf" ]
    verdict $? "a request begins"
    kill -TERM "$server"
    printf x >&5
    exec 5>&-
    tr -d '\r' <&6 | grep -q '^HTTP/1.1 405'
    verdict $? "a request that has begun is answered after SIGTERM"
    exec 6<&-
    wait "$client"
    ended 0
    verdict $? "and the server ends well"
}

each_workers serves
finish
