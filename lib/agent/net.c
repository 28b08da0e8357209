/* SPDX-License-Identifier: MIT
 *
 * The networks that this machine joined: a folder each, told by its node.rn.
 */
#include "agent/agent.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

struct reading {
	struct agent_net *net;
	bool found;
};

/* A required value that fits and needs no decoding. */
static int take(char *out, size_t size, const struct rec *r, const char *key, struct rn_error *err)
{
	struct str v = rec_get(r, key);

	if (v.ptr && v.len && str_copy(out, size, v) && !strchr(out, '%'))
		return 0;
	return rn_fail(err, RN_ECONFIG, "node=%.*s: %s is missing or bad", STR_ARG(rec_id(r)), key);
}

static int take_node(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct reading *rd = ctx;
	struct agent_net *n = rd->net;
	int rc;

	if (!rec_is(r, "node"))
		return 0;
	if (rd->found)
		return rn_fail(err, RN_ECONFIG, "a second node record");
	rd->found = true;
	if (!str_copy(n->node, sizeof(n->node), rec_id(r)))
		return rn_fail(err, RN_ECONFIG, "the node's identity is too long");
	rc = take(n->name, sizeof(n->name), r, "network", err);
	if (!rc)
		rc = take(n->role, sizeof(n->role), r, "role", err);
	if (!rc)
		rc = take(n->url, sizeof(n->url), r, "url", err);
	if (!rc && rec_get(r, "connect").ptr)
		rc = take(n->connect, sizeof(n->connect), r, "connect", err);
	if (!rc && !str_starts(str_from(n->url), STR("https://")))
		rc = rn_fail(err, RN_ECONFIG, "url=%s is not https", n->url);
	return rc;
}

int agent_net_path(const struct agent_net *n, char out[static AGENT_PATH_MAX], const char *file,
		   struct rn_error *err)
{
	if (path_join(out, AGENT_PATH_MAX, n->dir, str_from(file)))
		return 0;
	return rn_fail(err, RN_ECONFIG, "%s/%s: the path is too long", n->dir, file);
}

int agent_net_read(struct agent_net *n, const char *dir, struct rn_error *err)
{
	struct reading rd = {.net = n};
	char path[AGENT_PATH_MAX];
	int rc;

	*n = (struct agent_net){0};
	if (!str_copy(n->dir, sizeof(n->dir), str_from(dir)))
		return rn_fail(err, RN_ECONFIG, "%s: the path is too long", dir);
	rc = agent_net_path(n, path, "node.rn", err);
	if (!rc)
		rc = rec_config_read(path, take_node, &rd, err);
	if (!rc && !rd.found)
		rc = rn_fail(err, RN_ECONFIG, "%s: no node record", path);
	return rc;
}

/* ---- choosing -------------------------------------------------------------------------------- */

struct choice {
	struct agent_net *out;
	unsigned clients, all;
	char names[256]; /* of those that fit, for the message */
};

static int none_joined(struct rn_error *err)
{
	return rn_fail(err, RN_ECONFIG,
		       "this machine has joined no network: run rn join INVITATION "
		       "(who runs the gateway makes one with rn-console invite)");
}

/* Looks at one folder. What is not a joined network is passed over. */
static void consider(struct choice *c, const char *state_dir, const char *entry)
{
	char dir[AGENT_PATH_MAX], file[AGENT_PATH_MAX];
	struct rn_error ignored;
	struct agent_net n;
	bool client;
	size_t len = strlen(c->names);

	if (entry[0] == '.' || !path_join(dir, sizeof(dir), state_dir, str_from(entry)) ||
	    !path_join(file, sizeof(file), dir, STR("node.rn")) || access(file, F_OK) < 0)
		return;
	if (agent_net_read(&n, dir, &ignored)) {
		log_write(LOG_WARN, "%s is passed over: %s", dir, ignored.text);
		return;
	}
	client = strcmp(n.role, "client") == 0;
	c->all++;
	c->clients += client;
	/* A client's network is what people mean; a gateway's own only when there is nothing else.
	 */
	if (client ? c->clients == 1 : c->all == 1)
		*c->out = n;
	snprintf(c->names + len, sizeof(c->names) - len, "%s%s", len ? ", " : "", n.name);
}

static int find_only(struct agent_net *n, const char *state_dir, struct rn_error *err)
{
	struct choice c = {.out = n};
	DIR *d = opendir(state_dir);
	struct dirent *e;

	if (!d)
		return errno == ENOENT
			       ? none_joined(err)
			       : rn_fail_errno(err, RN_ECONFIG, "cannot read %s", state_dir);
	while ((e = readdir(d)))
		consider(&c, state_dir, e->d_name);
	closedir(d);
	if (c.all == 0)
		return none_joined(err);
	if (c.clients == 1 || c.all == 1)
		return 0;
	return rn_fail(err, RN_ECONFIG, "several networks are joined: name one with --network (%s)",
		       c.names);
}

int agent_net_find(struct agent_net *n, const char *state_dir, const char *name,
		   struct rn_error *err)
{
	char dir[AGENT_PATH_MAX], file[AGENT_PATH_MAX];

	if (!name)
		return find_only(n, state_dir, err);
	if (!*name || name[0] == '.' || strchr(name, '/') ||
	    !path_join(dir, sizeof(dir), state_dir, str_from(name)) ||
	    !path_join(file, sizeof(file), dir, STR("node.rn")))
		return rn_fail(err, RN_ECONFIG, "'%s' is not the name of a network", name);
	if (access(file, F_OK) < 0 && errno == ENOENT)
		return rn_fail(err, RN_ECONFIG,
			       "no network '%s' is joined here: run rn join INVITATION", name);
	return agent_net_read(n, dir, err);
}
