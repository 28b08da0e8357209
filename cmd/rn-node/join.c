/* SPDX-License-Identifier: MIT
 *
 * Joining a network and leaving it.
 */
#include "rn-node.h"

#include <poll.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FIRST_BUNDLE_MS 10000 /* the console publishes it while the join is answered */
#define FIRST_BUNDLE_POLL_MS 200
#define DOWN_MS 10000

int join_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct join_opts *o = opts;

	(void)err;
	switch (key) {
	case 'n':
		o->name = arg;
		return 0;
	case 't':
		o->type = arg;
		return 0;
	case 'p':
		o->public_ip = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int fetch_first(struct apply *a, struct agent_rest *r, struct rn_error *err)
{
	uint64_t deadline = clock_now_ms() + FIRST_BUNDLE_MS;
	struct applied done;
	struct bundle next;
	int rc;

	bundle_init(&next);
	for (;;) {
		rc = bundle_fetch(&next, r, a->net.node, err);
		if (!rc)
			rc = apply_bundle(a, &next, &done, err);
		/* Not there yet, or between its two files. */
		if ((rc != RN_ENO && rc != RN_EPERM) || clock_now_ms() > deadline)
			break;
		poll(NULL, 0, FIRST_BUNDLE_POLL_MS);
	}
	bundle_free(&next);
	return rc;
}

static int first_bundle(struct cli *c, const struct agent_net *n)
{
	struct apply a;
	int rc = apply_open(&a, c, n->name, true, &c->err);
	struct agent_rest *r = rc ? NULL : agent_rest_open(&a.net, &c->err);

	if (!rc)
		rc = r ? fetch_first(&a, r, &c->err) : c->err.code;
	agent_rest_free(r);
	apply_close(&a);
	if (!rc)
		return 0;
	rn_fail_in(&c->err,
		   "joined %s, but its first bundle is not here (rn-node pull %s tries again)",
		   n->name, n->name);
	return c->err.code;
}

static int put_node(struct cli *c, const struct agent_net *n)
{
	struct buf b;
	int rc;

	buf_init(&b, REC_LINE_MAX);
	rec_begin(&b, "node", str_from(n->node));
	rec_add_cstr(&b, "network", n->name);
	rec_add_cstr(&b, "role", n->role);
	rec_add_cstr(&b, "url", n->url);
	rec_end(&b);
	rc = rec_out_put(&c->out, buf_str(&b), &c->err);
	buf_free(&b);
	return rc;
}

int run_join(struct cli *c, int argc, char **argv)
{
	const struct join_opts *opts = c->opts;
	char type[160], host[65] = "node";
	struct agent_net n;
	struct utsname u;

	(void)argc;
	if (gethostname(host, sizeof(host)) < 0 || uname(&u) < 0)
		return rn_fail_errno(&c->err, RN_EOS, "this machine's name");
	host[sizeof(host) - 1] = '\0';
	snprintf(type, sizeof(type), "rn-node %s %s %s", RN_VERSION, u.sysname, u.machine);
	struct join_options o = {
		.invite = argv[0],
		.name = opts->name ? opts->name : host,
		.type = opts->type ? opts->type : type,
		.public_ip = opts->public_ip,
		.state_dir = c->state_dir,
	};
	int rc = agent_join(&o, &n, &c->err);
	if (!rc)
		rc = put_node(c, &n);
	return rc ? rc : first_bundle(c, &n);
}

/* ---- leave ---------------------------------------------------------------------------------- */

/* The console forgets the node if it can be asked and lets us; leaving does not depend on it. */
static void tell_console(struct cli *c, const struct agent_net *n)
{
	struct rn_error err = {0};
	struct agent_rest *r = agent_rest_open(n, &err);
	char path[160];

	snprintf(path, sizeof(path), "/api/v1/devices/%s", n->node);
	if (!r || agent_rest_records(r, &(struct agent_request){.method = "DELETE", .path = path},
				     NULL, &err) < 0)
		log_event(LOG_WARN, "the console still has this device; who runs it can remove it",
			  "node", n->node, "command", "rn-console remove device", "reason",
			  err.text, NULL);
	agent_rest_free(r);
	(void)c;
}

int run_leave(struct cli *c, int argc, char **argv)
{
	struct apply a;
	int rc = apply_open(&a, c, argc ? argv[0] : NULL, true, &c->err);

	if (rc == RN_EAGAIN)
		rn_fail_in(&c->err, "stop it first");
	if (!rc) {
		const char *down[] = {a.rn_wg, "down", a.net.name, NULL};
		struct rn_error ignored;

		tell_console(c, &a.net);
		if (child_run(down, DOWN_MS, &ignored) < 0 && ignored.code != RN_EAWAY)
			log_event(LOG_WARN, ignored.text, NULL);
		rc = agent_forget(&a.net, &c->err);
	}
	apply_close(&a);
	return rc;
}
