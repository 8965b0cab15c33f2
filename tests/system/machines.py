# SPDX-License-Identifier: MIT
"""Boots one row of the matrix: makes its image, runs it under pexpect, and reports what was seen and what was missed."""

import dataclasses
import pathlib
import re
import subprocess
import sys
import threading
import time

import pexpect
import pexpect.popen_spawn

import broken

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "system"
GOOD_GUEST = "hello"
# What nothing may ever say, in any row.
NEVER = (r"\(xl\) BUG", r"Traceback")
# Bochs counts a hundred times slower than the machines of its day; UEFI firmware takes seconds before GRUB.
PATIENCE = {"qemu-bios": 1, "qemu-uefi": 2, "bochs": 3}

# A machine that is to halt must not end, reset or go on for so long after its last words.
HALT_SECONDS = 3

# One lock for each image, so that two rows do not make the same one at once; and which are made.
image_locks, image_guard, made_images = {}, threading.Lock(), set()


@dataclasses.dataclass
class Outcome:
    """What one boot did: everything on COM1, the status, and the faults found (none: the row passed)."""

    text: str
    status: int
    faults: list
    seconds: float


def module_file(name):
    """The file that the matrix means: build/guests/NAME, broken/NAME made on the spot, or a path."""
    if name.startswith("broken/"):
        path = WORK / name
        path.parent.mkdir(parents=True, exist_ok=True)
        good = (BUILD / "guests" / GOOD_GUEST).read_bytes()
        path.write_bytes(broken.make(name.removeprefix("broken/"), good))
        return path
    return ROOT / name if "/" in name else BUILD / "guests" / name


def address_of(function):
    """Where a function of the hypervisor begins."""
    names = subprocess.run(["nm", str(BUILD / "xen-lite")], capture_output=True, text=True, check=True).stdout
    found = re.search(rf"^([0-9a-f]+) [tT] {re.escape(function)}$", names, re.M)
    if not found:
        raise ValueError(f"build/xen-lite has no function {function}")
    return int(found[1], 16)


def spoilt(row):
    """The function and the fault of spoilt/FUNCTION-HOW; None for any other hypervisor."""
    found = re.fullmatch(r"spoilt/(\w+)-(\w+)", row.hypervisor)
    return found.groups() if found else None


def hypervisor_file(row):
    """The file that the row means: a path, or a spoilt one made on the spot."""
    if not spoilt(row):
        return ROOT / row.hypervisor
    function, how = spoilt(row)
    path = WORK / row.hypervisor
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(broken.spoil((BUILD / "xen-lite").read_bytes(), address_of(function), how))
    return path


def expected(row):
    """The patterns of a row, with the address of the spoilt function in the place of {address}."""
    if not spoilt(row):
        return row.expect
    return tuple(pattern.replace("{address}", f"{address_of(spoilt(row)[0]):x}") for pattern in row.expect)


def make_image(row):
    """The ISO of a row. Rows on different machines share it, so it is made once in a session."""
    with image_guard:
        lock = image_locks.setdefault(row.image, threading.Lock())
    with lock:
        path = WORK / f"{row.image}.iso"
        if row.image in made_images:
            return path
        command = [sys.executable, str(ROOT / "tools/mkimage"), "-o", str(path), "--hypervisor",
                   str(hypervisor_file(row)), "--xl", row.xl]
        for module in row.modules:
            kind, _, rest = module.partition(" ")
            name, _, words = rest.strip().partition(":")
            command.append(f"--{kind}={module_file(name)}:{words.strip()}")
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, cwd=ROOT)
        made_images.add(row.image)
        return path


def run_command(row, image):
    # The emulator gets its own limit a little above ours, so that nothing outlives the tests.
    command = [str(ROOT / "tools/run"), "--machine", row.machine, "--memory", str(row.memory), "--smp", str(row.smp),
               "--timeout", str(row.timeout * PATIENCE[row.machine] + 5), "--log", str(WORK / f"{row.name}.log"), str(image)]
    if row.cpu and row.machine != "bochs":
        command[1:1] = ["--cpu", row.cpu]
    if row.icount and row.machine != "bochs":
        command[1:1] = ["--icount"]
    if any(line.startswith("> ") for line in row.expect):
        command[1:1] = ["--input"]
    return command


def expect_in_order(child, row, until, faults):
    """Waits for each expected pattern in turn; "> text" types a line instead, in which \\x01 is Ctrl-A."""
    for pattern in expected(row):
        if pattern.startswith("> "):
            child.sendline(pattern[2:].encode().decode("unicode_escape"))
            continue
        found = child.expect([re.compile(pattern), pexpect.EOF, pexpect.TIMEOUT], timeout=max(0.1, until - time.monotonic()))
        if found:
            faults.append(f"not seen{' in time' if found == 2 else ''}: {pattern}")
            return


def boot(row):
    start = time.monotonic()
    until = start + row.timeout * PATIENCE[row.machine]
    WORK.mkdir(parents=True, exist_ok=True)
    faults = []
    try:
        command = run_command(row, make_image(row))
    except (subprocess.CalledProcessError, OSError, ValueError) as wrong:
        said = getattr(wrong, "stderr", "") or ""
        return Outcome("", -1, [f"no image: {wrong} {said}"], time.monotonic() - start)
    # By pipes and not by a pseudo-terminal: those are scarce or absent where CI runs.
    child = pexpect.popen_spawn.PopenSpawn([sys.executable, *command], encoding="utf-8", codec_errors="replace",
                                           cwd=str(ROOT), timeout=None, maxread=65536)
    seen = []
    child.logfile_read = type("Log", (), {"write": lambda _, text: seen.append(text), "flush": lambda _: None})()
    expect_in_order(child, row, until, faults)
    patience = HALT_SECONDS if row.halts else max(1, until - time.monotonic())
    ended = child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=patience) == 0
    if not ended:
        child.proc.terminate()
    if ended == row.halts:
        faults.append("it ended, expected a halt" if ended else f"no end within {row.timeout * PATIENCE[row.machine]:g} s")
    status = child.proc.wait()
    text = "".join(seen).replace("\r", "")
    # Bochs has no debug-exit port: there the machine is switched off whatever happened, and the lines alone decide.
    wanted = 0 if row.machine == "bochs" else row.status
    if status != wanted and not row.halts:
        faults.append(f"status {status}, expected {wanted}")
    faults += [f"must not be seen: {pattern}" for pattern in row.forbid + NEVER if re.search(pattern, text)]
    return Outcome(text, status, faults, time.monotonic() - start)
