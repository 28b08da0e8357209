/* SPDX-License-Identifier: MIT
 *
 * How many handshakes are worth their X25519. Three token buckets' worth of rules:
 *
 * Load. A device has tokens for handshake work; one that ends in a session costs 1, one that was in
 * vain (forged, replayed) 16, one with a wrong mac1 1. Out of tokens the device is under load,
 * until a second after: then a handshake message needs a valid mac2 and gets a cookie reply
 * otherwise. So known peers may all come at once, while a flood is soon asked for cookies.
 *
 * Cookies. Under load there are 8,192 cookie replies a second, in bursts of 512: they cost more to
 * make and to send than what they answer cost to receive. Who gets none asks again.
 *
 * Addresses. Under load an address (IPv4, or the first 64 bits of IPv6) gets 20 handshakes a second
 * and a burst of 5, as in the kernel. The table is of fixed size; an address without room is
 * refused.
 */
#ifndef RN_WG_LIMIT_H
#define RN_WG_LIMIT_H

#include "net/net.h"

#define WG_LIMIT_WAYS 4U
#define WG_LIMIT_SETS 1024U

struct wg_limit_entry {
	uint64_t address; /* keyed hash */
	uint64_t full_ns; /* when its bucket will be full again */
};

struct wg_limit {
	struct wg_limit_entry (*sets)[WG_LIMIT_WAYS]; /* WG_LIMIT_SETS of them */
	uint64_t full_ns;			      /* when the load bucket will be full again */
	uint64_t until_ns;			      /* under load until then */
	uint64_t cookies_full_ns;
};

bool wg_limit_init(struct wg_limit *l) must_check;
void wg_limit_free(struct wg_limit *l);
/* Takes the tokens of one handshake. */
void wg_limit_spend(struct wg_limit *l, bool in_vain, uint64_t now_ns);
bool wg_limit_under_load(const struct wg_limit *l, uint64_t now_ns);
/* May one more cookie reply be sent? */
bool wg_limit_cookie_left(const struct wg_limit *l, uint64_t now_ns);
/* Takes the token of one. */
void wg_limit_cookie_spend(struct wg_limit *l, uint64_t now_ns);
/* May this address have one more? Takes its token. */
bool wg_limit_allow(struct wg_limit *l, const struct addr *from, uint64_t now_ns);

#endif
