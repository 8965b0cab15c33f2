/* SPDX-License-Identifier: MIT */
/*
 * Which mutant is awake: XL_MUTANT=number, or XL_MUTANT=-1 and XL_REACHED=file, one byte for each mutant, to be set when it
 * is reached, by child processes too.
 */
#include "tests/assurance/mutants/switch.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int xl_mutant;
static char *reached;

void xl_reached(int mutant)
{
    reached[mutant] = 1;
}

static void __attribute__((constructor)) wake(void)
{
    const char *number = getenv("XL_MUTANT"), *file = getenv("XL_REACHED");
    struct stat size;

    int chosen = number ? atoi(number) : 0;
    if (chosen < 0) {
        int fd = file ? open(file, O_RDWR) : -1;
        if (fd < 0 || fstat(fd, &size) || size.st_size == 0)
            abort();
        reached = mmap(NULL, (size_t)size.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (reached == MAP_FAILED)
            abort();
        close(fd);
    }
    xl_mutant = chosen;
}
