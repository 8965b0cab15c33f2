# SPDX-License-Identifier: MIT
"""Boots the rows that were chosen, two at a time, while pytest waits for each in turn; counts them in the last line."""

import concurrent.futures
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import machines  # noqa: E402
import matrix  # noqa: E402

ROWS = {row.name: row for row in matrix.read()}
counts = {"passed": 0, "failed": 0}
seconds = {}


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


def pytest_unconfigure(config):
    if not config.option.collectonly:
        slowest = sorted(seconds.items(), key=lambda item: -item[1])[:5]
        print("slowest: " + ", ".join(f"{name} {time:.0f} s" for name, time in slowest))
        print(f"system: {counts['passed']} passed, {counts['failed']} failed")
