/* SPDX-License-Identifier: MIT */
#include "wg/noise.h"

#include "wg/blake2s.h"

static const char protocol[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* ---- steps of the paper's 5.4 ---- */

/* The chaining key and hash at the start of every handshake, to the owner of PUBLIC_KEY. */
static void begin(uint8_t chain[static 32], uint8_t hash[static 32],
		  const uint8_t public_key[static 32])
{
	blake2s_hash(chain, protocol, sizeof(protocol) - 1, NULL, 0);
	blake2s_hash(hash, chain, 32, identifier, sizeof(identifier) - 1);
	blake2s_hash(hash, hash, 32, public_key, 32);
}

static void mix_hash(uint8_t hash[static 32], const void *in, size_t len)
{
	blake2s_hash(hash, hash, 32, in, len);
}

/* Mixes a Diffie-Hellman result in; KEY may be NULL. */
static bool mix_dh(uint8_t chain[static 32], uint8_t *key, const uint8_t private_key[static 32],
		   const uint8_t public_key[static 32])
{
	uint8_t dh[32];
	bool ok = wg_x25519(dh, private_key, public_key);

	if (ok)
		blake2s_kdf(chain, key, NULL, chain, dh, sizeof(dh));
	secret_wipe(dh, sizeof(dh));
	return ok;
}

static void mix_psk(uint8_t chain[static 32], uint8_t hash[static 32], uint8_t key[static 32],
		    const uint8_t psk[static 32])
{
	uint8_t t[32];

	blake2s_kdf(chain, t, key, chain, psk, 32);
	mix_hash(hash, t, sizeof(t));
	secret_wipe(t, sizeof(t));
}

static void mix_ephemeral(uint8_t chain[static 32], uint8_t hash[static 32],
			  const uint8_t public_key[static 32])
{
	mix_hash(hash, public_key, 32);
	blake2s_kdf(chain, NULL, NULL, chain, public_key, 32);
}

static void seal(uint8_t *out, const uint8_t *in, size_t len, uint8_t hash[static 32],
		 const uint8_t key[static 32])
{
	wg_hs_seal(out, in, len, hash, key);
	mix_hash(hash, out, len + WG_TAG_LEN);
}

/* LEN is that of the plain text. */
static bool open_sealed(uint8_t *out, const uint8_t *in, size_t len, uint8_t hash[static 32],
			const uint8_t key[static 32])
{
	bool ok = wg_hs_open(out, in, len + WG_TAG_LEN, hash, key);

	mix_hash(hash, in, len + WG_TAG_LEN);
	return ok;
}

static void clamp(uint8_t out[static 32], const uint8_t in[static 32])
{
	memcpy(out, in, 32);
	out[0] &= 248;
	out[31] = (uint8_t)((out[31] & 127) | 64);
}

/* ---- identities ---- */

void noise_self_set(struct noise_self *self, const uint8_t private_key[static 32])
{
	uint8_t chain[32];

	clamp(self->private_key, private_key);
	wg_x25519_base(self->public_key, self->private_key);
	begin(chain, self->hash, self->public_key);
}

bool noise_peer_set(struct noise_peer *p, const struct noise_self *self,
		    const uint8_t public_key[static 32])
{
	p->has_shared = wg_x25519(p->shared, self->private_key, public_key);
	return p->has_shared;
}

void noise_forget(struct noise_peer *p)
{
	p->pending = false;
	secret_wipe(p->ephemeral, sizeof(p->ephemeral));
	secret_wipe(p->hash, sizeof(p->hash));
	secret_wipe(p->chain, sizeof(p->chain));
}

void noise_timestamp(uint8_t out[static NOISE_TIMESTAMP_LEN], uint64_t wall_ns)
{
	const uint64_t ns_per_s = 1000000000;
	uint64_t s = __builtin_bswap64((1ULL << 62) + 10 + wall_ns / ns_per_s);
	uint32_t ns = __builtin_bswap32((uint32_t)(wall_ns % ns_per_s) & ~((1U << 24) - 1));

	memcpy(out, &s, sizeof(s));
	memcpy(out + sizeof(s), &ns, sizeof(ns));
}

/* ---- the first message (5.4.2) ---- */

bool noise_write_initiation(struct noise_initiation *m, struct noise_peer *p,
			    const struct noise_self *self, const uint8_t public_key[static 32],
			    const uint8_t ephemeral[static 32],
			    const uint8_t timestamp[static NOISE_TIMESTAMP_LEN], uint32_t index)
{
	uint8_t key[32];

	if (!p->has_shared)
		return false;
	*m = (struct noise_initiation){.type = NOISE_INITIATION, .sender = index};
	begin(p->chain, p->hash, public_key);
	clamp(p->ephemeral, ephemeral);
	wg_x25519_base(m->ephemeral, p->ephemeral);
	mix_ephemeral(p->chain, p->hash, m->ephemeral);
	p->pending = mix_dh(p->chain, key, p->ephemeral, public_key);
	seal(m->static_key, self->public_key, 32, p->hash, key);
	blake2s_kdf(p->chain, key, NULL, p->chain, p->shared, 32);
	seal(m->timestamp, timestamp, NOISE_TIMESTAMP_LEN, p->hash, key);
	secret_wipe(key, sizeof(key));
	return p->pending;
}

bool noise_read_initiation(struct noise_reading *r, const struct noise_initiation *m,
			   const struct noise_self *self)
{
	uint8_t key[32];
	bool ok;

	blake2s_hash(r->chain, protocol, sizeof(protocol) - 1, NULL, 0);
	memcpy(r->hash, self->hash, sizeof(r->hash));
	memcpy(r->ephemeral, m->ephemeral, sizeof(r->ephemeral));
	r->sender = m->sender;
	mix_ephemeral(r->chain, r->hash, m->ephemeral);
	ok = mix_dh(r->chain, key, self->private_key, m->ephemeral) &&
	     open_sealed(r->static_key, m->static_key, 32, r->hash, key);
	secret_wipe(key, sizeof(key));
	return ok;
}

bool noise_read_timestamp(struct noise_reading *r, const struct noise_initiation *m,
			  const struct noise_peer *p)
{
	uint8_t key[32];
	bool ok;

	if (!p->has_shared)
		return false;
	blake2s_kdf(r->chain, key, NULL, r->chain, p->shared, 32);
	ok = open_sealed(r->timestamp, m->timestamp, NOISE_TIMESTAMP_LEN, r->hash, key);
	secret_wipe(key, sizeof(key));
	return ok;
}

/* ---- the second message (5.4.3) ---- */

bool noise_write_response(struct noise_response *m, struct noise_keys *keys,
			  struct noise_reading *r, const struct noise_peer *p,
			  const uint8_t ephemeral[static 32], uint32_t index)
{
	uint8_t private_key[32], key[32];
	bool ok;

	*m = (struct noise_response){
		.type = NOISE_RESPONSE, .sender = index, .receiver = r->sender};
	clamp(private_key, ephemeral);
	wg_x25519_base(m->ephemeral, private_key);
	mix_ephemeral(r->chain, r->hash, m->ephemeral);
	ok = mix_dh(r->chain, NULL, private_key, r->ephemeral) &&
	     mix_dh(r->chain, NULL, private_key, r->static_key);
	if (ok) {
		mix_psk(r->chain, r->hash, key, p->psk);
		seal(m->empty, NULL, 0, r->hash, key);
		blake2s_kdf(keys->receive, keys->send, NULL, r->chain, NULL, 0);
		keys->local_index = index;
		keys->remote_index = r->sender;
	}
	secret_wipe(private_key, sizeof(private_key));
	secret_wipe(key, sizeof(key));
	return ok;
}

bool noise_read_response(struct noise_keys *keys, const struct noise_response *m,
			 struct noise_peer *p, const struct noise_self *self, uint32_t index)
{
	uint8_t chain[32], hash[32], key[32];
	bool ok;

	/* On copies: a forged response must not disturb the one that may still come. */
	memcpy(chain, p->chain, sizeof(chain));
	memcpy(hash, p->hash, sizeof(hash));
	mix_ephemeral(chain, hash, m->ephemeral);
	ok = p->pending && mix_dh(chain, NULL, p->ephemeral, m->ephemeral) &&
	     mix_dh(chain, NULL, self->private_key, m->ephemeral);
	if (ok) {
		mix_psk(chain, hash, key, p->psk);
		ok = open_sealed(NULL, m->empty, 0, hash, key);
	}
	if (ok) {
		blake2s_kdf(keys->send, keys->receive, NULL, chain, NULL, 0);
		keys->local_index = index;
		keys->remote_index = m->sender;
		noise_forget(p);
	}
	secret_wipe(chain, sizeof(chain));
	secret_wipe(key, sizeof(key));
	return ok;
}
