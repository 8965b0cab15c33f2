/* SPDX-License-Identifier: MIT
 * lesson_hello: the program of docs/tutorial/01-hello.md. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    report_title("lesson_hello", "what a guest is given");
    printf("in %s mode, told: \"%s\"\n", guest_mode(), guest_command_line());
    printf("%lu pages of memory, %lu of them hold its first page tables\n", guest_start_info->nr_pages,
           guest_start_info->nr_pt_frames);
    report_true("the first root is mapped where start_info says", guest_start_info->pt_base != 0);
}
