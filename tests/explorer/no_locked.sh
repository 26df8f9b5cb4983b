#!/bin/sh
# SPDX-License-Identifier: MIT
#
# no_locked.sh OBJECT... - shows that no locked instruction escapes channels/atomic.h.
#
# Takes x86-64 objects of channels/ and actors/ that were compiled with WEIR_EXPLORE: every
# atomic operation that goes through atomic.h is a call into the explorer there. What is
# left - a lock prefix, an xchg with memory, a fence - did not come through it, so neither
# the explorer nor the counting of costs would see it. The same is true of thread-local
# variables, which virtual threads would share.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 OBJECT..." >&2; exit 2; }

found=0
for object in "$@"; do
    code=$(objdump -d --no-show-raw-insn "$object")
    case $code in
    *'>:'*) ;;
    *) echo "$object: no code" >&2; exit 2 ;;
    esac
    if printf '%s\n' "$code" | awk -v object="$object" '
        />:$/ { function_name = $2 }
        /\t(lock|xacquire|xrelease) / || /\txchg[a-z]* .*\(/ || /\t(mfence|lfence|sfence)/ {
            print object ": in " function_name $0
            bad = 1
        }
        END { exit !bad }'
    then
        found=1
    fi
    if objdump -t "$object" | awk -v object="$object" '
        $0 ~ / \.t(bss|data)/ && $0 !~ / d / { print object ": thread-local: " $NF; bad = 1 }
        END { exit !bad }'
    then
        found=1
    fi
done
exit $found
