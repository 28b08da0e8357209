/* SPDX-License-Identifier: MIT
 *
 * What serves once: used, forgotten when it expires, refused when there is no room; and as many
 * probes as a busy gateway sees leave room for logins.
 */
#include "proxy/once.h"
#include "tap.h"

static enum once_result use(struct once *o, const char *prefix, unsigned n, int64_t now, int64_t until)
{
	char name[48];

	snprintf(name, sizeof(name), "%s%u", prefix, n);
	return once_use(o, str_from(name), now, until);
}

int main(void)
{
	static struct once_set one[1];
	struct once small = ONCE_INIT(one);
	unsigned lost = 0, full = 0;

	TAP_OK(use(&small, "a", 1, 100, 160) == ONCE_NEW, "a new name");
	TAP_OK(use(&small, "a", 1, 120, 160) == ONCE_USED, "the second time it was used");
	TAP_OK(use(&small, "a", 1, 160, 160) == ONCE_USED, "until its end");
	TAP_OK(use(&small, "a", 1, 161, 221) == ONCE_NEW, "then it is forgotten");
	for (unsigned i = 0; i < ONCE_WAYS - 1; i++)
		full += use(&small, "b", i, 161, 221) != ONCE_NEW;
	TAP_OK(full == 0, "all places can be used");
	TAP_OK(use(&small, "c", 1, 161, 221) == ONCE_FULL, "no room is said");
	TAP_OK(use(&small, "b", 3, 161, 221) == ONCE_USED, "what is there is still known");
	TAP_OK(use(&small, "c", 1, 222, 300) == ONCE_NEW, "room comes back with time");

	/* 200 services, a probe every 5 s, remembered for 600 s; logins meanwhile. */
	for (unsigned s = 0; s < 600; s += 5)
		for (unsigned service = 0; service < 200; service++)
			lost += use(&once_probes, "probe", s * 1000 + service, 1000 + s, 1600 + s) !=
				ONCE_NEW;
	TAP_OK(lost < 100, "two hundred services are probed for ten minutes");
	full = 0;
	for (unsigned i = 0; i < 500; i++)
		full += use(&once_logins, "login", i, 1600, 1660) != ONCE_NEW;
	TAP_OK(full == 0, "five hundred logins in the minute behind that");
	return tap_done();
}
