#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""No circle of files by calls: reads the objects' symbols (nm) and looks for files that need each other's functions.

A name that the contract (xen-lite/include/arch) or hypercalls/hypercalls.h declares may be used from below: those are
the places where uphill calls are written down. common/ needs no other.
"""

import pathlib
import re
import subprocess
import sys

import tree
from includes import circles

OBJECTS = tree.ROOT / "build/hv"
UPHILL = ["hypercalls/hypercalls.h"]
# Declared at the bottom of the house and defined at its top.
DECLARED_BELOW = {"bug"}


def declared_uphill():
    names = set(DECLARED_BELOW)
    for path in tree.files(".h", under=("xen-lite/include/arch",)) + [pathlib.Path(name) for name in UPHILL]:
        if (tree.ROOT / path).exists():
            names |= set(re.findall(r"\b([a-z_][a-z0-9_]*)\s*(?:\(|\[|;)", tree.text_of(path)))
    return names


def symbols(path):
    """(functions it defines for others, names it needs)"""
    done = subprocess.run(["nm", "-P", str(path)], stdout=subprocess.PIPE, text=True, check=True)
    defined, needed = set(), set()
    for line in done.stdout.splitlines():
        name, kind = line.split()[:2]
        if kind in "UWw":
            needed.add(name)
        elif kind == "T":
            defined.add(name)
    return defined, needed


def main():
    objects = sorted(OBJECTS.rglob("*.o"))
    if not objects:
        print("calls: nothing is built yet (make objects)")
        sys.exit(1)
    by_file = {str(path.relative_to(OBJECTS))[:-2]: symbols(path) for path in objects}
    home = {name: file for file, (defined, _) in by_file.items() for name in defined}
    excused, graph, why = declared_uphill(), {}, {}
    for file, (_, needed) in by_file.items():
        graph[file] = set()
        for name in needed:
            target = home.get(name)
            # Assembly is the first and last instruction of everything: it calls and is called by design.
            if target and target != file and name not in excused and not (file + target).count(".asm"):
                graph[file].add(target)
                why.setdefault((file, target), name)
    faults = []
    for members in circles(graph):
        faults.append("a circle of files by calls: " + " ".join(members))
        faults += [f"    {a} -> {b}: {why[a, b]}" for a in members for b in sorted(graph[a]) if b in members]
    tree.finish(faults, "calls")


if __name__ == "__main__":
    main()
