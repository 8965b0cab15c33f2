#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Seeded faults: each published advisory of seeded.toml planted into a copy of the sources, and found by a test.

  seeded.py --check         every text that is to be changed still stands in the sources exactly once (part of `make check`)
  seeded.py --ci            the few that the table marks, each with the killer alone that is expected
  seeded.py --only 148 299  these advisories alone; neither: all, with all killers if need be
  seeded.py --work N        so many at a time (2)

A fault that nobody finds, or only after more than 30 seconds, fails.
"""

import argparse
import concurrent.futures
import pathlib
import queue
import re
import sys
import tomllib

import workshop

HERE = pathlib.Path(__file__).parent
FIELDS = {"xsa", "file", "old", "new", "breaks", "killer", "ci"}


def read():
    with open(HERE / "seeded.toml", "rb") as file:
        return tomllib.load(file)


def numbers(name):
    """The advisories that a row stands for: "299a" is 299, "58 45" is both."""
    return {int(number) for number in re.findall(r"\d+", name)}


def wrong_with(mutant, known):
    """Why a row of the table cannot be used; "": it can."""
    if unknown := set(mutant) - FIELDS:
        return f"unknown fields {', '.join(sorted(unknown))}"
    if missing := FIELDS - {"ci"} - set(mutant):
        return f"no {', '.join(sorted(missing))}"
    path = workshop.ROOT / mutant["file"]
    if not path.is_file():
        return f"{mutant['file']} is not there"
    if mutant["killer"] not in known:
        return f"there is no killer {mutant['killer']}"
    if mutant["old"] == mutant["new"]:
        return "nothing is changed"
    count = path.read_text(encoding="utf-8").count(mutant["old"])
    return "" if count == 1 else f"{mutant['file']}: its old text stands there {count} times, expected once:\n{mutant['old']}"


def check(table):
    """Prints what has rotted; the number of rows that have."""
    known, rotten, names = workshop.killers() | workshop.large_killers(), 0, []
    for mutant in table["mutant"]:
        names.append(mutant.get("xsa"))
        if why := wrong_with(mutant, known):
            rotten += 1
            print(f"seeded.toml: XSA-{mutant.get('xsa')}: {why}")
    for name in {name for name in names if names.count(name) > 1}:
        rotten += 1
        print(f"seeded.toml: XSA-{name} stands there twice")
    for row in table["designed_out"]:
        if set(row) != {"xsa", "why"}:
            rotten += 1
            print(f"seeded.toml: designed out {row}: expected xsa and why")
    return rotten


def order_for(mutant, known, seconds):
    """The killer that is expected to find it, then all others by what they cost."""
    first = known[mutant["killer"]]
    return [first] + sorted((killer for killer in known.values() if killer is not first), key=lambda k: seconds[k.name])


def hunt_all(mutants, known, folder, workers):
    """Yields (mutant, verdict) as they come; verdict None: it does not compile."""
    shops = queue.Queue()
    for n in range(workers):
        shop = workshop.Workshop(folder / f"tree{n + 1}")
        shop.prepare(list(known.values()))
        shops.put(shop)

    def hunt(mutant):
        shop = shops.get()
        try:
            with shop.planted(mutant["file"], mutant["old"], mutant["new"]):
                return mutant, shop.hunt(order_for(mutant, known, shop.seconds))
        except workshop.Stillborn as why:
            print(f"XSA-{mutant['xsa']} does not compile:\n{str(why)[-3000:]}")
            return mutant, None
        finally:
            shops.put(shop)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        yield from pool.map(hunt, mutants)


def report(mutant, verdict):
    """One line; True: found, in time, and by the one who was expected or by another."""
    if verdict is None:
        return False
    late = verdict.seconds > workshop.SECONDS_MAX
    word = "LATE" if late else "found" if verdict.found else "MISSED"
    by = f"{verdict.found}: {verdict.how}" if verdict.found else mutant["breaks"]
    if verdict.found and verdict.found != mutant["killer"]:
        by += f" (expected {mutant['killer']})"
    print(f"  {word:6} XSA-{mutant['xsa']:8} {verdict.seconds:5.1f} s, built {verdict.build_seconds:4.1f} s  {by}", flush=True)
    return bool(verdict.found) and not late


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--expected", action="store_true", help="no other killers than those that are expected")
    parser.add_argument("--only", nargs="+", default=[])
    parser.add_argument("--work", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, default=workshop.ROOT / "build/mutants")
    args = parser.parse_args()
    table = read()
    if rotten := check(table):
        sys.exit(f"{rotten} rows of seeded.toml do not fit the sources: give their old text as it stands now")
    if args.check:
        return
    mutants = [mutant for mutant in table["mutant"] if not args.ci or mutant.get("ci")]
    if args.only:
        mutants = [mutant for mutant in mutants if {mutant["xsa"], *map(str, numbers(mutant["xsa"]))} & set(args.only)]
    expected = {mutant["killer"] for mutant in mutants}
    large = {name: killer for name, killer in workshop.large_killers().items() if name in expected}
    known = workshop.killers() | large
    if args.ci or args.expected:
        known = {name: killer for name, killer in known.items() if name in expected}
    results = [report(mutant, verdict) for mutant, verdict in hunt_all(mutants, known, args.folder, args.work)]
    tried = {number for mutant in table["mutant"] for number in numbers(mutant["xsa"])}
    guests = {number for path in (workshop.ROOT / "tests/guests").glob("xsa_*") for number in numbers(path.name)}
    print(f"figure mutants_seeded {len(table['mutant'])}")
    print(f"figure mutants_seeded_run {len(results)}")
    print(f"figure mutants_seeded_found {sum(results)}")
    print(f"figure advisories_with_a_test {len(tried | guests)}")
    sys.exit(0 if all(results) and results else 1)


if __name__ == "__main__":
    main()
