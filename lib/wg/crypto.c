/* SPDX-License-Identifier: MIT
 *
 * X25519, handshakes and cookies by libsodium. Data packets by our own code where the processor has
 * what it takes, else by libcrypto: with a context that is made once and only gets key and nonce
 * for each packet, it allocates nothing. At 1420 and 64 bytes, ns a packet: own 320 and 185,
 * libcrypto 3.0 830 and 425, libsodium 1.0.18 1630 and 380 (one core of an AMD EPYC with AVX-512).
 */
#include "wg/crypto.h"

#include "wg/chapoly.h"

#include <openssl/evp.h>
#include <sodium.h>

void wg_x25519_base(uint8_t public_key[static 32], const uint8_t private_key[static 32])
{
	crypto_scalarmult_base(public_key, private_key);
}

bool wg_x25519(uint8_t out[static 32], const uint8_t private_key[static 32],
	       const uint8_t public_key[static 32])
{
	return crypto_scalarmult(out, private_key, public_key) == 0 && !sodium_is_zero(out, 32);
}

/* ---- data ---- */

struct wg_aead {
	enum wg_aead_engine engine;
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *seal, *open;
};

enum wg_aead_engine wg_aead_engine(const struct wg_aead *a)
{
	return a->engine;
}

bool wg_aead_set_engine(struct wg_aead *a, enum wg_aead_engine engine)
{
	if (engine == WG_AEAD_AVX512 && !chapoly_usable())
		return false;
	a->engine = engine;
	return true;
}

/* The best of a few rounds of full packets: others may be using the processor, too. */
static uint64_t measure_ns(struct wg_aead *a, enum wg_aead_engine engine)
{
	static const uint8_t key[32];
	uint8_t packet[1420 + WG_TAG_LEN] = {0};
	uint64_t best = UINT64_MAX;

	if (!wg_aead_set_engine(a, engine))
		return UINT64_MAX;
	for (unsigned round = 0; round < 8; round++) {
		uint64_t start = clock_now_ns();

		for (unsigned i = 0; i < 4; i++)
			wg_aead_seal(a, key, i, packet, 1420);
		best = MIN(best, clock_now_ns() - start);
	}
	return best;
}

static void choose_engine(struct wg_aead *a)
{
	uint64_t own_ns = measure_ns(a, WG_AEAD_AVX512), lib_ns = measure_ns(a, WG_AEAD_LIBCRYPTO);

	if (own_ns <= lib_ns)
		(void)wg_aead_set_engine(a, WG_AEAD_AVX512);
}

struct wg_aead *wg_aead_new(void)
{
	struct wg_aead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	a->seal = EVP_CIPHER_CTX_new();
	a->open = EVP_CIPHER_CTX_new();
	if (a->cipher && a->seal && a->open &&
	    EVP_EncryptInit_ex2(a->seal, a->cipher, NULL, NULL, NULL) == 1 &&
	    EVP_DecryptInit_ex2(a->open, a->cipher, NULL, NULL, NULL) == 1) {
		choose_engine(a);
		return a;
	}
	wg_aead_free(a);
	return NULL;
}

void wg_aead_free(struct wg_aead *a)
{
	if (!a)
		return;
	EVP_CIPHER_CTX_free(a->seal); /* wipes the key */
	EVP_CIPHER_CTX_free(a->open);
	EVP_CIPHER_free(a->cipher);
	free(a);
}

static void make_nonce(uint8_t nonce[static 12], uint64_t counter)
{
	memset(nonce, 0, 4);
	memcpy(nonce + 4, &counter, sizeof(counter)); /* little-endian, asserted in trie.c */
}

void wg_aead_seal(struct wg_aead *a, const uint8_t key[static 32], uint64_t counter, uint8_t *data,
		  size_t len)
{
	uint8_t nonce[12];
	int n;
	bool ok;

	make_nonce(nonce, counter);
	if (a->engine == WG_AEAD_AVX512) {
		chapoly_seal(key, nonce, data, len);
		return;
	}
	ok = EVP_EncryptInit_ex2(a->seal, NULL, key, nonce, NULL) == 1 &&
	     EVP_EncryptUpdate(a->seal, data, &n, data, (int)len) == 1 &&
	     EVP_EncryptFinal_ex(a->seal, data + len, &n) == 1 &&
	     EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, WG_TAG_LEN, data + len) == 1;
	/* Nothing in it depends on the packet; and plain text must never go out. */
	rn_assert(ok);
}

bool wg_aead_open(struct wg_aead *a, const uint8_t key[static 32], uint64_t counter, uint8_t *data,
		  size_t len)
{
	uint8_t nonce[12];
	int n;

	if (len < WG_TAG_LEN)
		return false;
	len -= WG_TAG_LEN;
	make_nonce(nonce, counter);
	if (a->engine == WG_AEAD_AVX512)
		return chapoly_open(key, nonce, data, len);
	return EVP_DecryptInit_ex2(a->open, NULL, key, nonce, NULL) == 1 &&
	       EVP_CIPHER_CTX_ctrl(a->open, EVP_CTRL_AEAD_SET_TAG, WG_TAG_LEN, data + len) == 1 &&
	       EVP_DecryptUpdate(a->open, data, &n, data, (int)len) == 1 &&
	       EVP_DecryptFinal_ex(a->open, data + len, &n) == 1;
}

/* ---- handshakes ---- */

static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

void wg_hs_seal(uint8_t *out, const uint8_t *in, size_t len, const uint8_t ad[static 32],
		const uint8_t key[static 32])
{
	crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, len, ad, 32, NULL, zero_nonce,
						  key);
}

bool wg_hs_open(uint8_t *out, const uint8_t *in, size_t len, const uint8_t ad[static 32],
		const uint8_t key[static 32])
{
	return crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, len, ad, 32,
							 zero_nonce, key) == 0;
}

/* ---- cookies ---- */

void wg_cookie_seal(uint8_t out[static 32], const uint8_t cookie[static 16],
		    const uint8_t ad[static 16], const uint8_t nonce[static 24],
		    const uint8_t key[static 32])
{
	crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, cookie, 16, ad, 16, NULL, nonce, key);
}

bool wg_cookie_open(uint8_t cookie[static 16], const uint8_t in[static 32],
		    const uint8_t ad[static 16], const uint8_t nonce[static 24],
		    const uint8_t key[static 32])
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt(cookie, NULL, NULL, in, 32, ad, 16, nonce,
							  key) == 0;
}
