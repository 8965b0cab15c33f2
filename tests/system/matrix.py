# SPDX-License-Identifier: MIT
"""Reads matrix.ini: one stanza per story, spread into one row per machine and mode. The keys are explained there."""

import configparser
import dataclasses
import fnmatch
import pathlib

MACHINES = ("qemu-bios", "qemu-uefi", "bochs")
# "each PATTERN" is the stanza for the guests of tests/guests that have none of their own; the first that fits counts.
EACH = "each "
GUESTS = pathlib.Path(__file__).parents[1] / "guests"
KEYS = {"machines", "modes", "xl", "hypervisor", "modules", "words", "memory", "smp", "cpu", "icount", "halts",
        "timeout", "expect", "forbid", "status", "same", "same_across", "not_alone", "bochs", "counted"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One boot: what is on the image, where it runs, and what must be seen."""

    story: str
    machine: str
    mode: str
    xl: str
    modules: tuple
    expect: tuple
    forbid: tuple
    status: int
    timeout: float
    memory: int
    smp: int
    cpu: str
    icount: bool
    halts: bool
    same: str
    same_across: str
    hypervisor: str

    @property
    def name(self):
        return "-".join(part for part in (self.story, self.mode, self.machine) if part)

    @property
    def kin(self):
        """Rows of the same kin say the same words, where `same` asks for it."""
        return self.story if self.same_across == "modes" else self.image

    @property
    def image(self):
        """Rows that differ in the machine alone share one image."""
        return "-".join(part for part in (self.story, self.mode) if part)


def lines(text):
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def said_of(story, section, mode):
    """The text that `words` gives for a mode."""
    table = dict(line.split(": ", 1) for line in lines(section.get("words", "")))
    if table and mode not in table:
        raise ValueError(f"[{story}]: words has no line for {mode!r}")
    return table.get(mode, "")


def rows_of(story, section):
    unknown = set(section) - KEYS
    if unknown:
        raise ValueError(f"[{story}]: unknown keys: {', '.join(sorted(unknown))}")
    chosen = section.get("machines", "qemu-bios").split() + ["bochs"] * (story in section.get("bochs", "").split())
    for machine in chosen:
        if machine not in MACHINES:
            raise ValueError(f"[{story}]: unknown machine {machine!r}; there are {', '.join(MACHINES)}")
        for mode in section.get("modes", "-").split():
            mode = "" if mode == "-" else mode
            fill = {"{mode}": mode, "{words}": said_of(story, section, mode), "{guest}": story}

            def filled(key, default="", fill=tuple(fill.items())):
                text = section.get(key, default)
                for mark, value in fill:
                    text = text.replace(mark, value)
                return text

            yield Row(story=story, machine=machine, mode=mode, xl=filled("xl", "console=com1 debug-exit=0xf4"),
                      modules=lines(filled("modules")), expect=lines(filled("expect")), forbid=lines(filled("forbid")),
                      status=section.getint("status", 0), timeout=section.getfloat("timeout", 60),
                      memory=section.getint("memory", 256), smp=section.getint("smp", 1), cpu=section.get("cpu", ""),
                      icount=section.getboolean("icount", False) or story in section.get("counted", "").split(),
                      halts=section.getboolean("halts", False),
                      same=filled("same"), same_across=section.get("same_across", "machines"),
                      hypervisor=filled("hypervisor", "build/xen-lite"))


def read(path=pathlib.Path(__file__).with_name("matrix.ini")):
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",),
                                       inline_comment_prefixes=None, default_section="defaults", strict=True)
    with open(path, encoding="utf-8") as file:
        parser.read_file(file)
    rows = [row for story in parser.sections() if not story.startswith(EACH) for row in rows_of(story, parser[story])]
    guests = {main.parent.name for main in GUESTS.glob("*/main.c")}
    not_alone = {name for story in parser.sections() for name in parser[story].get("not_alone", "").split()}
    if wrong := not_alone - guests:
        raise ValueError(f"not_alone: no such guest in tests/guests: {', '.join(sorted(wrong))}")
    for name in sorted(guests - not_alone):
        if name not in parser:
            fits = (story for story in parser.sections() if story.startswith(EACH)
                    and fnmatch.fnmatch(name, story.removeprefix(EACH)))
            rows += rows_of(name, parser[next(fits)])
    return rows
