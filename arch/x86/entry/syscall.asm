; SPDX-License-Identifier: MIT
; The door that guests knock on: SYSCALL. From a guest's kernel it is a hypercall, from its user mode a system call for
; its kernel. And the way back to the guest, for all doors.
;
; LSTAR points to a few bytes of code in the cpu's own area (stub.c), which put the guest's rsp into its place in struct
; regs, load rsp with the address of that place, and jump here: SYSCALL switches no stack, and the guest's GS is the guest's.

%include "entry.inc"

default rel
section .text

extern hypercall_table
extern hypercall_unknown
extern hypercall_resume
extern pv_user_syscall
extern pv_deliver_event
extern softirq_run

global entry_syscall
global entry_syscall32
global entry_return_to_guest
global exit_to_guest
global iret_to_guest

; rcx = return address, r11 = flags, rsp -> regs.rsp (the guest's rsp stands in it), interrupts off
entry_syscall:
    mov qword [rsp + 8], SEL_RING3_DS
    push r11
    push SEL_RING3_CS64
    push rcx
    push 0
    mov dword [rsp + 4], ENTRY_SYSCALL
    save_registers
    lea rbx, [rsp + REGS_SIZE]
    mov rbp, [rbx + CPU_current]
    cmp byte [rbp + VCPU_in_kernel], 0
    je .user
    cmp rax, HYPERCALLS
    jae .unknown
    sti
    mov rcx, r10
    lea r11, [hypercall_table]
    call [r11 + rax * 8]
.answered:
    cli
    cmp rax, -ERESTART
    je .restart
    mov [rsp + REGS_rax], rax

; Interrupts off, rsp -> struct regs, rbx -> struct x86_cpu
exit_to_guest:
    cmp dword [rbx + CPU_softirq], 0
    jne .softirq
    mov rbp, [rbx + CPU_current]
    mov rdi, [rbp + VCPU_info]
    cmp byte [rdi + INFO_pending], 0
    jne .pending
.leave:
    cmp dword [rsp + REGS_vector], ENTRY_SYSCALL
    jne iret_exit
    ; SYSRET to a non-canonical address would fault in ring 0 on the guest's stack (XSA-7).
    mov rcx, [rsp + REGS_rip]
    mov rax, rcx
    shl rax, 16
    sar rax, 16
    cmp rax, rcx
    jne iret_exit
    restore_registers
    add rsp, 8                  ; vector, error
    pop rcx                     ; rip
    add rsp, 8                  ; cs
    pop r11                     ; rflags
    pop rsp
    o64 sysret

.pending:
    cmp byte [rdi + INFO_mask], 0
    jne .leave
    mov rdi, rbp
    mov rsi, rsp
    call pv_deliver_event
    jmp exit_to_guest

.softirq:
    call softirq_run
    jmp exit_to_guest

entry_syscall.user:
    mov rdi, rbp
    mov rsi, rsp
    call pv_user_syscall
    jmp exit_to_guest

entry_syscall.unknown:
    mov rdi, rax
    call hypercall_unknown
    jmp entry_syscall.answered

; -ERESTART: the guest is made to ask again, with the arguments that the handler left in the vcpu.
entry_syscall.restart:
    mov rdi, rbp
    mov rsi, rsp
    call hypercall_resume
    jmp exit_to_guest

; SYSCALL from 32-bit code: a system call for the guest's kernel, whatever it came from.
entry_syscall32:
    mov qword [rsp + 8], SEL_RING3_DS
    push r11
    push SEL_RING3_CS32
    push rcx
    push 0
    mov dword [rsp + 4], ENTRY_SYSCALL32
    save_registers
    lea rbx, [rsp + REGS_SIZE]
    mov rbp, [rbx + CPU_current]
    jmp entry_syscall.user

iret_exit:
    restore_registers
    add rsp, 8
iret_to_guest:
    iretq                       ; may fault: what stands in the frame is the guest's (traps.c: iret_fault)

; Forgets the stack and goes to the guest whose registers stand at its top.
entry_return_to_guest:
    cli
    or rsp, CPU_AREA_MASK
    sub rsp, CPU_AREA_MASK - CPU_REGS_IN_AREA
    lea rbx, [rsp + REGS_SIZE]
    jmp exit_to_guest
