#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/run_all.py MAKE TARGET...: make each target, go on after a failure, and count all results in the last line.

A target says its counts in a line "NAME: N passed, N failed", of which the last counts; one without counts as one test.
Lines "figure NAME VALUE" are kept in build/figures/TARGET.txt, so that the table of tests/assurance/run.py needs nothing twice.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

FIGURES = pathlib.Path("build", "figures").absolute()
COUNTS = re.compile(r"^(?:[\w -]+: )?(\d+) passed, (\d+) failed")


def environment():
    """Settings given to make go on to the makes below; its job server does not reach through this program."""
    words = os.environ.get("MAKEFLAGS", "").split()
    return os.environ | {"MAKEFLAGS": " ".join(word for word in words if not word.startswith(("-j", "--jobserver")))}


def run(command):
    """Shows what the command says, keeps its figures; returns (passed, failed)."""
    counts, figures = None, []
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", env=environment() | {"XL_FIGURES": str(FIGURES)})
    for line in child.stdout:
        print(line, end="", flush=True)
        if found := COUNTS.match(line):
            counts = int(found[1]), int(found[2])
        if line.startswith("figure "):
            figures.append(line)
    status = child.wait()
    passed, failed = counts or (0 if status else 1, 0)
    failed += 1 if status and not failed else 0
    (FIGURES / f"{command[-1]}.txt").write_text("".join(figures) + f"\nfailed {failed}\n", encoding="utf-8")
    return passed, failed


def main():
    make, targets = sys.argv[1], sys.argv[2:]
    total_passed, total_failed, summary = 0, 0, []
    shutil.rmtree(FIGURES, ignore_errors=True)
    FIGURES.mkdir(parents=True)
    for target in targets:
        print(f"=== {target}", flush=True)
        start = time.monotonic()
        passed, failed = run([make, f"-j{os.cpu_count() or 1}", "--no-print-directory", *target.split(",")])
        total_passed, total_failed = total_passed + passed, total_failed + failed
        summary.append(f"  {target:28} {passed:5} passed {failed:5} failed {time.monotonic() - start:8.1f} s")
    print("===", *summary, sep="\n")
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed else 0)


if __name__ == "__main__":
    main()
