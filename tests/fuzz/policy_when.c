/* SPDX-License-Identifier: MIT
 *
 * Conditions: no text crashes or hangs, and knowing more never turns a certain answer round. */
#include "policy/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_facts little = POLICY_NOBODY, much;
	struct when_request rq = {&little, STR("app"), STR("GET")};
	enum when_value few, all;
	const struct when *w;
	struct rn_error err;
	struct addr address;
	struct arena a;

	if (size > REC_LINE_MAX)
		return 0;
	arena_init(&a, 1 << 20);
	if (when_compile(&w, str_make(data, size), &a, &err) == 0) {
		little.user = STR("ada");
		little.groups = STR("eng,ops");
		much = little;
		rn_assert(addr_parse_ip(&address, STR("10.1.2.3")));
		much.address = &address;
		much.device = STR("laptop");
		much.trust = 60;
		much.mfa = 1;
		much.now_s = 1763640000;
		few = when_eval(w, &rq);
		rq.facts = &much;
		all = when_eval(w, &rq);
		rn_assert(all != WHEN_UNKNOWN && (few == WHEN_UNKNOWN || few == all));
	} else {
		rn_assert(err.code == RN_ECONFIG && err.text[0]);
	}
	arena_free(&a);
	return 0;
}
