; SPDX-License-Identifier: MIT
; The doors of exceptions and interrupts: one stub per vector, then one way for what came from a guest and one for what
; came from the hypervisor itself. trap_entry_table holds the stubs' addresses, in order, for the IDT.

%include "entry.inc"

default rel
section .text

extern trap_from_guest
extern trap_from_hypervisor
extern exit_to_guest

global trap_entry_table

; Vectors that push an error code: 8, 10 to 14, 17, 21, 29, 30.
%define pushes_error(v) (v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21 || v == 29 || v == 30)
; Vectors that have a stack of their own (IST): what they interrupted may stand anywhere.
%define own_stack(v) (v == 1 || v == 2 || v == 8 || v == 18)

%assign vector 0
%rep 256
align 16
trap_stub_ %+ vector:
    %if !pushes_error(vector)
    push 0
    %endif
    mov dword [rsp + 4], vector
    %if own_stack(vector)
    jmp trap_own_stack
    %else
    jmp trap_common
    %endif
%assign vector vector + 1
%endrep

align 16
trap_common:
    save_registers
    cld
    test byte [rsp + REGS_cs], 3
    jz trap_hypervisor
trap_guest:
    lea rbx, [rsp + REGS_SIZE]
    mov rdi, rsp
    call trap_from_guest
    jmp exit_to_guest

trap_hypervisor:
    mov rdi, rsp
    call trap_from_hypervisor
    restore_registers
    add rsp, 8
    iretq

; On a stack of its own. What came from a guest is moved to where the guest's registers belong.
trap_own_stack:
    save_registers
    cld
    test byte [rsp + REGS_cs], 3
    jz trap_hypervisor
    mov rsi, rsp
    or rsp, CPU_AREA_MASK
    sub rsp, CPU_AREA_MASK - CPU_REGS_IN_AREA
    mov rdi, rsp
    mov ecx, REGS_SIZE / 8
    rep movsq
    jmp trap_guest

section .rodata
align 8
trap_entry_table:
%assign vector 0
%rep 256
    dq trap_stub_ %+ vector
%assign vector vector + 1
%endrep
