/* SPDX-License-Identifier: MIT */
/* From GRUB's modules to domains that run (domain_builder.c). */
#ifndef XL_COMMON_DOMAIN_BUILDER_H
#define XL_COMMON_DOMAIN_BUILDER_H

#include <arch/boot.h>

/* Builds and starts a domain for each module that describes one. What is wrong is said, with the module's name, and
 * the others go on. */
void domains_from_modules(const struct boot_info *info);

#endif
