/* SPDX-License-Identifier: MIT */
/* Text screen: the lines are kept in ordinary memory, because reading the card's is slow, and copied when
 * they scroll. */
#include "arch/x86/dev/vga.h"
#include "arch/x86/cpu/insn.h"
#include "lib/string.h"

#define COLUMNS          80u
#define LINES            25u
#define ATTRIBUTE        0x0700u /* light grey on black */
#define CRTC             0x3d4
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW  0x0f

static u16 *card; /* NULL: no text screen */
static u16 lines[LINES][COLUMNS];
static u32 row, column;

static void clear_line(u32 line)
{
    for (u32 i = 0; i < COLUMNS; i++)
        lines[line][i] = ATTRIBUTE | ' ';
}

static void move_cursor(void)
{
    u32 at = row * COLUMNS + column;

    insn_out8(CRTC, CRTC_CURSOR_HIGH);
    insn_out8(CRTC + 1, (u8)(at >> 8));
    insn_out8(CRTC, CRTC_CURSOR_LOW);
    insn_out8(CRTC + 1, (u8)at);
}

void vga_init(void *memory)
{
    card = memory;
    row = column = 0;
    for (u32 i = 0; i < LINES; i++)
        clear_line(i);
    memcpy(card, lines, sizeof(lines));
    move_cursor();
}

void vga_move(void *memory)
{
    if (card)
        card = memory;
}

/* True: everything moved up. */
static bool new_line(void)
{
    column = 0;
    if (++row < LINES)
        return false;
    row = LINES - 1;
    memmove(lines[0], lines[1], sizeof(lines) - sizeof(lines[0]));
    clear_line(row);
    return true;
}

void vga_write(const char *text, size_t n)
{
    u32 first = row;
    bool moved = false;

    if (!card)
        return;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\n') {
            moved |= new_line();
            continue;
        }
        if (text[i] == '\r') {
            column = 0;
            continue;
        }
        if (column == COLUMNS)
            moved |= new_line();
        lines[row][column++] = (u16)(ATTRIBUTE | (u8)text[i]);
    }
    if (moved)
        first = 0;
    memcpy(card + first * COLUMNS, lines[first], (row - first + 1) * sizeof(lines[0]));
    if (column < COLUMNS)
        move_cursor();
}
