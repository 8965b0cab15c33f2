#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run all checks side by side: those of this folder, and cppcheck, shellcheck, codespell, python's compiler.

Arguments: the compiler and the flags of the hypervisor. A check whose tool is missing fails and says so.
The last line is "check: N passed, N failed".
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import time

import tree
from style import scripts

HERE = tree.ROOT / "tests/lint"
C_FOLDERS = ("arch/x86", "common", "hypercalls", "xen-lite/lib")

# Left to the compilers, which see all macros: shifts that are too wide. And the linker's symbols are compared by design.
CPPCHECK = ["cppcheck", "--quiet", "--error-exitcode=1", "--enable=warning,portability", "--std=c11", "--platform=unix64",
            "--inline-suppr", "--suppress=missingInclude", "--suppress=comparePointers",
            "--suppress=shiftTooManyBits",
            "--template={file}:{line}: {message} [{id}]",
            "-I", "xen-lite/include", "-I", "arch/x86/include", "-I", "xen-lite", "-I", "."]


def with_shebang(word):
    return [str(path) for path in scripts() if word in tree.text_of(path).split("\n", 1)[0]]


def commands(flags):
    own = {name: [sys.executable, str(HERE / f"{name}.py")] for name in ("includes", "calls", "style", "documents")}
    python = with_shebang("python") + [str(path) for path in tree.files(".py")]
    sources = [str(path) for path in tree.files(".c", under=C_FOLDERS)]
    return own | {
        "mutants": [sys.executable, "tests/assurance/mutants/seeded.py", "--check"],
        "hypercalls": [sys.executable, "tools/hypercalls-doc", "--check"],
        "headers": [sys.executable, str(HERE / "headers.py"), *flags],
        "cppcheck": CPPCHECK + [f"-j{os.cpu_count()}", *sources],
        "shellcheck": ["shellcheck", "--severity=style", *with_shebang("sh")],
        "codespell": ["codespell", "--quiet-level=2", "--skip=.git,build,*.pyc,.pytest_cache", "--ignore-words-list",
                      "ist,inout,nd,extraversion,hel"],
        "python": [sys.executable, "-c", "import sys; [compile(open(p).read(), p, 'exec') for p in sys.argv[1:]]", *python],
    }


def run(item):
    name, command = item
    start = time.monotonic()
    if not shutil.which(command[0]):
        return name, f"{command[0]} is not installed; ./setup.sh installs it\n", 1, 0.0
    done = subprocess.run(command, cwd=tree.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    return name, done.stdout, done.returncode, time.monotonic() - start


def main():
    only = os.environ.get("CHECK", "").split()
    work = {name: command for name, command in commands(sys.argv[1:]).items() if not only or name in only}
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, text, status, seconds in pool.map(run, work.items()):
            if status:
                failed += 1
                print(text, end="" if text.endswith("\n") else "\n")
            print(f"  {'FAIL' if status else 'ok':4}  {name}  ({seconds:.1f} s)", flush=True)
    print(f"check: {len(work) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
