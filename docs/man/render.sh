#!/bin/sh
# SPDX-License-Identifier: MIT
# render.sh man|html OUT - the manual from the mdoc pages beside this script, below OUT/man or
# OUT/html. Each name that a page tells of (.Nm) is found: where it is not the page's own, as a
# page that refers to it, or a link.
set -eu
case $1 in
    man | html) ;;
    *) exit 2 ;;
esac
kind=$1 out=${2:?}/$1
here=$(cd "$(dirname "$0")" && pwd)
listed=

# names PAGE - what its NAME section lists
names() {
    awk '/^\.Sh/ { inside = $2 == "NAME" } inside && $1 == ".Nm" { print $2 }' "$1"
}

# others PAGE - the same without its own
others() {
    own=${1##*/}
    names "$1" | grep -vxF "${own%.*}" || :
}

# row PAGE - its line in the index
row() {
    file=${1##*/}
    printf '<tr><td>'
    names "$1" | while read -r name; do
        printf '<a href="%s.%s.html">%s</a> ' "$name" "${file##*.}" "$name"
    done
    printf '</td><td>%s</td></tr>\n' "$(sed -n 's/^\.Nd //p' "$1")"
}

# header_of PAGE - the first that it names
header_of() {
    sed -n '/^\.In /{ s,^\.In weir/\(.*\)\.h$,\1,p; q }' "$1"
}

index() {
    printf '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
    printf '<title>weir: the manual</title><link rel="stylesheet" href="style.css"></head>\n'
    printf '<body>\n<h1>weir: the manual</h1>\n<table class="index">\n'
    for page in "$here"/*.7; do
        row "$page"
    done
    known='channel oneshot watch broadcast type select ticker actor scope task sync simulate debug'
    rest=$(for page in "$here"/*.3; do header_of "$page"; done | sort -u)
    for header in $known $rest; do
        case " $listed " in
            *" $header "*) ;;
            *) index_of "$header" ;;
        esac
        listed="$listed $header"
    done
    printf '</table>\n</body>\n</html>\n'
}

# index_of HEADER - the pages of what it declares
index_of() {
    rows=$(for page in "$here"/*.3; do
        [ "$(header_of "$page")" != "$1" ] || row "$page"
    done)
    [ -z "$rows" ] || printf '<tr><th colspan="2">weir/%s.h</th></tr>\n%s\n' "$1" "$rows"
}

rm -rf "$out"
mkdir -p "$out"
for page in "$here"/*.[37]; do
    file=${page##*/} section=${page##*.}
    if [ "$kind" = man ]; then
        mkdir -p "$out/man$section"
        cp "$page" "$out/man$section/$file"
        others "$page" | while read -r name; do
            printf '.so man%s/%s\n' "$section" "$file" >"$out/man$section/$name.$section"
        done
    else
        mandoc -T html -O style=style.css,man=%N.%S.html,toc "$page" >"$out/$file.html"
        others "$page" | while read -r name; do
            ln -s "$file.html" "$out/$name.$section.html"
        done
    fi
done
if [ "$kind" = html ]; then
    cp "$here/style.css" "$out/"
    index >"$out/index.html"
fi
