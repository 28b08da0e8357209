/* SPDX-License-Identifier: MIT
 *
 * The cross-platform userspace protocol that wg(8) speaks, as text
 * (https://www.wireguard.com/xplatform/): "get=1" or "set=1" and lines of key=value, ended by an
 * empty line; the answer ends with "errno=N" and an empty line. This file parses and writes; it does
 * no I/O (uapi_server.h does).
 */
#ifndef RN_WG_UAPI_H
#define RN_WG_UAPI_H

#include "wg/config.h"

enum uapi_operation { UAPI_GET, UAPI_SET };

/* Where the first request in TEXT ends (behind its empty line), or 0 if it is not complete yet. */
size_t uapi_request_end(struct str text);

/* Parses one complete request. For a set, fills CONFIG (initialised and later freed by the caller):
 * nothing is to be applied if this fails. 0 or RN_EDATA, the line named: errno=EINVAL. */
int uapi_parse(struct str request, enum uapi_operation *op, struct wg_config *config,
	       struct rn_error *err) must_check;

/* The device's whole state as an answer to get=1, keys included; without errno. */
void uapi_write(struct buf *out, const struct wg_device *dev, uint64_t now_ns);

/* "errno=N\n\n" with the errno that fits. */
void uapi_write_end(struct buf *out, const struct rn_error *err);

#endif
