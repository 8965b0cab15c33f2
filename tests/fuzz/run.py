#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the fuzzers of build/fuzz: `replay` their corpora, `fuzz` for a time, or `merge` what was found into the corpora.

A corpus is tests/fuzz/corpus/TARGET.tar, unpacked to build/fuzz/corpus/TARGET, where fuzzing adds to it. What crashes is
kept in build/fuzz/crashes/TARGET. Replay runs each input twice where the target can compare (XL_FUZZ_TWICE).
"""

import argparse
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import time

HOME = pathlib.Path(__file__).resolve().parent / "corpus"
# Bytes of an input, at most: a program of 64 steps, a file, a command line, an instruction with its state, tables.
LENGTH = {"hypercalls": 1026, "elf": 4096, "config": 2048, "decode": 40, "multiboot2": 4096, "acpi": 4096}
# Inputs of a corpus in the tree, at most: the smallest that reach all edges that were reached are far fewer.
INPUTS = 1000
TIMEOUT = 10  # seconds for one input: none takes a hundredth of it
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


class Target:
    def __init__(self, name, build):
        self.name = name
        self.program = build / f"fuzz-{name}"
        self.pack = HOME / f"{name}.tar"
        words = HOME.parent / f"{name}.dict"
        self.dictionary = [f"-dict={words}"] if words.exists() else []
        self.corpus = build / "corpus" / name
        self.crashes = build / "crashes" / name

    def unpack(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        if self.pack.exists():
            with tarfile.open(self.pack) as tar:
                for member in tar:
                    (folder / pathlib.Path(member.name).name).write_bytes(tar.extractfile(member).read())
        return folder

    def command(self, *options):
        self.crashes.mkdir(parents=True, exist_ok=True)
        return [str(self.program.resolve()), f"-max_len={LENGTH[self.name]}", f"-timeout={TIMEOUT}", "-rss_limit_mb=1024",
                f"-artifact_prefix={self.crashes.resolve()}/", "-print_final_stats=1", *self.dictionary, *options]

    def run(self, *options, **environment):
        """Returns (status, what it said)."""
        done = subprocess.run(self.command(*options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              env=os.environ | ENVIRONMENT | environment)
        return done.returncode, done.stdout

    def explain(self, text):
        """Says what a crash said, and how it is seen again."""
        print("\n".join(text.splitlines()[-60:]))
        for path in sorted(self.crashes.iterdir()):
            print(f"{self.name}: to see it again: XL_FUZZ_TRACE=1 {self.program} {path}")


def figure(text, pattern):
    """The last number that the pattern finds; 0: none. A crash says its figures twice."""
    found = re.findall(pattern, text, re.M)
    return int(found[-1]) if found else 0


def executions(text):
    return figure(text, r"^stat::number_of_executed_units: *(\d+)")


def operations(text):
    return figure(text, r"^operations (\d+)")


def replay(targets, _args):
    passed, failed, ran, steps = 0, 0, 0, 0
    for target in targets:
        start = time.monotonic()
        folder = target.corpus.parent.with_name("replay") / target.name
        shutil.rmtree(folder, ignore_errors=True)
        inputs = len(list(target.unpack(folder).iterdir()))
        status, text = target.run("-runs=0", str(folder), XL_FUZZ_TWICE="1")
        # No input at all is a corpus that was forgotten.
        ok = status == 0 and inputs > 0
        passed, failed = passed + ok, failed + (not ok)
        ran, steps = ran + inputs, steps + operations(text)
        print(f"  {'ok' if ok else 'FAIL':4}  {target.name}: {inputs} inputs, {time.monotonic() - start:.1f} s", flush=True)
        if not ok:
            target.explain(text)
    return passed, failed, ran, steps


def fuzz(targets, args):
    passed, failed, ran, steps = 0, 0, 0, 0
    for target in targets:
        target.unpack(target.corpus)
        crashes, end, found = 0, time.monotonic() + args.seconds, 0
        while (left := int(end - time.monotonic())) > 0 and crashes < 10:
            processes = [subprocess.Popen(target.command(f"-max_total_time={left}", "-reload=10", str(target.corpus)),
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                          text=True, errors="replace", env=os.environ | ENVIRONMENT)
                         for _ in range(args.jobs)]
            for process in processes:
                text = process.communicate()[1]
                found, steps = found + executions(text), steps + operations(text)
                if process.returncode:
                    crashes += 1
                    target.explain(text)
        print(f"  {'FAIL' if crashes else 'ok':4}  {target.name}: {found} executions, {crashes} crashes, "
              f"{len(list(target.corpus.iterdir()))} inputs now", flush=True)
        passed, failed, ran = passed + (not crashes), failed + bool(crashes), ran + found
    return passed, failed, ran, steps


def pack(target, folder):
    """A file with nothing in it but names and bytes, so that the same inputs always make the same file."""
    with tarfile.open(target.pack, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.iterdir()):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            tar.addfile(member, io.BytesIO(path.read_bytes()))


def merge(targets, _args):
    """The inputs that reach new edges, the smallest first; named ones (regressions: no hash) stay whatever they reach."""
    passed, failed, ran = 0, 0, 0
    for target in targets:
        target.unpack(target.corpus)
        small = target.corpus.with_name(f"{target.name}.small")
        shutil.rmtree(small, ignore_errors=True)
        small.mkdir()
        status, text = target.run("-merge=1", "-use_counters=0", str(small), str(target.corpus))
        for path in target.corpus.iterdir():
            if not re.fullmatch("[0-9a-f]{40}", path.name):
                shutil.copy(path, small)
        HOME.mkdir(exist_ok=True)
        pack(target, small)
        count = len(list(small.iterdir()))
        print(f"  {target.name}: {count} inputs, {target.pack.stat().st_size} bytes")
        if status or count > INPUTS:
            print("\n".join(text.splitlines()[-20:]))
        ok = status == 0 and count <= INPUTS
        passed, failed, ran = passed + ok, failed + (not ok), ran + count
    return passed, failed, ran, 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["replay", "fuzz", "merge"])
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("targets", nargs="+")
    args = parser.parse_args()
    act = {"replay": replay, "fuzz": fuzz, "merge": merge}[args.what]
    passed, failed, ran, steps = act([Target(name, args.build) for name in args.targets], args)
    print(f"figure fuzz_executions {ran}")
    print(f"figure fuzz_operations {steps}")
    print(f"fuzz: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
