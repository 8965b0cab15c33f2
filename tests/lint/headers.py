#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every header of the hypervisor and of the guest SDK compiles alone, with the flags given as arguments."""

import concurrent.futures
import os
import subprocess
import sys

import tree

FOLDERS = ("xen-lite", "common", "hypercalls", "arch/x86")
GUEST_FOLDERS = ("pvguest/include",)
GUEST_FLAGS = ["-std=gnu11", "-ffreestanding", "-mno-red-zone", "-mgeneral-regs-only", "-Wall", "-Wextra",
               "-I", "pvguest/include", "-isystem", "xen-lite/include", "-D__XEN_INTERFACE_VERSION__=0x00040e00"]


def compile_alone(header, flags):
    command = flags[:1] + ["-fsyntax-only", "-Werror", "-x", "c", "-include", str(header)] + flags[1:] + ["/dev/null"]
    done = subprocess.run(command, cwd=tree.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return None if done.returncode == 0 else f"{header}: does not compile alone\n{done.stdout}"


def main():
    flags = sys.argv[1:]
    work = [(header, flags) for header in tree.files(".h", under=FOLDERS)]
    work += [(header, flags[:1] + GUEST_FLAGS) for header in tree.files(".h", under=GUEST_FOLDERS)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = [fault for fault in pool.map(lambda item: compile_alone(*item), work) if fault]
    tree.finish(faults, f"headers ({len(work)})")


if __name__ == "__main__":
    main()
