; SPDX-License-Identifier: MIT
; The user program: enters the kernel in each way there is. rdi = the data page, where it leaves what it got back.

bits 64
default rel

section .user_text progbits alloc exec nowrite align=4096
global user_code, user_program
user_code:
user_program:
        mov     rbx, 0x1111111111111111
        mov     r12, 0x2222222222222222
        mov     eax, 17                 ; a hypercall's number: from user mode it is the guest's own affair
        syscall
        mov     [rdi], rax
        int     0x80
        mov     [rdi + 8], rax
        int3
        xor     esi, esi
        mov     rax, [rsi]              ; nothing is mapped at 0; three bytes
        mov     [rsi], rax              ; skipped with the read: together six bytes
        mov     rsi, 0xffffffff80000000
        mov     rax, [rsi]              ; three bytes: the kernel's half is not there in user mode
        hlt                             ; one byte
        cli                             ; one byte
        mov     [rdi + 16], rbx
        mov     [rdi + 24], r12
        pushfq
        pop     rax
        mov     [rdi + 32], rax
        ud2
