/* SPDX-License-Identifier: MIT
 *
 * Paths that no two servers may read differently.
 */
#ifndef RN_PROXY_PATH_H
#define RN_PROXY_PATH_H

#include "base/base.h"

/* A "." or ".." segment, however written (%2e, %2F, %5C, a backslash): what is behind us may climb
 * where routing and policy did not. */
bool path_climbs(struct str path);

#endif
