/* SPDX-License-Identifier: MIT
 *
 * The table of calls. A pattern has at most one {id}, which stands for one segment.
 */
#include "cgi.h"

/* A kind whose things are listed, shown, made, changed and removed by their generic handlers. */
#define LIST(kind, plural)                                                                         \
	{                                                                                          \
		"GET", API "/" plural, WHO_EITHER, thing_list, kind, NULL, 200,                    \
			"list: every " kind                                                        \
	}
#define SHOW(kind, plural)                                                                         \
	{                                                                                          \
		"GET", API "/" plural "/{id}", WHO_EITHER, thing_show, kind, NULL, 200,            \
			"show a " kind                                                             \
	}
#define ADD(kind, plural)                                                                          \
	{                                                                                          \
		"POST", API "/" plural, WHO_USER, thing_add, kind, kind, 201, "make a new " kind   \
	}
#define SET(kind, path)                                                                            \
	{                                                                                          \
		"PUT", API "/" path, WHO_USER, thing_set, kind, kind, 200, "change a " kind        \
	}
#define REMOVE(kind, plural)                                                                       \
	{                                                                                          \
		"DELETE", API "/" plural "/{id}", WHO_EITHER, thing_remove, kind, NULL, 204,       \
			"remove a " kind                                                           \
	}
#define SUSPEND(kind, path)                                                                        \
	{                                                                                          \
		"POST", API "/" path "/suspend", WHO_USER, thing_suspend, kind, NULL, 204,         \
			"suspend a " kind                                                          \
	}
#define RESUME(kind, path)                                                                         \
	{                                                                                          \
		"POST", API "/" path "/resume", WHO_USER, thing_resume, kind, NULL, 204,           \
			"let a " kind " go on"                                                     \
	}
#define ALL(kind, plural)                                                                          \
	LIST(kind, plural), SHOW(kind, plural), ADD(kind, plural), SET(kind, plural "/{id}"),      \
		REMOVE(kind, plural)

/* clang-format off */
const struct route routes[] = {
	{"GET", API "/status", WHO_ANYBODY, status_get, "status", NULL, 200,
	 "how the control plane is"},
	{"GET", API "/openapi.json", WHO_ANYBODY, openapi_get, NULL, NULL, 200,
	 "this description"},
	{"GET", API "/trust", WHO_ANYBODY, trust_get, "trust", NULL, 200,
	 "whom to trust, as records"},
	{"GET", API "/trust.minisig", WHO_ANYBODY, trust_sig_get, NULL, NULL, 200,
	 "its signature, for minisign"},
	{"POST", API "/join", WHO_ANYBODY, join_post, "node", "join", 201,
	 "become a node, by an invitation's token"},
	{"GET", API "/bundles/{id}", WHO_NODE, bundle_get, NULL, NULL, 200,
	 "the asking node's NODE.rn or NODE.rn.minisig"},

	{"POST", API "/services", WHO_EITHER, service_post, "service", "service", 201,
	 "expose a service, or take it up again"},
	LIST("service", "services"),
	SHOW("service", "services"),
	{"PUT", API "/services/{id}", WHO_EITHER, service_put, "service", "service", 200,
	 "change a service"},
	REMOVE("service", "services"),
	{"POST", API "/services/{id}/links", WHO_EITHER, link_post, "link", "link", 201,
	 "make a share link"},

	{"POST", API "/gateways", WHO_USER, gateway_post, "gateway", "gateway", 201,
	 "make a new gateway, with the invitation for its machine"},
	LIST("gateway", "gateways"),
	SHOW("gateway", "gateways"),
	SET("gateway", "gateways/{id}/config"),
	REMOVE("gateway", "gateways"),
	SUSPEND("gateway", "gateways/{id}"),
	RESUME("gateway", "gateways/{id}"),

	LIST("device", "devices"),
	SHOW("device", "devices"),
	SET("device", "devices/{id}"),
	REMOVE("device", "devices"),
	SUSPEND("device", "devices/{id}"),
	RESUME("device", "devices/{id}"),

	{"POST", API "/invitations", WHO_USER, invitation_post, "invitation", "invitation", 201,
	 "invite a device or a gateway"},
	LIST("invitation", "invitations"),
	SHOW("invitation", "invitations"),
	REMOVE("invitation", "invitations"),

	LIST("organization", "organizations"),
	SHOW("organization", "organizations"),
	ADD("organization", "organizations"),
	REMOVE("organization", "organizations"),
	ALL("user", "users"),
	SUSPEND("user", "users/{id}"),
	RESUME("user", "users/{id}"),
	{"PUT", API "/users/{id}/password", WHO_USER, password_put, "user", "user", 204,
	 "set a user's password (password=); an empty one takes it away"},
	{"POST", API "/users/{id}/tokens", WHO_USER, token_post, "token", "token", 201,
	 "make an API token for a user"},
	LIST("token", "tokens"),
	SHOW("token", "tokens"),
	REMOVE("token", "tokens"),
	ALL("group", "groups"),

	ALL("site", "sites"),
	ALL("listen", "listeners"),
	ALL("resource", "resources"),
	ALL("target", "targets"),
	ALL("policy", "policies"),
	{"POST", API "/import", WHO_USER, import_post, "imported", NULL, 200,
	 "sites, listeners, resources, targets, policies as records: all of them or none"},
	{"GET", API "/routes", WHO_EITHER, thing_list, "rule", NULL, 200,
	 "list: which host and path lead where"},

	{"GET", API "/audit", WHO_USER, audit_get, "audit", NULL, 200,
	 "the audit log behind number after=, at most limit= records"},

	{"GET", "/", WHO_ANYBODY, landing_get, NULL, NULL, 200, NULL},
	{"GET", "/login", WHO_ANYBODY, login_get, NULL, NULL, 200, NULL},
	{"POST", "/login", WHO_ANYBODY, login_post, NULL, NULL, 303, NULL},
	{0}};
/* clang-format on */

/* Names and identities, and the two endings of a bundle; nothing that a path could be built of. */
static bool take_id(char id[static ID_MAX + 1], struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && (c != '.' || i == 0))
			return false;
	}
	return s.len > 0 && str_copy(id, ID_MAX + 1, s);
}

static bool matches(const char *pattern, struct str path, char id[static ID_MAX + 1])
{
	struct str want = str_from(pattern), want_part, part;

	id[0] = '\0';
	while (str_cut(&want, '/', &want_part)) {
		if (!str_cut(&path, '/', &part))
			return false;
		if (str_is(want_part, "{id}") ? !take_id(id, part) : !str_eq(want_part, part))
			return false;
	}
	return !path.ptr;
}

enum route_result route_find(const struct route **found, char id[static ID_MAX + 1],
			     const struct request *rq, struct buf *allow)
{
	bool known = false;

	for (const struct route *r = routes; r->method; r++) {
		if (!matches(r->pattern, rq->path, id))
			continue;
		if (str_is(rq->method, r->method)) {
			*found = r;
			return ROUTE_FOUND;
		}
		buf_addf(allow, "%s%s%s", known ? ", " : "", r->method,
			 strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
		known = true;
	}
	return known ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}
