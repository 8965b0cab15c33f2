; SPDX-License-Identifier: MIT
; return_to(): gives the hypercall iret a frame; comes back wherever a handler sends it to return_landing.

bits 64
default rel

section .text
global return_to, return_landing, return_stack
return_to:                      ; (frame of iret: 9 words)
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [return_stack], rsp
        mov     rbx, 0x1111111111111111
        mov     r15, 0x2222222222222222
        mov     rsp, rdi
        mov     eax, 23
        syscall
        ud2
return_landing:                 ; rsp = return_stack
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

section .bss
align 8
return_stack:           resq 1
