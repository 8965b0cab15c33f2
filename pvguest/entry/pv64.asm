; SPDX-License-Identifier: MIT
; Start and entry points of a 64-bit paravirtualized guest: the ELF notes that tell the domain builder what this
; image wants, the first instructions, the hypercall page, one stub per exception vector, and the event, failsafe
; and syscall callbacks. Relies on guest.lds for GUEST_VIRT_BASE; C calls and is called through pvguest/lib.

bits 64
default rel

%define VGCF_IN_SYSCALL   (1 << 8)
%define HYPERCALL_IRET    23
%define KERNEL_CS         0xe030        ; FLAT_KERNEL_CS with RPL 0: "came from, return to, kernel mode"
%define USER_CS           0xe033
%define FLAT_SS           0xe02b
%define VECTOR_EVENT      256           ; numbers that trap.h gives the callbacks, above the 256 vectors
%define VECTOR_SYSCALL    257
%define VECTOR_FAILSAFE   258

extern GUEST_VIRT_BASE
extern guest_start, trap_dispatch

; ---- ELF notes --------------------------------------------------------------------------------------------------

%macro NOTE_QWORD 2             ; type, value
        dd 4, 8, %1
        db "Xen", 0
        dq %2
%endmacro

%macro NOTE_DWORD 2
        dd 4, 4, %1
        db "Xen", 0
        dd %2
%endmacro

%macro NOTE_STRING 2
        dd 4, %%end - %%text, %1
        db "Xen", 0
%%text: db %2, 0
%%end:  align 4, db 0
%endmacro

; Features this guest can live with: writable_page_tables(0), writable_descriptor_tables(1),
; auto_translated_physmap(2, "rewrite"), pae_pgdir_above_4gb(4), mmu_pt_update_preserve_ad(5), dom0(11).
%define SUPPORTED_FEATURES ((1 << 0) | (1 << 1) | (1 << 2) | (1 << 4) | (1 << 5) | (1 << 11))

section .note.Xen note alloc noexec nowrite align=4
        NOTE_QWORD   1, guest_entry             ; ENTRY
        NOTE_QWORD   2, hypercall_page          ; HYPERCALL_PAGE
        NOTE_QWORD   3, GUEST_VIRT_BASE         ; VIRT_BASE
        NOTE_QWORD   4, 0                       ; PADDR_OFFSET
        NOTE_STRING  5, "xen-3.0"               ; XEN_VERSION
        NOTE_STRING  6, "xen-lite guest SDK"    ; GUEST_OS
        NOTE_STRING  7, "1"                     ; GUEST_VERSION
        NOTE_STRING  8, "generic"               ; LOADER
        NOTE_DWORD  17, SUPPORTED_FEATURES      ; SUPPORTED_FEATURES

; ---- Start ------------------------------------------------------------------------------------------------------

section .text
global guest_entry
guest_entry:                    ; rsi = start_info; the builder's stack is one page, ours is bigger
        cld
        mov     rdi, rsi
        lea     rsp, [guest_stack_top]
        xor     ebp, ebp
        call    guest_start
        ud2                     ; guest_start ends by shutting the domain down

section .hypercall_page progbits alloc exec nowrite align=4096
global hypercall_page
hypercall_page:                 ; overwritten by the domain builder; until then every slot traps
        times 4096 db 0xcc

; ---- Traps ------------------------------------------------------------------------------------------------------
;
; What the hypervisor pushes, low to high:   rcx r11 [error] rip cs rflags rsp ss
; What C sees (struct trap_regs, trap.h):    r15..rdi vector | rax r11 rcx error rip cs rflags rsp ss
; The part right of the bar is the frame of the iret hypercall, once "error" has become its flags word.

section .text

%macro TRAP_ERROR 1             ; the hypervisor pushed an error code
        mov     rcx, [rsp]
        mov     r11, [rsp + 8]
        mov     [rsp], r11
        mov     [rsp + 8], rcx
        push    rax
        push    %1
        jmp     trap_common
%endmacro

%macro TRAP_PLAIN 1             ; no error code: make room for a zero one
        mov     rcx, [rsp]
        mov     r11, [rsp + 8]
        mov     qword [rsp + 8], 0
        push    r11
        push    rax
        push    %1
        jmp     trap_common
%endmacro

; The stubs stand 32 bytes apart, so trap.c finds vector n's at trap_entry_table + 32 * n.
global trap_entry_table
align 32
trap_entry_table:
%assign vector 0
%rep 256
        align 32
    %if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17
        TRAP_ERROR vector
    %else
        TRAP_PLAIN vector
    %endif
    %assign vector vector + 1
%endrep

global event_callback_entry
align 16
event_callback_entry:           ; frame without an error code; events are masked
        TRAP_PLAIN VECTOR_EVENT

global syscall_callback_entry
align 16
syscall_callback_entry:         ; SYSCALL from user mode: rcx = user rip, r11 = user flags, on the kernel stack
        TRAP_PLAIN VECTOR_SYSCALL

global failsafe_callback_entry
align 16
failsafe_callback_entry:        ; rcx r11 ds es fs gs rip ...: reloading a selector failed; drop the four selectors
        mov     rcx, [rsp]
        mov     r11, [rsp + 8]
        add     rsp, 48
        push    0
        push    rcx
        push    r11
        push    rax
        push    VECTOR_FAILSAFE
        jmp     trap_common

align 16
trap_common:
        push    rdi
        push    rsi
        push    rdx
        push    r8
        push    r9
        push    r10
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        mov     rdi, rsp
        mov     rbx, rsp
        and     rsp, -16
        call    trap_dispatch   ; may change any register of the frame; leaves the iret flags in "error"
        mov     rsp, rbx
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r10
        pop     r9
        pop     r8
        pop     rdx
        pop     rsi
        pop     rdi
        add     rsp, 8          ; vector
        mov     eax, HYPERCALL_IRET
        syscall                 ; does not return here
        ud2

; ---- Calls that may fault, and trips to user mode --------------------------------------------------------------
;
; Both save the callee-saved registers and a stack pointer; trap_dispatch lands here when it wants out.

%macro PUSH_CALLEE_SAVED 0
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
%endmacro

%macro POP_CALLEE_SAVED 0
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
%endmacro

global fault_try, fault_landing, fault_saved_stack
fault_try:                      ; (function, argument) -> eax 0: returned, 1: a trap ended it
        PUSH_CALLEE_SAVED
        push    qword [fault_saved_stack]       ; so that tries nest
        mov     [fault_saved_stack], rsp
        mov     rax, rdi
        mov     rdi, rsi
        call    rax
        xor     eax, eax
.out:   pop     qword [fault_saved_stack]
        POP_CALLEE_SAVED
        ret
fault_landing:                  ; rsp was set from fault_saved_stack by the trap frame
        mov     eax, 1
        jmp     fault_try.out

global user_enter, user_landing, user_saved_stack
user_enter:                     ; (rip, rsp, first argument, iret flags): runs user mode until user_leave()
        PUSH_CALLEE_SAVED
        push    qword [user_saved_stack]
        mov     [user_saved_stack], rsp
        push    FLAT_SS
        push    rsi
        push    0x202           ; IF: events stay unmasked
        push    USER_CS
        push    rdi
        push    rcx             ; iret flags
        push    0               ; rcx
        push    0x202           ; r11
        push    0               ; rax
        mov     rdi, rdx
        mov     eax, HYPERCALL_IRET
        syscall
        ud2
user_landing:
        pop     qword [user_saved_stack]
        POP_CALLEE_SAVED
        ret

section .bss
align 16
guest_stack:            resb 64 * 1024
global guest_stack_top
guest_stack_top:
guest_trap_stack:       resb 32 * 1024
global guest_trap_stack_top
guest_trap_stack_top:
fault_saved_stack:      resq 1
user_saved_stack:       resq 1
