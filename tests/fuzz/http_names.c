/* SPDX-License-Identifier: MIT
 *
 * URLs, hosts, paths, queries: normalising is stable, nothing climbs above the root, encoding goes back.
 */
#include "http/http.h"

static void check_path(struct str in)
{
	char *out = malloc(in.len + 1), *again = malloc(in.len + 1);
	size_t len, len2;

	if (http_path_normalise(out, &len, in)) {
		struct str path = str_make(out, len);

		rn_assert(len <= in.len && out[0] == '/' && strlen(out) == len);
		rn_assert(str_find_str(path, STR("//")) < 0 && str_find_str(path, STR("/../")) < 0 &&
			  str_find_str(path, STR("/./")) < 0 && !str_ends(path, STR("/..")) && !str_ends(path, STR("/.")));
		rn_assert(http_path_under(path, STR("/")));
		rn_assert(http_path_normalise(again, &len2, path) && str_eq(path, str_make(again, len2)));
	}
	free(out);
	free(again);
}

static void check_escapes(struct str in)
{
	struct buf coded, back;

	buf_init(&coded, 1 << 20);
	buf_init(&back, 1 << 20);
	http_percent_encode(&coded, in);
	if (!coded.failed && !memchr(in.len ? in.ptr : "", 0, in.len))
		rn_assert(http_percent_decode(&back, buf_str(&coded), false) && str_eq(buf_str(&back), in));
	buf_clear(&back);
	http_query_strip(&back, in, "a");
	rn_assert(!http_query_find(buf_str(&back), "a").ptr || back.failed);
	buf_free(&coded);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size), host, rest = in, element;
	char fold[HTTP_HOST_MAX + 1];
	struct http_url u;
	uint16_t port;

	if (http_url_parse(&u, in))
		rn_assert(u.host.len > 0 && u.host.len <= HTTP_HOST_MAX && (u.path.len == 0 || u.path.ptr[0] == '/'));
	if (http_host_parse(in, &host, &port)) {
		struct str folded = http_host_fold(fold, host), twice;

		rn_assert(http_host_parse(folded, &twice, &port) && str_eq(twice, folded));
	}
	check_path(in);
	check_escapes(in);
	while (http_list_next(&rest, &element))
		rn_assert(element.len > 0 && element.ptr >= in.ptr && element.ptr + element.len <= in.ptr + in.len);
	return 0;
}
