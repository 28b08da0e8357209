/* SPDX-License-Identifier: MIT
 *
 * Opening a console, and its settings (table meta).
 */
#include "console/inner.h"

int meta_get(struct console *c, const char *key, char *out, size_t size, struct rn_error *err)
{
	return store_get_text(c->store, out, size, "SELECT value FROM meta WHERE key = ?", err, "z",
			      key);
}

int meta_set(struct console *c, const char *key, const char *value, struct rn_error *err)
{
	return store_exec(c->store,
			  "INSERT INTO meta (key, value) VALUES (?, ?)"
			  " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
			  NULL, err, "zz", key, value);
}

int meta_next(struct console *c, const char *key, int64_t *out, struct rn_error *err)
{
	int rc = store_get_int(c->store, out,
			       "INSERT INTO meta (key, value) VALUES (?, '1') ON CONFLICT (key)"
			       " DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
			       " RETURNING CAST(value AS INTEGER)",
			       err, "z", key);

	return rc < 0 ? rc : 0;
}

/* A setting that every console has. */
static int setting(struct console *c, const char *key, char *out, size_t size, struct rn_error *err)
{
	int rc = meta_get(c, key, out, size, err);

	if (rc == 0)
		return rn_fail(err, RN_ECONFIG,
			       "%s/console.db: has no setting %s; was init cut off?", c->dir, key);
	return rc < 0 ? rc : 0;
}

static int load_settings(struct console *c, struct rn_error *err)
{
	char label_key[HEX_SIZE(sizeof(c->label_key))];
	int rc = setting(c, "domain", c->domain, sizeof(c->domain), err);

	if (!rc)
		rc = setting(c, "url", c->url, sizeof(c->url), err);
	if (!rc)
		rc = setting(c, "label_key", label_key, sizeof(label_key), err);
	if (!rc && !hex_decode(c->label_key, sizeof(c->label_key), str_from(label_key)))
		rc = rn_fail(err, RN_ECONFIG, "%s/console.db: label_key is damaged", c->dir);
	secret_wipe(label_key, sizeof(label_key));
	return rc;
}

int console_open(struct console **out, const char *dir, struct rn_error *err)
{
	struct console *c = calloc(1, sizeof(*c));
	char path[1100];
	int rc = 0;

	*out = NULL;
	if (!c)
		return rn_fail(err, RN_EOS, "out of memory");
	if (!str_copy(c->dir, sizeof(c->dir), str_from(dir)))
		rc = rn_fail(err, RN_EUSAGE, "the name of the console's folder is too long");
	snprintf(path, sizeof(path), "%s/console.db", c->dir);
	if (!rc)
		rc = store_open(&c->store, path, STORE_MIGRATE, err);
	if (rc == RN_ENOINPUT)
		rc = rn_fail(err, RN_ENOINPUT,
			     "%s: no console here; make one with: rn-console init DOMAIN", dir);
	snprintf(path, sizeof(path), "%s/sign.key", c->dir);
	if (!rc)
		rc = auth_key_load(&c->key, path, err);
	if (!rc)
		rc = load_settings(c, err);
	if (rc)
		console_close(c);
	else
		*out = c;
	return rc;
}

void console_close(struct console *c)
{
	if (!c)
		return;
	store_close(c->store);
	auth_key_free(c->key);
	secret_wipe(c, sizeof(*c));
	free(c);
}

const char *console_domain(const struct console *c)
{
	return c->domain;
}

const char *console_url(const struct console *c)
{
	return c->url;
}

const char *console_dir(const struct console *c)
{
	return c->dir;
}

const struct auth_key *console_key(const struct console *c)
{
	return c->key;
}
