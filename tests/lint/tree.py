# SPDX-License-Identifier: MIT
"""What the checks share: which files belong to the project, and how a check speaks."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Built things and the folders of tools, which hold no sources of ours.
SKIP = {".git", "build", "__pycache__", ".pytest_cache", ".cache"}


def files(*suffixes, under=("",)):
    """Paths relative to the root, sorted, of the files with one of these suffixes below these folders."""
    found = []
    for start in under:
        for folder, folders, names in os.walk(ROOT / start):
            folders[:] = [name for name in folders if name not in SKIP]
            for name in names:
                path = pathlib.Path(folder, name)
                if path.suffix in suffixes and not path.is_symlink():
                    found.append(path.relative_to(ROOT))
    return sorted(set(found))


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def finish(faults, what):
    """Prints the faults, one a line, and ends: status 1 when there are any."""
    for fault in faults:
        print(fault)
    print(f"{what}: {len(faults)} faults" if faults else f"{what}: no faults")
    sys.exit(1 if faults else 0)
