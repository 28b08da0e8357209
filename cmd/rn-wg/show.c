/* SPDX-License-Identifier: MIT
 *
 * rn-wg show: one tunnel or all that run, once or again and again.
 */
#include "rn-wg.h"

#include <dirent.h>
#include <errno.h>
#include <time.h>

int show_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct show_options *o = opts;
	uint64_t n;
	switch (key) {
	case 'w':
		if (!str_to_u64(str_from(arg ? arg : "1"), 86400, &n) || !n)
			return rn_fail(err, RN_EUSAGE, "--watch=%s: not 1 to 86400 seconds", arg);
		o->watch_s = (unsigned)n;
		return 0;
	case 'c':
		if (!str_to_u64(str_from(arg), UINT32_MAX, &n) || !n)
			return rn_fail(err, RN_EUSAGE, "--count %s: not a number above 0", arg);
		o->count = n;
		return 0;
	case 'd':
		o->detail = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- once ------------------------------------------------------------ */

/* While watching, an interface says when it was seen. */
static int show_record(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct cli *c = ctx;
	const struct show_options *o = c->opts;
	struct buf b;
	buf_init(&b, REC_LINE_MAX);
	rec_write(&b, r);
	if (o->watch_s && rec_is(r, "interface") && b.len) {
		b.len--; /* the LF comes again */
		rec_add_i64(&b, "at", clock_wall_s());
		rec_end(&b);
	}
	int code = rec_out_put(&c->out, buf_str(&b), err);
	buf_free(&b);
	return code;
}

static int show_one(struct cli *c, const char *name)
{
	const struct show_options *o = c->opts;
	struct str request = o->detail ? STR("request=show what=detail\n") : STR("request=show\n");
	return ask_tunnel(c, name, request, show_record, c);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_socket(const struct dirent *e)
{
	struct str name = str_from(e->d_name);
	return str_starts(name, STR("wg-")) && str_ends(name, STR(".sock"));
}

/* A socket that nobody answers is what a killed one left: passed over. */
static int show_all(struct cli *c)
{
	struct dirent **list;
	int n = scandir(c->run_dir, &list, is_socket, by_name), code = 0;
	if (n < 0)
		return errno == ENOENT ? 0 : rn_fail_errno(&c->err, RN_ENOINPUT, "%s", c->run_dir);
	for (int i = 0; i < n; i++) {
		char name[64];
		struct str file = str_from(list[i]->d_name);
		if (!code && str_copy(name, sizeof(name), str_slice(file, 3, file.len - 5)))
			code = show_one(c, name);
		if (code == RN_EAWAY)
			code = 0;
		free(list[i]);
	}
	free(list);
	return code;
}

/* ---- again and again ------------------------------------------------------------ */

/* The screen as it would be with one round on it. Ends an output and begins the same anew, since
 * the view for people aligns what it has seen whole. */
static int next_round(struct cli *c)
{
	struct rec_out *out = &c->out;
	enum rec_view view = out->view;
	struct str columns = out->columns;
	int code = rec_out_finish(out, &c->err);
	rec_out_init(out, 1, view);
	out->columns = columns; /* a header once is enough */
	return code;
}

static int watch(struct cli *c, const char *name)
{
	const struct show_options *o = c->opts;
	bool screen = cli_is_tty(1) && c->out.view == REC_VIEW_PRETTY;
	struct timespec next;
	int code = 0;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (uint64_t round = 1; !code; round++) {
		if (screen)
			code = fd_write_all(1, STR("\033[H\033[2J"), &c->err);
		if (!code)
			code = name ? show_one(c, name) : show_all(c);
		if (!code)
			code = next_round(c);
		if (round == o->count)
			break;
		next.tv_sec += o->watch_s;
		while (!code &&
		       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR)
			;
	}
	return code;
}

int run_show(struct cli *c, int argc, char **argv)
{
	const struct show_options *o = c->opts;
	const char *name = argc ? argv[0] : NULL;
	if (o->watch_s)
		return watch(c, name);
	if (o->count)
		return rn_fail(&c->err, RN_EUSAGE, "--count is for --watch");
	return name ? show_one(c, name) : show_all(c);
}
