; SPDX-License-Identifier: MIT
; The barest handlers there can be: what a row counts beside the hypervisor is these few instructions.

bits 64
default rel

%define HYPERCALL_IRET 23

extern hypercall_page
extern bench_fix_address, bench_fix_entry
extern bench_pending_byte, bench_select_word, bench_pending_word, bench_port_mask, bench_upcalls

section .text

%macro RETURN_BY_IRET 0         ; rip cs rflags rsp ss on the stack
        push    0               ; flags
        push    rcx
        push    r11
        push    rax
        mov     eax, HYPERCALL_IRET
        syscall
%endmacro

global bench_plain_entry        ; int3, int n, SYSCALL from user mode: goes on behind the instruction
bench_plain_entry:
        pop     rcx
        pop     r11
        RETURN_BY_IRET

global bench_sysret_entry       ; SYSCALL from user mode, back as SYSRET would
bench_sysret_entry:
        pop     rcx
        pop     r11
        push    1 << 8          ; VGCF_in_syscall
        push    rcx
        push    r11
        push    rax
        mov     eax, HYPERCALL_IRET
        syscall

global bench_skip_entry         ; an instruction of two bytes, no error code
bench_skip_entry:
        pop     rcx
        pop     r11
        add     qword [rsp], 2
        RETURN_BY_IRET

global bench_skip_error_entry   ; an instruction of three bytes, with error code
bench_skip_error_entry:
        pop     rcx
        pop     r11
        add     rsp, 8
        add     qword [rsp], 3
        RETURN_BY_IRET

global bench_fix_page_entry     ; #PF: maps the page, and tries again
bench_fix_page_entry:
        pop     rcx
        pop     r11
        add     rsp, 8
        push    rax
        push    rdi
        push    rsi
        push    rdx
        mov     rdi, [bench_fix_address]
        mov     rsi, [bench_fix_entry]
        xor     edx, edx
        call    hypercall_page + 14 * 32        ; update_va_mapping
        pop     rdx
        pop     rsi
        pop     rdi
        pop     rax
        RETURN_BY_IRET

global bench_event_entry        ; upcall: takes the one port's event
bench_event_entry:
        pop     rcx
        pop     r11
        push    rax
        push    rdx
        mov     rax, [bench_pending_byte]
        mov     byte [rax], 0
        mov     rax, [bench_select_word]
        mov     qword [rax], 0
        mov     rax, [bench_pending_word]
        mov     rdx, [bench_port_mask]
        lock and [rax], rdx
        inc     dword [bench_upcalls]
        pop     rdx
        pop     rax
        RETURN_BY_IRET

global bench_iret               ; long bench_iret(void): the iret hypercall to the next instruction
bench_iret:
        mov     rdx, rsp
        push    0xe02b
        push    rdx
        push    0x202
        push    0xe030
        lea     rax, [.back]
        push    rax
        push    0
        push    rcx
        push    r11
        push    rax
        mov     eax, HYPERCALL_IRET
        syscall
.back:  xor     eax, eax
        ret

; ---- user mode --------------------------------------------------------------------------------------------------
; rdi = the data page: [rdi + 4 * i] receives sample i. Each program ends with ud2.

%define RUNS 15

section .user_text progbits alloc exec nowrite align=4096
global bench_user_code
bench_user_code:

%macro USER_PROGRAM 1+          ; the instructions between the two time stamps
        xor     r9d, r9d
%%again:
        rdtsc
        mov     r8d, eax
        %1
        rdtsc
        sub     eax, r8d
        mov     [rdi + r9 * 4], eax
        inc     r9d
        cmp     r9d, RUNS
        jne     %%again
        ud2
%endmacro

global bench_user_nothing, bench_user_syscall, bench_user_int80, bench_user_fault
bench_user_nothing:
        USER_PROGRAM nop
bench_user_syscall:
        USER_PROGRAM syscall
bench_user_int80:
        USER_PROGRAM int 0x80
bench_user_fault:
        xor     esi, esi
        USER_PROGRAM mov [rsi], rax     ; three bytes
