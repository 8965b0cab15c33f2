; SPDX-License-Identifier: MIT
; return_to(): gives the hypercall iret a frame, with data segments of the caller's choice loaded; comes back by the
; failsafe callback, which notes its frame and what is loaded, or wherever a handler sends it to return_landing.

bits 64
default rel

section .text
global return_to, return_failsafe, return_landing, return_stack
return_to:                      ; (frame of iret: 9 words, selectors: ds es fs gs)
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [return_stack], rsp
        mov     [saved_segments], ds
        mov     [saved_segments + 2], es
        mov     [saved_segments + 4], fs
        mov     [saved_segments + 6], gs
        mov     ds, [rsi]
        mov     es, [rsi + 2]
        mov     fs, [rsi + 4]
        mov     gs, [rsi + 6]
        mov     rbx, 0x1111111111111111
        mov     r15, 0x2222222222222222
        mov     rsp, rdi
        mov     eax, 23
        syscall                 ; what cannot be loaded: return_failsafe; what can: not back here either
        ud2

return_failsafe:                ; rcx r11 ds es fs gs rip cs rflags rsp ss
        mov     [failsafe_segments], ds
        mov     [failsafe_segments + 2], es
        mov     [failsafe_segments + 4], fs
        mov     [failsafe_segments + 6], gs
        mov     [failsafe_registers], rax
        mov     [failsafe_registers + 8], rbx
        mov     [failsafe_registers + 16], r15
        mov     [failsafe_stack], rsp
        mov     rsi, rsp
        lea     rdi, [failsafe_frame]
        mov     ecx, 11
        cld
        rep movsq               ; without a segment's base, whatever ds and es are
        inc     dword [failsafe_count]
        mov     rsp, [return_stack]
return_landing:                 ; rsp = return_stack; whoever comes here was not told by the callback
        mov     ds, [saved_segments]
        mov     es, [saved_segments + 2]
        mov     fs, [saved_segments + 4]
        mov     gs, [saved_segments + 6]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

section .bss
align 8
global failsafe_frame, failsafe_segments, failsafe_registers, failsafe_stack, failsafe_count
failsafe_frame:         resq 11
failsafe_registers:     resq 3          ; rax rbx r15
failsafe_stack:         resq 1
return_stack:            resq 1
failsafe_segments:      resw 4          ; ds es fs gs
saved_segments:         resw 4
failsafe_count:         resd 1
