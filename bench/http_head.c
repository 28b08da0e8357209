/* SPDX-License-Identifier: MIT
 *
 * How fast request heads are parsed, on one core, beside memchr over the same bytes (the least that any
 * parser of lines must do). The heads are a browser's, curl's, and a small one.
 */
#include "http/http.h"
#include "record/record.h"

#include <unistd.h>

#define ROUNDS 7
#define ROUND_MS 60

static const struct {
	const char *name, *text;
} heads[] = {
	{"small", "GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n"},
	{"curl", "GET /api/v1/orders/4711 HTTP/1.1\r\nHost: app.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"
		 "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n"},
	{"browser",
	 "GET /static/app.3f9a2c.js?v=20251120 HTTP/1.1\r\nHost: app.example.com\r\nConnection: keep-alive\r\n"
	 "sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
	 "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
	 "Safari/537.36\r\nsec-ch-ua-platform: \"Linux\"\r\nAccept: */*\r\nSec-Fetch-Site: same-origin\r\n"
	 "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\nReferer: https://app.example.com/orders/4711\r\n"
	 "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	 "Cookie: session=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_"
	 "XgL0n3I9PlFUP0THsR8U; theme=dark; consent=analytics%3Dno\r\nIf-None-Match: \"65f1c2-1a2b\"\r\n\r\n"},
};

static volatile size_t sink;

static void parse(struct str text)
{
	static struct http_head h;

	http_head_init(&h, HTTP_REQUEST);
	sink += (size_t)http_head_parse(&h, text);
}

static void find_lines(struct str text)
{
	const char *p = text.ptr, *end = p + text.len;

	while ((p = memchr(p, '\n', (size_t)(end - p))))
		sink += (size_t)(end - p++);
}

/* Heads a second. */
static double rate(void (*fn)(struct str), struct str text)
{
	uint64_t n = 0, start = clock_now_ns(), now = start;

	for (; now - start < ROUND_MS * 1000000ull; now = clock_now_ns())
		for (int i = 0; i < 1000; i++, n++)
			fn(text);
	return (double)n * 1e9 / (double)(now - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(const char *head, const char *tool, double per_s, size_t len)
{
	char name[64], line[256];

	snprintf(name, sizeof(name), "http_head_%s", head);
	int n = snprintf(line, sizeof(line), "bench=%s tool=%s per_s=%.0f mb_per_s=%.0f\n", name, tool, per_s,
			 per_s * (double)len / 1e6);
	if (n > 0 && write(1, line, (size_t)n) != n)
		exit(74);
}

int main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct str text = str_from(heads[i].text);
		double ours[ROUNDS], least[ROUNDS];

		for (int r = 0; r < ROUNDS; r++) {
			ours[r] = rate(parse, text);
			least[r] = rate(find_lines, text);
		}
		qsort(ours, ROUNDS, sizeof(double), by_value);
		qsort(least, ROUNDS, sizeof(double), by_value);
		print(heads[i].name, "rn", ours[ROUNDS / 2], text.len);
		print(heads[i].name, "memchr", least[ROUNDS / 2], text.len);
	}
	return 0;
}
