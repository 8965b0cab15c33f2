#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutants that a program makes: each condition of the memory engine wrong in every simple way, and the tests must notice.

  negate     a condition is turned round
  without    one part of an && or || no longer counts
  off by one a comparison's right side is one more
  dropped    a call or a store to a field is left out
  other code an error is answered by another number
  wider      a mask has one bit more; narrower: its lowest bit is missing

All are compiled into one copy of the sources (switch.h) and woken one at a time. A survivor is told with its place; one
that was looked at stands in survivors.txt with the reason why no test can or need notice it. Any other survivor fails.

  automatic.py --sample N --seed S   so many, chosen at random (0: all); --files words: only files whose names hold one
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import re
import shutil
import sys

import clang.cindex
import workshop

HERE = pathlib.Path(__file__).parent
K = clang.cindex.CursorKind
# The sources of the engine, each with the source that is parsed to see it.
ENGINE = {
    "common/frame.h": "common/frame.c", "common/frame.c": "common/frame.c",
    "arch/x86/paging/entry.h": "arch/x86/paging/types.c", "arch/x86/paging/p2m.h": "arch/x86/paging/types.c",
    "arch/x86/paging/update.h": "arch/x86/paging/update.c", "hypercalls/memory_batch.h": "hypercalls/mmu_update.c",
} | {name: name for name in (
    "arch/x86/paging/types.c", "arch/x86/paging/update.c", "arch/x86/paging/pin.c", "arch/x86/paging/p2m.c",
    "arch/x86/paging/writable.c", "arch/x86/paging/grant.c", "common/grant_table.c", "hypercalls/grant_table_op.c",
    "hypercalls/grant_map.c", "hypercalls/grant_copy.c", "hypercalls/memory_op.c", "hypercalls/memory_reservation.c",
    "hypercalls/memory_exchange.c", "hypercalls/memory_physmap.c", "hypercalls/mmuext_op.c", "hypercalls/mmu_update.c")}
FLAGS = ["-std=gnu11", *(f"-I{workshop.ROOT / folder}" for folder in ("arch/fake/include", "xen-lite/include", "xen-lite", ""))]
BUILD_FLAGS = ("-w -DUNIT_SHORT=1 -fno-diagnostics-show-caret -ftrack-macro-expansion=0 "
               "-include tests/assurance/mutants/switch.h")
CODE = re.compile(r"(?<!\w)(?:XEN_E[A-Z0-9]+|GNTST_[a-z_]+)\b")
MASK = re.compile(r"(?<![\w])(?:FRAME_(?!LIST_END|EXTENT_NONE|NOTE_|TYPES|L\d|NONE|WRITABLE|DESCRIPTOR)[A-Z_]+(?<!_SHIFT)|"
                  r"PTE_[A-Z_]+(?<!_SHIFT)|"
                  r"GTF_[a-z_]+|GNTMAP_[a-z_]+|GRANT_PINS?_[A-Z_]+|\w+_FORBIDDEN|FLAG_UNMAPPING|BATCH_GOES_ON)\b")
SEVERAL_BITS = re.compile(r"_MASK$|_mask$|_FORBIDDEN$|^PTE_(?:ADDR|AVAIL|AVAIL_HIGH|FLAGS_ONLY)$|^GRANT_PINS|^FLAGS_")
# An answer of these only says when to stop, or waits: without them it goes slower and to the same end.
ONLY_SPEED = re.compile(r"preempt_pending\(\)$|cpu_relax\(\)$")
NOT_CODE = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'|^\s*case\b[^\n]*:|"
                      r"_Static_assert[^;]*;|^#(?!define)[^\n]*", re.S | re.M)
UNSEEN = re.compile(r"guest_log|guest_refuse|log_(?:error|info|warning)|complain|BUG_ON|_Static_assert|va_(?:start|end)|printk")
SHORT_STEPS = "15000"
# Where the tests of the engine stand; all others find what these find, later.
FOLDERS = {"frame", "paging", "grants", "rewrite", "hypercalls", "mmu_random", "sched", "events"}


@dataclasses.dataclass
class Mutant:
    """A macro put around [start, end) of a file."""

    file: str
    start: int
    end: int
    macro: str
    what: str
    text: str
    function: str
    line: int
    number: int = 0
    same: int = 1  # the how-manieth of its kind and text in the function

    @property
    def key(self):
        """What it is called in survivors.txt: no line numbers, so that it outlives changes elsewhere."""
        again = f" #{self.same}" if self.same > 1 else ""
        return f"{self.file} {self.function}: {self.what} `{self.text}`{again}"


def visible(text):
    """The text as clang is to see it: of the same length, without the words that hide conditions in macros."""
    return re.sub(r"\b(?:un)?likely\(", lambda found: " " * (len(found[0]) - 1) + "(", text)


def blank(text):
    """Comments, strings, labels and what is evaluated by the compiler, blanked out."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def children(cursor):
    return list(cursor.get_children())


def operator_of(cursor, text):
    """Of a binary operator: the word between its operands."""
    left, right = children(cursor)
    between = text[left.extent.end.offset:right.extent.start.offset]
    return between.strip(" ()\n\t\\")


class Finder:
    """Collects the mutants of one file."""

    def __init__(self, file, text):
        self.file, self.text, self.code, self.found, self.function = file, text, blank(text), [], ""

    def add(self, cursor_or_range, macro, what):
        start, end = cursor_or_range if isinstance(cursor_or_range, tuple) else (
            cursor_or_range.extent.start.offset, cursor_or_range.extent.end.offset)
        piece = self.text[start:end]
        # Half a macro, nothing, or what the compiler alone evaluates: not ours to change.
        if start >= end or piece.count("(") != piece.count(")") or not self.code[start:end].strip():
            return
        shown = " ".join(piece.split())
        self.found.append(Mutant(self.file, start, end, macro, what, shown if len(shown) < 90 else shown[:87] + "...",
                                 self.function, self.text.count("\n", 0, start) + 1))

    def condition(self, cursor):
        if not UNSEEN.search(self.text[cursor.extent.start.offset:cursor.extent.end.offset]):
            self.add(cursor, "XL_NOT", "negate")

    def expression(self, cursor):
        if cursor.kind != K.BINARY_OPERATOR or len(children(cursor)) != 2:
            return
        op = operator_of(cursor, self.text)
        left, right = children(cursor)
        if op in ("&&", "||"):
            for operand in (left, right):
                inner = operand
                while inner.kind in (K.PAREN_EXPR, K.UNEXPOSED_EXPR) and len(children(inner)) == 1:
                    inner = children(inner)[0]
                if not (inner.kind == K.BINARY_OPERATOR and operator_of(inner, self.text) == op) and \
                        not (op == "&&" and ONLY_SPEED.match(self.text[operand.extent.start.offset:operand.extent.end.offset])):
                    self.add(operand, "XL_TRUE" if op == "&&" else "XL_FALSE", "without")
        elif op in ("<", "<=", ">", ">="):
            self.add(right, "XL_PLUS" if op in ("<", "<=") else "XL_MINUS", "off by one")

    def statement(self, cursor):
        text = self.text[cursor.extent.start.offset:cursor.extent.end.offset]
        if UNSEEN.match(text) or ONLY_SPEED.match(text):
            return
        if cursor.kind == K.CALL_EXPR:
            self.add(cursor, "XL_DROP", "dropped")
        elif cursor.kind in (K.BINARY_OPERATOR, K.COMPOUND_ASSIGNMENT_OPERATOR) and children(cursor):
            if re.match(r"\*?[\w\]\[&().>-]*(?:->|\.|\])[\w\]\[]*\s*[-+&|]?=|\*\w+ = ", text):
                self.add(cursor, "XL_DROP", "dropped")

    def walk(self, cursor):
        kids = children(cursor)
        if cursor.kind == K.IF_STMT:
            self.condition(kids[0])
            statements = kids[1:]
        elif cursor.kind == K.WHILE_STMT:
            self.condition(kids[0])
            statements = kids[1:]
        elif cursor.kind == K.DO_STMT:
            self.condition(kids[-1])
            statements = kids[:-1]
        elif cursor.kind == K.FOR_STMT:
            statements = kids[-1:]
        elif cursor.kind == K.CONDITIONAL_OPERATOR:
            self.condition(kids[0])
            statements = []
        else:
            statements = kids if cursor.kind in (K.COMPOUND_STMT, K.CASE_STMT, K.DEFAULT_STMT) else []
        for statement in statements:
            self.statement(statement)
        self.expression(cursor)
        for kid in kids:
            self.walk(kid)

    def words(self, start, end):
        """Error codes and masks, found as words."""
        for found in CODE.finditer(self.code, start, end):
            if found[0] != "GNTST_okay":
                self.add(found.span(), "XL_OTHER", "other code")
        for found in MASK.finditer(self.code, start, end):
            if SEVERAL_BITS.search(found[0]):
                self.add(found.span(), "XL_WIDER", "wider")
            self.add(found.span(), "XL_LESS", "narrower")

    def macros(self):
        """Masks that are put together in a #define."""
        for found in re.finditer(r"^#define (\w+)\s+(\([A-Z][^\n]*\|[^\n]*\))$", self.code, re.M):
            if not re.search(r"SHIFT|_ONE|~", found[2]):
                self.function = f"#define {found[1]}"
                for word in MASK.finditer(self.code, *found.span(2)):
                    self.add(word.span(), "XL_LESS", "narrower")


def mutants_of(file, parsed):
    text = visible((workshop.ROOT / file).read_text(encoding="utf-8"))
    unsaved = [(str(workshop.ROOT / name), visible((workshop.ROOT / name).read_text(encoding="utf-8"))) for name in ENGINE
               if (workshop.ROOT / name).exists()]
    unit = clang.cindex.Index.create().parse(str(workshop.ROOT / parsed), args=FLAGS, unsaved_files=unsaved)
    errors = [str(d) for d in unit.diagnostics if d.severity >= clang.cindex.Diagnostic.Error]
    if errors:
        sys.exit(f"{parsed} is not understood: {errors[0]}")
    finder = Finder(file, text)
    finder.macros()
    for cursor in unit.cursor.get_children():
        place = cursor.location.file
        if cursor.kind == K.FUNCTION_DECL and cursor.is_definition() and place and \
                pathlib.Path(place.name).resolve() == workshop.ROOT / file and not UNSEEN.search(cursor.spelling) and \
                "refuse" not in cursor.spelling:
            finder.function = cursor.spelling
            body = children(cursor)[-1]
            finder.walk(body)
            finder.words(body.extent.start.offset, body.extent.end.offset)
    return unique(finder.found)


def unique(found):
    """Without what was found twice (a header's function is seen once, a condition may be an operand too); counted."""
    kept, seen = {}, {}
    for mutant in found:
        kept.setdefault((mutant.start, mutant.end, mutant.macro), mutant)
    for mutant in sorted(kept.values(), key=lambda m: (m.start, -m.end)):
        name = (mutant.function, mutant.what, mutant.text)
        mutant.same = seen[name] = seen.get(name, 0) + 1
    return list(kept.values())


def with_macros(text, mutants):
    """The file with all its mutants in it, asleep. What lies inside is put inside; nothing overlaps by half."""
    opens, closes = {}, {}
    for mutant in sorted(mutants, key=lambda m: (m.start, -m.end)):
        opens.setdefault(mutant.start, []).append(f"{mutant.macro}({mutant.number}, ")
        closes.setdefault(mutant.end, []).append(")")
    out = []
    for at in range(len(text) + 1):
        out += closes.get(at, [])
        out += opens.get(at, [])
        out += text[at:at + 1]
    return "".join(out)


def overlap(mutants):
    """Those that would overlap another by half are left out."""
    kept = []
    for mutant in sorted(mutants, key=lambda m: (m.start, -m.end)):
        if all(other.end <= mutant.start or other.end >= mutant.end for other in kept):
            kept.append(mutant)
    return kept


def plant(shop, mutants):
    """Writes all into the copy and builds; what does not compile is left out, and returned."""
    left_out, waiting = [], {}
    for mutant in mutants:
        waiting.setdefault(mutant.file, []).append(mutant)
    shutil.copy2(HERE / "switch.c", shop.folder / "arch/fake/mutant_switch.c")
    for _ in range(60):
        for file, here in waiting.items():
            new = with_macros(visible((workshop.ROOT / file).read_text(encoding="utf-8")), here)
            if (shop.folder / file).read_text(encoding="utf-8") != new:
                (shop.folder / file).write_text(new, encoding="utf-8")
        try:
            shop.make("-k", "build/unit/libxl.a")
            return left_out
        except workshop.Stillborn as why:
            places = {(file, int(line)) for file, line in re.findall(r"^(?:\./)?([\w/.]+):(\d+):\d+: error", str(why), re.M)}
            before = len(left_out)
            for file, here in waiting.items():
                bad = [mutant for mutant in here if any(file == f and line_in(mutant, n) for f, n in places)]
                left_out += bad
                waiting[file] = [mutant for mutant in here if mutant not in bad]
            if len(left_out) == before:
                raise
    raise RuntimeError("the mutants do not compile")


def line_in(mutant, line):
    return mutant.line <= line <= mutant.line + mutant.text.count("\n") + 2


def record(shop, known, count):
    """Which killer reaches which mutant: {killer name: set of numbers}."""
    reach = {}
    for killer in known:
        path = shop.folder / "reached"
        path.write_bytes(bytes(count + 1))
        how, seconds = shop.run(killer, 10 * workshop.SECONDS_MAX, {"XL_MUTANT": "-1", "XL_REACHED": str(path)})
        if how:
            raise RuntimeError(f"{killer.name} fails with all mutants asleep: {how}")
        shop.seconds[killer.name] = seconds
        reach[killer.name] = {number for number, mark in enumerate(path.read_bytes()) if mark}
    return reach


def hunt(shop, mutant, order):
    for killer in order:
        limit = 3 * shop.seconds[killer.name] + 2
        how, _ = shop.run(killer, limit, {"XL_MUTANT": str(mutant.number)})
        if how:
            return killer.name
    return ""


def looked_at():
    """survivors.txt: {key: reason}. A line that begins with spaces goes on with the reason of the one before."""
    reasons, key = {}, None
    for line in (HERE / "survivors.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        if line[0] != " ":
            key = line.strip()
            reasons[key] = ""
        elif key:
            reasons[key] = (reasons[key] + " " + line.strip()).strip()
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", nargs="+", default=[])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--work", type=int, default=2)
    parser.add_argument("--folder", type=pathlib.Path, default=workshop.ROOT / "build/mutants")
    args = parser.parse_args()
    mutants = []
    for file, parsed in ENGINE.items():
        if (workshop.ROOT / file).exists() and (not args.files or any(word in file for word in args.files)):
            mutants += overlap(mutants_of(file, parsed))
    for number, mutant in enumerate(mutants, 1):
        mutant.number = number
    if args.list:
        print(*(f"{mutant.file}:{mutant.line}: {mutant.what} `{mutant.text}`" for mutant in mutants), sep="\n")
        print(f"{len(mutants)} mutants")
        return
    if not args.files:
        for key in sorted(set(looked_at()) - {mutant.key for mutant in mutants}):
            print(f"survivors.txt: there is no such mutant any more: {key}")
    environment = {"XL_RANDOM_STEPS": SHORT_STEPS}
    shop = workshop.Workshop(args.folder / "automatic", environment, BUILD_FLAGS)
    left_out = {mutant.number for mutant in plant(shop, mutants)}
    known = [killer for name, killer in workshop.killers().items() if name.split("/")[0] in FOLDERS]
    shop.make(*(killer.program for killer in known))
    reach = record(shop, known, len(mutants))
    known.sort(key=lambda killer: shop.seconds[killer.name])
    alive = [mutant for mutant in mutants if mutant.number not in left_out]
    print(f"{len(mutants)} mutants, {len(left_out)} of them do not compile; reached by no test: "
          f"{sum(1 for m in alive if not any(m.number in r for r in reach.values()))}", flush=True)
    if args.sample and args.sample < len(alive):
        print(f"seed {args.seed}")
        alive = random.Random(args.seed).sample(alive, args.sample)
    judge(shop, alive, known, reach, args.work)


def judge(shop, alive, known, reach, workers):
    """Runs them all, tells who survives, and ends the program."""
    reasons, killed, by = looked_at(), 0, {}

    def one(mutant):
        return mutant, hunt(shop, mutant, [killer for killer in known if mutant.number in reach[killer.name]])

    unexplained = explained = 0
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in concurrent.futures.as_completed([pool.submit(one, mutant) for mutant in alive]):
            mutant, killer = future.result()
            if killer:
                killed += 1
                by[killer] = by.get(killer, 0) + 1
            elif mutant.key in reasons:
                explained += 1
            else:
                unexplained += 1
                unreached = "" if any(mutant.number in numbers for numbers in reach.values()) else " (reached by no test)"
                print(f"  survives: {mutant.key}  [{mutant.file}:{mutant.line}]{unreached}", flush=True)
    for killer, count in sorted(by.items(), key=lambda item: -item[1]):
        print(f"  {count:5} by {killer}")
    print(f"figure mutants_automatic {len(alive)}")
    print(f"figure mutants_automatic_found {killed}")
    print(f"figure mutants_automatic_explained {explained}")
    print(f"figure mutants_automatic_unexplained {unexplained}")
    sys.stdout.flush()
    os._exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
