/* SPDX-License-Identifier: MIT
 *
 * The configuration as the workers see it: read and checked whole, then never changed. A reload
 * makes a new one; requests and connections that began under the old one hold it until they end.
 */
#ifndef RN_PROXY_SNAPSHOT_H
#define RN_PROXY_SNAPSHOT_H

#include "auth/auth.h"
#include "net/net.h"
#include "policy/policy.h"
#include "proxy/router.h"
#include "proxy/state.h"
#include "tls/tls.h"

enum listen_proto { LISTEN_HTTP, LISTEN_HTTPS, LISTEN_TCP, LISTEN_UDP };
extern const char *const listen_proto_names[];

struct listen_conf {
	struct str name;
	struct str address_text; /* as in the record */
	struct addr address;
	struct str via; /* empty: the machine's own network */
	enum listen_proto proto;
	bool redirect_https;
	uint16_t https_port; /* where it redirects to */
	uint64_t head_ms, idle_ms;
	struct router router;	   /* HTTP */
	struct resource *resource; /* TCP and UDP: the only one, or NULL */
};

enum resource_auth { RESOURCE_NONE, RESOURCE_LOGIN };

struct resource {
	struct str name, owner, device, title;
	enum resource_auth auth;
	uint64_t connect_ms, idle_ms, flow_ms;
	struct target *targets; /* linked by next, in the order of the file */
	unsigned n_targets;
};

enum target_kind { TARGET_IP, TARGET_UNIX, TARGET_CGI };

struct target {
	struct target *next;
	struct resource *resource;
	struct str name, address_text;
	enum target_kind kind;
	struct addr address; /* TARGET_IP */
	struct str path;     /* TARGET_UNIX, TARGET_CGI; NUL-terminated */
	struct str via;
	struct tls_ctx *tls; /* NULL: plain */
	const char *tls_name;
	int weight;
	unsigned index;	  /* into a view's weights */
	struct str check; /* empty: none; "tcp"; or a path */
	uint64_t check_ms, check_timeout_ms;
	unsigned rise, fall;
	struct str env; /* CGI: a list, as in the record */
	uint64_t limit_ms;
	struct target_state *state;
};

struct device { /* a joined machine; inside the tunnel its source address is its proof */
	struct str name, user, groups; /* groups: a list, as in the record */
	bool can_sign;
	uint8_t sign_key[AUTH_PUB_LEN];
};

struct signer { /* whose links and logins are believed */
	uint8_t key[AUTH_PUB_LEN];
	bool links, logins;
};

/* A client context shared by the targets that trust the same CAs. */
struct tls_client {
	struct str ca_file;
	bool verify;
	struct tls_ctx *ctx;
};

struct snapshot {
	_Atomic unsigned refs;
	struct arena arena;
	struct buf text; /* the records in canonical form, for `show config` */
	VEC(struct listen_conf *) listens;
	VEC(struct resource *) resources;
	VEC(struct target *) targets;
	struct map listen_by_name, resource_by_name;
	struct map device_by_ip, device_by_name; /* struct device */
	struct tls_ctx *tls;			 /* of all https listeners; NULL without one */
	VEC(struct tls_client) clients;
	struct policy_set *policy;
	struct str gateway; /* this node's name, from the bundle record; may be empty */
	struct str console; /* where visitors log in; may be empty */
	VEC(struct signer) signers;
	struct map logouts; /* user -> int64_t: logins from before that second are over */
};

struct snapshot_source {
	const char *file; /* "-": stdin, once */
	struct str text;  /* with ptr: instead of the file's, and nothing that it names is opened */
	struct state_table *states;
	const struct snapshot *previous; /* hands over TLS ticket keys; may be NULL */
	const char *const *cgi_dirs;	 /* folders whose programs may be run, ended by NULL */
	const char *bin_dir;		 /* and *.cgi in this one */
};

/* Reads and checks all. RN_ECONFIG: "FILE:LINE:COL: why". On success *out has one reference. */
int snapshot_read(struct snapshot **out, const struct snapshot_source *src,
		  struct rn_error *err) must_check;
struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_unref(struct snapshot *s); /* from any thread */

struct listen_conf *snapshot_listen(const struct snapshot *s, struct str name);
/* The device that has this address in the tunnel, or NULL. */
const struct device *snapshot_device(const struct snapshot *s, const struct addr *a);

#endif
