/* SPDX-License-Identifier: MIT
 *
 * The files of wg-quick(8), both ways, and the same as records. What is in such a file and has no
 * place in a struct wg_config is refused by name and line, never passed over.
 */
#ifndef RN_WG_QUICK_H
#define RN_WG_QUICK_H

#include "wg/config.h"

#define QUICK_MAX (16U << 20) /* bytes of a file at most */

/* Parses TEXT into OUT, which the caller initialised and frees. NAME is for messages: RN_EDATA and
 * "NAME:LINE: why", never with a value that may be a key. IGNORE is a list "PostUp,SaveConfig" of keys
 * to leave out instead of refusing them, or NULL. */
int quick_parse(struct wg_config *out, struct str text, const char *name, const char *ignore,
		struct rn_error *err) must_check;

/* Writes C as such a file. Without SECRETS, a comment stands where a key would. */
void quick_write(struct buf *out, const struct wg_config *c, bool secrets);

/* Writes C as interface and peer records of the tunnel NAME. Keys are named as files: NAME.key, and
 * NAME-1.psk for the first peer; it is for the caller to write them. OUT fails if a peer has more
 * allowed IPs than a record holds. */
void quick_records(struct buf *out, const struct wg_config *c, const char *name);

/* The name of peer I's (from 0) key file, as in the records. */
void quick_psk_name(char *out, size_t size, const char *name, size_t i);

#endif
