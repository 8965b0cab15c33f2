# SPDX-License-Identifier: MIT
"""Boots the rows that were chosen, two at a time, while pytest waits for each in turn; counts them in the last line.

Before it stand the figures of the rows (tests/assurance/run.py): what guests said in lines "figure NAME VALUE", added up
over all rows, and how many published advisories have a guest that passed everywhere.
"""

import collections
import concurrent.futures
import os
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import machines  # noqa: E402
import matrix  # noqa: E402

ROWS = {row.name: row for row in matrix.read()}
counts = {"passed": 0, "failed": 0}
seconds = {}
outcomes = {}
SAID_FIGURE = re.compile(r"^\(d\d+:[^)]*\) figure (\w+) (\d+)$", re.M)
ADVISORY = re.compile(r"_(\d+)")


class Boots:
    """Starts each row once, whoever asks first, and hands out its outcome."""

    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1))
        self.futures = {}

    def start(self, name):
        if name not in self.futures:
            self.futures[name] = self.pool.submit(machines.boot, ROWS[name])
        return self.futures[name]

    def outcome(self, name):
        outcome = self.start(name).result()
        seconds[name] = outcome.seconds
        outcomes[name] = outcome
        return outcome


def names_of(item):
    """The rows that a test waits for."""
    callspec = getattr(item, "callspec", None)
    names = callspec.params.get("names") if callspec else None
    return names if isinstance(names, list) else []


@pytest.fixture(scope="session")
def boots(request):
    started = Boots()
    for item in request.session.items:
        for name in names_of(item):
            started.start(name)
    yield started
    started.pool.shutdown(cancel_futures=True)


def pytest_runtest_logreport(report):
    if report.failed:
        counts["failed"] += 1
    elif report.when == "call" and report.passed:
        counts["passed"] += 1


def print_figures():
    said = collections.Counter()
    passed, failed = set(), set()
    for name, outcome in outcomes.items():
        for figure, value in SAID_FIGURE.findall(outcome.text):
            said[figure] += int(value)
        if ROWS[name].story.startswith("xsa_"):
            (failed if outcome.faults else passed).update(map(int, ADVISORY.findall(ROWS[name].story)))
    said["advisory_guests"] = len(passed - failed)
    said["system_rows"] = len(outcomes)
    for figure, value in sorted(said.items()):
        print(f"figure {figure} {value}")


def pytest_unconfigure(config):
    if not config.option.collectonly:
        slowest = sorted(seconds.items(), key=lambda item: -item[1])[:5]
        print("slowest: " + ", ".join(f"{name} {time:.0f} s" for name, time in slowest))
        print_figures()
        print(f"system: {counts['passed']} passed, {counts['failed']} failed")
