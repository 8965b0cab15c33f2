#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/unit/uncovered.py COVERAGE.json: the lines and branches that no test takes, from gcovr's JSON, one line each."""

import json
import pathlib
import sys


def uncovered(file):
    """(line number, what is missing) of a file's record."""
    for line in file["lines"]:
        branches = line.get("branches", [])
        taken = sum(branch["count"] > 0 for branch in branches)
        if line.get("gcovr/noncode"):
            continue
        if line["count"] == 0:
            yield line["line_number"], "never run"
        elif taken < len(branches):
            yield line["line_number"], f"{taken} of {len(branches)} ways"


def main():
    total = 0
    for file in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["files"]:
        text = pathlib.Path(file["file"]).read_text(encoding="utf-8", errors="replace").splitlines()
        for number, missing in uncovered(file):
            print(f"  {file['file']}:{number}: {missing}: {text[number - 1].strip()[:80]}")
            total += 1
    print(f"not covered: {total} lines or conditions, each above")


if __name__ == "__main__":
    main()
