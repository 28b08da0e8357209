/* SPDX-License-Identifier: MIT
 *
 * The control socket of a service: RUN_DIR/expose-NAME.sock. It also makes sure that a name is
 * exposed once only on this machine.
 */
#include "rn-expose.h"

#include <unistd.h>

void put_field(struct rec *r, const char *key, struct str value)
{
	size_t i = 1;

	while (i < r->n && !str_is(r->f[i].key, key))
		i++;
	if (i == REC_FIELDS_MAX)
		return;
	r->f[i] = (struct rec_field){str_from(key), value};
	r->n = MAX(r->n, i + 1);
}

void service_state(const struct service *s, struct buf *out)
{
	struct str line = buf_str(&s->record);
	struct rn_error err;
	struct rec r;
	char pid[24];

	if (!line.len || rec_parse(&r, str_slice(line, 0, line.len - 1), NULL, &err)) {
		r.n = 1; /* not registered yet */
		r.f[0] = (struct rec_field){STR("service"), str_from(s->asked.name)};
		put_field(&r, "name", str_from(s->asked.name));
		put_field(&r, "local_address", str_from(s->asked.target.text));
		put_field(&r, "protocol", str_from(s->asked.protocol));
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	put_field(&r, "status", service_is_up(s) ? STR("up") : STR("down"));
	put_field(&r, "pid", str_from(pid));
	rec_write(out, &r);
}

static void handle(void *ctx, struct ctl_call *call, const struct rec *request, struct str body)
{
	struct service *s = ctx;
	struct rn_error err;

	(void)body;
	if (str_is(rec_id(request), "hello") || str_is(rec_id(request), "show")) {
		service_state(s, ctl_out(call));
		ctl_done(call);
	} else if (str_is(rec_id(request), "stop") && !s->stopper) {
		s->stopper = call;
		service_end(s);
	} else {
		rn_fail(&err, RN_EUSAGE, "unknown request: hello, show or stop");
		ctl_fail(call, &err);
	}
}

int control_open(struct service *s, struct rn_error *err)
{
	char file[AGENT_NAME_MAX + 32], path[AGENT_PATH_MAX];
	struct cli *c = s->app->cli;

	snprintf(file, sizeof(file), "expose-%s.sock", s->asked.name);
	if (cli_run_path(c, path, sizeof(path), file)) {
		*err = c->err;
		return err->code;
	}
	s->ctl = ctl_listen(s->app->loop, path, handle, s, err);
	if (s->ctl)
		return 0;
	if (err->code == RN_EAWAY)
		rn_fail(err, RN_EAWAY, "%s is exposed already on this machine: rn expose stop %s",
			s->asked.name, s->asked.name);
	return err->code;
}
