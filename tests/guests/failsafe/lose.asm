; SPDX-License-Identifier: MIT
; lose(): loads data segments, calls a function that takes them away and sleeps; comes back by the failsafe callback, which
; notes its frame and what is loaded, or behind the function.

bits 64
default rel

section .text
global lose, lose_failsafe
lose:                           ; (selectors: ds es fs gs, function)
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [lose_stack], rsp
        mov     ds, [rdi]
        mov     es, [rdi + 2]
        mov     fs, [rdi + 4]
        mov     gs, [rdi + 6]
        call    rsi
        jmp     back

lose_failsafe:                  ; rcx r11 ds es fs gs rip cs rflags rsp ss
        mov     [lose_segments], ds
        mov     [lose_segments + 2], es
        mov     [lose_segments + 4], fs
        mov     [lose_segments + 6], gs
        mov     rsi, rsp
        lea     rdi, [lose_frame]
        mov     ecx, 11
        cld
        rep movsq               ; without a segment's base, whatever ds and es are
        inc     dword [lose_count]
        mov     rsp, [lose_stack]
back:
        mov     eax, 0xe02b
        mov     ds, eax
        mov     es, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

section .bss
align 8
global lose_frame, lose_segments, lose_count
lose_frame:             resq 11
lose_stack:             resq 1
lose_segments:          resw 4          ; ds es fs gs
lose_count:             resd 1
