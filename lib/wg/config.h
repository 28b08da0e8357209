/* SPDX-License-Identifier: MIT
 *
 * What somebody wants of a WireGuard device, wherever it was said: interface and peer records, or
 * UAPI text. A struct wg_config is a change: only what it names (has_…) is touched, except that
 * replace_peers and replace_allowed take away what is not named. engine.h carries it out.
 */
#ifndef RN_WG_CONFIG_H
#define RN_WG_CONFIG_H

#include "wg/wg.h"

struct wg_peer_config {
	uint8_t public_key[WG_KEY_LEN];
	const char *name;     /* NULL: not named */
	const char *endpoint; /* "host:port"; NULL: not given */
	uint8_t *psk;         /* WG_KEY_LEN bytes, zeros: none; NULL: not given */
	bool has_keepalive;
	uint16_t keepalive_s;
	bool remove;
	bool update_only;     /* nothing happens unless the peer exists */
	bool replace_allowed; /* allowed IPs become exactly those below */
	VEC(struct cidr) allowed;
	VEC(struct cidr) disallowed;
};

struct wg_config {
	struct arena arena; /* texts and preshared keys */
	bool has_private_key, has_listen_port, has_fwmark, has_mtu, has_forward, has_addresses, has_routes;
	uint8_t private_key[WG_KEY_LEN]; /* zeros: take it away */
	uint16_t listen_port;
	uint32_t fwmark, mtu;
	bool forward, routes;
	const char *netns, *engine; /* as the record says, for who makes the device; NULL: not said */
	const char *dns, *search;   /* lists, comma-separated, for rn-wg dns; NULL: not said */
	VEC(struct cidr) addresses; /* with their host bits */
	bool replace_peers; /* peers that are not named go */
	bool exact;         /* what a peer that is named does not say is reset (rn-wg sync) */
	VEC(struct wg_peer_config) peers;
};

void wg_config_init(struct wg_config *c);
void wg_config_free(struct wg_config *c); /* wipes the keys */
/* A new last peer; NULL when out of memory. */
struct wg_peer_config *wg_config_peer(struct wg_config *c, const uint8_t key[static WG_KEY_LEN]);

/* "10.1.0.1/24", host bits kept; a bare address has the full length. */
bool wg_parse_address(struct cidr *c, struct str text);
/* The address part alone. */
void wg_cidr_addr(const struct cidr *c, struct addr *a);

/* ---- from records ------------------------------------------------------------------------------ */

/* Reads interface and peer records, for rec_config_read or rec_config_mem. Other kinds are passed
 * over, and so are other interfaces and peers of others: those that name an interface unlike NAME.
 * File names are relative to FOLDER; a key file must be readable by its owner only. */
struct wg_config_reader {
	struct wg_config *config;
	const char *name;
	const char *folder;
	size_t interfaces; /* records taken */
};
int wg_config_record(void *reader, const struct rec *r, struct rn_error *err) must_check;

/* A private or preshared key from a file: base64, one line; 0600. OUT is wiped on failure. */
int wg_key_read(const char *path, uint8_t out[static WG_KEY_LEN], struct rn_error *err) must_check;

#endif
