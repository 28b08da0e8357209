/* SPDX-License-Identifier: MIT
 *
 * The schema: all kinds by name, types by name, and the schema as records. The kinds themselves
 * stand by area in schema_*.c.
 */
#include "record/record.h"
#include "record/schema_kinds.h"

#define ENTRY(name) &schema_##name,

const struct schema_kind *const schema_kinds[] = {SCHEMA_KINDS(ENTRY) NULL};

static const struct {
	const char *name, *doc;
} types[] = {
	[TYPE_TEXT] = {"text", "any text"},
	[TYPE_NAME] = {"name", "1 to 64 of A-Z a-z 0-9 . _ @ + -, not beginning with . or -"},
	[TYPE_U64] = {"u64", "a whole decimal number"},
	[TYPE_BOOL] = {"bool", "yes or no"},
	[TYPE_ENUM] = {"enum", "one of the named words"},
	[TYPE_ADDRESS] = {"address", "an IPv4 or IPv6 address"},
	[TYPE_CIDR] = {"cidr", "an address, or an address with /prefix length"},
	[TYPE_ENDPOINT] = {"endpoint", "host:port, 192.0.2.1:port or [2001:db8::1]:port"},
	[TYPE_UPSTREAM] = {"upstream", "an endpoint, unix:/path or cgi:/path"},
	[TYPE_KEY] = {"key", "32 bytes in base64, as wg prints keys"},
	[TYPE_HOST] = {"host", "a host name in lower case; a first label * stands for any label"},
	[TYPE_PATH] = {"path", "a file name, relative to the folder of the file it stands in"},
	[TYPE_URLPATH] = {"urlpath", "a URL's path, beginning with /"},
	[TYPE_REF] = {"ref", "the identity of another record"},
	[TYPE_TIME] = {"time", "Unix seconds, UTC"},
	[TYPE_PRINCIPAL] = {"principal",
			    "any, link, org, user:NAME, group:NAME, device:NAME, cidr:PREFIX"},
	[TYPE_HEX] = {"hex", "bytes in lower-case hexadecimal"},
	[TYPE_BASE64] = {"base64", "bytes in base64 with padding"},
};

const char *schema_type_name(enum schema_type t)
{
	return types[t].name;
}

const char *schema_type_doc(enum schema_type t)
{
	return types[t].doc;
}

/* Records come in runs of a kind, and the table is long. */
static _Thread_local const struct schema_kind *last_found;

static bool is_name(struct str s, const char *name)
{
	return s.len && *s.ptr == *name && strncmp(s.ptr, name, s.len) == 0 && !name[s.len];
}

const struct schema_kind *schema_find(struct str kind)
{
	if (last_found && is_name(kind, last_found->name))
		return last_found;
	for (const struct schema_kind *const *k = schema_kinds; *k; k++)
		if (is_name(kind, (*k)->name))
			return last_found = *k;
	return NULL;
}

const struct schema_key *schema_key_find(const struct schema_kind *kind, struct str key)
{
	for (const struct schema_key *k = kind->keys; k->name; k++)
		if (is_name(key, k->name))
			return k;
	return NULL;
}

static void write_kind(struct buf *b, const struct schema_kind *k)
{
	rec_begin(b, "kind", str_from(k->name));
	rec_add_cstr(b, "type", types[k->id].name);
	rec_add_bool(b, "config", k->config);
	struct str programs[16], rest = str_from(k->programs);
	size_t n = 0;
	while (n < ARRAY_LEN(programs) && str_cut(&rest, ' ', &programs[n]))
		n++;
	rec_add_list(b, "programs", programs, n);
	rec_add_cstr(b, "doc", k->doc);
	rec_end(b);
}

static void write_key(struct buf *b, const struct schema_kind *kind, const struct schema_key *k)
{
	rec_begin(b, "key", str_from(k->name));
	rec_add_cstr(b, "kind", kind->name);
	rec_add_cstr(b, "type", types[k->type].name);
	rec_add_cstr(b, "values", k->values);
	if (k->flags & KEY_REQUIRED)
		rec_add_bool(b, "required", true);
	if (k->flags & KEY_LIST)
		rec_add_cstr(b, "list", k->flags & KEY_SET ? "set" : "list");
	rec_add_cstr(b, "fallback", k->fallback);
	rec_add_cstr(b, "doc", k->doc);
	rec_end(b);
}

static void write_types(struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		rec_begin(b, "type", str_from(types[i].name));
		rec_add_cstr(b, "doc", types[i].doc);
		rec_end(b);
	}
}

void schema_write(struct buf *b, const char *only_kind)
{
	if (!only_kind)
		write_types(b);
	for (const struct schema_kind *const *k = schema_kinds; *k; k++) {
		if (only_kind && strcmp((*k)->name, only_kind) != 0)
			continue;
		write_kind(b, *k);
		for (const struct schema_key *key = (*k)->keys; key->name; key++)
			write_key(b, *k, key);
	}
}
