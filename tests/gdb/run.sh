#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh GDB SCRIPT PROGRAM - stop the program when its actors are parked, look at them, make a
# core file, let it go on to its end; then look at the core file.
set -eu
gdb=$1 script=$2 program=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

case $gdb in
    *-NOTFOUND) fail "there is no gdb" ;;
esac
# Where no process may be traced (an emulator, a strict container) gdb can do nothing.
"$gdb" -nx -batch -ex run -ex 'print 6 * 7' "$program" >"$scratch/probe" 2>&1 || :
if ! grep -q 'exited normally' "$scratch/probe"; then
    cat "$scratch/probe"
    if grep -qi 'ptrace' "$scratch/probe"; then
        echo "gdb may not trace processes here"
        exit 77
    fi
    fail "gdb does not run the program"
fi

# look OUTPUT GDB-ARGUMENT... - with the commands on standard input
look() {
    output=$1
    shift
    "$gdb" -nx -batch -iex 'set pagination off' -iex 'set style enabled off' -x "$script" \
        -x /dev/stdin "$@" >"$output" 2>&1 || fail "gdb ended with $?: $(cat "$output")"
    cat "$output"
}

# said OUTPUT REGEXP... - one line of the output matches
said() {
    output=$1
    shift
    for pattern; do
        grep -Eq "$pattern" "$output" || fail "nothing says: $pattern"
    done
}

check() {
    said "$1" \
        '^actor +name +state' \
        '^#[0-9]+ +main +running ' \
        '^#[0-9]+ +receiver +parked +1 - +[0-9]+ recv on channel 0x[0-9a-f]+$' \
        '^#[0-9]+ +sender +parked .* send on channel 0x' \
        '^#[0-9]+ +parent +parked .* end of group 0x[0-9a-f]+ \(1 left\)$' \
        '^#[0-9]+ +child +parked .* recv on channel 0x[0-9a-f]+, with a deadline$' \
        '^#[0-9]+ +newborn +fresh +0 - +-$'
    # The receiver's frames, innermost first, with arguments and lines.
    awk '/^actor #[0-9]+ .receiver., parked: recv/ { on = 1; next } /^actor / { on = 0 } on' "$1" \
        >"$scratch/frames"
    said "$scratch/frames" \
        '^#0 .*wait_deep \(e=0x[0-9a-f]+, depth=0\) at .*parked\.c:[0-9]+$' \
        '^#1 .*wait_deep \(e=0x[0-9a-f]+, depth=1\)' \
        '^#3 .*wait_deep \(e=0x[0-9a-f]+, depth=3\)' \
        '^#4 .*receiver \(arg=0x[0-9a-f]+\)'
    said "$1" "^actor #[0-9]+ 'newborn', fresh" 'has not run yet' \
        '^#[0-9] .*parent \(arg=0x' '^#[0-9] .*waits_by \(arg=0x' 'there is no actor #999999'
}

echo "== a live process"
cat >"$scratch/commands" <<END
break everybody_is_parked
run
weir actors
weir bt all
python
try:
    gdb.execute("weir bt 999999")
except gdb.error as e:
    print(e)
end
where 1
generate-core-file $scratch/core
continue
END
look "$scratch/live" "$program" <"$scratch/commands"
check "$scratch/live"
# It stands where it stood, and goes on as if nobody had looked.
said "$scratch/live" '^#0 +everybody_is_parked \(\)' '^received 42$' 'exited normally'

echo "== its core file"
sed -e '/^break/d' -e '/^run/d' -e '/^generate/d' -e '/^continue/d' "$scratch/commands" \
    >"$scratch/commands.core"
look "$scratch/dead" "$program" "$scratch/core" <"$scratch/commands.core"
check "$scratch/dead"
said "$scratch/dead" '^#0 +everybody_is_parked \(\)'
echo "== gdb sees the actors"
