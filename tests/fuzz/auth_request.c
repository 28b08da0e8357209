/* SPDX-License-Identifier: MIT
 *
 * Authorization headers: what is accepted can be written again to the same bytes, and a signature
 * that nobody made never verifies. */
#include "auth/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t pub[AUTH_PUB_LEN] = {0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
						  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
						  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};
	struct str text = str_make(data, size);
	char sig[BASE64_SIZE(AUTH_SIG_LEN)], again[512];
	struct request_sig rs;
	struct rn_error err;

	if (!secret_init() || request_parse(&rs, text, &err))
		return 0;
	base64_encode(sig, rs.sig, AUTH_SIG_LEN, BASE64_URL);
	snprintf(again, sizeof(again), "Rustronaut node=%s,at=%lld,nonce=%s,sig=%s", rs.node, (long long)rs.at, rs.nonce,
		 sig);
	rn_assert(str_is(text, again));
	rn_assert(request_verify(&rs, pub, "GET", STR("/"), STR(""), rs.at, &err) != 0);
	return 0;
}
