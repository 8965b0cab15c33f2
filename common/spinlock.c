/* SPDX-License-Identifier: MIT */
/* Whether the order of locks is checked: see spinlock.h and lock_order.h. */
#include "common/spinlock.h"

bool lock_order_checked;
