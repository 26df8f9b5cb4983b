#!/bin/sh
# SPDX-License-Identifier: MIT
#
# demo.sh WORDCOUNT [MEGABYTES] - counts the words of the text that Debian ships, first with
# wordcount, then with coreutils, then with wordserver over 64 connections, and compares every count.
# demo.sh WORDCOUNT --workers [MEGABYTES] - how much faster are two workers than one? Over six files
# of such text, 480 MB together: five rounds, in each once with WEIR_WORKERS=1 and once with 2.
#
# The text is copied first, so that both read the same bytes even while a log grows, and from
# the same page cache. Where there is less of it than MEGABYTES (200), it is counted several times.
set -eu
LC_ALL=C
export LC_ALL

wordcount=${1:?usage: $0 WORDCOUNT [--workers] [MEGABYTES]}
workers=
if [ "${2-}" = --workers ]; then
    workers=yes
    shift
    wanted=$((${2:-480} * 1000000 / 6)) # in each of six files
else
    wanted=$((${2:-200} * 1000000))
fi
work=$(mktemp -d)
server=
trap 'rm -rf "$work"; [ -z "$server" ] || kill "$server"' EXIT
trap 'exit 1' HUP INT TERM
text=$work/text
mkdir "$text"

die() {
    echo "demo: $*" >&2
    exit 1
}

# Sizes and names of licences, documentation, logs, and what else comes as text. Compressed files
# and pictures have no words; and one huge file would be all the demo shows.
list_text() {
    for place in /usr/share/common-licenses /usr/share/doc /var/log /usr/share/perl \
        /usr/share/perl5 /usr/share/i18n /usr/share/info /usr/share/man /usr/share/zoneinfo \
        /usr/share/misc /usr/share/vim /usr/share/cmake-* /usr/include /usr/lib/*/perl-base; do
        [ -d "$place" ] || continue
        find "$place" -type f -readable -size +0 -size -8192k ! -name '*[[:cntrl:]]*' \
            ! -name '*.gz' ! -name '*.xz' ! -name '*.bz2' ! -name '*.zip' ! -name '*.png' \
            ! -name '*.jpg' ! -name '*.gif' ! -name '*.svgz' ! -name '*.pdf' ! -name '*.so' \
            ! -name '*.journal' -printf '%s %p\n' 2>/dev/null || :
    done
}

# Takes sizes and names until there is enough; prints the names.
enough() {
    bytes=0
    while [ "$bytes" -lt "$wanted" ] && read -r size name; do
        bytes=$((bytes + size))
        printf '%s\n' "$name"
    done
}

now() {
    date +%s%N
}

tenths() {
    printf '%d.%d s' $(($1 / 1000000000)) $(($1 / 100000000 % 10))
}

rate() {
    printf '%d MB/s' $((bytes * 1000 / $1))
}

# ---- one worker and two ----------------------------------------------------------------------

pour() {
    find "$text" -type f -print0 | xargs -0 cat
}

# took WORKERS: writes the words to $work/words.WORKERS, adds the nanoseconds to $work/times.WORKERS
took() {
    began=$(now)
    WEIR_WORKERS=$1 "$wordcount" -q -n 1000000000 "$six" >"$work/words.$1" ||
        die "wordcount failed with status $?"
    echo $(($(now) - began)) >>"$work/times.$1"
}

median() {
    sort -n "$work/times.$1" | sed -n 3p
}

compare_workers() {
    six=$work/six
    mkdir "$six"
    for file in 1 2 3 4 5 6; do # a file ends where there is enough, and the pouring fails
        while pour; do :; done 2>/dev/null | head -c "$wanted" >"$six/$file"
    done
    cat "$six"/* >/dev/null
    for round in 1 2 3 4 5; do
        took 1
        took 2
    done
    cmp "$work/words.1" "$work/words.2" || die "the counts differ"
    one=$(median 1) two=$(median 2)
    echo "$((wanted * 6 / 1000000)) MB in six files, medians of $round: one worker $((one / 1000000)) ms," \
        "two $((two / 1000000)) ms: $((one / two)).$(printf %02d $((one * 100 / two % 100))) times as fast"
}

list_text >"$work/all"
enough <"$work/all" | tr '\n' '\0' |
    xargs -0 cp --parents --no-preserve=all -t "$text" 2>/dev/null || :
find "$text" -type f -printf '%s\n' >"$work/sizes"
files=0
once=0
while read -r size; do
    files=$((files + 1))
    once=$((once + size))
done <"$work/sizes"
[ "$once" -gt 0 ] || die "no text could be copied to $work: is there room?"
if [ "$workers" ]; then
    compare_workers
    exit
fi

bytes=0
passes=0
set --
while [ "$bytes" -lt "$wanted" ]; do
    passes=$((passes + 1))
    bytes=$((bytes + once))
    set -- "$@" "$text"
done
echo "The text: $files files of $((once / 1000000)) MB, $passes times: $((bytes / 1000000)) MB"

began=$(now)
"$wordcount" -n 1000000000 "$@" >"$work/out" || die "wordcount failed with status $?"
took_wordcount=$(($(now) - began))
sed '/^$/,$d' "$work/out" >"$work/words"
echo
head -n 10 "$work/words"
sed -n '/^$/,$p' "$work/out"

# The same by coreutils; a newline follows each file, so that words do not join.
echo
echo "Now with coreutils: tr | tr | sort | uniq -c | sort ..."
echo >"$work/newline"
for place in "$@"; do
    find "$place" -type f -print0
done | sed -z "p; s|.*|$work/newline|" >"$work/inputs"
began=$(now)
mkfifo "$work/each"
wc -l <"$work/each" >"$work/total" &
(
    cat "$work/newline"
    xargs -0 cat <"$work/inputs"
) | tr -cs '[:alpha:]' '\n' | tail -n +2 | tr '[:upper:]' '[:lower:]' | tee "$work/each" |
    sort -S 25% --parallel=2 -T "$work" | uniq -c | sort -k1,1nr -k2 >"$work/reference"
wait
took_coreutils=$(($(now) - began))

total=$(cat "$work/total")
different=$(wc -l <"$work/reference")
echo "$total words, $different different"
echo
printf 'wordcount  %9s  %9s\n' "$(tenths "$took_wordcount")" "$(rate "$took_wordcount")"
printf 'coreutils  %9s  %9s\n' "$(tenths "$took_coreutils")" "$(rate "$took_coreutils")"
if ! cmp "$work/words" "$work/reference"; then
    diff "$work/words" "$work/reference" | head -n 10 || :
    die "the counts differ"
fi
grep -q "^$total words, $different different, in $bytes bytes of $((files * passes)) inputs\$" \
    "$work/out" || die "the totals differ"
echo "The same: $total words, and the count of each of the $different different ones."

# The same by wordserver, on a port that is free, of which it tells us. Both are next to wordcount;
# what comes after their names is that of wordcount's.
beside=${wordcount%wordcount*}
kind=${wordcount##*wordcount}
echo
echo "Now with wordserver: 64 connections, and one that asks for the most frequent words"
mkfifo "$work/says"
"${beside}wordserver$kind" -p 0 >"$work/says" &
server=$!
exec 4<"$work/says"
read -r says <&4 || die "wordserver does not listen"
(
    cat "$work/newline"
    xargs -0 cat <"$work/inputs"
) | "${beside}wordclient$kind" -c 64 -n 1000000000 "localhost:${says##* }" >"$work/served" ||
    die "wordclient failed with status $?"
kill "$server"
wait "$server" || die "wordserver failed with status $?"
server=
read -r says <&4
echo "wordserver: $says"
if ! cmp "$work/served" "$work/reference"; then
    diff "$work/served" "$work/reference" | head -n 10 || :
    die "the counts differ"
fi
case $says in
    "$total words, $different different, "*) ;;
    *) die "the totals differ" ;;
esac
echo "The same, after SIGTERM: $total words, and the count of each."
