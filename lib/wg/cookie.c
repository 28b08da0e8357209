/* SPDX-License-Identifier: MIT */
#include "wg/cookie.h"

#include "wg/blake2s.h"

#define NS_PER_S 1000000000ULL
#define SECRET_LASTS_NS (120 * NS_PER_S)
#define COOKIE_LASTS_NS (SECRET_LASTS_NS - 5 * NS_PER_S) /* by us, the sender; 5 s for the way */

#define MAC1_AT(len) ((len)-NOISE_MACS_LEN)
#define MAC2_AT(len) ((len)-NOISE_MACS_LEN / 2)

static const char mac1_label[] = "mac1----";
static const char cookie_label[] = "cookie--";

static void derive(uint8_t out[static 32], const char label[static 9],
		   const uint8_t public_key[static 32])
{
	blake2s_hash(out, label, 8, public_key, 32);
}

void cookie_self_set(struct cookie_self *c, const uint8_t public_key[static 32])
{
	derive(c->mac1_key, mac1_label, public_key);
	derive(c->seal_key, cookie_label, public_key);
}

/* ---- as sender ---- */

void cookie_add_macs(struct cookie_peer *p, const uint8_t public_key[static 32], uint8_t *message,
		     size_t len, uint64_t now_ns)
{
	uint8_t key[32];

	derive(key, mac1_label, public_key);
	blake2s_mac(message + MAC1_AT(len), key, sizeof(key), message, MAC1_AT(len));
	memcpy(p->mac1, message + MAC1_AT(len), sizeof(p->mac1));
	p->mac1_sent = true;
	if (p->cookie_ns != UINT64_MAX && now_ns - p->cookie_ns < COOKIE_LASTS_NS)
		blake2s_mac(message + MAC2_AT(len), p->cookie, sizeof(p->cookie), message,
			    MAC2_AT(len));
	else
		memset(message + MAC2_AT(len), 0, 16);
}

bool cookie_read(struct cookie_peer *p, const struct noise_cookie *m,
		 const uint8_t public_key[static 32], uint64_t now_ns)
{
	uint8_t key[32], cookie[16];

	if (!p->mac1_sent)
		return false;
	derive(key, cookie_label, public_key);
	if (!wg_cookie_open(cookie, m->cookie, p->mac1, m->nonce, key))
		return false;
	memcpy(p->cookie, cookie, sizeof(cookie));
	p->cookie_ns = now_ns;
	p->mac1_sent = false; /* one reply to one message */
	return true;
}

/* ---- as answerer ---- */

bool cookie_mac1_ok(const struct cookie_self *c, const uint8_t *message, size_t len)
{
	uint8_t mac[16];

	blake2s_mac(mac, c->mac1_key, sizeof(c->mac1_key), message, MAC1_AT(len));
	return secret_eq(mac, message + MAC1_AT(len), sizeof(mac));
}

bool cookie_secret_due(const struct cookie_self *c, uint64_t now_ns)
{
	return c->secret_ns == UINT64_MAX || now_ns - c->secret_ns >= SECRET_LASTS_NS;
}

void cookie_secret_set(struct cookie_self *c, const uint8_t random[static 32], uint64_t now_ns)
{
	memcpy(c->secret, random, sizeof(c->secret));
	c->secret_ns = now_ns;
}

/* The cookie of an address and port. */
static void cookie_of(uint8_t out[static 16], const struct cookie_self *c, const struct addr *from)
{
	uint8_t place[18];
	bool v6 = from->sa.sa_family == AF_INET6;
	uint16_t port = v6 ? from->in6.sin6_port : from->in.sin_port;
	size_t n = v6 ? 16 : 4;

	memcpy(place, v6 ? (const void *)&from->in6.sin6_addr : (const void *)&from->in.sin_addr,
	       n);
	memcpy(place + n, &port, sizeof(port));
	blake2s_mac(out, c->secret, sizeof(c->secret), place, n + sizeof(port));
}

bool cookie_has_mac2(const uint8_t *message, size_t len)
{
	static const uint8_t none[16];

	return memcmp(message + MAC2_AT(len), none, sizeof(none)) != 0;
}

bool cookie_mac2_ok(const struct cookie_self *c, const uint8_t *message, size_t len,
		    const struct addr *from)
{
	uint8_t cookie[16], mac[16];

	if (!cookie_has_mac2(message, len))
		return false;
	cookie_of(cookie, c, from);
	blake2s_mac(mac, cookie, sizeof(cookie), message, MAC2_AT(len));
	return secret_eq(mac, message + MAC2_AT(len), sizeof(mac));
}

void cookie_write(struct noise_cookie *m, const struct cookie_self *c, const uint8_t *message,
		  size_t len, const struct addr *from, const uint8_t nonce[static 24])
{
	uint8_t cookie[16];

	*m = (struct noise_cookie){.type = NOISE_COOKIE};
	memcpy(&m->receiver, message + 4,
	       sizeof(m->receiver)); /* both messages have the sender there */
	memcpy(m->nonce, nonce, sizeof(m->nonce));
	cookie_of(cookie, c, from);
	wg_cookie_seal(m->cookie, cookie, message + MAC1_AT(len), nonce, c->seal_key);
}
