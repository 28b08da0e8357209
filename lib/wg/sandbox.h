/* SPDX-License-Identifier: MIT
 *
 * What a running tunnel gives up once it serves: every system call that it does not need (seccomp(2)),
 * and writing (but in its own folders) or executing any file (landlock(7)), in private mode also TCP.
 * What the kernel lacks is left out quietly; rn-wg show says what holds.
 */
#ifndef RN_WG_SANDBOX_H
#define RN_WG_SANDBOX_H

#include "base/base.h"

enum sandbox_role {
	SANDBOX_PRIVATE, /* the engine, with its device in another process's namespace */
	SANDBOX_HOST,    /* the engine, which opens sockets inside the tunnel by itself */
	SANDBOX_INSIDE,  /* the process that holds the namespace: no files at all */
};

/* For the rest of this process's life and its children's. FOLDERS, ended by NULL, are where its sockets
 * and files are. Call after privilege_drop, and before threads are made: landlock
 * confines the calling thread and those that it makes later. */
void sandbox_enter(enum sandbox_role role, const char *const *folders);

/* "landlock,seccomp", one of them, or "none". */
const char *sandbox_state(void);

/* The version of landlock that the kernel has; 0: none. */
int sandbox_landlock_abi(void);
/* For sandbox_enter: 0 or -1. */
int sandbox_landlock(enum sandbox_role role, const char *const *folders);

#endif
