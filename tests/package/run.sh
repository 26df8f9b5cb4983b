#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD VERSION LIBDIR CC GENERATOR - install, move the installed tree, and use it as a
# stranger would: through find_package and through pkg-config, shared and static.
set -eu
build=$1 version=$2 libdir=$3 cc=$4 generator=$5
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved
lib=$prefix/$libdir

echo "== what is exported"
readelf -d "$lib/libweir.so" | grep -q 'SONAME.*\[libweir\.so\.0\]' || fail "SONAME is not libweir.so.0"
nm -D --defined-only --format=posix "$lib/libweir.so" | awk '{print $1}' | sort >"$scratch/exported"
cat "$here"/../../channels/include/weir/*.h "$here"/../../actors/include/weir/*.h \
    "$here"/../../io/include/weir/*.h |
    awk '/^WEIR_API / && match($0, /weir_[a-z0-9_]+\(/) { print substr($0, RSTART, RLENGTH - 1) }' |
    sort >"$scratch/declared"
[ -s "$scratch/declared" ] || fail "no declaration was found in the headers"
diff "$scratch/declared" "$scratch/exported" || fail "declared (<) and exported (>) differ"

echo "== find_package"
consumer() {
    cmake -S "$here/consumer" -B "$scratch/cmake-$1" -G "$generator" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$cc" -DWANTED="$1" >/dev/null
}
consumer "$version"
cmake --build "$scratch/cmake-$version" >/dev/null
"$scratch/cmake-$version/shared"
"$scratch/cmake-$version/static"
if consumer 99.0 2>/dev/null; then
    fail "version 99.0 was found"
fi

echo "== pkg-config"
export PKG_CONFIG_PATH="$lib/pkgconfig"
[ "$(pkg-config --modversion weir)" = "$version" ] || fail "weir.pc has another version"
# The flags are words to split.
# shellcheck disable=SC2046
"$cc" -std=c11 -o "$scratch/shared" "$here/consumer/main.c" $(pkg-config --cflags --libs weir)
LD_LIBRARY_PATH=$lib "$scratch/shared"
# shellcheck disable=SC2046
"$cc" -std=c11 -o "$scratch/static" "$here/consumer/main.c" $(pkg-config --cflags weir) \
    "$lib/libweir.a" $(pkg-config --libs --static weir | sed 's/-lweir//')
"$scratch/static"
echo "== the package is usable"
