#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The documentation says what the tree says: links lead somewhere, functions that a link names stand in its file, the tables
of options and keys have a row for each one that the parsers know, and the lessons' code is the code of the tested programs.

A link whose text is `name()` promises that the file defines that function; `name` and an .asm file, that label.
"""

import re

import tree

LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\(([^)\s]+)\)")
OUTSIDE = ("http://", "https://", "mailto:")

# Page, heading of its table, source, and what its rows look like there.
TABLES = [
    ("docs/boot.md", "Options of the hypervisor", "common/cmdline.c", re.compile(r'\{"([\w-]+)", KIND_\w+,')),
    ("docs/boot.md", "Keys of a domain", "common/domain_config.c", re.compile(r'\[KEY_\w+\] = \{"(\w+)",')),
]


def without_code(text):
    """Fenced blocks and code spans hold no links; lines keep their numbers, and links keep the code in their text."""
    return re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), text, flags=re.M | re.S)


def anchors(text):
    """The names that GitHub gives to headings."""
    heads = re.findall(r"^#+ (.+)$", without_code(text), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", head).lower()).replace(" ", "-") for head in heads}


def defines(target, name):
    text = tree.text_of(target)
    if target.suffix in (".asm", ".inc"):
        return re.search(rf"^{re.escape(name)}:", text, re.M) is not None
    # A line of a C file that begins a function: no blank before it, and its body or the rest of its head follows.
    return re.search(rf"^\w[\w \t*]*\b{re.escape(name)}\([^;]*?\)\s*\n?\{{", text, re.M) is not None


def check_links(path, faults):
    text = tree.text_of(path)
    body = without_code(text)
    for found in LINK.finditer(body):
        words, link = found[1], found[2]
        where = f"{path}:{body.count(chr(10), 0, found.start()) + 1}"
        if link.startswith(OUTSIDE):
            continue
        name, _, anchor = link.partition("#")
        target = (tree.ROOT / path.parent / name).resolve() if name else tree.ROOT / path
        if not target.exists() or tree.ROOT not in [target, *target.parents]:
            faults.append(f"{where}: {link}: there is no such file")
            continue
        if anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(encoding="utf-8")):
            faults.append(f"{where}: {link}: there is no such heading")
        function = re.fullmatch(r"`(\w+)(?:\(\))?`" if target.suffix == ".asm" else r"`(\w+)\(\)`", words)
        if function and target.is_file() and not defines(target.relative_to(tree.ROOT), function[1]):
            faults.append(f"{where}: {name} does not define {function[1]}()")


def check_code(path, faults):
    """C in a lesson is a part of the program that the page links to, word for word."""
    text = tree.text_of(path)
    program = re.search(r"\]\(([^)]*tests/guests/lesson_\w+/main\.c)\)", text)
    for block in re.finditer(r"^```c\n(.*?)^```", text, re.M | re.S):
        source = (tree.ROOT / path.parent / program[1]) if program else None
        if not source or not source.exists() or block[1] not in source.read_text(encoding="utf-8"):
            line = text.count("\n", 0, block.start()) + 1
            faults.append(f"{path}:{line}: this code is not in {program[1] if program else 'a program that the page links to'}")


def table_rows(page, heading):
    """Names in the first column of the table below a heading; an option may be given as `name=VALUE`."""
    text = tree.text_of(page)
    part = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
    return re.findall(r"^\| `([\w-]+)", part[1], re.M) if part else []


def check_table(page, heading, source, pattern, faults):
    shown, known = table_rows(page, heading), pattern.findall(tree.text_of(source))
    if not known:
        faults.append(f"{source}: no row of its table was found; tests/lint/documents.py looks for {pattern.pattern}")
    for name in sorted(set(known) - set(shown)):
        faults.append(f"{page}: \"{heading}\": no row for {name}, which {source} knows")
    for name in sorted(set(shown) - set(known)):
        faults.append(f"{page}: \"{heading}\": {name}: {source} does not know it")


def main():
    faults = []
    for path in tree.files(".md"):
        check_links(path, faults)
    for path in tree.files(".md", under=("docs/tutorial",)):
        check_code(path, faults)
    for page, heading, source, pattern in TABLES:
        check_table(page, heading, source, pattern, faults)
    tree.finish(faults, "documents")


if __name__ == "__main__":
    main()
