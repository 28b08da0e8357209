/* SPDX-License-Identifier: MIT
 *
 * Request targets, hosts and URLs (RFC 9112 section 3.2, RFC 3986 section 3.2).
 */
#include "http/chars.h"
#include "http/field.h"

#include <arpa/inet.h>

#define LABEL_MAX 63

static bool is_ipv6(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	return str_copy(text, sizeof(text), s) && inet_pton(AF_INET6, text, &a) == 1;
}

static bool is_ipv4(struct str s)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr a;

	return str_copy(text, sizeof(text), s) && inet_pton(AF_INET, text, &a) == 1;
}

/* Labels of 1 to 63 letters, digits, "-" and "_"; one dot may end it. A last label of digits makes
 * it an IPv4 address, which then has to be a plain one: no 0x7f.1 that two readers take
 * differently. */
static bool is_name(struct str s)
{
	struct str label = {NULL, 0}, whole = s;

	if (!ch_all(s, CH_HOST))
		return false;
	if (s.ptr[s.len - 1] == '.')
		s.len--;
	while (str_cut(&s, '.', &label))
		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
	return ch_is(label.ptr[0], CH_DIGIT) && ch_all(label, CH_DIGIT) ? is_ipv4(whole) : true;
}

static bool is_host(struct str s)
{
	if (s.len == 0 || s.len > HTTP_HOST_MAX)
		return false;
	if (s.ptr[0] != '[')
		return is_name(s);
	return s.ptr[s.len - 1] == ']' && is_ipv6(str_slice(s, 1, s.len - 1));
}

bool http_host_parse(struct str text, struct str *host, uint16_t *port)
{
	size_t len = text.len;
	uint64_t number = 0;

	while (len > 0 && ch_is(text.ptr[len - 1], CH_DIGIT))
		len--;
	if (len == 0 || text.ptr[len - 1] != ':') {
		*host = text;
	} else {
		*host = str_slice(text, 0, len - 1);
		if (!str_to_u64(str_from_at(text, len), UINT16_MAX, &number) || number == 0)
			return false;
	}
	*port = (uint16_t)number;
	return is_host(*host);
}

struct str http_host_fold(char out[static HTTP_HOST_MAX + 1], struct str host)
{
	size_t len = MIN(host.len, (size_t)HTTP_HOST_MAX);

	if (len > 1 && host.ptr[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = ch_lower(host.ptr[i]);
	out[len] = '\0';
	return str_make(out, len);
}

/* "/path?query" into its two parts. */
static void split_query(struct str text, struct str *path, struct str *query)
{
	ptrdiff_t mark = str_find(text, '?');

	*query = mark < 0 ? (struct str){NULL, 0} : str_from_at(text, (size_t)mark + 1);
	*path = mark < 0 ? text : str_slice(text, 0, (size_t)mark);
}

static bool is_scheme(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ch_is(s.ptr[i], CH_UNRESERVED) && s.ptr[i] != '+')
			return false;
	return s.len > 0 && !ch_is(s.ptr[0], CH_DIGIT);
}

static uint16_t scheme_port(struct str scheme)
{
	if (str_eq_nocase(scheme, STR("https")) || str_eq_nocase(scheme, STR("wss")))
		return 443;
	return str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("ws")) ? 80 : 0;
}

bool http_url_parse(struct http_url *u, struct str text)
{
	ptrdiff_t colon = str_find_str(text, STR("://"));

	if (colon <= 0 || !ch_all(text, CH_TARGET))
		return false;
	u->scheme = str_slice(text, 0, (size_t)colon);
	struct str rest = str_from_at(text, (size_t)colon + 3);
	size_t len = 0;
	while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
		len++;
	split_query(str_from_at(rest, len), &u->path, &u->query);
	if (!is_scheme(u->scheme) || !http_host_parse(str_slice(rest, 0, len), &u->host, &u->port))
		return false;
	if (u->port == 0)
		u->port = scheme_port(u->scheme);
	return true;
}

static int parse_absolute(struct http_head *h)
{
	struct http_url u;

	if (!http_url_parse(&u, h->target))
		return http_refuse(h, 400, "a malformed request target");
	if (!str_eq_nocase(u.scheme, STR("http")) && !str_eq_nocase(u.scheme, STR("https")))
		return http_refuse(h, 400, "a request target that is neither http nor https");
	h->form = HTTP_FORM_ABSOLUTE;
	/* The slash of an empty path is taken from the scheme's, so that all views are into the
	 * input. */
	h->path = u.path.len ? u.path : str_slice(h->target, u.scheme.len + 1, u.scheme.len + 2);
	h->query = u.query;
	h->host = u.host;
	h->port = u.port;
	return 0;
}

static int parse_authority(struct http_head *h)
{
	h->form = HTTP_FORM_AUTHORITY;
	if (!http_host_parse(h->target, &h->host, &h->port) || h->port == 0)
		return http_refuse(h, 400, "CONNECT needs host:port");
	return 0;
}

int http_target_parse(struct http_head *h)
{
	h->path = str_make(h->target.ptr, 0);
	if (h->method == HTTP_CONNECT)
		return parse_authority(h);
	if (h->target.ptr[0] == '/') {
		h->form = HTTP_FORM_ORIGIN;
		split_query(h->target, &h->path, &h->query);
		return 0;
	}
	if (!str_is(h->target, "*"))
		return parse_absolute(h);
	h->form = HTTP_FORM_ASTERISK;
	return h->method == HTTP_OPTIONS ? 0 : http_refuse(h, 400, "\"*\" is for OPTIONS only");
}
