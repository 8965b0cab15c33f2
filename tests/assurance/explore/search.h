/* SPDX-License-Identifier: MIT */
/* Breadth first over all worlds that can be reached, by some processes side by side. */
#ifndef XL_EXPLORE_SEARCH_H
#define XL_EXPLORE_SEARCH_H

#include "tests/assurance/explore/world.h"

struct limits {
    u64 states;       /* stop at about so many */
    unsigned depth;   /* operations from the start at most */
    unsigned seconds; /* of real time; 0: as long as it takes */
    unsigned workers;
    bool verbose;     /* a line for each depth */
};

struct figures {
    u64 states, transitions;
    unsigned depth; /* operations from the start to the states that were found last */
    bool complete;  /* nothing else can be reached */
    double seconds;
};

/* 0, or 1 after a breach, with the shortest way to it printed. */
int search(const struct limits *limits, struct figures *figures);
/* Carries out the operations of those numbers from the start, says each and checks each. 0 or 1. */
int replay(const char *numbers);

#endif
