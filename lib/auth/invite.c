/* SPDX-License-Identifier: MIT
 *
 * Invitations: rn://HOST[:PORT]/TOKEN.FINGERPRINT[@ADDRESS]
 */
#include "auth/part.h"
#include "net/net.h"

#define SCHEME "rn://"
#define DEFAULT_PORT 443

/* Splits S at the first C into what is before it (*head) and behind it; false when there is none. */
static bool split(struct str s, char c, struct str *head, struct str *tail)
{
	ptrdiff_t at = str_find(s, c);

	*head = at < 0 ? s : str_slice(s, 0, (size_t)at);
	*tail = at < 0 ? (struct str){NULL, 0} : str_from_at(s, (size_t)at + 1);
	return at >= 0;
}

static int parse_authority(struct invite *in, struct str authority, struct rn_error *err)
{
	struct str host, port;
	uint64_t n = DEFAULT_PORT;

	if (split(authority, ':', &host, &port) &&
	    (!str_to_u64(port, 65535, &n) || n == 0 || n == DEFAULT_PORT))
		return rn_fail(err, RN_EDATA, "invitation: port must be 1 to 65535, 443 left out");
	if (!part_is_host(host))
		return rn_fail(err, RN_EDATA, "invitation: bad host name");
	in->port = (uint16_t)n;
	rn_assert(str_copy(in->host, sizeof(in->host), host));
	return 0;
}

/* Only the spelling of RFC 5952, so that an invitation has one text. */
static int parse_address(struct invite *in, struct str text, struct rn_error *err)
{
	char canonical[ADDR_TEXT_MAX];
	struct addr a;

	if (!addr_parse_ip(&a, text))
		return rn_fail(err, RN_EDATA, "invitation: bad address after @");
	addr_format_ip(&a, canonical);
	if (!str_is(text, canonical) || !str_copy(in->address, sizeof(in->address), text))
		return rn_fail(err, RN_EDATA, "invitation: address after @ is not in its short form");
	return 0;
}

int invite_parse(struct invite *in, struct str text, struct rn_error *err)
{
	struct str authority, rest, secret, address, token, fingerprint;
	bool has_address;
	int rc;

	memset(in, 0, sizeof(*in));
	if (text.len >= INVITE_TEXT_MAX || !str_starts(text, STR(SCHEME)) ||
	    !split(str_from_at(text, strlen(SCHEME)), '/', &authority, &rest))
		return rn_fail(err, RN_EDATA,
			       "invitation: must look like rn://HOST/TOKEN.FINGERPRINT");
	rc = parse_authority(in, authority, err);
	if (rc)
		return rc;
	has_address = split(rest, '@', &secret, &address);
	if (!split(secret, '.', &token, &fingerprint) || !token_valid(token))
		return rn_fail(err, RN_EDATA, "invitation: the token is damaged; copy it whole");
	rn_assert(str_copy(in->token, sizeof(in->token), token));
	if (!base64_decode(in->console, sizeof(in->console), fingerprint, BASE64_URL))
		return rn_fail(err, RN_EDATA, "invitation: the fingerprint is damaged; copy it whole");
	return has_address ? parse_address(in, address, err) : 0;
}

void invite_format(char out[static INVITE_TEXT_MAX], const struct invite *in)
{
	char fingerprint[BASE64_SIZE(AUTH_PUB_LEN)], port[8] = "";

	base64_encode(fingerprint, in->console, AUTH_PUB_LEN, BASE64_URL);
	if (in->port != DEFAULT_PORT)
		snprintf(port, sizeof(port), ":%u", (unsigned)in->port);
	snprintf(out, INVITE_TEXT_MAX, SCHEME "%s%s/%s.%s%s%s", in->host, port, in->token,
		 fingerprint, in->address[0] ? "@" : "", in->address);
}
