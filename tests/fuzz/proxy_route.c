/* SPDX-License-Identifier: MIT
 *
 * Paths and hosts on their way to a resource. Oracle: a request that is routed to the open resource
 * by a path under /open must, decoded and resolved as a careless server would, still be under
 * /open.
 */
#include "http/http.h"
#include "proxy/path.h"
#include "proxy/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Everything undone, backslashes too, then dot segments resolved: the worst reading of a path. */
static size_t careless(char *out, struct str path)
{
	size_t n = 0;
	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];
		uint8_t byte;
		if (c == '%' && i + 2 < path.len &&
		    hex_decode(&byte, 1, str_slice(path, i + 1, i + 3))) {
			c = (char)byte;
			i += 2;
		}
		out[n++] = c == '\\' ? '/' : c;
	}
	return n;
}

static bool climbs(struct str path)
{
	struct str segment;
	while (str_cut(&path, '/', &segment))
		if (str_is(segment, "..") || str_is(segment, "."))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char plain[HTTP_LINE_MAX + 1], worst[HTTP_LINE_MAX + 1];
	struct str path = str_make(data, MIN(size, (size_t)HTTP_LINE_MAX));
	size_t len;

	if (path_climbs(path) || !http_path_normalise(plain, &len, path))
		return 0;
	struct str bad = str_make(worst, careless(worst, path));
	if (climbs(bad))
		__builtin_trap();
	/* What the most generous server reads has no climbing in it either. */
	struct str normal = str_make(plain, len);
	if (path_loose(worst, &len, normal) && (len > normal.len || climbs(str_make(worst, len))))
		__builtin_trap();
	return 0;
}
