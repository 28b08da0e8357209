/* SPDX-License-Identifier: MIT
 *
 * Test Anything Protocol for unit tests: TAP_OK(cond, "what holds"); return tap_done();
 */
#ifndef RN_TAP_H
#define RN_TAP_H

#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline bool tap_ok(bool ok, const char *text, const char *file, int line)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_count, text);
	if (!ok) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return ok;
}
#define TAP_OK(cond, text) tap_ok((cond), (text), __FILE__, __LINE__)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
