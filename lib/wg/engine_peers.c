/* SPDX-License-Identifier: MIT
 *
 * What was configured of peers beyond what an engine keeps of them.
 */
#include "wg/engine_impl.h"

struct engine_peer *engine_peer_find(const struct engine *e, const uint8_t key[static WG_KEY_LEN])
{
	return map_get(&e->peers, str_make(key, WG_KEY_LEN));
}

void engine_peer_forget(struct engine *e, const uint8_t key[static WG_KEY_LEN])
{
	struct engine_peer *p = map_remove(&e->peers, str_make(key, WG_KEY_LEN));
	if (!p)
		return;
	free(p->name);
	free(p->endpoint);
	free(p);
}

static struct engine_peer *add(struct engine *e, const uint8_t *key, struct rn_error *err)
{
	struct engine_peer *p = calloc(1, sizeof(*p));
	if (p)
		memcpy(p->key, key, WG_KEY_LEN);
	if (p && map_set(&e->peers, str_make(p->key, WG_KEY_LEN), p))
		return p;
	free(p);
	rn_fail(err, RN_EOS, "out of memory");
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int engine_set_text(char **at, const char *text, struct rn_error *err)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return rn_fail(err, RN_EOS, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int set_endpoint(struct engine_peer *own, const char *endpoint, bool *set, struct addr *a,
			struct rn_error *err)
{
	if (same_text(own->endpoint, endpoint))
		return 0;
	int code = engine_set_text(&own->endpoint, endpoint, err);
	own->is_name = own->unresolved = false;
	if (code || !endpoint)
		return code;
	*set = addr_parse(a, str_from(endpoint), -1);
	own->is_name = own->unresolved = !*set;
	return 0;
}

int engine_peer_apply(struct engine *e, const struct wg_peer_config *p, bool exact, bool *set,
		      struct addr *a, struct rn_error *err)
{
	struct engine_peer *own = engine_peer_find(e, p->public_key);
	int code = 0;
	*set = false;
	if (!own && !p->name && !p->endpoint)
		return 0;
	if (!own && !(own = add(e, p->public_key, err)))
		return err->code;
	if ((p->name || exact) && !same_text(own->name, p->name))
		code = engine_set_text(&own->name, p->name, err);
	if (!code && (p->endpoint || exact))
		code = set_endpoint(own, p->endpoint, set, a, err);
	return code;
}
