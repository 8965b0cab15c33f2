#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""House rules that a program can check: licence lines, lengths, privileged instructions in one place, no leftovers."""

import json
import pathlib
import re
import subprocess

import tree

MAX_LINE = 130
MAX_FUNCTION = 70
SOURCES = (".c", ".h", ".asm", ".inc", ".lds", ".def")
SCRIPTS = (".py", ".sh", ".mk", ".cfg", ".gdb", ".tsv", ".ini")
PLAIN = ["Makefile", ".ci/run", "setup.sh"]

INSN_HOME = "arch/x86/cpu/insn.h"
# Not privileged, and needed where no header of arch/x86/cpu is seen: the stack pointer and PAUSE, copying and filling.
ASM_ALLOWED = {"arch/x86/include/arch/impl.h": {"mov %%rsp, %0", "pause"},
               "xen-lite/lib/string.c": {"rep movsb", "rep movsq", "rep stosb", "rep stosq"}}
ASM = re.compile(r"\b(?:__asm__|asm)\b\s*(?:volatile|__volatile__|goto)*\s*\(\s*((?:\"(?:[^\"\\]|\\.)*\"\s*)*)")
NO_ASM = ("arch/x86/paging", "arch/x86/pv", "arch/x86/emulate", "arch/x86/dev", "arch/x86/boot", "common", "hypercalls",
          "xen-lite")
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def scripts():
    found = [path for path in tree.files("") if (tree.ROOT / path).read_bytes()[:2] == b"#!"]
    return found + [pathlib.Path(name) for name in PLAIN if (tree.ROOT / name).exists()]


def check_licence(path, text, faults):
    head = text.splitlines()[:3]
    if not any("SPDX-License-Identifier: MIT" in line for line in head):
        faults.append(f"{path}:1: no SPDX-License-Identifier: MIT at the head")


def check_lines(path, text, faults):
    if text and not text.endswith("\n"):
        faults.append(f"{path}: no newline at the end")
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE:
            faults.append(f"{path}:{number}: {len(line)} columns, at most {MAX_LINE}")
        if line != line.rstrip():
            faults.append(f"{path}:{number}: blanks at the end of the line")
        if LEFTOVER.search(line) and path.name != pathlib.Path(__file__).name:
            faults.append(f"{path}:{number}: unfinished: {line.strip()}")
        if "\t" in line and path.suffix in (".c", ".h", ".asm", ".py", ".sh"):
            faults.append(f"{path}:{number}: a tab")


def check_asm(path, text, faults):
    if path.suffix not in (".c", ".h") or not str(path).startswith(NO_ASM) or str(path) == INSN_HOME:
        return
    for found in ASM.finditer(text):
        words = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found[1]))
        # An empty string is a barrier to the compiler and no instruction.
        if words and words not in ASM_ALLOWED.get(str(path), ()):
            line = text.count("\n", 0, found.start()) + 1
            faults.append(f"{path}:{line}: instructions belong into {INSN_HOME}: {words}")


def check_functions(paths, faults):
    done = subprocess.run(["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-L", "-", "-f", "-"],
                          input="\n".join(map(str, paths)), cwd=tree.ROOT, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        length = tag.get("end", tag["line"]) - tag["line"] + 1
        if length > MAX_FUNCTION:
            faults.append(f"{tag['path']}:{tag['line']}: {tag['name']}() has {length} lines, at most {MAX_FUNCTION}")


def main():
    faults = []
    for path in sorted(set(tree.files(*SOURCES, *SCRIPTS) + scripts())):
        text = tree.text_of(path)
        check_licence(path, text, faults)
        check_lines(path, text, faults)
        check_asm(path, text, faults)
    check_functions(tree.files(".c", ".h"), faults)
    tree.finish(faults, "style")


if __name__ == "__main__":
    main()
