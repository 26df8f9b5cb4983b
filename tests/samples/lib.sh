# SPDX-License-Identifier: MIT
# lib.sh - read by the scripts that test the samples: named checks and their count.
# shellcheck shell=sh

set -u
LC_ALL=C
export LC_ALL

passed=0
failed=0
program=${1:?usage: $0 PROGRAM}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# verdict STATUS NAME: counts one check.
verdict() {
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok - $2"
    else
        failed=$((failed + 1))
        echo "not ok - $2"
    fi
}

# run ARGUMENT...: the program; output, complaints and status are kept for the checks.
run() {
    timeout 120 "$program" "$@" >"$work/out" 2>"$work/err"
    status=$?
}

# bounded COMMAND...: in the background, for five minutes at most: an alarm outlasts exec. So $! is
# the program's own number; timeout(1) does not pass on a signal that comes as soon as it has forked.
bounded() {
    exec perl -e 'alarm 300; exec @ARGV; exit 127' -- "$@"
}

explain() {
    echo "  status $status; standard output, then standard error:"
    head -n 20 "$work/out" | cut -c 1-200 | sed 's/^/  /'
    head -n 20 "$work/err" | cut -c 1-200 | sed 's/^/  /'
}

# expect NAME STATUS COMMAND...: the last run ended with STATUS and the command succeeds.
expect() {
    name=$1
    wanted=$2
    shift 2
    if [ "$status" -eq "$wanted" ] && "$@"; then
        verdict 0 "$name"
    else
        explain
        verdict 1 "$name"
    fi
}

# printed TEXT: a line of the output is just this; complained TEXT: a complaint contains it.
printed() {
    grep -qxF -- "$1" "$work/out"
}

complained() {
    grep -qF -- "$1" "$work/err"
}

# complaints N: so many lines of them.
complaints() {
    [ "$(wc -l <"$work/err")" -eq "$1" ]
}

is_usage_error() {
    [ ! -s "$work/out" ] && [ -s "$work/err" ]
}

# refuses ARGUMENT...: a wrong command line is status 2, said on standard error only.
refuses() {
    run "$@"
    expect "refuses: $*" 2 is_usage_error
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
