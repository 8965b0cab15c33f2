// SPDX-License-Identifier: MIT
/* A fuzzer's main without libFuzzer: runs the target on each file that is named. For other compilers and for coverage. */
#include "tests/fuzz/check.h"

/* The mutators of a target call it; here nobody calls them. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
    (void)data, (void)max;
    return size;
}

static void run_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file);
    uint8_t *data = malloc(size ? size : 1);
    CHECK(data != NULL);
    rewind(file);
    CHECK(fread(data, 1, size, file) == size);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_file(argv[i]);
    printf("%d inputs\n", argc - 1);
    return 0;
}
