/* SPDX-License-Identifier: MIT
 *
 * lib/console: the control plane's actions. rn-console and the REST program are thin fronts over
 * this; they hold no rule of their own.
 *
 * An action has an actor (who asks, in which organisation, with what role), checks the role, does
 * its work in one transaction together with its audit record, and then publishes the bundles that
 * it changed. What it answers is canonical records put into a buf, so a front only chooses the
 * view.
 *
 * An actor sees its own organisation and nothing else: what belongs to another is "not found".
 *
 * Errors (all with a text for the person who asked; the numbers for a REST front in brackets):
 *     RN_ENO with err->sys EEXIST   the name, address or port is taken, whoever has it       [409]
 *     RN_ENO                        not found, expired, used already, exhausted               [404]
 *     RN_EDATA                      bad input, the key named                                  [400]
 *     RN_EPERM                      the credential is wrong, or the role does not allow it    [401,
 * 403] RN_EAGAIN with err->sys EACCES  too many failures: try later [429] RN_EAGAIN the database is
 * busy: try again                           [503] others                        the machine's or
 * our own fault                            [500] RN_EPERM has err->sys EACCES when the credential
 * was fine and the role is not enough (403).
 */
#ifndef RN_CONSOLE_H
#define RN_CONSOLE_H

#include "auth/auth.h"
#include "record/record.h"

#define CONSOLE_NAME_MAX 64 /* names and identities with their NUL */
#define CONSOLE_KEY_SIZE 32

struct console;

/* Opens the console in DIR (console.db, sign.key, ca.key…, pub/). RN_ENOINPUT naming `rn-console
 * init` if there is none. One process may hold it as long as it likes; any number of processes may
 * at once. */
int console_open(struct console **out, const char *dir, struct rn_error *err) must_check;
void console_close(struct console *c); /* NULL is fine; wipes the keys */
/* What every front prints: DOMAIN, "https://DOMAIN[:PORT]", the folder. They stay while C is open.
 */
const char *console_domain(const struct console *c);
const char *console_url(const struct console *c);
const char *console_dir(const struct console *c);
/* The console's Ed25519 key, for login assertions; it lives as long as C is open. */
const struct auth_key *console_key(const struct console *c);

/* ---- actors -----------------------------------------------------------------------------------
 */

enum console_role { /* each may do what the one before it may, but for the audit log: auditor and
		       admin up */
		    CONSOLE_NOBODY,  /* nodes: their own services, and reading what the organisation
					has */
		    CONSOLE_AUDITOR, /* reads everything */
		    CONSOLE_MEMBER,  /* invites and manages own devices, and their services */
		    CONSOLE_OPERATOR, /* devices, services, sites, resources, targets */
		    CONSOLE_ADMIN,    /* users, groups, gateways, invitations, policies */
		    CONSOLE_OWNER,    /* owners, organisations */
};
enum console_actor_kind { CONSOLE_CLI, CONSOLE_USER, CONSOLE_NODE };

struct console_actor {
	enum console_actor_kind kind;
	enum console_role role;
	int64_t org;
	int64_t user;		   /* CONSOLE_USER */
	char id[CONSOLE_NAME_MAX]; /* "cli", the user's name, the node's identity */
};

/* Whoever may run the command line on the console's own machine: an owner of ORG ("": the first
 * one). */
int console_actor_cli(struct console *c, struct str org, struct console_actor *a,
		      struct rn_error *err) must_check;
/* The user of an API token as sent ("rnt_…"). RN_EPERM for an unknown or expired token or a
 * suspended user. */
int console_actor_token(struct console *c, struct str token, struct console_actor *a,
			struct rn_error *err) must_check;
/* The node and the Ed25519 public key that its request must be signed with. RN_EPERM for an unknown
 * or suspended node (one text for both). After the signature was checked, console_nonce_use:
 * RN_EPERM if the nonce served before. The nonce is kept for 2 × 300 s. */
int console_actor_node(struct console *c, struct str node, struct console_actor *a,
		       uint8_t sign_key[static CONSOLE_KEY_SIZE], struct rn_error *err) must_check;
int console_nonce_use(struct console *c, const struct console_actor *node, struct str nonce,
		      struct rn_error *err) must_check;

/* A user by password. NAME is "user" (first organisation) or "user@organisation". FROM is the
 * address that asked: 5 failures in 300 s for one name, or 20 for one address, give RN_EAGAIN
 * before the password is looked at. The same work is done for an unknown user as for a known one.
 */
int console_login(struct console *c, struct str name, struct str password, struct str from,
		  struct console_actor *a, struct rn_error *err) must_check;
/* The actor's groups as a canonical list value ("eng,ops"), sorted; "" without any. */
int console_groups(struct console *c, const struct console_actor *a, struct buf *out,
		   struct rn_error *err) must_check;
/* Which resource a public host name belongs to (for login: never redirect elsewhere): 0 and
 * RESOURCE, ORG, or RN_ENO. */
int console_host_find(struct console *c, struct str host, char resource[static CONSOLE_NAME_MAX],
		      int64_t *org, struct rn_error *err) must_check;

/* ---- set-up ------------------------------------------------------------------------------------
 */

struct console_setup {
	const char *dir;      /* the console's folder, made 0700 */
	const char *node_dir; /* the gateway's folder, made 0700 */
	const char *domain;   /* gateway.example.com */
	const char *address; /* public IP of this machine, also put into invitations; "": then peers
				use DOMAIN */
	const char *organization; /* the first one's name */
	const char *owner;	  /* the first user's name */
	const char *network;	  /* IPv4 prefix for tunnel addresses, /8 to /24 */
	const char *cgi;	  /* path of rn-console.cgi */
	const char *cert,
		*key; /* PEM files for DOMAIN and *.DOMAIN, or NULL: signed by the own CA */
	uint16_t https_port, http_port, wg_port; /* http_port 0: no plain listener */
	const char *management; /* the gateway's management address, 127.0.0.1:9090 */
};
/* Makes all of it, the first bundle too, and answers (in OUT) records: console=DOMAIN url=…, dns=…
 * to have, user=… (its token is in DIR/owner.token, its password in DIR/owner.password),
 * invitation=…. RN_ECANTCREAT if DIR or NODE_DIR holds a console or a node already; then, and on
 * every failure, nothing that was there is changed and nothing half-made is left. */
int console_init(const struct console_setup *s, struct buf *out, struct rn_error *err) must_check;

/* ---- invitations and joining --------------------------------------------------------------------
 */

struct console_invite {
	bool gateway;	    /* invites a gateway, else a client */
	struct str user;    /* the device will be this user's; NULL: nobody's (for a member: the
			       member's own) */
	uint32_t expires_s; /* 60 to 30 days; 0: one day */
};
/* OUT: invitation=ID url=rn://… role=… expires_at=…  The only time that the token is seen. Admin (a
 * member may invite a client for itself). */
int console_invite(struct console *c, const struct console_actor *a, const struct console_invite *i,
		   struct buf *out, struct rn_error *err) must_check;

struct console_join {
	struct str token;	/* as in the invitation */
	struct str name;	/* the device's own idea of its name; made a valid and free one */
	struct str wg_key;	/* base64 */
	struct str sign_key;	/* base64 */
	struct str client_type; /* free text, shown only */
	struct str csr;		/* gateway: PEM request for its server certificate; else NULL */
	struct str public_ip;	/* gateway: where it is reached; else NULL */
};
/* Uses the invitation up and makes the node. OUT: node=ID name=… network=ORG role=… address=v4,v6
 * gateway=… url=… and for a gateway certificate_pem (base64). RN_EPERM, one text, for an unknown,
 * used or expired token; 20 of those from one address in 300 s give RN_EAGAIN before the token is
 * looked at. */
int console_join(struct console *c, const struct console_join *j, struct str from, struct buf *out,
		 struct rn_error *err) must_check;

/* ---- services -----------------------------------------------------------------------------------
 */

struct console_service {
	struct str name; /* the device's name for it; NULL: PROTOCOL-PORT of the local address */
	struct str local_address; /* shown only: localhost:3000 */
	struct str protocol;	  /* http, https, tcp, udp */
	uint16_t tunnel_port;	  /* where the device listens inside the tunnel */
	struct str subdomain;	  /* http: asked for; NULL: a readable stable one is made */
	struct str allow;	  /* canonical list of principals; NULL: none */
	bool public_;		  /* everybody may */
	bool auth_required;	  /* false is the same as public for http; kept for the API */
	uint32_t expires_s;	  /* 0: until deleted */
	struct str node;	  /* for which device; NULL: the actor, which then must be a node */
};
/* Makes the service, or takes up the one that the same device has under the same name (identity,
 * host name and ports stay). OUT: one service record as in doc/contracts.md, with dns= and share=.
 */
int console_service_open(struct console *c, const struct console_actor *a,
			 const struct console_service *s, struct buf *out,
			 struct rn_error *err) must_check;
/* Changes what is given: R is service=ID with any of local_address, tunnel_port, public, allow,
 * auth_required, expires_s. */
int console_service_set(struct console *c, const struct console_actor *a, const struct rec *r,
			struct buf *out, struct rn_error *err) must_check;
/* A new share link. OUT: link=… service=ID expires_at=… */
int console_service_link(struct console *c, const struct console_actor *a, struct str id,
			 uint32_t expires_s, struct buf *out, struct rn_error *err) must_check;

/* ---- things in general --------------------------------------------------------------------------
 */

/*
 * KIND is one of those in console_kinds: organization, user, group, token, device, gateway,
 * service, site, listen, resource, target, policy, rule, invitation. They share one grammar: list
 * all records of the kind; WANT (may be NULL) narrows: any field given must be equal show one by
 * its identity (devices and gateways: also by name), else RN_ENO add           R is kind=ID
 * key=value…; OUT gets what was made (a gateway: with its invitation) set           changes the
 * keys given in R remove        RN_ENO if there is none. What depends on it goes too; what it was
 * used by is refused. suspend, resume   users, devices, gateways A verb that a kind does not have
 * is RN_EUSAGE.
 */
struct console_kind_info {
	const char *name;
	const char *verbs; /* "list show add set remove" */
	const char *keys;  /* for add and set: "role password_file" … */
	const char *doc;
};
extern const struct console_kind_info console_kinds[]; /* ended by name NULL */

int console_list(struct console *c, const struct console_actor *a, struct str kind,
		 const struct rec *want, struct buf *out, struct rn_error *err) must_check;
int console_show(struct console *c, const struct console_actor *a, struct str kind, struct str id,
		 struct buf *out, struct rn_error *err) must_check;
int console_add(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err) must_check;
int console_set(struct console *c, const struct console_actor *a, const struct rec *r,
		struct buf *out, struct rn_error *err) must_check;
int console_remove(struct console *c, const struct console_actor *a, struct str kind, struct str id,
		   struct rn_error *err) must_check;
int console_suspend(struct console *c, const struct console_actor *a, struct str kind,
		    struct str id, bool suspend, struct rn_error *err) must_check;

/* Sets a user's password (argon2id); PASSWORD "" takes it away. */
int console_user_password(struct console *c, const struct console_actor *a, struct str user,
			  struct str password, struct rn_error *err) must_check;
/* A new API token. OUT: token=ID user=… secret=rnt_… expires_at=…  The only time that the secret is
 * seen. */
int console_token_add(struct console *c, const struct console_actor *a, struct str user,
		      struct str name, uint32_t expires_s, struct buf *out,
		      struct rn_error *err) must_check;

/* Reads records (site, listen, resource, target, policy; others are passed over) and makes the
 * database say so: all of them in one transaction, or none. A subject that is there is replaced.
 * NAME is for messages ("NAME:LINE:COL"). OUT: one line, imported=N. A bad line is RN_ECONFIG
 * [400]. */
int console_import(struct console *c, const struct console_actor *a, struct str text,
		   const char *name, struct buf *out, struct rn_error *err) must_check;

/* ---- bundles ------------------------------------------------------------------------------------
 */

/* The records of a node's bundle as they would be published now, in a fixed order; with the serial
 * that it has. */
int console_export(struct console *c, const struct console_actor *a, struct str node,
		   struct buf *out, struct rn_error *err) must_check;
/* Publishes NODE's bundle (NULL ptr: those of all nodes) if it differs from the last. OUT:
 * published=NODE serial=N changed=yes|no for each. Actions do this by themselves for what they
 * changed. */
int console_publish(struct console *c, const struct console_actor *a, struct str node,
		    struct buf *out, struct rn_error *err) must_check;
/* Path of the published file of NODE ("NODE.rn" or "NODE.rn.minisig", "trust.rn"…); false if NAME
 * is no such name. */
bool console_pub_path(const struct console *c, struct str name, char *out, size_t size);

/* ---- audit and upkeep ---------------------------------------------------------------------------
 */

/* The newest LIMIT audit records after seq AFTER, oldest first. Auditor, admin, owner. */
int console_audit(struct console *c, const struct console_actor *a, uint64_t after, uint32_t limit,
		  struct buf *out, struct rn_error *err) must_check;
/* Notes that A asked for something that its role does not allow; DETAIL says what, and why not. For
 * fronts: the actions themselves leave no trace when they refuse. */
int console_refused(struct console *c, const struct console_actor *a, const char *kind,
		    struct str id, const char *detail, struct rn_error *err) must_check;
/* Follows the whole chain. OUT: chain=ok|broken records=N head=HASH, or where it breaks; RN_ENO
 * when broken. */
int console_audit_verify(struct console *c, const struct console_actor *a, struct buf *out,
			 struct rn_error *err) must_check;
/* Removes services, invitations, tokens and nonces that expired. OUT: expired=KIND count=N. For a
 * timer. */
int console_expire(struct console *c, struct buf *out, struct rn_error *err) must_check;
/* OUT: status=ok domain=… serial=… version=… and counts. */
int console_status(struct console *c, struct buf *out, struct rn_error *err) must_check;
int console_backup(struct console *c, const struct console_actor *a, const char *path,
		   struct rn_error *err) must_check;

#endif
