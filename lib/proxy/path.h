/* SPDX-License-Identifier: MIT
 *
 * Paths that no two servers may read differently.
 */
#ifndef RN_PROXY_PATH_H
#define RN_PROXY_PATH_H

#include "base/base.h"

/* A "." or ".." segment, however written (%2e, %2F, %5C, %252e, a backslash, "..;x"): what is behind
 * us may climb where routing and policy did not. */
bool path_climbs(struct str path);

/* The normalised PATH as the most generous server would read it: every escape undone however often
 * it was escaped, backslashes as slashes, parameters (";x") of segments left out, runs of slashes one.
 * If that path leads to another resource than PATH does, the two could be reached under each other's
 * policy. OUT has room for PATH.len bytes; returns how many were written. False: there is nothing in
 * PATH that anybody could read in another way, and OUT was not written. */
bool path_loose(char *out, size_t *len, struct str path);

#endif
