/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1 (xen/grant_table.h): frames that a domain lends to others.
 *
 *      granter                                                       user
 *   shared entry          active entry                      map record          L1 entry (host map)
 *   "user may use gfn" -> frame, user, pin counts <---------- granter, ref       frame
 *   guest writes it        ours; while pinned: one              ours: its         a reference, writable: the
 *                          reference of the frame               number is         type too, as any L1 entry
 *                                                               the handle
 *
 * The shared entry is hostile memory: its frame is read once, at the first pin; what counts afterwards is the active
 * entry. A pin is one use (a map by handle, a side of a copy). As long as one is left the frame cannot be freed and the
 * guest sees GTF_reading, as long as one of them writes GTF_writing; bits and counts change together.
 * An L1 entry of a host map holds what any L1 entry holds, and drops it when it goes, however that comes about. A handle
 * whose entry is gone keeps its pin until its domain ends, as on Xen.
 * Records of a granter that is gone stay until its last pin goes: the reference of a pinned frame keeps it a zombie.
 */
#ifndef XL_COMMON_GRANT_TABLE_H
#define XL_COMMON_GRANT_TABLE_H

#include "lib/types.h"
#include <xen/grant_table.h>

struct domain;
struct grant_active;
struct grant_map;

#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))

/* A domain's part, empty as long as it has not used grants. Guarded by the lock of grant_table.c. */
struct grant_table {
    struct grant_entry_v1 **shared; /* [grant_max_frames()] */
    struct grant_active **active;   /* pages, two for each frame of the shared table */
    u32 frames;                     /* that the domain has */
    u32 prepared;                   /* frames and more that are being made: its next frames, not shared yet */

    struct grant_map **maps; /* pages of map records; its own uses of others' frames */
    u32 map_pages;
    u32 map_fresh; /* handles from here on were never given out */
    u32 map_free;  /* first of the list of free ones, plus one; 0: none */
    u32 map_ended; /* taking down: records below are gone */
    u32 unshared;  /* ... and so are frames below */
};

/* What a pin counts: four counts of a byte each, and as on Xen none goes beyond 128. */
#define GRANT_PIN_READ         (1u << 0)
#define GRANT_PIN_WRITE        (1u << 8)
#define GRANT_PIN_DEVICE_READ  (1u << 16)
#define GRANT_PIN_DEVICE_WRITE (1u << 24)
#define GRANT_PINS_HOST        (GRANT_PIN_READ | GRANT_PIN_WRITE)
#define GRANT_PINS_WRITE       (0xffu * (GRANT_PIN_WRITE | GRANT_PIN_DEVICE_WRITE))

/* The table: all answers are those of GNTTABOP_*. */
u32 grant_frames(const struct domain *d);
u32 grant_max_frames(void);
/* Makes the table that many frames long, or longer as it is. -XEN_EINVAL: beyond the maximum; -XEN_ENOMEM: as it was;
 * -XEN_ERESTART: the same call goes on. */
int grant_grow(struct domain *d, u32 frames);
/* The frame of the table at that index; MFN_INVALID: none. */
mfn_t grant_frame(const struct domain *d, u32 index);
int grant_swap(struct domain *d, grant_ref_t a, grant_ref_t b);

/*
 * A pin for a copy by `user`: checks the entry and marks it. GNTST_okay: *mfn is the granter's frame, which lives as long
 * as the pin.
 */
int grant_pin(struct domain *granter, grant_ref_t ref, const struct domain *user, u32 pin, mfn_t *mfn);
void grant_unpin(struct domain *granter, grant_ref_t ref, u32 pin);

/*
 * A map is pinned first, which gives a handle; then its L1 entry is made (arch_grant_map), and only then does the handle
 * mean anything. flags: GNTMAP_*.
 */
int grant_map_begin(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t *handle,
                    mfn_t *mfn);
void grant_map_commit(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t handle);
void grant_map_cancel(struct domain *user, struct domain *granter, grant_ref_t ref, u32 flags, grant_handle_t handle);

/* One handle that is being unmapped: nobody else gets at it in between. */
struct grant_unmap {
    grant_handle_t handle;
    u32 flags; /* of the map: GNTMAP_*; 0: there is no such map, nothing is to be ended */
    u32 done;  /* GNTMAP_host_map, GNTMAP_device_map: the caller sets what it has ended */
    grant_ref_t ref;
    struct domain *granter;
    mfn_t mfn;
};
/* GNTST_bad_handle: no such map. */
int grant_unmap_begin(struct domain *user, grant_handle_t handle, struct grant_unmap *u);
/* After the flush: drops what the entries held and the pins, and lets the handles go. */
void grant_unmap_end(struct domain *user, struct grant_unmap *list, u32 count);

/* The end of a domain, after its tables: in bounded steps; true: no map and no shared frame is left. */
bool grant_take_down(struct domain *d);
/* With the domain's record: what its own entries needed, none of which is pinned any more. */
void grant_free(struct domain *d);

/* For the audit: the frame of an entry that is pinned, else MFN_INVALID. refs: [0, grant_entries()). */
u32 grant_entries(const struct domain *d); /* that there are active entries of */
mfn_t grant_pinned_frame(const struct domain *d, grant_ref_t ref);
/* A map record: its frame and flags (GNTMAP_*), 0: none. handles: [0, d->grants.map_fresh). */
u32 grant_map_record(const struct domain *d, grant_handle_t handle, mfn_t *mfn);

#endif
