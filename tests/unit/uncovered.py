#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/unit/uncovered.py COVERAGE.json: the lines and branches that no test takes, from gcovr's JSON, one line each, with
the reason that uncovered.tsv gives, or without."""

import json
import pathlib
import sys

REASONS = pathlib.Path(__file__).with_suffix(".tsv")


def read_reasons():
    lines = REASONS.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


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
    reasons, counts = read_reasons(), {True: 0, False: 0}
    for file in json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))["files"]:
        text = pathlib.Path(file["file"]).read_text(encoding="utf-8", errors="replace").splitlines()
        for number, missing in uncovered(file):
            line = text[number - 1].strip()
            why = next((why for path, part, why in reasons if path == file["file"] and part in line), None)
            counts[why is not None] += 1
            print(f"  {file['file']}:{number}: {missing}{f' ({why})' if why else ''}: {line[:80]}")
    print(f"not covered: {counts[True]} lines or conditions with a reason in {REASONS.name}, {counts[False]} without")


if __name__ == "__main__":
    main()
