/* SPDX-License-Identifier: MIT
 *
 * The file formats of minisign(1), https://jedisct1.github.io/minisign/#signature-format
 *
 *     untrusted comment: anything
 *     BASE64("ED" key-number[8] signature[64])      over BLAKE2b-512 of the file
 *     trusted comment: anything
 *     BASE64(signature[64])                         over the first signature and the trusted comment
 */
#include "auth/auth.h"

#include <sodium.h>

#define UNTRUSTED "untrusted comment: "
#define TRUSTED "trusted comment: "

/* What stands in base64 on the second line of either file; all bytes, so no padding. */
struct pub_blob {
	char algorithm[2];
	uint8_t id[8];
	uint8_t key[AUTH_PUB_LEN];
};
struct sig_blob {
	char algorithm[2];
	uint8_t id[8];
	uint8_t sig[AUTH_SIG_LEN];
};
_Static_assert(sizeof(struct pub_blob) == 42 && sizeof(struct sig_blob) == 74, "no holes");

void minisign_pub_from(struct minisign_pub *p, const uint8_t pub[static AUTH_PUB_LEN])
{
	uint8_t hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), pub, AUTH_PUB_LEN, NULL, 0);
	memcpy(p->id, hash, sizeof(p->id));
	memcpy(p->key, pub, AUTH_PUB_LEN);
}

/* minisign shows the key number as one hexadecimal number, its bytes being little endian. */
static void add_key_number(struct buf *b, const uint8_t id[static 8])
{
	for (size_t i = 8; i-- > 0;)
		buf_addf(b, "%02X", id[i]);
}

void minisign_pub_format(struct buf *b, const struct minisign_pub *p)
{
	struct pub_blob blob = {.algorithm = {'E', 'd'}};
	char text[BASE64_SIZE(sizeof(blob))];

	memcpy(blob.id, p->id, sizeof(blob.id));
	memcpy(blob.key, p->key, sizeof(blob.key));
	base64_encode(text, &blob, sizeof(blob), BASE64_STD);
	buf_add_cstr(b, UNTRUSTED "minisign public key ");
	add_key_number(b, p->id);
	buf_addf(b, "\n%s\n", text);
}

/* Takes one LF-ended line that begins with PREFIX off *rest; *line is what follows the prefix. */
static bool cut_line(struct str *rest, const char *prefix, struct str *line)
{
	struct str start = str_from(prefix);
	ptrdiff_t end = str_find(*rest, '\n');

	if (end < 0)
		return false;
	*line = str_slice(*rest, 0, (size_t)end);
	*rest = str_from_at(*rest, (size_t)end + 1);
	if (!str_starts(*line, start))
		return false;
	*line = str_from_at(*line, start.len);
	return true;
}

int minisign_pub_parse(struct minisign_pub *p, struct str text, struct rn_error *err)
{
	struct pub_blob blob;
	struct str rest = text, comment, line;

	if (!cut_line(&rest, UNTRUSTED, &comment) || !cut_line(&rest, "", &line) || rest.len ||
	    !base64_decode(&blob, sizeof(blob), line, BASE64_STD))
		return rn_fail(err, RN_EDATA, "not a minisign public key file");
	if (memcmp(blob.algorithm, "Ed", 2) != 0)
		return rn_fail(err, RN_EDATA, "minisign public key of an unknown algorithm");
	memcpy(p->id, blob.id, sizeof(p->id));
	memcpy(p->key, blob.key, sizeof(p->key));
	return 0;
}

static bool comment_valid(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return s.len <= MINISIGN_COMMENT_MAX;
}

/* What the second signature covers: the first one, then the comment. Returns its length. */
static size_t global_message(char out[static AUTH_SIG_LEN + MINISIGN_COMMENT_MAX],
			     const uint8_t sig[static AUTH_SIG_LEN], struct str comment)
{
	memcpy(out, sig, AUTH_SIG_LEN);
	if (comment.len)
		memcpy(out + AUTH_SIG_LEN, comment.ptr, comment.len);
	return AUTH_SIG_LEN + comment.len;
}

static struct str prehash(uint8_t out[static crypto_generichash_BYTES_MAX], struct str bytes)
{
	crypto_generichash(out, crypto_generichash_BYTES_MAX, (const uint8_t *)bytes.ptr, bytes.len,
			   NULL, 0);
	return str_make(out, crypto_generichash_BYTES_MAX);
}

void minisign_sign(struct buf *b, const struct auth_key *key, struct str bytes, struct str comment)
{
	uint8_t hash[crypto_generichash_BYTES_MAX], global_sig[AUTH_SIG_LEN];
	char global[AUTH_SIG_LEN + MINISIGN_COMMENT_MAX];
	struct sig_blob blob = {.algorithm = {'E', 'D'}};
	char text[BASE64_SIZE(sizeof(blob))], global_text[BASE64_SIZE(AUTH_SIG_LEN)];
	struct minisign_pub pub;

	if (!comment_valid(comment)) {
		b->failed = true;
		return;
	}
	minisign_pub_from(&pub, auth_key_public(key));
	memcpy(blob.id, pub.id, sizeof(blob.id));
	auth_sign(key, blob.sig, prehash(hash, bytes));
	auth_sign(key, global_sig, str_make(global, global_message(global, blob.sig, comment)));

	base64_encode(text, &blob, sizeof(blob), BASE64_STD);
	base64_encode(global_text, global_sig, sizeof(global_sig), BASE64_STD);
	buf_addf(b, UNTRUSTED "signature from minisign secret key\n%s\n", text);
	buf_addf(b, TRUSTED "%.*s\n%s\n", STR_ARG(comment), global_text);
}

int minisign_verify(const struct minisign_pub *p, struct str bytes, struct str sig,
		    struct str *comment, struct rn_error *err)
{
	uint8_t hash[crypto_generichash_BYTES_MAX], global_sig[AUTH_SIG_LEN];
	char global[AUTH_SIG_LEN + MINISIGN_COMMENT_MAX];
	struct str rest = sig, untrusted, trusted, line, global_line;
	struct sig_blob blob;

	if (sig.len > MINISIGN_SIG_MAX || !cut_line(&rest, UNTRUSTED, &untrusted) ||
	    !cut_line(&rest, "", &line) || !cut_line(&rest, TRUSTED, &trusted) ||
	    !cut_line(&rest, "", &global_line) || rest.len || !comment_valid(trusted) ||
	    !base64_decode(&blob, sizeof(blob), line, BASE64_STD) ||
	    !base64_decode(global_sig, sizeof(global_sig), global_line, BASE64_STD))
		return rn_fail(err, RN_EDATA, "not a minisign signature file");
	if (memcmp(blob.algorithm, "ED", 2) != 0)
		return rn_fail(err, RN_EDATA, "signature of another algorithm than ED (prehashed)");
	if (memcmp(blob.id, p->id, sizeof(p->id)) != 0)
		return rn_fail(err, RN_EPERM, "signed by another key");
	if (!auth_verify(p->key, blob.sig, prehash(hash, bytes)))
		return rn_fail(err, RN_EPERM, "signature does not fit the file");
	if (!auth_verify(p->key, global_sig,
			 str_make(global, global_message(global, blob.sig, trusted))))
		return rn_fail(err, RN_EPERM, "signature does not fit its trusted comment");
	if (comment)
		*comment = trusted;
	return 0;
}
