#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests samples/wordcount; $1 is the program. What is right, coreutils say.
# shellcheck source=tests/samples/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
ran=$PWD
case $program in
/*) ;;
*) program=$ran/$program ;;
esac
cd "$work" || exit 1

# random_text SEED WORDS LETTERS: words of 1 to LETTERS letters out of 6, of mixed case, and what
# stands between words; the same for the same arguments.
random_text() {
    awk -v seed="$1" -v words="$2" -v letters="$3" '
        function random(n) { seed = (seed * 16807) % 2147483647; return int(seed / 11) % n }
        BEGIN {
            between[0] = " "; between[1] = "\n"; between[2] = ", "; between[3] = "-"
            between[4] = "0x7 "; between[5] = "@[`{"; between[6] = "\303\251"; between[7] = "          "
            for (i = 0; i < words; i++) {
                word = ""
                for (n = 1 + random(letters); n > 0; n--)
                    word = word substr("abcxyzABCXYZ", 1 + random(12), 1)
                printf "%s%s", word, between[random(8)]
            }
        }'
}

# All words of the files as wordcount has to print them, by coreutils.
reference() {
    for file in "$@"; do
        cat "$file"
        echo
    done | tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2
}

# The words and the totals are those of reference FILE...
agrees() {
    reference "$@" >wanted
    sed '/^$/,$d' "$work/out" >got
    cmp wanted got || return 1
    words=$(awk '{ n += $1 } END { print n + 0 }' wanted)
    printed "$words words, $(($(wc -l <wanted))) different, in $(cat "$@" | wc -c) bytes of $# inputs"
}

count_all() {
    run -q -n 1000000 "$@"
}

line_count_is() {
    [ "$(wc -l <"$work/out")" -eq "$1" ]
}

quiet() {
    [ ! -s "$work/err" ]
}

# ---- command line ----
run --help
expect "help" 0 grep -q '^Usage: wordcount' "$work/out"
refuses -x
refuses -j 0
refuses -j 5000
refuses -j x
refuses -r 0
refuses -c 0
refuses -c -1
refuses -n 1x
refuses -n
refuses --no-such-option

# ---- words ----
: >empty
count_all empty
expect "an empty file" 0 agrees empty
run empty
expect "an empty file: the stages are printed" 0 grep -q '^merge ' "$work/out"
printf 'no newline at the end' >open
count_all open
expect "no newline at the end" 0 agrees open
printf x >one
count_all one
expect "one letter" 0 agrees one
printf '\0\1\377 1234 \n\n' >none
count_all none
expect "no word at all" 0 agrees none
printf foo >foo
printf bar >bar
count_all foo bar
expect "words do not join across files" 0 agrees foo bar
count_all foo foo foo
expect "a file that is named three times" 0 agrees foo foo foo
printf '@A[`a{Zz/z \300\301\341\342\n' >around
count_all around
expect "only A to Z and a to z are letters" 0 agrees around
printf 'abcdefg abcdefgh abcdefghi ABCDEFGH abcdefghX abcdefghijklmno abcdefghijklmnop %s' \
    'abcdefghijklmnopq ABCDEFGHIJKLMNOP abcdefghijklmnoq bbcdefghijklmnop' >eights
count_all eights
expect "words around 8 and 16 letters" 0 agrees eights
printf 'bb aa cc cc c b a abcdefghij abcdefghii abcdefgh abcdefg' >ties
count_all ties
expect "words that are as frequent come by the alphabet" 0 agrees ties
run -q -n 2 ties
expect "the two most frequent" 0 printed "      1 a"
expect "not more than was asked for" 0 line_count_is 4
run -q -n 0 ties
expect "none of the words, but the totals" 0 line_count_is 2
run -q ties
expect "ten words by default" 0 line_count_is 12

# ---- chunks ----
random_text 1 3000 21 >random
for size in 1 2 3 5 7 8 9 13 16 17 31 64 1000 4096; do
    count_all -c "$size" random
    expect "chunks of $size bytes" 0 agrees random
done
head -c 300000 /dev/zero | tr '\0' 'Q' >giant
count_all -c 1000 giant
expect "one giant word" 0 agrees giant
(
    printf 'before '
    cat giant
    printf ' between '
    cat giant
    printf 'r after'
) >giants
count_all -c 4096 giants
expect "giant words between others" 0 agrees giants
for n in 15 16 17; do
    head -c "$n" giant >exact
    printf ' end' >>exact
    count_all -c 16 exact
    expect "a word of $n letters at the end of a chunk of 16" 0 agrees exact
done
random_text 2 60000 5 >many
for actors in "1 1" "1 4" "4 1" "3 3" "64 64"; do
    # shellcheck disable=SC2086 # counters and readers
    set -- $actors
    count_all -j "$1" -r "$2" -c 512 many random many eights
    expect "$1 counters and $2 readers" 0 agrees many random many eights
done
random_text 3 40000 12 >various
count_all -j 3 -c 8192 various
expect "so many different words that tables grow" 0 agrees various

# ---- binary ----
perl -e 'my $s = 7; my $b = ""; for (1 .. 400000) { $s = ($s * 16807) % 2147483647;
    $b .= chr(($s >> 9) & 255); } binmode STDOUT; print $b' >binary
count_all binary
expect "binary data" 0 agrees binary
count_all -c 33 binary
expect "binary data in chunks of 33 bytes" 0 agrees binary
count_all "$program"
expect "a program" 0 agrees "$program"

# ---- inputs ----
"$program" -q -n 1000000 <random >"$work/out" 2>"$work/err"
status=$?
expect "standard input without arguments" 0 agrees random
# shellcheck disable=SC2002 # a pipe is what is tested
cat many | "$program" -q -n 1000000 -c 1000 foo - bar >"$work/out" 2>"$work/err"
status=$?
expect "a pipe among files" 0 agrees foo many bar
# shellcheck disable=SC2002
cat many | "$program" -q -n 1000000 - - >"$work/out" 2>"$work/err"
status=$?
expect "standard input named twice counts once" 0 agrees many
(
    printf 'spl'
    printf 'it wo'
    printf 'rd'
) | "$program" -q -n 9 >"$work/out" 2>"$work/err"
status=$?
printf 'split word' >joined
expect "a pipe that is filled in pieces" 0 agrees joined
mkfifo pipe
cat foo >pipe &
count_all pipe
expect "a named pipe on the command line" 0 agrees foo
kill $! 2>/dev/null
wait

cp foo ./-dash
cp bar 'with space'
cp bar 'with
newline'
count_all -- -dash 'with space' 'with
newline'
expect "odd file names" 0 agrees ./-dash 'with space' bar

ln -s nowhere dangling
count_all foo missing dangling '' bar
expect "unreadable files: the others are counted" 1 agrees foo bar
expect "unreadable files: missing" 1 complained "wordcount: missing: No such file or directory"
expect "unreadable files: dangling" 1 complained "wordcount: dangling: No such file or directory"
expect "unreadable files: three complaints" 1 complaints 3
count_all missing
expect "nothing but an unreadable file" 1 printed "0 words, 0 different, in 0 bytes of 0 inputs"
count_all foo /proc/self/mem bar
expect "a read that fails" 1 complained "wordcount: /proc/self/mem: Input/output error"
expect "a read that fails: the others are counted" 1 grep -q '^2 words' "$work/out"

# ---- directories ----
mkdir -p tree/a/b tree/empty
cp random tree/a/random
cp eights tree/a/b/eights
cp foo tree/foo
ln -s .. tree/a/b/up
ln -s ../foo tree/a/link
ln -s nowhere tree/a/dangling
mkfifo tree/a/pipe
count_all tree
expect "a directory: regular files, links not followed" 0 \
    agrees tree/a/random tree/a/b/eights tree/foo
expect "a directory: a special file is skipped with a word" 0 \
    complained "wordcount: tree/a/pipe: not a regular file, skipped"
expect "a directory: links are not worth a word" 0 complaints 1
ln -s tree/a/b linked
count_all linked foo
expect "a link on the command line is followed" 0 agrees eights foo
mkdir empty_tree
count_all empty_tree
expect "an empty directory" 0 printed "0 words, 0 different, in 0 bytes of 0 inputs"
deep=deep
for i in $(seq 100); do
    deep=$deep/$i
done
mkdir -p "$deep"
cp foo "$deep/foo"
cp bar deep/bar
count_all deep
expect "100 directories deep" 0 agrees foo bar
mkdir files
for i in $(seq 1500); do
    echo "word$i" >"files/$i"
done
count_all -r 3 files
expect "1500 small files" 0 printed "   1500 word"
count_all -r 3 $(seq 300)
expect "300 missing files" 1 [ "$(grep -c 'No such file' "$work/err")" -eq 300 ]

# ---- report ----
run -j 3 -r 2 -c 4096 many
# shellcheck disable=SC2016 # fields of awk
expect "the stages: as many actors as asked for" 0 \
    awk '$1 == "walk" || $1 == "merge" { n += ($2 == 1) } $1 == "read" { n += ($2 == 2) }
        $1 == "count" { n += ($2 == 3) } END { exit n != 4 }' "$work/out"
# shellcheck disable=SC2016
expect "the stages: what is read is counted" 0 \
    awk '$1 == "read" { r = $3 } $1 == "count" { c = $3 } END { exit !(r > 1 && r == c) }' "$work/out"
expect "no progress where there is no terminal" 0 quiet
if command -v script >/dev/null; then
    script -qec "'$program' -q many" /dev/null </dev/null >"$work/out" 2>"$work/err"
    status=$?
    expect "progress on a terminal" 0 grep -q 'MB in .* chunks, .* MB/s' "$work/out"
fi
"$program" foo >/dev/full 2>"$work/err"
status=$?
expect "standard output is full" 1 complained "No space left on device"

# ---- memory ----
# limited KIB ARGUMENT...: run with at most so much memory to write to.
limited() {
    limit=$1
    shift
    (
        # shellcheck disable=SC3045 # every sh of Debian has it
        ulimit -d "$limit"
        exec timeout 120 "$program" "$@"
    ) >"$work/out" 2>"$work/err"
    status=$?
}

# Wherever the memory ends, it is said, and half of the truth is not printed.
right_or_said() {
    case $status in
    0) agrees various ;;
    1) [ ! -s "$work/out" ] && complained "wordcount: " ;;
    *) false ;;
    esac
}

# Below `least` KiB nothing can be counted at all, with `enough` an empty file can. With a
# sanitizer's shadow memory there is no such limit, and an emulator, which a script starts,
# loops for ever when its own memory ends.
if head -c 4 "$program" | grep -q ELF && ! grep -qE '__[at]san_init' "$program"; then
    least=0
    enough=100000000
    while [ $((enough - least)) -gt 64 ]; do
        middle=$(((least + enough) / 2))
        limited "$middle" -q -j 2 empty
        if [ "$status" -eq 0 ]; then
            enough=$middle
        else
            least=$middle
        fi
    done
    random_text 4 150000 40 >various
    for more in 0 100 200 300 400 500 700 1000 1500 2000 3000 4000 8000 12000 16000 24000; do
        limited $((enough + more)) -q -n 1000000 -j 2 various
        expect "$more KiB more than least" "$status" right_or_said
    done
    limited 100000000 -q -n 1000000 -j 2 various
    expect "enough memory" 0 agrees various
fi

# ---- the demo ----
sh "$here/../../samples/demo.sh" "$program" 3 >"$work/out" 2>"$work/err"
status=$?
expect "the demo, with 3 MB" 0 grep -q '^The same' "$work/out"
finish
