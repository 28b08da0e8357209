/* SPDX-License-Identifier: MIT
 *
 * Telling a sender inside that its packet cannot be sent, so that a connection to nobody fails at
 * once instead of after minutes.
 */
#ifndef RN_WG_REFUSE_H
#define RN_WG_REFUSE_H

#include "base/base.h"

#define REFUSE_MAX 576 /* an ICMP error is never longer (RFC 1812, 4.3.2.3; for IPv6 1280 would do) */

/* Writes "host unreachable" (ICMP, RFC 792) or "address unreachable" (ICMPv6, RFC 4443) for the packet
 * IP into OUT. Gives its length, or 0 when none may be sent: for ICMP errors, for anything to many
 * receivers, for fragments but the first. It seems to come from the address that was asked for. */
size_t refuse_make(const uint8_t *ip, size_t len, uint8_t out[static REFUSE_MAX]);

#endif
