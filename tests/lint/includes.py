#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Includes run downhill: the table below says which folder may include which. A breach or a circle of files fails.

Circles by calls are found by calls.py. Calls that must run uphill are declared in the contract, xen-lite/include/arch;
no other call needs it.
"""

import pathlib
import re
import sys

import tree

LIB = ["xen-lite/lib"]
ABI = ["xen-lite/include/xen"]
# arch/x86/include holds impl.h, the inline part of the contract, which each machine brings itself.
CONTRACT = ["xen-lite/include/arch", "arch/x86/include"] + ABI + LIB
GROUND = ["common"] + CONTRACT
# What stands lowest in arch/x86: the processor, its devices, the decoder.
X86_LOW = ["arch/x86/cpu", "arch/x86/dev", "arch/x86/emulate"]
X86_MID = ["arch/x86/paging", "arch/x86/pv", "arch/x86/hvm"]

# Folder: the folders it may include besides itself. The longest matching row counts; "" allows everything.
MAY_INCLUDE = {
    "xen-lite/lib": [],
    "xen-lite/include/xen": [],
    "xen-lite/include/arch": ABI + LIB,
    "common": CONTRACT,
    "hypercalls": GROUND,
    "arch/x86/include": LIB,
    "arch/x86/emulate": LIB,
    "arch/x86/cpu": GROUND + X86_LOW,
    "arch/x86/dev": GROUND + X86_LOW,
    "arch/x86/paging": GROUND + X86_LOW + X86_MID,
    "arch/x86/pv": GROUND + X86_LOW + X86_MID,
    "arch/x86/hvm": GROUND + X86_LOW + X86_MID,
    "arch/x86": GROUND + X86_LOW + X86_MID + ["arch/x86/entry"],
    "arch/x86/boot": GROUND + X86_LOW + X86_MID + ["arch/x86", "arch/x86/entry"],
    # The doors call the table of hypercalls: the one place where arch/x86 names hypercalls/.
    "arch/x86/entry": GROUND + X86_LOW + X86_MID + ["arch/x86", "hypercalls"],
    "arch/fake": GROUND + X86_LOW + X86_MID + ["arch/x86", "arch/x86/entry"],
    "pvguest": ABI + LIB,
    "tests/guests": ["pvguest"] + ABI + LIB,
    "tests": [""],
}

SEARCH = ["xen-lite/include", "arch/x86/include", "xen-lite", "", "pvguest/include", "tests/unit", "tests/guests/common"]

# What a freestanding compiler brings.
COMPILER = {"stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "limits.h", "stdalign.h", "stdnoreturn.h", "iso646.h"}
HOSTED = ("tests/unit", "tests/fuzz", "tests/assurance", "arch/fake")
# A guest that stands for somebody else's: it sees Debian's headers only, so <xen/...> there is not ours.
FOREIGN = {"pvguest/programs/libxen_hello"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def row_of(path):
    """The row of the table that governs a file, or None."""
    folders = [str(folder) for folder in path.parents]
    return next((folder for folder in folders if folder in MAY_INCLUDE), None)


def resolve(path, quote, name):
    """The file of ours that an include names, or None."""
    places = ([path.parent] if quote == '"' else []) + [pathlib.Path(place) for place in SEARCH]
    for place in places:
        if (tree.ROOT / place / name).is_file():
            return pathlib.Path(place) / name
    return None


def allowed(row, target):
    folders = MAY_INCLUDE[row]
    if "" in folders or row_of(target) == row:
        return True
    return any(row_of(target) == folder for folder in folders)


def scan(faults):
    """Checks each include; returns {file: files it includes}."""
    graph = {}
    for path in tree.files(".c", ".h"):
        row, graph[path] = row_of(path), set()
        if row is None:
            faults.append(f"{path}: its folder has no row in {pathlib.Path(__file__).name}")
            continue
        foreign = str(path.parent) in FOREIGN
        text = tree.text_of(path)
        for found in INCLUDE.finditer(text):
            quote, name = found.groups()
            line = text.count("\n", 0, found.start()) + 1
            target = None if foreign else resolve(path, quote, name)
            if target is not None:
                graph[path].add(target)
                if not allowed(row, target):
                    faults.append(f"{path}:{line}: {row}/ must not include {target}")
            elif not (name in COMPILER or foreign or str(path).startswith(HOSTED)):
                faults.append(f"{path}:{line}: {quote}{name}: no header of the project nor of the bare compiler")
    return graph


def circles(graph):
    """Strongly connected components of more than one node (Tarjan's algorithm, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in graph:
        if root in index:
            continue
        work = [(root, iter(sorted(graph.get(root, ()))))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(sorted(graph.get(target, ())))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1:
                        found.append(sorted(members))
    return found


def main():
    faults = []
    graph = scan(faults)
    for members in circles(graph):
        faults.append("a circle of files: " + " ".join(map(str, members)))
    tree.finish(faults, "includes")


if __name__ == "__main__":
    sys.exit(main())
