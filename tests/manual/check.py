#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual is complete and true, as far as a program can tell: all that the library exports
and its headers define has a page; prototypes, types, constants and errors are printed there as
the headers have them; what pages refer to exists; examples compile without a warning, and those
that are programs succeed; mandoc finds nothing; and what is installed is found by each name."""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

# Macros that are not for users, or that only the expansion of others needs.
INTERNAL = re.compile(r"WEIR_(API|UNUSED|FIRST|ARG_SIZE|LOOKS_LATER|ERROR_ENUM|OFFSETS?(_\w+)?)$"
                      r"|WEIR_TYPE_OPEN$|WEIR_\w+_(H|CLEANUP)$")
SECTIONS = {"NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"}
WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Wno-unused-function", "-Werror"]

failures = []


def fail(text):
    failures.append(text)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


# ---- headers -------------------------------------------------------------------------------


class Headers:
    """What the public headers declare; each name with its header."""

    def __init__(self, source):
        self.functions, self.types, self.constants, self.macros = {}, {}, {}, {}
        self.errors, self.typed, self.home, self.enumerators = [], [], {}, set()
        for path in sorted(source.glob("*/include/weir/*.h")):
            text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
            self.read(re.sub(r"\\\n", " ", text), path.name)

    def read(self, text, header):
        for declaration in re.findall(r"^WEIR_API\s+([^;]*);", text, re.M):
            prototype = re.sub(r"\)\s*WEIR_\w+\(\d+\)$", ")", squeeze(declaration))
            self.add(self.functions, re.search(r"(weir_\w+)\(", prototype)[1], prototype, header)
        for declaration in re.findall(r"^static inline WEIR_UNUSED ([^{;]*\))\s*\{", text, re.M):
            name = re.search(r"(\w+)\(", declaration)[1]
            if not name.endswith("_cleanup"): # what weir_auto calls
                self.add(self.functions, name, squeeze(declaration), header)
        for name, parameters, value in re.findall(
                r"^#define (\w+)(\([^)]*\))?[ \t]*(.*)$", text, re.M):
            if INTERNAL.match(name) or not name.lower().startswith("weir_"):
                continue
            if parameters:
                self.add(self.macros, name, squeeze(parameters), header)
            else:
                self.add(self.constants, name, squeeze(value), header)
            if name in ("WEIR_TYPE", "WEIR_TYPE_ENDS"):
                made = set(re.findall(r"\bname##_(\w+)\(", value))
                self.typed += [f for f in made if not re.match(r"untyped_|\w+_cleanup$", f)]
            if name == "WEIR_ERRORS":
                self.errors = re.findall(r'X\((\w+), (-\d+), "([^"]*)"\)', value)
        for body in re.findall(r"^enum \{([^}]*)\};", text, re.M):
            self.enumerators.update(re.findall(r"\bWEIR_\w+", body))
        for start in re.finditer(r"^typedef ", text, re.M):
            definition = until_semicolon(text[start.start():])
            name = re.search(r"^[^{]*\(\*(\w+)\)\(|(\w+);$", definition)
            name = name[1] or name[2]
            if "WEIR_ERROR_ENUM" not in definition:
                self.add(self.types, name, definition, header)

    def add(self, table, name, what, header):
        table[name] = what
        self.home[name] = header


def until_semicolon(text):
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "{") - (c == "}")
        if c == ";" and depth == 0:
            return squeeze(text[:i + 1])
    raise ValueError(text[:80])


# ---- pages ---------------------------------------------------------------------------------


def words(line):
    """The arguments of a macro's line."""
    return [a or b for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]


class Page:
    def __init__(self, path):
        self.path, self.sections = path, {}
        lines = None
        for line in path.read_text().splitlines():
            if line.startswith(".Sh "):
                lines = self.sections.setdefault(line[4:].strip('"'), [])
            elif lines is not None:
                lines.append(line)
        self.text = path.read_text()
        self.names = [w[1] for w in map(words, self.section("NAME")) if w[0] == ".Nm"]
        self.headers = re.findall(r"^\.In weir/(\S+)$", self.text, re.M)
        self.literal = squeeze(" ".join(self.blocks("SYNOPSIS")))
        self.defines = dict(re.findall(r'^\.Fd "#define (\w+) (.*)"$', self.text, re.M))
        self.prototypes, self.parameters = {}, {}
        self.read_synopsis()

    def section(self, name):
        return self.sections.get(name, [])

    def blocks(self, section):
        """Its literal blocks, as they are printed."""
        text = "\n".join(self.section(section))
        for block in re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text, re.S | re.M):
            yield block.replace(r"\&", "").replace(r"\(aq", "'").replace(r"\e", "\\")

    def read_synopsis(self):
        result, name, arguments = "", None, []
        for line in self.section("SYNOPSIS"):
            macro, *rest = words(line) or [""]
            if macro == ".Ft":
                result = " ".join(rest)
            elif macro == ".Fn":
                self.function(result, rest[0], rest[1:])
            elif macro == ".Fo":
                name, arguments = rest[0], []
            elif macro == ".Fa" and name:
                arguments.extend(rest)
            elif macro == ".Fc":
                self.function(result, name, arguments)
                name = None

    def function(self, result, name, arguments):
        gap = "" if result.endswith("*") else " "
        self.prototypes[name] = f"{result}{gap}{name}({', '.join(arguments)})"
        self.parameters[name] = [re.search(r"\w+$|\.\.\.$|\w+(?=\)\()", a)[0]
                                 for a in arguments if a != "void"]


# ---- checks --------------------------------------------------------------------------------


def exported(shared):
    nm = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", shared],
                        check=True, capture_output=True, text=True)
    return [line.split()[0] for line in nm.stdout.splitlines()]


def check_names(headers, pages, shared):
    wanted = {*exported(shared), *headers.home,
              *("WEIR_" + name for name, _, _ in headers.errors)}
    for name in sorted(wanted):
        if name not in pages:
            fail(f"{name} has no page: docs/man/*.3 with a line '.Nm {name}'")
    for name, page in pages.items():
        if page.path.suffix == ".3" and name not in wanted:
            fail(f"{page.path.name}: {name} does not exist")
        if name in headers.home and headers.home[name] not in page.headers:
            fail(f"{page.path.name}: {name} is declared in weir/{headers.home[name]}")


def check_synopses(headers, pages):
    def same(name, printed, declared):
        if printed != declared:
            fail(f"{pages[name].path.name}: {name}\n    header: {declared}\n    page:   {printed}")

    for name in headers.home.keys() & pages.keys():
        page = pages[name]
        if name in headers.functions:
            same(name, page.prototypes.get(name), headers.functions[name])
        elif name in headers.constants:
            same(name, page.defines.get(name), headers.constants[name])
        elif name in headers.types:
            if headers.types[name] not in page.literal and not elided(page, headers.types[name]):
                fail(f"{page.path.name}: SYNOPSIS lacks {headers.types[name]}")
        elif name in page.parameters:
            declared = re.findall(r"\w+|\.\.\.", headers.macros[name])
            printed = page.parameters[name]
            if declared[-1:] == ["..."]: # of which the page may name some
                declared, printed = declared[:-1], printed[:len(declared) - 1]
            same(name, printed, declared)
        else:
            fail(f"{page.path.name}: SYNOPSIS lacks {name}")


def elided(page, definition):
    """Does the page print it with '...' for what is nobody's business?"""
    for printed in re.findall(r"typedef [^;]*?\{[^}]*\} \w+;", page.literal):
        pattern = ".*".join(map(re.escape, printed.split("...")))
        if "..." in printed and re.fullmatch(pattern, definition):
            return True
    return False


def check_typed(headers, page):
    for name in sorted(headers.typed):
        if not re.search(rf"\bjob_{name}\(", page.text):
            fail(f"{page.path.name}: WEIR_TYPE(job, ...) makes job_{name}()")


def check_errors(headers, pages):
    table = pages["WEIR_ERRORS"]
    for name, value, text in headers.errors:
        rows = re.findall(rf"^\.It Er WEIR_{name} Ta (\S+) Ta (.*)$", table.text, re.M)
        if rows != [(value.replace("-", r"\-"), text)]:
            fail(f"{table.path.name}: WEIR_{name} is {value}, {text}")
    known = {"WEIR_" + name for name, _, _ in headers.errors}
    for page in set(pages.values()):
        for name in set(re.findall(r"\bEr (WEIR_\w+)", page.text)) - known:
            fail(f"{page.path.name}: {name} is not in the table of errors")


def enumerators(headers):
    definitions = [d for d in headers.types.values() if d.startswith("typedef enum")]
    return headers.enumerators | set(re.findall(r"\bWEIR_\w+", " ".join(definitions)))


def check_page(page, known):
    for name in sorted(SECTIONS - page.sections.keys()):
        fail(f"{page.path.name}: no section {name}")
    named = re.findall(r"\b(?:Xr|Fn|Fo|Dv|Vt) \"?(weir\w*|WEIR_\w+)", page.text)
    for name in sorted(set(named) - known):
        fail(f"{page.path.name}: refers to {name}, which does not exist")
    if page.names[:1] != [page.path.stem]:
        fail(f"{page.path.name}: its first name is not {page.path.stem}")


def check_example(page, number, text, options):
    with tempfile.TemporaryDirectory() as scratch:
        program = pathlib.Path(scratch, "example")
        source = program.with_suffix(".c")
        source.write_text(text)
        includes = [f"-I{options.source}/{part}/include" for part in ("channels", "actors", "io")]
        command = [options.cc, *WARNINGS, *includes, str(source), "-o", str(program)]
        is_program = re.search(r"^int main\(", text, re.M)
        command += [options.static, "-pthread"] if is_program else ["-c"]
        built = subprocess.run(command, capture_output=True, text=True)
        if built.returncode:
            fail(f"{page.path.name}: example {number}:\n{built.stderr}")
        elif is_program:
            run = subprocess.run([str(program)], capture_output=True, text=True, timeout=60)
            if run.returncode:
                fail(f"{page.path.name}: example {number} returns {run.returncode}: {run.stderr}")


def lint(paths):
    found = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *map(str, paths)],
                           capture_output=True, text=True)
    for line in (found.stdout + found.stderr).splitlines():
        fail(line)


def check_installed(pages, options):
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run(["cmake", "--install", options.build, "--prefix", prefix], check=True,
                       capture_output=True)
        for name, page in pages.items():
            section = page.path.suffix[1:]
            man = pathlib.Path(prefix, options.mandir)
            path = man / f"man{section}" / f"{name}.{section}"
            if not path.is_file():
                fail(f"not installed: {path.relative_to(prefix)}")
                continue
            refers = re.fullmatch(r"\.so (\S+)\n", path.read_text())
            if (man / refers[1] if refers else path).read_text() != page.text:
                fail(f"{path.relative_to(prefix)} is not the page of {name}")


def main():
    parser = argparse.ArgumentParser()
    for option in ("source", "build", "mandir", "shared", "static", "cc"):
        parser.add_argument("--" + option, required=True)
    options = parser.parse_args()
    source = pathlib.Path(options.source)
    headers = Headers(source)
    files = sorted(path for section in "37" for path in source.glob(f"docs/man/*.{section}"))
    all_pages = [Page(path) for path in files]
    pages = {name: page for page in all_pages for name in page.names}
    if len(pages) < sum(len(page.names) for page in all_pages):
        fail("some name has two pages")
    check_names(headers, pages, options.shared)
    check_synopses(headers, pages)
    check_errors(headers, pages)
    check_typed(headers, pages["WEIR_TYPE"])
    known = enumerators(headers) | pages.keys()
    examples = 0
    for page in all_pages:
        check_page(page, known)
        for text in page.blocks("EXAMPLES"):
            examples += 1
            check_example(page, examples, text, options)
    lint(files)
    check_installed(pages, options)
    for text in failures:
        print("FAILED:", text)
    print(f"{len(all_pages)} pages, {len(pages)} names, {examples} examples,",
          f"{len(failures)} failures")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
