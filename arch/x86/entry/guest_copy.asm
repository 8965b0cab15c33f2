; SPDX-License-Identifier: MIT
; Copies to and from guest memory. A fault on the guest's side ends the copy; the exception table sends it here.

default rel
section .text

global guest_copy

; size_t guest_copy(void *to, const void *from, size_t n): bytes that were not copied
guest_copy:
    mov rcx, rdx
    shr rcx, 3
    and edx, 7
.words:
    rep movsq
    mov ecx, edx
.bytes:
    rep movsb
    mov rax, rcx                ; 0
    ret
.words_faulted:                 ; byte by byte, to come as far as can be
    lea rcx, [rcx * 8 + rdx]
    jmp .bytes
.bytes_faulted:
    mov rax, rcx
    ret

section .ex_table progbits alloc noexec nowrite align=8
    dq guest_copy.words, guest_copy.words_faulted
    dq guest_copy.bytes, guest_copy.bytes_faulted
