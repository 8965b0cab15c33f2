#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the guest ABI headers of this tree with Debian's libxen-dev, name by name.

The list of probes is made from our own headers: every macro, enum constant, typedef, struct, union and field that they
declare is probed, so none can go unchecked. The same probe program is compiled once against each set of headers; size,
alignment, offset, value and type must agree. A name that libxen-dev has in these headers and ours lacks must stand in
LEFT_OUT with a reason. At the end the test tests itself: copies of our headers with one fault each must fail, by name.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

from pycparser import c_ast, c_parser

HEADERS = """xen-compat.h xen.h arch-x86/xen.h arch-x86/xen-x86_64.h arch-x86/cpuid.h features.h elfnote.h memory.h
event_channel.h sched.h vcpu.h version.h callback.h physdev.h grant_table.h nmi.h errno.h sysctl.h io/console.h""".split()

ALONE_FLAGS = "-std=c11 -ffreestanding -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -c -o /dev/null -xc -".split()

# Names that libxen-dev shows only to the hypervisor itself (__XEN__).
HYPERVISOR_ONLY = {"XEN_EINTR", "XEN_ERESTART"}

# Function-like macros cannot be enumerated from their definition: one or more uses each. A macro without a use fails.
SAMPLES = {
    "xen_mk_uint": ["xen_mk_uint(7)"],
    "xen_mk_ulong": ["xen_mk_ulong(7)"],
    "xen_mk_ullong": ["xen_mk_ullong(7)"],
    "__xen_mk_uint": ["__xen_mk_uint(7)"],
    "__xen_mk_ulong": ["__xen_mk_ulong(7)"],
    "__xen_mk_ullong": ["__xen_mk_ullong(7)"],
    "___DEFINE_XEN_GUEST_HANDLE": ["({ ___DEFINE_XEN_GUEST_HANDLE(a, short); sizeof(__guest_handle_a); })"],
    "__DEFINE_XEN_GUEST_HANDLE": ["({ __DEFINE_XEN_GUEST_HANDLE(a, short); sizeof(__guest_handle_const_a); })"],
    "DEFINE_XEN_GUEST_HANDLE": ["({ DEFINE_XEN_GUEST_HANDLE(short); sizeof(*(XEN_GUEST_HANDLE(short)){0}.p); })"],
    "__XEN_GUEST_HANDLE": ["sizeof(__XEN_GUEST_HANDLE(int))", "({ int v = 5; __XEN_GUEST_HANDLE(int) h = {&v}; *h.p; })"],
    "XEN_GUEST_HANDLE": ["sizeof(XEN_GUEST_HANDLE(int))", "({ uint8_t v = 5; XEN_GUEST_HANDLE(uint8) h = {&v}; *h.p; })"],
    "XEN_GUEST_HANDLE_PARAM": ["sizeof(XEN_GUEST_HANDLE_PARAM(int))"],
    "set_xen_guest_handle_raw": ["({ int v; XEN_GUEST_HANDLE(int) h; set_xen_guest_handle_raw(h, &v); h.p == &v; })"],
    "set_xen_guest_handle": ["({ int v; XEN_GUEST_HANDLE(int) h; set_xen_guest_handle(h, &v); h.p == &v; })"],
    "xen_pfn_to_cr3": ["xen_pfn_to_cr3(0x123456)"],
    "xen_cr3_to_pfn": ["xen_cr3_to_pfn(0x123456789abUL)"],
    "TI_GET_DPL": ["({ struct trap_info t = {.flags = 7}; TI_GET_DPL(&t); })"],
    "TI_GET_IF": ["({ struct trap_info t = {.flags = 7}; TI_GET_IF(&t); })"],
    "TI_SET_DPL": ["({ struct trap_info t = {.flags = 4}; TI_SET_DPL(&t, 2); t.flags; })"],
    "TI_SET_IF": ["({ struct trap_info t = {.flags = 1}; TI_SET_IF(&t, 9); t.flags; })"],
    "XEN_CPUID_LEAF": ["XEN_CPUID_LEAF(5)"],
    "XENMEMF_address_bits": ["XENMEMF_address_bits(33)"],
    "XENMEMF_get_address_bits": ["XENMEMF_get_address_bits(0xabcd)"],
    "XENMEMF_node": ["XENMEMF_node(3)"],
    "XENMEMF_get_node": ["XENMEMF_get_node(0x40123)"],
    "XENMEMF_exact_node": ["XENMEMF_exact_node(2)"],
    "XENMEM_resource_ioreq_server_frame_ioreq": ["XENMEM_resource_ioreq_server_frame_ioreq(4)"],
    "xen_vcpu_physid_to_x86_apicid": ["xen_vcpu_physid_to_x86_apicid(0x1122334455667788)"],
    "xen_vcpu_physid_to_x86_acpiid": ["xen_vcpu_physid_to_x86_acpiid(0x1122334455667788)"],
    "MASK_XENCONS_IDX": ["MASK_XENCONS_IDX(0x12345, ((struct xencons_interface *)0)->out)"],
}

LEFT_OUT = [
    (r"__XEN_PUBLIC_\w+", "include guards"),
    (r"COMPAT_FLEX_ARRAY_DIM", "for 32-bit guests of a 64-bit hypervisor"),
    (r"XEN_DEFINE_UUID_?", "nothing in the guest interface takes one"),
    (r"(__guest_handle_\w*)?\w*physdev_(manage_pci|pci_mmcfg_reserved|pci_device_add|restore_msi|dbgp_op)\w*",
     "an initial domain reports PCI devices with it"),
    (r"PHYSDEVOP_(manage_pci|pci_mmcfg_reserved|pci_device|restore_msi|prepare_msix|release_msix|dbgp|DBGP)\w*",
     "an initial domain reports PCI devices with it"),
    (r"XEN_PCI_\w+", "an initial domain reports PCI devices with it"),
    (r"GNTTABOP_error_msgs", "a list of sentences, not an interface"),
]

PROBE_HEAD = r"""
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
%s
#define TYPE(x) _Generic((x), char: "char", signed char: "i8", unsigned char: "u8", short: "i16", \
    unsigned short: "u16", int: "i32", unsigned int: "u32", long: "i64", unsigned long: "u64", long long: "ill", \
    unsigned long long: "ull", char *: "char*", default: "other")
#define VALUE(name, x) printf("%%s\t%%#llx %%s\n", name, (unsigned long long)(x), TYPE(x))
#define FIELD(t, f, e) printf("%%s.%%s\tat %%zu size %%zu align %%zu %%s\n", #t, #f, offsetof(t, f), \
    sizeof(((t *)0)->f), __alignof__(((t *)0)->f), TYPE(((t *)0)->f e))
#define FLEX(t, f) printf("%%s.%%s\tat %%zu of %%zu %%s\n", #t, #f, offsetof(t, f), sizeof(((t *)0)->f[0]), \
    TYPE(((t *)0)->f[0]))
#define SIZE(t) printf("%%s\tsize %%zu align %%zu\n", #t, sizeof(t), __alignof__(t))
#define SCALAR(t) printf("%%s\tsize %%zu align %%zu %%s\n", #t, sizeof(t), __alignof__(t), TYPE(*(t *)0))
#define STRINGIFY(...) #__VA_ARGS__
#define TEXT(name, ...) printf("%%s\ttext '%%s'\n", name, STRINGIFY(__VA_ARGS__))
int main(void)
{
"""


def run(argv, text=None):
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False, env=environment)


class HeaderSet:
    """One tree of headers: where it lies, and how its guests are compiled."""

    def __init__(self, folder, flags):
        self.folder, self.flags = os.path.realpath(folder), flags
        self.includes = "#include <stdint.h>\n" + "".join(f"#include <xen/{h}>\n" for h in HEADERS)

    def compiler(self, more=()):
        return ["gcc", "-std=gnu11", "-w", "-ftrack-macro-expansion=0",
                "-isystem" if self.folder == "/usr/include" else "-I", self.folder,
                *self.flags, *more]

    def preprocessed(self):
        # Of what tools alone see (sysctl.h) only our own names are listed: the rest would be a toolstack's.
        answer = run([*self.compiler(["-D__XEN_PUBLIC_SYSCTL_H__"]), "-ffreestanding", "-E", "-dD", "-xc", "-"], self.includes)
        if answer.returncode:
            sys.exit(f"preprocessing {self.folder}: {answer.stderr}")
        return answer.stdout

    def is_own(self, path):
        return os.path.realpath(path) in {os.path.join(self.folder, "xen", h) for h in HEADERS}

    def declarations(self):
        """(object macros, function-like macros, parsed declarations) that these headers themselves make."""
        plain, functional, code, own = {}, set(), [], False
        for line in self.preprocessed().splitlines():
            marker = re.match(r'# \d+ "([^"]*)"', line)
            macro = re.match(r"#define (\w+)(\(?)(.*)", line)
            undef = re.match(r"#undef (\w+)", line)
            if marker:
                own = self.is_own(marker[1])
                code.append(line)
            elif macro and own and macro[2]:
                functional.add(macro[1])
            elif macro and own:
                plain[macro[1]] = macro[3].strip()
            elif undef:
                plain.pop(undef[1], None)
                functional.discard(undef[1])
            code.append("" if line.startswith("#") and not marker else "" if marker else line)
        tree = c_parser.CParser().parse("\n".join(code), self.folder)
        return plain, functional, [d for d in tree.ext if self.is_own(d.coord.file)]


class Collector:
    """Turns parsed declarations into probe lines."""

    def __init__(self):
        self.probes = []  # (name, C statement)

    def add(self, name, statement):
        self.probes.append((name, statement))

    def composite(self, type_name, node):
        self.add(type_name, f"SIZE({type_name});")
        self.fields(type_name, "", node)

    def fields(self, type_name, path, node):
        for field in node.decls or []:
            kind, where, element = field.type, path + (field.name or ""), ""
            if isinstance(kind, c_ast.ArrayDecl) and kind.dim is None:
                self.add(f"{type_name}.{where}", f"FLEX({type_name}, {where});")
                continue
            while isinstance(kind, c_ast.ArrayDecl):
                kind, element = kind.type, element + "[0]"
            if field.name:
                self.add(f"{type_name}.{where}", f"FIELD({type_name}, {where}, {element});")
            inner = kind.type if isinstance(kind, c_ast.TypeDecl) else kind
            if isinstance(inner, (c_ast.Struct, c_ast.Union)) and inner.decls:
                self.fields(type_name, where + element + "." if field.name else path, inner)
                if inner.name:
                    word = "struct" if isinstance(inner, c_ast.Struct) else "union"
                    self.composite(f"{word} {inner.name}", inner)

    def declaration(self, node):
        kind = node.type
        if isinstance(node, c_ast.Typedef):
            inner = kind.type if isinstance(kind, c_ast.TypeDecl) else None
            if isinstance(inner, (c_ast.Struct, c_ast.Union)):
                self.composite(node.name, inner) if inner.decls else self.add(node.name, f"SIZE({node.name});")
            else:
                self.add(node.name, f"SCALAR({node.name});")
        elif isinstance(kind, c_ast.Enum):
            self.add(f"enum {kind.name}", f"SIZE(enum {kind.name});")
            for constant in kind.values.enumerators:
                self.add(constant.name, f'VALUE("{constant.name}", {constant.name});')
        elif isinstance(kind, (c_ast.Struct, c_ast.Union)):
            word = "struct" if isinstance(kind, c_ast.Struct) else "union"
            self.composite(f"{word} {kind.name}", kind)
        else:
            sys.exit(f"{node.coord}: a declaration that this test cannot probe")


def macros_that_are_expressions(headers, names):
    """Compiles one line for each; the lines without an error are expressions."""
    names = sorted(names)
    while True:  # again until there is no error, since a syntax error can hide the next line's
        lines = [f"int probe_{i} = sizeof(({n}));" for i, n in enumerate(names)]
        text = headers.includes + '#line 1 "probe"\n' + "\n".join(lines)
        answer = run([*headers.compiler(), "-fsyntax-only", "-fmax-errors=0", "-xc", "-"], text)
        if answer.returncode == 0:
            return set(names)
        failed = {int(n) for n in re.findall(r"^probe:(\d+):\d+: error", answer.stderr, re.M)}
        if not failed:
            sys.exit(f"{headers.folder}: {answer.stderr}")
        names = [n for i, n in enumerate(names, 1) if i not in failed]


def probes_of(headers):
    plain, functional, declarations = headers.declarations()
    collector = Collector()
    for node in declarations:
        collector.declaration(node)
    plain = {n: v for n, v in plain.items() if not n.startswith("XL_ABI_")}
    expressions = macros_that_are_expressions(headers, plain)
    for name, value in sorted(plain.items()):
        if '"' in value or name not in expressions:
            collector.add(name, f'TEXT("{name}", {name});')
        else:
            collector.add(name, f'VALUE("{name}", {name});')
    for name in sorted(functional):
        if name not in SAMPLES:
            sys.exit(f"{name}: a function-like macro of ours without a use in SAMPLES")
        for i, use in enumerate(SAMPLES[name]):
            collector.add(f"{name}(#{i})", f'VALUE("{name}(#{i})", {use});')
    return collector.probes


def measure(headers, probes, work, more=()):
    """{name: what was found}. A probe that does not compile here is left out of the result; its error is printed."""
    probes, source, program = list(probes), os.path.join(work, "probe.c"), os.path.join(work, "probe")
    while True:
        with open(source, "w", encoding="ascii") as file:
            file.write(PROBE_HEAD % headers.includes + '#line 1 "probe"\n')
            file.write("\n".join(statement for _, statement in probes) + "\nreturn 0;\n}\n")
        answer = run([*headers.compiler(more), "-O0", "-fmax-errors=0", source, "-o", program])
        if answer.returncode == 0:
            break
        bad = {int(n) - 1: e for n, e in re.findall(r"^probe:(\d+):\d+: error: (.*)", answer.stderr, re.M)}
        if not bad:
            sys.exit(f"the probe does not compile against {headers.folder}:\n{answer.stderr}")
        for i, error in sorted(bad.items()):
            print(f"  {probes[i][0]}: {error} ({headers.folder})")
        probes = [p for i, p in enumerate(probes) if i not in bad]
    answer = run([program])
    if answer.returncode:
        sys.exit(f"the probe for {headers.folder} ended with {answer.returncode}")
    return dict(line.split("\t", 1) for line in answer.stdout.splitlines())


def compare(ours, theirs, work):
    """(names that agree, names that differ); each difference is printed."""
    probes = probes_of(ours)
    common = [p for p in probes if p[0] not in HYPERVISOR_ONLY]
    inner = [p for p in probes if p[0] in HYPERVISOR_ONLY]
    mine = measure(ours, probes, work)
    yours = measure(theirs, common, work, ["-D__XEN_TOOLS__"])
    yours.update(measure(theirs, inner, work, ["-D__XEN__", "-D__XEN_PUBLIC_SYSCTL_H__"]))
    failed = []
    for name, found in mine.items():
        if yours.get(name) != found:
            print(f"  {name}: ours {found}, libxen-dev {yours.get(name, 'has no such name')}")
            failed.append(name)
    for name, _ in probes:
        if name not in mine:
            print(f"  {name}: does not compile against our own headers")
            failed.append(name)
    if len(mine) < 1000:  # the probe list itself has a floor: an empty one would agree with anything
        failed.append(f"only {len(mine)} probes")
    return [n for n in mine if n not in failed], failed


def names_of(headers):
    plain, functional, declarations = headers.declarations()
    names = set(plain) | functional
    for node in declarations:
        if isinstance(node, c_ast.Typedef):
            names.add(node.name)
        elif isinstance(node.type, c_ast.Enum):
            names |= {e.name for e in node.type.values.enumerators}
        elif getattr(node.type, "name", None):
            names.add(node.type.name)
    return names


def check_complete(ours, theirs):
    """Names of libxen-dev that we neither have nor left out by a reason; and reasons that excuse nothing."""
    missing = sorted(names_of(theirs) - names_of(ours))
    absent = [n for n in missing if not any(re.fullmatch(p, n) for p, _ in LEFT_OUT)]
    for name in absent:
        print(f"  {name}: in libxen-dev, not in our headers, and not in LEFT_OUT")
    return len(missing) - len(absent), absent


def check_alone(ours):
    """Each header compiles by itself, strictly, with both compilers."""
    passed, failed = 0, []
    for compiler in ("gcc", "clang"):
        for header in HEADERS:
            answer = run([compiler, "-I", ours.folder, *ALONE_FLAGS], f"#include <xen/{header}>\nextern int x;\n")
            if answer.returncode:
                print(f"  {header} alone, {compiler}:\n{answer.stderr}")
                failed.append(header)
            else:
                passed += 1
    return passed, failed


# (header, text, its replacement, a name that must then be reported)
FAULTS = [
    ("xen.h", "__HYPERVISOR_iret                          23", "__HYPERVISOR_iret 24", "__HYPERVISOR_iret"),
    ("xen.h", "uint32_t store_evtchn;", "uint64_t store_evtchn;", "struct start_info.store_evtchn"),
    ("xen.h", "int8_t tsc_shift;", "uint8_t tsc_shift;", "struct vcpu_time_info.tsc_shift"),
    ("xen.h", "xen_mk_uint(0x7FF0) /* the caller", "0x7FF0 /* the caller", "DOMID_SELF"),
    ("arch-x86/xen-x86_64.h", "uint64_t r11;\n    uint64_t r10;", "uint64_t r10;\n    uint64_t r11;",
     "struct cpu_user_regs.r10"),
    ("errno.h", "XEN_ENOSYS = 38", "XEN_ENOSYS = 39", "XEN_ENOSYS"),
    ("sched.h", "#define SCHEDOP_yield", "#define SCHEDOP_sleep 9\n#define SCHEDOP_yield", "SCHEDOP_sleep"),
]


def check_self(ours, theirs, work):
    """Each fault must be found, and named."""
    passed, failed = 0, []
    for header, old, new, name in FAULTS:
        copy = os.path.join(work, "faulty")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(os.path.join(ours.folder, "xen"), os.path.join(copy, "xen"))
        path = os.path.join(copy, "xen", header)
        with open(path, encoding="ascii") as file:
            text = file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace(old, new))
        output, sys.stdout = sys.stdout, open(os.devnull, "w", encoding="ascii")
        try:
            _, found = compare(HeaderSet(copy, []), theirs, work)
        finally:
            sys.stdout.close()
            sys.stdout = output
        if text.count(old) == 1 and name in found:
            passed += 1
        else:
            print(f"  a fault was not found: '{old}' made '{new}' in {header} ({text.count(old)} places): {found}")
            failed.append(name)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--include", default="xen-lite/include", help="folder that has our xen/")
    parser.add_argument("--reference", default="/usr/include", help="folder that has libxen-dev's xen/")
    options = parser.parse_args()
    if not os.path.exists(os.path.join(options.reference, "xen/xen.h")):
        sys.exit(f"{options.reference}/xen/xen.h is not there: install libxen-dev")
    ours = HeaderSet(options.include, [])
    theirs = HeaderSet(options.reference, ["-D__XEN_INTERFACE_VERSION__=0x00040e00"])
    with tempfile.TemporaryDirectory() as work:
        agree, differ = compare(ours, theirs, work)
        excused, absent = check_complete(ours, theirs)
        alone, not_alone = check_alone(ours)
        found, not_found = check_self(ours, theirs, work)
    print(f"  {len(agree)} names agree with libxen-dev, {len(differ)} differ; {excused} of its names are left out by "
          f"a reason, {len(absent)} without; {alone} headers compile alone; {found} planted faults were found")
    passed = len(agree) + alone + found
    failed = len(differ) + len(absent) + len(not_alone) + len(not_found)
    print(f"abi: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
