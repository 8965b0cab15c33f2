/* SPDX-License-Identifier: MIT */
/* 16550 serial port (National Semiconductor PC16550D data sheet), polled in both directions. */
#include "arch/x86/dev/uart.h"
#include "arch/x86/cpu/insn.h"
#include "common/cmdline.h"

#define COM1 0x3f8u

enum { REG_DATA, REG_IER, REG_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCRATCH };
#define LCR_DIVISOR  0x80u
#define LCR_STOP2    0x04u
#define LCR_PARITY   0x08u
#define LCR_EVEN     0x10u
#define FCR_ENABLE   0x07u /* on, both queues emptied */
#define MCR_DTR_RTS  0x03u
#define LSR_DATA     0x01u
#define LSR_TX_EMPTY 0x20u
#define LSR_TX_IDLE  0x40u
#define TX_QUEUE     16u
#define BAUD_BASE    115200u
#define WAIT_MAX     1000000u /* reads of the status register: Bochs needs 200000 for one full queue */
#define SILENT_LIMIT 4u

static bool present;
static u32 room;   /* bytes that the transmit queue takes for sure */
static u32 silent; /* times in a row that the port never became ready */

static u8 get(unsigned reg)
{
    return insn_in8((u16)(COM1 + reg));
}
static void put(unsigned reg, unsigned value)
{
    insn_out8((u16)(COM1 + reg), (u8)value);
}

void uart_init(const struct com1_options *o)
{
    unsigned divisor = o->baud ? BAUD_BASE / o->baud : 1;
    unsigned lcr = (o->data_bits - 5u) & 3u;

    if (o->stop_bits == 2)
        lcr |= LCR_STOP2;
    if (o->parity != 'n')
        lcr |= LCR_PARITY;
    if (o->parity == 'e')
        lcr |= LCR_EVEN;
    put(REG_SCRATCH, 0x5a);
    present = get(REG_SCRATCH) == 0x5a;
    room = silent = 0;
    if (!present)
        return;
    put(REG_IER, 0);
    put(REG_LCR, LCR_DIVISOR);
    put(REG_DATA, divisor & 0xff);
    put(REG_IER, divisor >> 8);
    put(REG_LCR, lcr);
    put(REG_FCR, FCR_ENABLE);
    put(REG_MCR, MCR_DTR_RTS);
}

bool uart_present(void)
{
    return present;
}

static void put_byte(u8 byte)
{
    if (room == 0) {
        u32 tries = 0;
        while (!(get(REG_LSR) & LSR_TX_EMPTY))
            if (++tries == WAIT_MAX) {
                silent++;
                return;
            }
        silent = 0;
        room = TX_QUEUE;
    }
    put(REG_DATA, byte);
    room--;
}

void uart_write(const char *text, size_t n)
{
    if (!present || silent >= SILENT_LIMIT)
        return;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n')
            put_byte('\r');
        put_byte((u8)text[i]);
    }
}

void uart_drain(void)
{
    if (present && silent < SILENT_LIMIT)
        for (u32 tries = 0; tries < WAIT_MAX && !(get(REG_LSR) & LSR_TX_IDLE); tries++)
            insn_pause();
}

int uart_read(void)
{
    if (!present || !(get(REG_LSR) & LSR_DATA))
        return -1;
    return get(REG_DATA);
}
