# SPDX-License-Identifier: MIT
"""Copies of the sources in which faults are planted, and the killers: the tests that must find them.

A copy is built once, without sanitizers; what a planted fault makes the compiler do anew is afterwards put back from a
second copy of the build, so that each fault costs no more than the files it touches. A killer is a test program that
passes on sound sources; it finds a fault by failing, by crashing, or by not coming to an end.
"""

import contextlib
import dataclasses
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
VARIANT = "-O1 -g0"
# Steps of the random tests: the short form, about two seconds.
RANDOM_STEPS = "40000"
SECONDS_MAX = 30


@dataclasses.dataclass(frozen=True)
class Killer:
    """A program of the build folder."""

    name: str
    program: str
    arguments: tuple = ()
    target: str = ""  # for make; "": the program


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Who found a fault, how, and after how many seconds of running; found: "": nobody."""

    found: str
    how: str
    seconds: float
    build_seconds: float


class Stillborn(Exception):
    """A planted fault that does not compile."""


def killers():
    """The unit tests, by name."""
    found = {}
    for path in sorted((ROOT / "tests/unit").glob("*/test_*.c")):
        if not list(path.parent.glob("*.mk")):
            name = f"{path.parent.name}/{path.stem}"
            found[name] = Killer(name, f"build/unit/{name}")
    return found


def large_killers():
    """Those that are built of the whole engine anew: for what no unit test finds."""
    explore = ("-B", "tests/assurance/explore/run.py", "--form", "quick", "--programs", "build/explore")
    return {"interleave": Killer("interleave", "build/step/interleave"),
            "sweep": Killer("sweep", "build/step/sweep"),
            "explore": Killer("explore", sys.executable, explore, "explore-programs")}


def source_files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, text=True,
                            stdout=subprocess.PIPE).stdout.split("\n")
    return [name for name in listed if name and (ROOT / name).is_file()]


def copy_changed(source, target, names):
    """Copies what differs, with its date; removes what is no longer there."""
    for name in names:
        new, old = source / name, target / name
        if old.exists() and old.read_bytes() == new.read_bytes():
            continue
        old.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(new, old)
        os.utime(old)


class Workshop:
    """One copy of the sources with its build."""

    def __init__(self, folder, environment=None, flags=""):
        self.folder = pathlib.Path(folder).resolve()
        self.sound = self.folder.parent / f"{self.folder.name}-sound"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "XL_"))}
        self.environment |= {"XL_RANDOM_STEPS": RANDOM_STEPS} | (environment or {})
        self.variant = f"{VARIANT} {flags}".strip()
        self.seconds = {}
        copy_changed(ROOT, self.folder, source_files())

    def make(self, *targets):
        done = subprocess.run(["make", "-j2", "--no-print-directory", f"UNIT_VARIANT={self.variant}", *targets], cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=self.environment, check=False)
        if done.returncode:
            raise Stillborn(done.stdout)

    def prepare(self, wanted):
        """Builds the killers and sees that each passes on sound sources; raises what it finds wrong."""
        for killer in wanted:
            self.make(killer.target or killer.program)
        for killer in wanted:
            how, seconds = self.run(killer, 10 * SECONDS_MAX)
            if how:
                raise RuntimeError(f"{killer.name} fails on sound sources: {how}")
            self.seconds[killer.name] = seconds
        shutil.rmtree(self.sound, ignore_errors=True)
        shutil.copytree(self.folder / "build", self.sound, copy_function=shutil.copy2)

    def run(self, killer, limit, environment=None):
        """("", seconds): it passes; else how it does not. Seconds are the processor's: others may be busy on it too."""
        with tempfile.TemporaryFile() as said:
            child = subprocess.Popen([killer.program, *killer.arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                     stdout=said, stderr=subprocess.STDOUT, env=self.environment | (environment or {}),
                                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2)))
            asleep = threading.Timer(20 * limit, child.kill)  # who waits for ever uses no time of the processor
            asleep.start()
            _, status, usage = os.wait4(child.pid, 0)
            asleep.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read().decode(errors="replace")
        seconds = usage.ru_utime + usage.ru_stime
        if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return f"no end within {limit:.0f} s", seconds
        if not child.returncode:
            return "", seconds
        lines = [line for line in text.split("\n") if "FAILED" in line and "]" in line]
        return lines[0].split("]")[-1].strip() if lines else f"status {child.returncode}", seconds

    def limit(self, killer):
        """How long a fault may make it take before that is a finding."""
        return 4 * self.seconds[killer.name] + 4

    @contextlib.contextmanager
    def planted(self, file, old, new):
        """The copy with a fault in it; sound again afterwards."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{file}: the text to change stands there {text.count(old)} times")
        date = path.stat()
        path.write_text(text.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
            self.put_back()

    def put_back(self):
        """The build of the sound sources, without building it."""
        build = self.folder / "build"
        for path in build.rglob("*"):
            if not path.is_file():
                continue
            sound = self.sound / path.relative_to(build)
            if not sound.exists():
                path.unlink()
            elif path.stat().st_mtime_ns != sound.stat().st_mtime_ns:
                shutil.copy2(sound, path)

    def hunt(self, order):
        """Builds and runs one killer after the other until one finds the planted fault."""
        running = building = 0.0
        for killer in order:
            start = time.monotonic()
            self.make(killer.target or killer.program)
            building += time.monotonic() - start
            how, seconds = self.run(killer, self.limit(killer))
            running += seconds
            if how:
                return Verdict(killer.name, how, running, building)
        return Verdict("", "", running, building)
