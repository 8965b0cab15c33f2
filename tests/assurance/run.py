#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tests/assurance/run.py MAKE PART...: every part of the evidence, and one table of its figures.

A part is the target assurance-NAME (mk/assurance.mk). It says what it found in lines "figure NAME VALUE", and fails on a
breach. A figure that is due and was not said, or that misses its aim, is a breach too. What tests/run_all.py ran already
(XL_FIGURES: the folder where it keeps each target's figures) is not run again. The table is printed and stands in
BUILD/assurance.txt and BUILD/assurance.json.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from run_all import environment  # noqa: E402

FIGURE = re.compile(r"^figure (\w+) (\d+(?:\.\d+)?)\s*$", re.M)
# Parts that keep both processors busy by themselves run alone; all others two at a time.
BOTH_CORES = {"coverage", "mutants", "system"}


@dataclasses.dataclass(frozen=True)
class Due:
    """One row of the table: a part's figure, and the least it must be, in the short form and in the long one."""

    part: str
    figure: str
    text: str
    least: float = 1
    least_long: float = 1  # 0 in either: not due
    all_of: str = ""  # the figure it must be equal to

    def breach(self, figures, is_long):
        value, least = figures.get(self.figure), self.least_long if is_long else self.least
        if value is None and least == 0:
            return ""
        if value is None:
            return "was not said"
        if value < least:
            return f"expected at least {shown(least)}"
        if self.all_of and value != figures.get(self.all_of):
            return f"expected {shown(figures.get(self.all_of))}"
        return ""


TABLE = (
    Due("explore", "states", "states explored, each with every operation", 1_000_000, 100_000_000),
    Due("explore", "transitions", "transitions between them", 10_000_000, 1_000_000_000),
    Due("explore", "depth", "operations in a row, at most", 5),
    Due("interleave", "schedules", "schedules of two processors"),
    Due("sweep", "preemption_points", "points where work was interrupted"),
    Due("sweep", "preemption_pairs", "pairs of such a point and what was done there"),
    Due("sweep", "fault_points", "points where an allocation or a copy failed"),
    Due("fuzz", "fuzz_executions", "inputs run by the fuzzers", 1000, 100_000),
    Due("fuzz", "fuzz_operations", "operations in them"),
    Due("coverage", "line_coverage", "lines of the engine that tests run, per cent", 98, 98),
    Due("coverage", "branch_coverage", "branches of the engine that tests take, per cent", 95, 95),
    Due("mutants", "mutants_seeded", "seeded faults, at least one for each advisory of their kinds", 90, 90),
    Due("mutants", "mutants_seeded_run", "of these planted in this run", 8, 90),
    Due("mutants", "mutants_seeded_found", "of these found by a test", 8, 90, all_of="mutants_seeded_run"),
    Due("mutants", "advisories_with_a_test", "published advisories with a permanent test", 100, 100),
    Due("system", "advisory_guests", "of these tried by a guest on the whole machine", 30, 30),
    Due("system", "churn_operations", "operations of guests that churn", 1, 10_000_000),
)


@dataclasses.dataclass
class Result:
    """What came of a part: its figures, and why it failed ("": it did not)."""

    part: str
    figures: dict
    fault: str
    seconds: float
    text: str = ""


def shown(value):
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else f"{value:,}".replace(",", " ")


def figures_of(text):
    return {name: float(value) if "." in value else int(value) for name, value in FIGURE.findall(text)}


def ran_already(part):
    """What tests/run_all.py kept of this part; None: it has not run it."""
    folder = os.environ.get("XL_FIGURES")
    for name in (f"assurance-{part}", part, f"test-{part}", f"{part}-replay"):
        kept = pathlib.Path(folder, f"{name}.txt") if folder else None
        if kept and kept.exists():
            text = kept.read_text(encoding="utf-8")
            return Result(part, figures_of(text), "" if "\nfailed 0\n" in text else f"make {name} failed", 0)
    return None


def run(make, part):
    if kept := ran_already(part):
        return kept
    start = time.monotonic()
    done = subprocess.run([make, "--no-print-directory", f"assurance-{part}"], stdin=subprocess.DEVNULL, env=environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return Result(part, figures_of(done.stdout), f"status {done.returncode}" if done.returncode else "",
                  time.monotonic() - start, done.stdout)


def run_all(make, parts):
    """Each part's result, in the order of parts; says at once how each ended."""
    alone = [part for part in parts if part in BOTH_CORES]
    results = {}
    for group, workers in (([part for part in parts if part not in alone], min(2, os.cpu_count() or 1)), (alone, 1)):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for result in pool.map(lambda part: run(make, part), group):
                results[result.part] = result
                print(f"  {'FAIL' if result.fault else 'ok':4}  {result.part} ({result.seconds:.0f} s)", flush=True)
                if result.fault:
                    print(result.text[-8000:])
    return [results[part] for part in parts]


def rows_of(results, is_long):
    """(part, what, value, breach) for each figure that is due, then for those that were said besides."""
    figures = {name: value for result in results for name, value in result.figures.items()}
    due = [row for row in TABLE if row.part in {result.part for result in results}]
    rows = [(row.part, row.text, figures.get(row.figure), row.breach(figures, is_long)) for row in due]
    named = {row.figure for row in due} | {row.all_of for row in due}
    for result in results:
        rows += [(result.part, name.replace("_", " "), value, "") for name, value in result.figures.items() if name not in named]
    rows += [(result.part, "the part itself", None, result.fault) for result in results if result.fault]
    return rows, figures


def table(rows, results):
    width = max(len(what) for _, what, _, _ in rows)
    seconds = {result.part: result.seconds for result in results}
    lines = [f"{'part':12} {'figure':{width}} {'value':>16}"]
    for part, what, value, breach in rows:
        lines.append(f"{part:12} {what:{width}} {shown(value):>16}{'  BREACH: ' + breach if breach else ''}")
    lines.append("seconds: " + ", ".join(f"{part} {time:.0f}" for part, time in seconds.items() if time))
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("make")
    parser.add_argument("parts", nargs="+")
    args = parser.parse_args()
    results = run_all(args.make, args.parts)
    rows, figures = rows_of(results, args.long)
    breaches = sum(1 for row in rows if row[3])
    text = table(rows, results)
    print(text, end="")
    (args.build / "assurance.txt").write_text(text, encoding="utf-8")
    kept = {"long": args.long, "figures": figures, "breaches": breaches,
            "seconds": {result.part: round(result.seconds) for result in results}}
    (args.build / "assurance.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(f"assurance: {len(rows) - breaches} passed, {breaches} failed")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
