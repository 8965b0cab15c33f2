/* SPDX-License-Identifier: MIT */
#include "guest.h"

#include "arch/x86/cpu/fpu.h"
#include "arch/x86/cpu/layout.h"
#include "arch/x86/paging/types.h"
#include "common/domain.h"
#include <stdlib.h>
#include <string.h>

struct x86_domain guest_domain;
struct x86_vcpu guest;
struct vcpu_info guest_info;

u64 guest_xcr0;
bool guest_has_xsave;
const char *guest_vendor;

static struct shared_info shared;
static u8 stack[4096], code[64];

static u32 area_size(u64 parts)
{
    return parts & 0xe0 ? 2688 : parts & 4 ? 832 : 576;
}

static void processor_cpuid(u32 leaf, u32 subleaf, struct fake_cpuid *out)
{
    *out = (struct fake_cpuid){~0u, ~0u, ~0u, ~0u};
    if (leaf == 0) {
        out->eax = 0x20;
        memcpy(&out->ebx, guest_vendor, 4);
        memcpy(&out->edx, guest_vendor + 4, 4);
        memcpy(&out->ecx, guest_vendor + 8, 4);
    } else if (leaf == 1 && !guest_has_xsave) {
        out->ecx &= ~(1u << 26);
    } else if (leaf == 0xd && subleaf == 0) {
        *out = (struct fake_cpuid){(u32)guest_xcr0, area_size(fake_processor.xcr0), area_size(guest_xcr0),
                                   (u32)(guest_xcr0 >> 32)};
    } else if (leaf == 0x80000000) {
        out->eax = 0x80000020;
    }
}

void guest_vcpu_init(struct x86_vcpu *v, u32 id)
{
    memset(v, 0, sizeof(*v));
    v->vcpu.domain = &guest_domain.domain;
    v->vcpu.id = id;
    v->vcpu.info = &guest_info;
    v->vcpu.initialised = v->vcpu.online = true;
    v->in_kernel = true;
    v->kernel_root = v->user_root = MFN_INVALID;
    v->dr6 = 0xffff0ff0;
    v->dr7 = 0x400;
    table_work_init(&v->work);
    assert_int_equal(pv_fpu_init(v), 0);
}

int guest_setup(void **state)
{
    (void)state;
    fake_reset(FAKE_FRAMES);
    guest_xcr0 = 7;
    guest_has_xsave = true;
    guest_vendor = "GenuineIntel";
    fake_processor.cpuid = processor_cpuid;
    fake_processor.xcr0_allowed = ~0ull;
    fpu_cpu_init();
    memset(&guest_domain, 0, sizeof(guest_domain));
    memset(&guest_info, 0, sizeof(guest_info));
    guest_domain.domain.max_pages = 1024;
    guest_domain.domain.shared_info = &shared;
    strcpy(guest_domain.domain.config.name, "test");
    assert_int_equal(domain_table_add(&guest_domain.domain), 0);
    guest_vcpu_init(&guest, 0);
    guest_domain.domain.vcpu[0] = &guest.vcpu;
    guest_domain.domain.vcpu_count = 1;

    this_cpu()->current = &guest.vcpu;
    this_x86_cpu()->dr7 = 0x400;
    mfn_t ours = frame_alloc_host(); /* page 14 of the descriptor table */
    this_x86_cpu()->gdt_l1[GDT_GUEST_PAGES] = ours.n << PAGE_SHIFT | 0x63;
    struct regs *r = guest_regs();
    memset(r, 0, sizeof(*r));
    r->rip = GUEST_CODE;
    r->rsp = GUEST_STACK + sizeof(stack);
    r->cs = SEL_RING3_CS64;
    r->ss = SEL_RING3_DS;
    r->rflags = RFLAGS_IF | 2;
    r->vector = VECTOR_GP;
    pv_load_descriptor_tables(&guest);
    pv_fpu_load(&guest);
    return 0;
}

struct frame *guest_frame(void)
{
    struct frame *f = frame_alloc_domain(&guest_domain.domain);
    assert_non_null(f);
    return f;
}

u64 *guest_frame_words(const struct frame *f)
{
    return frame_ptr(f);
}

void guest_code(const u8 *bytes, size_t n)
{
    assert_true(n <= sizeof(code));
    memset(code, 0x90, sizeof(code));
    memcpy(code, bytes, n);
    fake_guest_forget();
    fake_guest_range(GUEST_CODE, code, sizeof(code), false);
    fake_guest_range(GUEST_STACK, stack, sizeof(stack), true);
    guest_regs()->rip = GUEST_CODE;
}

void guest_handlers(void)
{
    for (unsigned i = 0; i < PV_TRAPS; i++)
        guest.trap[i].address = GUEST_HANDLER + i;
}

int guest_vector(void)
{
    u64 at = guest_regs()->rip - GUEST_HANDLER;
    return at < PV_TRAPS ? (int)at : -1;
}
