/* SPDX-License-Identifier: MIT
 *
 * Invitations: what is accepted is exactly what would be written. */
#include "auth/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make(data, size);
	char again[INVITE_TEXT_MAX];
	struct rn_error err;
	struct invite in;

	if (invite_parse(&in, text, &err) == 0) {
		invite_format(again, &in);
		rn_assert(str_is(text, again));
	}
	return 0;
}
