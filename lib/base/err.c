/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <errno.h>
#include <stdarg.h>

static void text_format(struct rn_error *err, const char *fmt, va_list ap)
{
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int rn_fail(struct rn_error *err, enum rn_err code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys = 0;
	va_start(ap, fmt);
	text_format(err, fmt, ap);
	va_end(ap);
	return code;
}

int rn_fail_errno(struct rn_error *err, enum rn_err code, const char *fmt, ...)
{
	int sys = errno;
	va_list ap;
	size_t len;

	err->code = code;
	err->sys = sys;
	va_start(ap, fmt);
	text_format(err, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerrordesc_np(sys));
	return code;
}

int rn_fail_in(struct rn_error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	va_list ap;
	size_t len;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	text_format(err, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	return err->code;
}

void rn_assert_failed(const char *cond, const char *file, int line)
{
	dprintf(2, "%s:%d: broken invariant: %s\n", file, line, cond);
	abort();
}
