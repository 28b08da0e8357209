/* SPDX-License-Identifier: MIT
 *
 * Names: which are valid, and how readable ones are made.
 */
#include "console/inner.h"
#include "policy/policy.h"

#include <sodium.h>

static bool is_lower_alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
}

static char fold(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch;
}

bool name_valid(struct str s)
{
	if (s.len == 0 || s.len >= CONSOLE_NAME_MAX || !is_lower_alnum(fold(s.ptr[0])))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.ptr[i];

		if (!is_lower_alnum(fold(ch)) && ch != '-' && ch != '_' && ch != '.')
			return false;
	}
	return true;
}

/* RFC 1123, section 2.1. */
bool label_valid(struct str s)
{
	if (s.len == 0 || s.len > 63 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_lower_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
	}
	return true;
}

void name_slug(char *out, size_t max, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < max; i++) {
		char ch = fold(s.ptr[i]);

		if (is_lower_alnum(ch))
			out[n++] = ch;
		else if (n && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (!n)
		snprintf(out, max + 1, "node");
}

bool name_below(char *out, size_t size, const char *label, const char *domain)
{
	int n = snprintf(out, size, "%s.%s", label, domain);

	return n > 0 && (size_t)n < size && n <= AUTH_HOST_MAX;
}

/* No 0 1 i l o: nobody should have to ask which it is. Taken modulo 31, so slightly uneven; it is
 * no secret. */
static const char suffix_letters[] = "23456789abcdefghjkmnpqrstuvwxyz";

void name_suffix(const struct console *c, char out[static SUFFIX_LEN + 1], struct str a,
		 struct str b, unsigned attempt)
{
	crypto_generichash_state st;
	uint8_t hash[16], count = (uint8_t)attempt;

	crypto_generichash_init(&st, c->label_key, sizeof(c->label_key), sizeof(hash));
	crypto_generichash_update(&st, (const uint8_t *)a.ptr, a.len);
	crypto_generichash_update(&st, (const uint8_t *)"", 1);
	crypto_generichash_update(&st, (const uint8_t *)b.ptr, b.len);
	crypto_generichash_update(&st, &count, 1);
	crypto_generichash_final(&st, hash, sizeof(hash));
	for (size_t i = 0; i < SUFFIX_LEN; i++)
		out[i] = suffix_letters[hash[i] % (sizeof(suffix_letters) - 1)];
	out[SUFFIX_LEN] = '\0';
}

int field_text(const struct rec *r, const char *key, char *out, size_t size, bool *given,
	       struct rn_error *err)
{
	struct str raw = rec_get(r, key);
	struct buf b;
	int rc = 0;

	out[0] = '\0';
	if (given)
		*given = raw.ptr != NULL;
	if (!raw.ptr)
		return 0;
	buf_init(&b, REC_LINE_MAX);
	if (!unescape_value(&b, raw) || !str_copy(out, size, buf_str(&b)))
		rc = rn_fail(err, RN_EDATA, "%s is longer than %zu bytes", key, size - 1);
	buf_free(&b);
	return rc;
}

#define PRINCIPALS_MAX 128

static int str_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* ONE as it is kept. */
static int principal_resolve(struct console *c, int64_t org, const char *key, struct str one,
			     struct arena *mem, struct str *out, struct rn_error *err)
{
	struct principal p;
	struct node n;

	if (principal_parse(&p, one, err))
		return rn_fail(err, RN_EDATA,
			       "%s=%.*s: not any, link, org, user:X, group:X, device:X or cidr:X",
			       key, STR_ARG(str_slice(one, 0, MIN(one.len, 100))));
	*out = one;
	if (p.kind != PRINCIPAL_DEVICE)
		return 0;
	int rc = node_get(c, org, p.name, &n, err);

	if (rc == RN_ENO)
		return rn_fail(err, RN_EDATA, "%s=%.*s: there is no such device", key,
			       STR_ARG(one));
	*out = arena_printf(mem, "device:%s", n.id);
	return rc;
}

int principals_resolve(struct console *c, int64_t org, const char *key, struct str list,
		       struct buf *out, struct rn_error *err)
{
	struct str all[PRINCIPALS_MAX], one;
	struct arena mem;
	size_t n = 0;
	int rc = 0;

	arena_init(&mem, 1u << 20);
	while (!rc && list.len && rec_list_next(&list, &one)) {
		if (n == PRINCIPALS_MAX)
			rc = rn_fail(err, RN_EDATA, "%s: more than %d", key, PRINCIPALS_MAX);
		else
			rc = principal_resolve(c, org, key, one, &mem, &all[n++], err);
	}
	if (!rc && n)
		qsort(all, n, sizeof(all[0]), str_order);
	for (size_t i = 0; !rc && i < n; i++) {
		if (i && str_eq(all[i], all[i - 1]))
			continue;
		if (i)
			buf_add_byte(out, ',');
		buf_add(out, all[i]);
	}
	arena_free(&mem);
	return rc;
}
