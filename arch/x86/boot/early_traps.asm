; SPDX-License-Identifier: MIT
;
; Faults before the cpu has its own tables: says where it happened on COM1 and stops; never a silent reset. Needs no C,
; no memory but the stack. A fault that .ex_table knows continues at its fixup, so rdmsr_safe and the like work here.

default rel
bits 64

COM1    equ 0x3f8
BOOT_CS equ 8
VECTORS equ 32

extern ex_table_start
extern ex_table_end

; What the stub and `trap` leave on the stack, from its top:
AT_VECTOR equ 24
AT_ERROR  equ 32
AT_RIP    equ 40
AT_RSP    equ 64

section .text

; All vectors of the processor lead here. Keeps rbp, ebx.
global early_traps_install:function hidden
early_traps_install:
    lea rdi, [early_idt]
    lea rax, [stubs]
    mov ecx, VECTORS
.next:
    mov word [rdi], ax
    mov word [rdi + 2], BOOT_CS
    mov word [rdi + 4], 0x8e00
    mov rdx, rax
    shr rdx, 16
    mov word [rdi + 6], dx
    shr rdx, 16
    mov dword [rdi + 8], edx
    mov dword [rdi + 12], 0
    add rdi, 16
    add rax, 16
    dec ecx
    jnz .next
    lidt [early_idt_pointer]
    ret

    align 16
stubs: ; 16 bytes each
%assign n 0
%rep VECTORS
    align 16
  %if n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 || n == 29 || n == 30
  %else
    push 0
  %endif
    push n
    jmp strict near trap
  %assign n n + 1
%endrep
    align 16

trap:
    push rax
    push rcx
    push rdx
    mov rax, [rsp + AT_RIP]
    lea rcx, [ex_table_start]
    lea rdx, [ex_table_end]
.search:
    cmp rcx, rdx
    jae .fatal
    cmp rax, [rcx]
    je .fixup
    add rcx, 16
    jmp .search
.fixup:
    mov rax, [rcx + 8]
    mov [rsp + AT_RIP], rax
    pop rdx
    pop rcx
    pop rax
    add rsp, 16
    iretq

.fatal:
    cld
    mov rbp, rsp
    lea rsi, [text.vector]
    mov rbx, [rbp + AT_VECTOR]
    call put_value
    lea rsi, [text.error]
    mov rbx, [rbp + AT_ERROR]
    call put_value
    lea rsi, [text.rip]
    mov rbx, [rbp + AT_RIP]
    call put_value
    lea rsi, [text.cr2]
    mov rbx, cr2
    call put_value
    lea rsi, [text.rsp]
    mov rbx, [rbp + AT_RSP]
    call put_value
    lea rsi, [text.end]
    call put_text
.stop:
    cli
    hlt
    jmp .stop

; rsi: text, then rbx as 16 hexadecimal digits.
put_value:
    call put_text
    mov edi, 16
.digit:
    rol rbx, 4
    mov eax, ebx
    and eax, 15
    lea rcx, [text.digits]
    mov al, [rcx + rax]
    call put_byte
    dec edi
    jnz .digit
    ret

put_text:
    lodsb
    test al, al
    jz .end
    call put_byte
    jmp put_text
.end:
    ret

; al. Waits for the port only so long: there may be none.
put_byte:
    mov r8d, eax
    mov ecx, 100000
    mov edx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jnz .ready
    dec ecx
    jnz .wait
.ready:
    mov edx, COM1
    mov eax, r8d
    out dx, al
    ret

section .rodata
text:
.vector: db 13, 10, '(xl) early fault: vector 0x', 0
.error:  db ' error 0x', 0
.rip:    db 13, 10, '(xl)   rip 0x', 0
.cr2:    db ' cr2 0x', 0
.rsp:    db ' rsp 0x', 0
.end:    db 13, 10, '(xl) stopped before the hypervisor was up', 13, 10, 0
.digits: db '0123456789abcdef'
    align 8
early_idt_pointer:
    dw VECTORS * 16 - 1
    dq early_idt

section .bss
    alignb 16
early_idt: resb VECTORS * 16
