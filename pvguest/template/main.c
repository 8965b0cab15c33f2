/* SPDX-License-Identifier: MIT
 * @NAME@: say here, in a line or two, what this guest shows. */
#include "guest/console.h"
#include "guest/guest.h"
#include "guest/report.h"

void guest_main(void)
{
    report_title("@NAME@", "what it shows, in a few words");
    printf("this guest runs in %s mode\n", guest_mode());
    report_equal("two and two", 2 + 2, 4);
}
