# SPDX-License-Identifier: MIT
"""Each row of docs/rows.md is named by a test, but what weir has none of: the first words of a name.
And each function of io/ is used wrongly by tests/io/test_misuse.c (row B8).

    check.py SOURCE
"""
import pathlib
import re
import sys

ROW = r"[A-Z]\d{1,3}"


def named(folder):
    """The rows at the beginning of the names of tests: "F002, F009 group: ...\"."""
    rows = set()
    for path in sorted(folder.rglob("*.[ch]")):
        for head in re.findall(rf'"((?:{ROW},? )+)', path.read_text()):
            rows.update(re.findall(ROW, head))
    return rows


def wanted(text):
    """The rows in the first column of tables, unless the third one says that there is none."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and re.fullmatch(rf"{ROW}(, {ROW})*", cells[1]):
            if not re.match(r"none\b|$", cells[3]):
                rows += cells[1].split(", ")
    return rows


def functions(headers):
    """What they export."""
    for path in sorted(headers.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        yield from re.findall(r"WEIR_API[^;(]*?\b(weir_\w+)\(", text)


def main():
    source = pathlib.Path(sys.argv[1])
    rows = wanted((source / "docs/rows.md").read_text())
    missing = sorted(set(rows) - named(source / "tests"))
    print(f"{len(set(rows))} rows, {len(missing)} without a test", *missing)
    misuse = (source / "tests/io/test_misuse.c").read_text()
    public = list(functions(source / "io/include/weir"))
    unused = [name for name in public if not re.search(rf"\b{name}\(", misuse)]
    print(f"{len(public)} functions of io/, {len(unused)} without a misuse", *unused)
    return 1 if missing or unused or len(rows) < 100 or len(public) < 100 else 0


sys.exit(main())
