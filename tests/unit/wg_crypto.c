/* SPDX-License-Identifier: MIT
 *
 * The primitives against published vectors, and where our narrow functions cannot express one,
 * against another library that was held to it.
 */
#include "wg/blake2s.h"
#include "wg/crypto.h"

#include "tap.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

static bool is_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[HEX_SIZE(512)];

	hex_encode(text, bytes, len);
	return !strcmp(text, hex);
}

static void from_hex(uint8_t *out, size_t len, const char *hex)
{
	rn_assert(hex_decode(out, len, str_from(hex)));
}

/* ---- BLAKE2s ---- */

static void blake2s_whole(uint8_t *out, size_t out_len, const uint8_t *key, size_t key_len,
			  const uint8_t *in, size_t len)
{
	struct blake2s s;

	blake2s_init(&s, out_len, key, key_len);
	blake2s_add(&s, in, len / 3); /* in pieces */
	blake2s_add(&s, in + len / 3, len - len / 3);
	blake2s_end(&s, out);
}

/* RFC 7693, appendix E: the deterministic sequences of its self-test. */
static void sequence(uint8_t *out, size_t len, uint32_t seed)
{
	uint32_t a = 0xDEAD4BAD * seed, b = 1;

	for (size_t i = 0; i < len; i++) {
		uint32_t t = a + b;

		a = b;
		b = t;
		out[i] = (uint8_t)(t >> 24);
	}
}

static void test_blake2s(void)
{
	static const size_t out_lens[] = {16, 20, 28, 32}, in_lens[] = {0, 3, 64, 65, 255, 1024};
	uint8_t in[1024], key[32], md[32];
	struct blake2s all;

	blake2s_whole(md, 32, NULL, 0, (const uint8_t *)"abc", 3);
	TAP_OK(is_hex(md, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"),
	       "RFC 7693, appendix B");
	blake2s_init(&all, 32, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(out_lens); i++)
		for (size_t j = 0; j < ARRAY_LEN(in_lens); j++) {
			sequence(in, in_lens[j], (uint32_t)in_lens[j]);
			blake2s_whole(md, out_lens[i], NULL, 0, in, in_lens[j]);
			blake2s_add(&all, md, out_lens[i]);
			sequence(key, out_lens[i], (uint32_t)out_lens[i]);
			blake2s_whole(md, out_lens[i], key, out_lens[i], in, in_lens[j]);
			blake2s_add(&all, md, out_lens[i]);
		}
	blake2s_end(&all, md);
	TAP_OK(is_hex(md, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe"),
	       "RFC 7693, appendix E");
}

static void hmac_by_openssl(uint8_t out[static 32], const uint8_t *key, const void *in, size_t len)
{
	unsigned n = 32;

	rn_assert(HMAC(EVP_blake2s256(), key, 32, in, len, out, &n));
}

static void test_kdf(void)
{
	uint8_t key[32], in[40], t[33], want[3][32], got[3][32], secret[32];
	bool same = true;

	for (unsigned round = 0; round < 50; round++) {
		size_t len = round % sizeof(in);

		random_bytes(key, sizeof(key));
		random_bytes(in, sizeof(in));
		hmac_by_openssl(secret, key, in, len);
		for (uint8_t i = 0; i < 3; i++) {
			memcpy(t, i ? want[i - 1] : t, 32);
			t[i ? 32 : 0] = (uint8_t)(i + 1);
			hmac_by_openssl(want[i], secret, t, i ? 33 : 1);
		}
		blake2s_kdf(got[0], got[1], got[2], key, in, len);
		same = same && !memcmp(want, got, sizeof(want));
		blake2s_kdf(key, NULL, NULL, key, in, len);
		same = same && !memcmp(want[0], key, 32);
	}
	TAP_OK(same, "the KDF is HKDF over OpenSSL's HMAC-BLAKE2s");
}

/* ---- X25519 ---- */

static void test_x25519(void)
{
	static const char scalar[] =
		"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4";
	static const char point[] =
		"e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c";
	uint8_t k[32] = {9}, u[32] = {9}, out[32], a[32], b[32], pa[32], pb[32];

	from_hex(a, 32, scalar);
	from_hex(b, 32, point);
	TAP_OK(wg_x25519(out, a, b) &&
		       is_hex(out, 32,
			      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
	       "RFC 7748, 5.2, first vector");
	for (unsigned i = 0; i < 1000; i++) {
		rn_assert(wg_x25519(out, k, u));
		memcpy(u, k, 32);
		memcpy(k, out, 32);
	}
	TAP_OK(is_hex(k, 32, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"),
	       "RFC 7748, 5.2, 1,000 iterations");
	random_bytes(a, 32);
	random_bytes(b, 32);
	wg_x25519_base(pa, a);
	wg_x25519_base(pb, b);
	TAP_OK(wg_x25519(k, a, pb) && wg_x25519(u, b, pa) && !memcmp(k, u, 32), "both sides agree");
	memset(pb, 0, sizeof(pb));
	TAP_OK(!wg_x25519(k, a, pb), "a point of low order is refused");
}

/* ---- ChaCha20-Poly1305 ---- */

/* RFC 8439, appendix A.5, whose nonce fits our counter; its additional data does not, so its tag is
 * checked through libsodium, and ours held to libsodium without additional data. */
static void test_aead_vector(struct wg_aead *aead)
{
	static const char key_hex[] =
		"1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0";
	static const char start_hex[] =
		"64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2";
	static const char tag_hex[] = "eead9d67890cbb22392336fea1851f38";
	static const uint8_t nonce[12] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
	static const char text[] =
		"Internet-Drafts are draft documents valid for a maximum of six months and may be "
		"updated, "
		"replaced, or obsoleted by other documents at any time. It is inappropriate to use "
		"Internet-Drafts as reference material or to cite them other than as "
		"/\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
	const size_t len = sizeof(text) - 1;
	uint8_t key[32], ad[12], ours[sizeof(text) + 16], theirs[sizeof(text) + 16];

	from_hex(key, 32, key_hex);
	from_hex(ad, 12, "f33388860000000000004e91");
	crypto_aead_chacha20poly1305_ietf_encrypt(theirs, NULL, (const uint8_t *)text, len, ad, 12,
						  NULL, nonce, key);
	TAP_OK(is_hex(theirs, 32, start_hex) && is_hex(theirs + len, 16, tag_hex), "RFC 8439, A.5");
	memcpy(ours, text, len);
	wg_aead_seal(aead, key, 0x0807060504030201, ours, len);
	TAP_OK(!memcmp(ours, theirs, len), "our cipher text for it is the same");
	crypto_aead_chacha20poly1305_ietf_encrypt(theirs, NULL, (const uint8_t *)text, len, NULL, 0,
						  NULL, nonce, key);
	TAP_OK(!memcmp(ours, theirs, len + 16), "and the tag without additional data");
}

static void test_aead(struct wg_aead *aead)
{
	uint8_t key[32], text[1500], work[1500 + 16], other[1500 + 16], nonce[12] = {0};
	bool same = true, back = true, refused = true;

	test_aead_vector(aead);
	for (size_t len = 0; len <= sizeof(text); len += len < 300 ? 1 : 37) {
		uint64_t counter = len * 0x100000001;

		random_bytes(key, sizeof(key));
		random_bytes(text, len);
		memcpy(nonce + 4, &counter, 8);
		memcpy(work, text, len);
		wg_aead_seal(aead, key, counter, work, len);
		crypto_aead_chacha20poly1305_ietf_encrypt(other, NULL, text, len, NULL, 0, NULL,
							  nonce, key);
		same = same && !memcmp(work, other, len + 16);
		back = back && wg_aead_open(aead, key, counter, work, len + 16) &&
		       !memcmp(work, text, len);
		other[len / 2] ^= 1;
		refused = refused && !wg_aead_open(aead, key, counter, other, len + 16);
	}
	TAP_OK(same, "every length agrees with libsodium");
	TAP_OK(back, "and decrypts");
	TAP_OK(refused, "a changed bit is refused");
	TAP_OK(!wg_aead_open(aead, key, 0, work, 15), "less than a tag is refused");
}

/* Limbs at their limits: a text of ones under keys that give r and pad of all ones are not to be
 * had, but sums that carry all the way are met among many short texts of ones. */
static void test_aead_carries(struct wg_aead *aead)
{
	uint8_t key[32], work[416 + 16], other[416 + 16], nonce[12] = {0};
	bool same = true;

	for (unsigned i = 0; i < 20000; i++) {
		size_t len = i % 417;

		random_bytes(key, sizeof(key));
		/* The cipher text becomes ones: encrypt zeros, invert, use as text. */
		memset(work, 0, len);
		wg_aead_seal(aead, key, 0, work, len);
		for (size_t j = 0; j < len; j++)
			work[j] = (uint8_t)~work[j];
		crypto_aead_chacha20poly1305_ietf_encrypt(other, NULL, work, len, NULL, 0, NULL,
							  nonce, key);
		wg_aead_seal(aead, key, 0, work, len);
		same = same && !memcmp(work, other, len + 16) && (!len || work[0] == 0xFF);
	}
	TAP_OK(same, "cipher texts of ones have libsodium's tag");
}

static void test_engines(void)
{
	struct wg_aead *aead = wg_aead_new();

	rn_assert(aead);
	printf("# by itself it takes engine %d\n", wg_aead_engine(aead));
	for (enum wg_aead_engine e = WG_AEAD_LIBCRYPTO; e <= WG_AEAD_AVX512; e++) {
		if (!wg_aead_set_engine(aead, e)) {
			printf("# this processor has no engine %d\n", e);
			continue;
		}
		printf("# engine %d\n", e);
		test_aead(aead);
		test_aead_carries(aead);
	}
	wg_aead_free(aead);
}

int main(void)
{
	rn_assert(secret_init());
	test_blake2s();
	test_kdf();
	test_x25519();
	test_engines();
	return tap_done();
}
