/* SPDX-License-Identifier: MIT
 *
 * Reading a snapshot in three passes over the text, so that records may stand in any order and
 * every complaint names its line: what stands alone, then resources, then targets.
 */
#include "proxy/conf.h"

#define TEXT_MAX (64UL << 20)
#define ARENA_MAX (256UL << 20)

/* ---- typed keys, with the schema's defaults ----------------------------------------------------
 */

static const char *conf_fallback(const struct rec *r, const char *key)
{
	const struct schema_kind *kind = schema_find(rec_kind(r));
	const struct schema_key *k = kind ? schema_key_find(kind, str_from(key)) : NULL;
	return k ? k->fallback : NULL;
}

int conf_text(struct conf *c, const struct rec *r, const char *key, struct str *out,
	      struct rn_error *err)
{
	struct str raw = rec_get(r, key);
	const char *fallback = raw.ptr ? NULL : conf_fallback(r, key);
	*out = str_from("");
	if (!raw.ptr && !fallback)
		return 0;
	*out = raw.ptr ? rec_text(r, key, &c->s->arena) : str_from(fallback);
	return out->ptr ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

int conf_u64(const struct rec *r, const char *key, uint64_t *out, struct rn_error *err)
{
	uint64_t fallback = 0;
	const char *text = conf_fallback(r, key);
	if (text && !str_to_u64(str_from(text), UINT64_MAX, &fallback))
		return rn_fail(err, RN_EBUG, "default of %s is not a number", key);
	return rec_u64(r, key, fallback, UINT32_MAX, out, err);
}

/* A file named in the config lies beside it unless its name is absolute. */
int conf_file(struct conf *c, const struct rec *r, const char *key, struct str *out,
	      struct rn_error *err)
{
	char path[4096];
	int rc = conf_text(c, r, key, out, err);
	if (rc || out->len == 0)
		return rc;
	if (!path_join(path, sizeof(path), c->dir, *out))
		return rn_fail(err, RN_ECONFIG, "%s: name is too long", key);
	*out = arena_str(&c->s->arena, str_from(path));
	return out->ptr ? 0 : rn_fail(err, RN_EOS, "out of memory");
}

/* ---- passes ------------------------------------------------------------------------------------
 */

typedef int conf_fn(struct conf *c, const struct rec *r, struct rn_error *err);
static const struct {
	const char *kind;
	int pass;
	conf_fn *fn;
} kinds[] = {
	{"bundle", 1, conf_bundle},	{"signer", 1, conf_signer},
	{"policy", 1, conf_policy},	{"device", 1, conf_device},
	{"logout", 1, conf_logout},
	{"listen", 1, conf_listen},	{"certificate", 1, conf_certificate},
	{"resource", 2, conf_resource}, {"target", 3, conf_target},
};

static int conf_record(struct conf *c, const struct rec *r, struct rn_error *err)
{
	if (c->pass == 1)
		rec_canonical(&c->s->text, r);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].pass == c->pass && rec_is(r, kinds[i].kind))
			return kinds[i].fn(c, r, err);
	return 0;
}

static int conf_first(void *ctx, const struct rec *r, struct rn_error *err)
{
	return conf_record(ctx, r, err);
}

/* The text is known to be well formed by now. */
static int conf_again(struct conf *c, struct str text, const char *name, struct rn_error *err)
{
	struct rec_reader rd;
	struct rec r;
	int rc;

	c->pass++;
	rec_reader_mem(&rd, text, name);
	while ((rc = rec_read(&rd, &r, err)) > 0) {
		rc = conf_record(c, &r, err);
		if (rc < 0) {
			rn_fail_in(err, "%s:%zu", name, rd.line);
			break;
		}
	}
	rec_reader_free(&rd);
	return rc;
}

static int conf_all(struct conf *c, const struct snapshot_source *src, struct str text,
		    struct rn_error *err)
{
	const char *name = strcmp(src->file, "-") == 0 ? "stdin" : src->file;
	int rc = rec_config_mem(text, name, conf_first, c, err);
	if (rc == 0)
		rc = conf_again(c, text, name, err);
	if (rc == 0)
		rc = conf_again(c, text, name, err);
	if (rc == 0 && c->s->text.failed)
		rc = rn_fail(err, RN_ECONFIG, "%s: more than %lu bytes", name, TEXT_MAX);
	if (rc == 0)
		rc = conf_finish(c, err);
	return rc;
}

static struct snapshot *snapshot_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	atomic_store(&s->refs, 1);
	arena_init(&s->arena, ARENA_MAX);
	buf_init(&s->text, TEXT_MAX);
	return s;
}

int snapshot_read(struct snapshot **out, const struct snapshot_source *src, struct rn_error *err)
{
	struct conf c = {.src = src, .pass = 1, .s = snapshot_new()};
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	if (!c.s)
		return rn_fail(err, RN_EOS, "out of memory");
	if (!path_dir(c.dir, sizeof(c.dir), src->file))
		rc = rn_fail(err, RN_EUSAGE, "%s: name is too long", src->file);
	else
		rc = src->text.ptr ? 0 : file_read(src->file, &text, err);
	if (rc == 0 && !(c.s->policy = policy_set_new(&c.s->arena)))
		rc = rn_fail(err, RN_EOS, "out of memory");
	if (rc == 0)
		rc = conf_all(&c, src, src->text.ptr ? src->text : buf_str(&text), err);
	buf_free(&text);
	vec_free(&c.certs.base);
	if (rc) {
		snapshot_unref(c.s);
		return rc;
	}
	*out = c.s;
	return 0;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < s->targets.len; i++)
		state_unref(s->targets.ptr[i]->state);
	for (size_t i = 0; i < s->listens.len; i++)
		router_free(&s->listens.ptr[i]->router);
	for (size_t i = 0; i < s->clients.len; i++)
		tls_ctx_unref(s->clients.ptr[i].ctx);
	tls_ctx_unref(s->tls);
	vec_free(&s->targets.base);
	vec_free(&s->resources.base);
	vec_free(&s->listens.base);
	vec_free(&s->clients.base);
	vec_free(&s->signers.base);
	map_free(&s->listen_by_name);
	map_free(&s->resource_by_name);
	map_free(&s->logouts);
	map_free(&s->device_by_ip);
	map_free(&s->device_by_name);
	buf_free(&s->text);
	arena_free(&s->arena);
	free(s);
}

struct listen_conf *snapshot_listen(const struct snapshot *s, struct str name)
{
	return map_get(&s->listen_by_name, name);
}

const struct device *snapshot_device(const struct snapshot *s, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];
	if (!s->device_by_ip.len)
		return NULL;
	addr_format_ip(a, text);
	return map_get(&s->device_by_ip, str_from(text));
}
