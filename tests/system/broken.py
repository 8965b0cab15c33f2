# SPDX-License-Identifier: MIT
"""Images that are wrong in one place, made from good ones: guests that must be refused (broken/NAME in matrix.ini), and
hypervisors that fault where one of their functions begins (spoilt/FUNCTION-HOW)."""

import struct

# Offsets in the ELF64 header and in a program header.
E_MACHINE, E_ENTRY, E_PHOFF, E_PHENTSIZE, E_PHNUM = 18, 24, 32, 54, 56
E_SHOFF, E_SHNUM, E_SHSTRNDX = 40, 60, 62
P_TYPE, P_OFFSET, P_VADDR, P_PADDR, P_FILESZ, P_MEMSZ = 0, 8, 16, 24, 32, 40
PT_NULL, PT_LOAD, PT_NOTE = 0, 1, 4
XEN_ELFNOTE_ENTRY, XEN_ELFNOTE_HYPERCALL_PAGE, XEN_ELFNOTE_VIRT_BASE = 1, 2, 3


class Elf:
    """A copy of a file to be spoilt."""

    def __init__(self, data):
        self.data = bytearray(data)

    def get(self, fmt, at):
        return struct.unpack_from("<" + fmt, self.data, at)[0]

    def set(self, fmt, at, value):
        struct.pack_into("<" + fmt, self.data, at, value)
        return self

    def program_headers(self, kind):
        start, size = self.get("Q", E_PHOFF), self.get("H", E_PHENTSIZE)
        headers = [start + size * number for number in range(self.get("H", E_PHNUM))]
        return [header for header in headers if self.get("I", header + P_TYPE) == kind]

    def no_sections(self):
        return self.set("Q", E_SHOFF, 0).set("H", E_SHNUM, 0).set("H", E_SHSTRNDX, 0)

    def note_value(self, wanted):
        """Where the value of Xen's note of this type lies in the file."""
        for header in self.program_headers(PT_NOTE):
            at, end = self.get("Q", header + P_OFFSET), 0
            end = at + self.get("Q", header + P_FILESZ)
            while at + 12 <= end:
                name_size, value_size, kind = struct.unpack_from("<III", self.data, at)
                value = at + 12 + (name_size + 3) // 4 * 4
                if kind == wanted and self.data[at + 12:at + 15] == b"Xen":
                    return value
                at = value + (value_size + 3) // 4 * 4
        raise ValueError(f"the good image has no note {wanted}")


def without_notes(elf):
    for header in elf.program_headers(PT_NOTE):
        elf.set("I", header + P_TYPE, PT_NULL)
    return elf.no_sections()


def first_load(elf, field, value):
    return elf.set("Q", elf.program_headers(PT_LOAD)[0] + field, value)


def first_end(data):
    """Where the first loaded segment ends in the file."""
    elf = Elf(data)
    header = elf.program_headers(PT_LOAD)[0]
    return elf.get("Q", header + P_OFFSET) + elf.get("Q", header + P_FILESZ)


BROKEN = {
    "empty": lambda data: b"",
    "text": lambda data: b"This is a letter, not a kernel.\n" * 40,
    "truncated": lambda data: data[:first_end(data) - 1],
    "head-only": lambda data: data[:64],
    "class-32": lambda data: bytes(Elf(data).set("B", 4, 1).data),
    "other-machine": lambda data: bytes(Elf(data).set("H", E_MACHINE, 183).data),
    "wild-headers": lambda data: bytes(Elf(data).set("Q", E_PHOFF, 0xFFFFFFFFFFFFFFF0).data),
    "many-headers": lambda data: bytes(Elf(data).set("H", E_PHNUM, 0xFFFF).data),
    "no-notes": lambda data: bytes(without_notes(Elf(data)).data),
    "wild-segment": lambda data: bytes(first_load(Elf(data), P_OFFSET, 0xFFFFFFFFFFFFF000).data),
    "huge-segment": lambda data: bytes(first_load(Elf(data), P_MEMSZ, 0xFFFFFFFFFFFF0000).data),
    "short-segment": lambda data: bytes(first_load(Elf(data), P_MEMSZ, 1).data),
    "far-segment": lambda data: bytes(first_load(Elf(data), P_PADDR, 0x0000700000000000).data),
}


def note(kind, value):
    return lambda data: bytes((lambda elf: elf.set("Q", elf.note_value(kind), value))(Elf(data)).data)


BROKEN |= {
    "wild-entry": note(XEN_ELFNOTE_ENTRY, 0x00007FFFFFFFF000),
    "entry-in-hypervisor": note(XEN_ELFNOTE_ENTRY, 0xFFFF82D080000000),
    "wild-hypercall-page": note(XEN_ELFNOTE_HYPERCALL_PAGE, 0xFFFF830000000000),
    "wild-virt-base": note(XEN_ELFNOTE_VIRT_BASE, 0xFFFF800000000000),
}


def make(name, good):
    """The bytes of a broken image, from the bytes of a good one."""
    return BROKEN[name](good)


# What stands in the place of a function's first bytes.
SPOILS = {
    "undefined": bytes.fromhex("0f0b"),                                    # ud2
    "nowhere": bytes.fromhex("48a1") + struct.pack("<Q", 0x7FF123456000),  # mov rax, [an address that nobody maps]
    "noncanonical": bytes.fromhex("48a1") + struct.pack("<Q", 1 << 62),    # mov rax, [an address that cannot be]
    "readonly": bytes.fromhex("c705f6ffffff00000000"),                     # mov dword [itself], 0
    "endless": bytes.fromhex("e8fbffffff"),                                # calls itself, until the stack is full
}


def spoil(data, address, how):
    """The bytes of a hypervisor whose code at this virtual address is replaced."""
    elf, code = Elf(data), SPOILS[how]
    for header in elf.program_headers(PT_LOAD):
        start, size = elf.get("Q", header + P_VADDR), elf.get("Q", header + P_FILESZ)
        if start <= address and address + len(code) <= start + size:
            at = elf.get("Q", header + P_OFFSET) + address - start
            elf.data[at:at + len(code)] = code
            return bytes(elf.data)
    raise ValueError(f"no segment holds {address:#x}")
