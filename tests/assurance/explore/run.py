#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/assurance/explore/run.py [--form quick|short|long] [--only WORDS]: small worlds, one after the other.

Each row is a geometry (mk/assurance.mk builds one program for each), frames, how many of them each domain has, modes, and
how many states are enough. A breach ends the run with the shortest way to it; --only 'e1l2 frames=3' runs single rows.
The last lines are "figure states N", "figure transitions N", "figure depth N" (the deepest row).
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time

# geometry, options. States count when they were found and checked, whether or not all that follows from them was tried.
QUICK = (
    ("e2l2h", "--frames=4 --own=2,1 --modes=dr", 60_000),
    ("e1l3", "--frames=4 --modes=rd", 60_000),
    ("e1l2", "--frames=3 --modes=dd", 60_000),
    ("e1l2", "--frames=3 --modes=rr --rich", 60_000),
    ("e4l2", "--frames=3 --modes=dd", 40_000),
)
SHORT = (
    ("e1l2", "--frames=2 --own=1,1 --modes=dd", 200_000),
    ("e1l2", "--frames=3 --modes=rr", 150_000),
    ("e1l2", "--frames=3 --modes=dd --rich", 150_000),
    ("e1l3", "--frames=4 --modes=dd", 150_000),
    ("e1l3", "--frames=4 --modes=rd", 150_000),
    ("e1l4", "--frames=5 --modes=rr", 100_000),
    ("e2l2", "--frames=4 --modes=dr", 150_000),
    ("e2l2h", "--frames=4 --own=2,1 --modes=dd", 150_000),
    ("e2l2h", "--frames=4 --own=2,1 --modes=rr", 150_000),
    ("e2l3", "--frames=5 --modes=dd", 150_000),
    ("e2l3", "--frames=6 --modes=rd", 100_000),
    ("e4l2", "--frames=3 --modes=rr", 150_000),
)
LONG = (
    ("e1l2", "--frames=3 --modes=dd", 20_000_000),
    ("e1l2", "--frames=3 --modes=rr", 20_000_000),
    ("e2l2", "--frames=4 --modes=dr", 14_000_000),
    ("e2l2", "--frames=5 --modes=rr", 14_000_000),
    ("e2l2h", "--frames=4 --own=2,1 --modes=dd --rich", 12_000_000),
    ("e2l2h", "--frames=4 --own=2,1 --modes=rr --rich", 12_000_000),
    ("e1l2", "--frames=4 --modes=dr", 10_500_000),
    ("e1l3", "--frames=4 --modes=dd", 10_500_000),
    ("e1l3", "--frames=4 --modes=rr", 10_000_000),
    ("e4l2", "--frames=4 --modes=dr", 8_000_000),
    ("e2l3", "--frames=6 --modes=dd", 5_000_000),
    ("e2l3", "--frames=6 --modes=rd", 5_000_000),
    ("e1l4", "--frames=5 --modes=dd", 4_000_000),
    ("e1l4", "--frames=5 --modes=rr", 4_000_000),
)
FORMS = {"quick": (QUICK, 1), "short": (SHORT, 1), "long": (LONG, 2)}

LINE = re.compile(r": (\d+) states, (\d+) transitions, depth (\d+), (\w+)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--form", choices=FORMS, default="short")
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/explore"))
    parser.add_argument("--only", default="", help="rows that have all of these words")
    args = parser.parse_args()
    rows, workers = FORMS[args.form]
    start, total_states, total_transitions, deepest = time.monotonic(), 0, 0, 0
    for geometry, options, states in rows:
        if not all(word in f"{geometry} {options}" for word in args.only.split()):
            continue
        command = [args.programs / geometry / "explore", *options.split(), f"--states={states}", f"--workers={workers}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
        print(f"{geometry} {options}\n  {done.stdout.rstrip()}", flush=True)
        found = LINE.search(done.stdout)
        if done.returncode or not found:
            print(f"the row {geometry} {options}: status {done.returncode}")
            print(f"again: build/explore/{geometry}/explore {options} --replay=...")
            sys.exit(1)
        total_states += int(found[1])
        total_transitions += int(found[2])
        deepest = max(deepest, int(found[3]))
    print(f"{time.monotonic() - start:.0f} s")
    print(f"figure states {total_states}\nfigure transitions {total_transitions}\nfigure depth {deepest}")


if __name__ == "__main__":
    main()
