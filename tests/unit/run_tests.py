#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run cmocka programs, two at a time, and add up what they say. A crash or a missing result is a failure.

The last line is "NAME: N passed, N failed", with skipped tests named when there are any.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

RESULT = re.compile(r"^(ok|not ok) \d+ (- |# SKIP )(\S+)", re.M)
PLAN = re.compile(r"^1\.\.(\d+)$", re.M)
ENVIRONMENT = {"CMOCKA_MESSAGE_OUTPUT": "TAP", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
               "UBSAN_OPTIONS": "print_stacktrace=1"}


def run_one(program, timeout):
    """Returns (program, passed, failed, skipped, text to show on failure, seconds). cmocka calls a
    skipped test "not ok N # SKIP name"."""
    start = time.monotonic()
    try:
        done = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout, env=os.environ | ENVIRONMENT, check=False)
        text, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode(errors="replace") + f"\nno end after {timeout:g} s\n", -1
    results = RESULT.findall(text)
    skipped = sum(1 for _, mark, _ in results if mark == "# SKIP ")
    passed = sum(1 for word, mark, _ in results if word == "ok" and mark == "- ")
    failed = sum(1 for word, mark, _ in results if word == "not ok" and mark == "- ")
    planned = sum(int(count) for count in PLAN.findall(text))
    if passed + failed + skipped < planned:
        failed += planned - passed - failed - skipped
    if (status != 0 or planned == 0) and failed == 0:
        failed = 1
        text += f"\n{program}: status {status}, {planned} tests planned\n"
    return program, passed, failed, skipped, text, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--quiet", action="store_true", help="no line for a program that passed")
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("programs", nargs="*")
    args = parser.parse_args()
    total = {"passed": 0, "failed": 0, "skipped": 0}
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for program, passed, failed, skipped, text, seconds in pool.map(lambda p: run_one(p, args.timeout), args.programs):
            if failed and not args.quiet:
                print(text)
            if failed or not args.quiet:
                counts = f"{passed} passed, {failed} failed, {seconds:.1f} s"
                print(f"  {'FAIL' if failed else 'ok':4}  {program}  ({counts})", flush=True)
            total["passed"] += passed
            total["failed"] += failed
            total["skipped"] += skipped
    if not args.programs:
        print("no test programs found")
        total["failed"] += 1
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    print(f"{args.name}: {total['passed']} passed, {total['failed']} failed{skipped}")
    sys.exit(1 if total["failed"] else 0)


if __name__ == "__main__":
    main()
