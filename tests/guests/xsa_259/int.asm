; SPDX-License-Identifier: MIT
; `int 0x80` of the kernel, and of a user program.

bits 64
default rel

section .text
global kernel_int80
kernel_int80:
        int     0x80
        ret

section .user_text progbits alloc exec nowrite align=4096
global user_code, user_int80
user_code:
user_int80:
        int     0x80
        ud2
