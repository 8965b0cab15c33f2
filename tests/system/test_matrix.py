# SPDX-License-Identifier: MIT
"""The rows of matrix.ini: each boots and says what it must; rows marked `same` say the same on every machine."""

import itertools
import re

import pytest

from conftest import ROWS

# A guest's own words, without the number of its domain.
GUEST_LINE = re.compile(r"^\(d\d+:([^)]*)\) (.*)$", re.M)


def report(row, outcome):
    faults = "\n".join(f"  * {fault}" for fault in outcome.faults)
    return f"{row.name} after {outcome.seconds:.1f} s:\n{faults}\n--- COM1 ---\n{outcome.text[-6000:]}"


@pytest.mark.parametrize("names", [pytest.param([name], id=name) for name in ROWS])
def test_row(boots, names):
    outcome = boots.outcome(names[0])
    if outcome.faults:
        pytest.fail(report(ROWS[names[0]], outcome), pytrace=False)


def alike():
    """Groups of rows that must agree: the same story and mode on different machines, or in all modes too."""
    marked = sorted((row for row in ROWS.values() if row.same), key=lambda row: row.kin)
    for kin, group in itertools.groupby(marked, key=lambda row: row.kin):
        names = [row.name for row in group]
        if len(names) > 1:
            yield pytest.param(names, id=kin)


def words_of(text, pattern):
    return [f"{name}: {words}" for name, words in GUEST_LINE.findall(text) if re.search(pattern, words)]


@pytest.mark.parametrize("names", alike())
def test_same_words_everywhere(boots, names):
    """`same` is a pattern: which of a guest's lines must not depend on the machine."""
    said = {name: words_of(boots.outcome(name).text, ROWS[name].same) for name in names}
    first = names[0]
    assert said[first], f"{first}: no line matches {ROWS[first].same!r}"
    for name in names[1:]:
        assert said[name] == said[first], f"{name} and {first} differ"
