/* SPDX-License-Identifier: MIT */
/* Explores one small world, the geometry of whose tables was chosen when the program was built. See docs/testing.md. */
#include "tests/assurance/explore/ops.h"
#include "tests/assurance/explore/search.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct limits limits = {.states = 1000000, .depth = 200, .workers = 1};
static const char *numbers;

static void usage(void)
{
    fprintf(stderr, "explore [--frames=N] [--modes=dd|rr|dr|rd] [--own=A,B] [--rich] [--states=N] [--depth=N]\n"
                    "        [--seconds=N] [--workers=N] [--verbose] [--replay=N,N,...]\n");
    exit(2);
}

/* Two thirds of the frames are a's, one is b's, one or two are free; a domain may have one more than it begins with. */
static void shape_default(unsigned frames)
{
    shape.frames = frames;
    shape.first[1] = frames > 5 ? 2 : 1;
    shape.first[0] = frames > 3 ? frames - shape.first[1] - 1 : 2;
}

static void shape_finish(void)
{
    for (unsigned i = 0; i < 2; i++)
        shape.pfns[i] = shape.first[i] < PFNS_MAX ? shape.first[i] + 1 : PFNS_MAX;
    if (shape.frames < 2 || shape.frames > FRAMES_MAX || shape.first[0] + shape.first[1] > shape.frames)
        usage();
}

static void option(int c)
{
    switch (c) {
    case 'f':
        shape_default((unsigned)atoi(optarg));
        break;
    case 'm':
        shape.rewrite[0] = optarg[0] == 'r';
        shape.rewrite[1] = optarg[0] && optarg[1] == 'r';
        break;
    case 'o':
        if (sscanf(optarg, "%u,%u", &shape.first[0], &shape.first[1]) != 2)
            usage();
        break;
    case 'r':
        shape.rich = true;
        break;
    case 's':
        limits.states = strtoull(optarg, NULL, 10);
        break;
    case 'd':
        limits.depth = (unsigned)atoi(optarg);
        break;
    case 't':
        limits.seconds = (unsigned)atoi(optarg);
        break;
    case 'w':
        limits.workers = (unsigned)atoi(optarg);
        break;
    case 'v':
        limits.verbose = true;
        break;
    case 'p':
        numbers = optarg;
        break;
    default:
        usage();
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"frames", required_argument, NULL, 'f'},  {"modes", required_argument, NULL, 'm'},
        {"own", required_argument, NULL, 'o'},     {"rich", no_argument, NULL, 'r'},
        {"states", required_argument, NULL, 's'},  {"depth", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 't'}, {"workers", required_argument, NULL, 'w'},
        {"verbose", no_argument, NULL, 'v'},       {"replay", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0}};
    struct figures figures;
    int c;
    shape_default(4);
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
        option(c);
    shape_finish();
    if (limits.workers < 1 || limits.workers > 4)
        usage();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (numbers)
        return replay(numbers);
    int rc = search(&limits, &figures);
    printf("entries %u, levels %u, frames %u, counters of %d bits, %s: %lu states, %lu transitions, depth %u, %s, %.1f s\n",
           PT_ENTRIES, PT_LEVELS, shape.frames, FRAME_REF_BITS,
           shape.rewrite[0] == shape.rewrite[1] ? (shape.rewrite[0] ? "rewrite" : "direct") : "one of each", figures.states,
           figures.transitions, figures.depth, rc ? "breach" : figures.complete ? "complete" : "not complete", figures.seconds);
    return rc;
}
