; SPDX-License-Identifier: MIT
; Notes, first instruction, hypercall page, and the two entries that this guest needs: #UD and the event callback.

bits 64
default rel

extern virt_base, guest_main, upcall
global start, hypercall_page, undefined_entry, event_entry

%macro NOTE 2
        dd 4, 8, %1
        db "Xen", 0
        dq %2
%endmacro

section .note.Xen note alloc noexec nowrite align=4
        NOTE 1, start                   ; ENTRY
        NOTE 2, hypercall_page          ; HYPERCALL_PAGE
        NOTE 3, virt_base               ; VIRT_BASE
        NOTE 4, 0                       ; PADDR_OFFSET
        dd 4, 8, 5
        db "Xen", 0, "xen-3.0", 0       ; XEN_VERSION
        dd 4, 8, 8
        db "Xen", 0, "generic", 0       ; LOADER

section .text
start:  cld
        mov     rdi, rsi                ; start_info
        lea     rsp, [stack_top]
        call    guest_main
        ud2

undefined_entry:                        ; stack: rcx r11 rip cs rflags rsp ss; goes on behind the two-byte ud2
        pop     rcx
        pop     r11
        add     qword [rsp], 2
        inc     dword [undefined_count]
        jmp     return_by_iret

event_entry:
        mov     rcx, [rsp]
        mov     r11, [rsp + 8]
        add     rsp, 16
        push    rax
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    r8
        push    r9
        push    r10
        push    r11
        mov     rax, rsp                ; the frame was 16-aligned, seven words of it are left, nine are pushed
        and     rsp, -16
        push    rax
        push    rax
        call    upcall
        pop     rax
        pop     rsp
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rax
return_by_iret:                                  ; stack: rip cs rflags rsp ss; the iret hypercall wants its flags below
        push    0
        jmp     hypercall_page + 23 * 32

section .hypercall_page progbits alloc exec nowrite align=4096
hypercall_page:
        times 4096 db 0xcc

section .bss
align 16
        resb 16384
stack_top:
global undefined_count
undefined_count: resd 1
