; SPDX-License-Identifier: MIT
;
; From the boot loader to the first C function: Multiboot2 header, checks of the processor, first page tables
; (the low 4 GiB where they are, the image at IMAGE_START), long mode, an IDT that can print, boot_main().
; What is linked in .boot.* is reachable only through the low map and is free memory later.

IMAGE_START equ 0xffff82d080000000
IMAGE_PHYS  equ 0x200000
SLOT_IMAGE  equ (IMAGE_START >> 39) & 511
SLOT_IMAGE3 equ (IMAGE_START >> 30) & 511

MULTIBOOT2_HEADER_MAGIC equ 0xe85250d6
MULTIBOOT2_LOADER_MAGIC equ 0x36d76289

PTE_P  equ 1
PTE_W  equ 2
PTE_PS equ 0x80

CR0_BITS equ 0x80010033 ; PG WP NE ET MP PE
CR4_PAE  equ 0x20
MSR_EFER equ 0xc0000080
EFER_LME equ 0x100
EFER_NXE equ 0x800
CPUID_LM equ 1 << 29
CPUID_NX equ 1 << 20
COM1     equ 0x3f8

BOOT_CS equ 8
BOOT_DS equ 16

extern boot_main
extern early_traps_install

; The header: asks for the memory map and, where there is one, the ACPI root; page-aligned modules; no framebuffer.
section .boot.header progbits alloc noexec nowrite align=8
header:
    dd MULTIBOOT2_HEADER_MAGIC, 0, header.end - header
    dd 0x100000000 - (MULTIBOOT2_HEADER_MAGIC + (header.end - header))
.needed:
    dw 1, 0
    dd .optional - .needed
    dd 6                   ; memory map
    align 8, db 0
.optional:
    dw 1, 1                ; flag: the loader may ignore it
    dd .optional_end - .optional
    dd 14, 15              ; ACPI RSDP, version 1 and 2
.optional_end:
    align 8, db 0
.align_modules:
    dw 6, 0
    dd 8
    dw 0, 0
    dd 8
.end:

section .boot.text progbits alloc exec nowrite align=16
bits 32

; eax: the loader's magic; ebx: the boot information. 32-bit protected mode, flat, paging off.
global boot_entry
boot_entry:
    cli
    cld
    mov esp, boot_stack.top
    call serial_init
    mov esi, text.magic
    cmp eax, MULTIBOOT2_LOADER_MAGIC
    jne die
    mov ebp, ebx
    call check_processor
    call fill_tables
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, boot_l4
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LME | EFER_NXE
    wrmsr
    mov eax, CR0_BITS
    mov cr0, eax
    lgdt [gdt32_pointer]
    jmp BOOT_CS:long_mode

; Returns only if the processor has long mode and no-execute.
check_processor:
    pushfd
    pop eax
    mov ecx, eax
    xor eax, 1 << 21       ; EFLAGS.ID can be changed: CPUID exists
    push eax
    popfd
    pushfd
    pop eax
    mov esi, text.cpuid
    cmp eax, ecx
    je die
    mov esi, text.long
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb die
    mov eax, 0x80000001
    cpuid
    test edx, CPUID_LM
    jz die
    mov esi, text.nx
    test edx, CPUID_NX
    jz die
    ret

; The loader has zeroed the tables.
fill_tables:
    mov dword [boot_l4], boot_l3 + (PTE_P | PTE_W)
    mov dword [boot_l4 + SLOT_IMAGE * 8], image_l3 + (PTE_P | PTE_W)
    mov dword [image_l3 + SLOT_IMAGE3 * 8], image_l2 + (PTE_P | PTE_W)
    mov dword [image_l2], IMAGE_PHYS + (PTE_P | PTE_W | PTE_PS)
    mov dword [image_l2 + 8], IMAGE_PHYS + 0x200000 + (PTE_P | PTE_W | PTE_PS)
    mov ecx, 4
    mov edi, boot_l3
    mov eax, boot_l2 + (PTE_P | PTE_W)
.l3:
    mov [edi], eax
    add edi, 8
    add eax, 0x1000
    loop .l3
    mov ecx, 4 * 512
    mov edi, boot_l2
    mov eax, PTE_P | PTE_W | PTE_PS
.l2:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    loop .l2
    ret

; COM1, 115200 baud, 8 bits, no parity. Keeps eax and ebx.
serial_init:
    push eax
    mov esi, serial_setup
    mov ecx, (serial_setup.end - serial_setup) / 2
    xor edx, edx
.next:
    mov dl, [esi]
    add edx, COM1
    mov al, [esi + 1]
    out dx, al
    xor edx, edx
    add esi, 2
    loop .next
    pop eax
    ret

; esi: a text, ended by 0. To COM1 and, in white on red, to the text screen; then the end.
die:
    mov edi, 0xb8000
    mov ebx, esi
    mov esi, text.prefix
    call put_text
    mov esi, ebx
    call put_text
    mov esi, text.suffix
    call put_text
.stop:
    cli
    hlt
    jmp .stop

put_text:
    lodsb
    test al, al
    jz .end
    mov ah, 0x4f
    mov [edi], ax
    add edi, 2
    mov cl, al
    mov ebp, 100000        ; tries: there may be no serial port
    mov edx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jnz .ready
    dec ebp
    jnz .wait
.ready:
    mov edx, COM1
    mov al, cl
    out dx, al
    jmp put_text
.end:
    ret

bits 64
long_mode:
    mov rax, boot_high
    jmp rax

section .boot.rodata progbits alloc noexec nowrite align=8
serial_setup: ; register, value: no interrupts, divisor 1, 8n1, FIFO, DTR RTS OUT2
    db 1, 0, 3, 0x80, 0, 1, 1, 0, 3, 3, 2, 0xc7, 4, 0x0b
.end:
    align 8
gdt32:
    dq 0
    dq 0x00af9b000000ffff
    dq 0x00cf93000000ffff
gdt32_pointer:
    dw $ - gdt32 - 1
    dd gdt32
text:
.prefix: db '(xl) xen-lite cannot start: ', 0
.magic:  db 'not loaded by Multiboot2 (eax must hold 0x36d76289; use `multiboot2` in GRUB)', 0
.cpuid:  db 'the processor has no CPUID instruction', 0
.long:   db 'the processor has no 64-bit long mode', 0
.nx:     db 'the processor has no no-execute bit (NX/XD); enable it in the firmware setup', 0
.suffix: db 13, 10, 0

section .boot.tables nobits alloc noexec write align=4096
boot_l4:  resb 4096
boot_l3:  resb 4096
image_l3: resb 4096
image_l2: resb 4096
boot_l2:  resb 4 * 4096

; 64 KiB, aligned, used from its top, less the room of struct x86_cpu: this_cpu() is valid from the first line of C.
section .boot.stack nobits alloc noexec write align=65536
boot_stack:
    resb 0x10000 - 512
.top:
    resb 512

section .text
bits 64
default rel
boot_high:
    lgdt [gdt64_pointer]
    mov rsp, boot_stack.top
    push BOOT_CS
    lea rax, [.segments]
    push rax
    retfq
.segments:
    mov eax, BOOT_DS
    mov ss, eax
    mov ds, eax
    mov es, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    call early_traps_install
    mov edi, ebp
    xor ebp, ebp
    call boot_main         ; does not return
    ud2

; void boot_continue(u64 stack, u64 cr3, void (*function)(void)): goes on there, on another stack under other page tables.
global boot_continue:function hidden
boot_continue:
    mov rsp, rdi
    mov cr3, rsi
    xor ebp, ebp
    call rdx               ; does not return
    ud2

section .rodata
    align 8
gdt64: ; the accessed bits are set: the processor never writes to it
    dq 0
    dq 0x00af9b000000ffff
    dq 0x00cf93000000ffff
gdt64_pointer:
    dw $ - gdt64 - 1
    dq gdt64
