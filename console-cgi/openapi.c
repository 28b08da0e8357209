/* SPDX-License-Identifier: MIT
 *
 * The description of all calls (OpenAPI 3.0.3), made from the table of routes and the schema of
 * records, so it cannot say anything else than they do.
 */
#include "cgi.h"

#include <jansson.h>

/* ---- schemas: one for each kind of records that a call takes or gives ------------------------ */

static json_t *value_schema(const struct schema_key *key)
{
	json_t *s = json_object(), *values;
	struct str rest, one;

	switch (key->type) {
	case TYPE_U64:
	case TYPE_TIME:
		json_object_set_new(s, "type", json_string("integer"));
		break;
	case TYPE_BOOL:
		json_object_set_new(s, "type", json_string("boolean"));
		break;
	default:
		json_object_set_new(s, "type", json_string("string"));
		break;
	}
	if (key->type == TYPE_ENUM) {
		values = json_array();
		rest = str_from(key->values);
		while (str_cut(&rest, '|', &one))
			json_array_append_new(values, json_stringn(one.ptr, one.len));
		json_object_set_new(s, "enum", values);
	} else if (key->type != TYPE_U64 && key->type != TYPE_BOOL) {
		json_object_set_new(s, "format", json_string(schema_type_name(key->type)));
	}
	return s;
}

static json_t *key_schema(const struct schema_key *key)
{
	json_t *s = value_schema(key), *array;

	if (key->flags & KEY_LIST) {
		array = json_object();
		json_object_set_new(array, "type", json_string("array"));
		json_object_set_new(array, "items", s);
		s = array;
	}
	json_object_set_new(s, "description", json_string(key->doc));
	return s;
}

static json_t *kind_schema(const struct schema_kind *kind)
{
	json_t *s = json_object(), *properties = json_object();
	struct schema_key identity = {.name = kind->name, .type = kind->id, .doc = "identity"};

	json_object_set_new(properties, kind->name, key_schema(&identity));
	for (const struct schema_key *key = kind->keys; key->name; key++)
		json_object_set_new(properties, key->name, key_schema(key));
	json_object_set_new(s, "type", json_string("object"));
	json_object_set_new(s, "description", json_string(kind->doc));
	json_object_set_new(s, "properties", properties);
	return s;
}

static void add_kind(json_t *schemas, const char *name)
{
	const struct schema_kind *kind = name ? schema_find(str_from(name)) : NULL;

	if (kind && !json_object_get(schemas, name))
		json_object_set_new(schemas, name, kind_schema(kind));
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* A body in both forms; ARRAY: a list of them. */
static json_t *content(const char *kind, bool array)
{
	json_t *ref =
		schema_find(str_from(kind))
			? json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", kind))
			: json_pack("{s:s}", "type", "object");

	if (array)
		ref = json_pack("{s:s,s:o}", "type", "array", "items", ref);
	return json_pack("{s:{s:o},s:{s:{s:s}}}", "application/json", "schema", ref, "text/x-rn",
			 "schema", "type", "string");
}

static json_t *security(enum who who)
{
	json_t *list = json_array();

	if (who == WHO_USER || who == WHO_EITHER)
		json_array_append_new(list, json_pack("{s:[]}", "token"));
	if (who == WHO_NODE || who == WHO_EITHER)
		json_array_append_new(list, json_pack("{s:[]}", "node"));
	return list;
}

static json_t *answers(const struct route *r)
{
	json_t *good = json_pack("{s:s}", "description", r->doc);
	char status[8];

	if (r->kind && r->status != 204)
		json_object_set_new(good, "content",
				    content(r->kind, r->fn == thing_list || r->fn == audit_get));
	snprintf(status, sizeof(status), "%u", r->status);
	return json_pack("{s:o,s:{s:s,s:o}}", status, good, "default", "description",
			 "refused: what and why", "content", content("error", false));
}

static json_t *operation(const struct route *r)
{
	json_t *op = json_pack("{s:s,s:o,s:o}", "summary", r->doc, "security", security(r->who),
			       "responses", answers(r));

	if (strstr(r->pattern, "{id}"))
		json_object_set_new(op, "parameters",
				    json_pack("[{s:s,s:s,s:b,s:{s:s}}]", "name", "id", "in", "path",
					      "required", 1, "schema", "type", "string"));
	if (r->fn == import_post)
		json_object_set_new(op, "requestBody",
				    json_pack("{s:{s:{s:{s:s}}}}", "content", "text/x-rn", "schema",
					      "type", "string"));
	if (r->takes)
		json_object_set_new(op, "requestBody",
				    json_pack("{s:o}", "content", content(r->takes, false)));
	return op;
}

static void add_path(json_t *paths, const struct route *r)
{
	const char *path = r->pattern + strlen(API);
	json_t *item = json_object_get(paths, path);
	char method[8] = "";

	if (!item) {
		item = json_object();
		json_object_set_new(paths, path, item);
	}
	for (size_t i = 0; i < sizeof(method) - 1 && r->method[i]; i++)
		method[i] = (char)(r->method[i] | 0x20);
	json_object_set_new(item, method, operation(r));
}

static json_t *credentials(void)
{
	return json_pack(
		"{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s,s:s}}", "token", "type", "http", "scheme",
		"bearer", "description", "API token of a user: rnt_…", "node", "type", "apiKey",
		"in", "header", "name", "Authorization", "description",
		"Rustronaut node=ID,at=T,nonce=N,sig=S: an Ed25519 signature by the node's sign.key");
}

int openapi_write(struct buf *b, struct rn_error *err)
{
	json_t *paths = json_object(), *schemas = json_object(), *all;
	char *text;

	add_kind(schemas, "error");
	for (const struct route *r = routes; r->method; r++) {
		if (!r->doc)
			continue;
		add_path(paths, r);
		add_kind(schemas, r->kind);
		add_kind(schemas, r->takes);
	}
	all = json_pack(
		"{s:s,s:{s:s,s:s,s:s},s:[{s:s}],s:o,s:{s:o,s:o}}", "openapi", "3.0.3", "info",
		"title", "Rustronaut console", "version", RN_VERSION, "description",
		"Bodies are JSON or records (text/x-rn), by Content-Type and Accept; JSON is the default.",
		"servers", "url", API, "paths", paths, "components", "schemas", schemas,
		"securitySchemes", credentials());
	text = all ? json_dumps(all, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
	json_decref(all);
	if (!text)
		return rn_fail(err, RN_EOS, "out of memory");
	buf_add_cstr(b, text);
	buf_add_byte(b, '\n');
	free(text);
	return b->failed ? rn_fail(err, RN_EOS, "out of memory") : 0;
}
