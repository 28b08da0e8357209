/* SPDX-License-Identifier: MIT */
#include "base/base.h"

#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: one write, never mixed with another's */
#define TEXT_MAX_BYTES 1000 /* escaped at worst three times as long */

static int log_fd = -1;
static const char *log_program;
static enum log_level log_max;

void log_open(int fd, const char *program, enum log_level max)
{
	log_fd = fd;
	log_program = program;
	log_max = max;
}

enum log_level log_level(void)
{
	return log_fd < 0 ? LOG_ERROR : log_max;
}

static void line_begin(struct buf *b, enum log_level level, const char *text)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	buf_init(b, LINE_MAX_BYTES);
	buf_addf(b, "log=%s at=%" PRId64 " program=%s text=", names[level], clock_wall_s(),
		 log_program);
	escape_value(b, str_from(text));
}

/* A log that cannot be written must not stop the work that it tells of. */
static void line_end(struct buf *b)
{
	buf_add_byte(b, '\n');
	if (!b->failed && write(log_fd, b->ptr, b->len) < 0)
		log_fd = -1;
	buf_free(b);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char text[TEXT_MAX_BYTES];
	struct buf b;
	va_list ap;

	if (log_fd < 0 || level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	line_begin(&b, level, text);
	line_end(&b);
}

void log_event(enum log_level level, const char *text, ...)
{
	const char *key, *value;
	struct buf b;
	va_list ap;

	if (log_fd < 0 || level > log_max)
		return;
	line_begin(&b, level, text);
	va_start(ap, text);
	while ((key = va_arg(ap, const char *)) && (value = va_arg(ap, const char *))) {
		buf_addf(&b, " %s=", key);
		escape_value(&b, str_from(value));
	}
	va_end(ap);
	line_end(&b);
}
