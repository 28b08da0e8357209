/* SPDX-License-Identifier: MIT
 *
 * rn-wg down, set, sync, check: asking a tunnel that runs, through its control socket.
 */
#include "rn-wg.h"

#include "wg/config.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#define ANSWER_MS 10000
#define DOWN_MS 15000
#define REQUEST_MAX (16U << 20)

int check_name(const char *name, struct rn_error *err)
{
	size_t len = strlen(name);
	bool good = len >= 1 && len <= 15 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
	for (size_t i = 0; i < len && good; i++) {
		char ch = name[i];
		good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		       (ch >= '0' && ch <= '9') || strchr("_-.=+", ch);
	}
	return good ? 0 : rn_fail(err, RN_EUSAGE, "'%.40s' is no device's name: 1 to 15 of letters, "
		"digits and _-.=+", name);
}

int tunnel_path(struct cli *c, char *out, size_t size, const char *name, const char *suffix)
{
	char file[64];
	snprintf(file, sizeof(file), "wg-%s.%s", name, suffix);
	return cli_run_path(c, out, size, file);
}

int ask_tunnel(struct cli *c, const char *name, struct str request, ctl_answer_fn *fn, void *ctx)
{
	char path[4096];
	int code = check_name(name, &c->err);
	if (!code)
		code = tunnel_path(c, path, sizeof(path), name, "sock");
	if (!code)
		code = ctl_call(path, request, ANSWER_MS, fn, ctx, NULL, NULL, &c->err);
	if (code == RN_EAWAY)
		rn_fail_in(&c->err, "the tunnel %s is not running", name);
	return code;
}

/* ---- down ------------------------------------------------------------------------------------------ */

/* Returns when the process is gone, so that the next up finds the place free. */
static int wait_down(struct cli *c, const char *name)
{
	char path[4096];
	int code = tunnel_path(c, path, sizeof(path), name, "lock");
	if (code)
		return code;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint64_t deadline = clock_now_ms() + DOWN_MS;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && !code) {
		if (clock_now_ms() > deadline)
			code = rn_fail(&c->err, RN_EAGAIN, "%s does not end", name);
		poll(NULL, 0, 10);
	}
	fd_close(&fd);
	return code;
}

int run_down(struct cli *c, int argc, char **argv)
{
	(void)argc;
	int code = ask_tunnel(c, argv[0], STR("request=down\n"), NULL, NULL);
	return code ? code : wait_down(c, argv[0]);
}

/* ---- set, sync ------------------------------------------------------------------------------------- */

int change_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct change_options *o = opts;
	(void)err;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	o->file = arg;
	return 0;
}

struct request {
	struct buf text;
	const char *name;
	struct config_file file;
	struct arena arena;
};

/* File names become whole paths, since the tunnel's process has another working folder. */
static int add_file(struct request *rq, const struct rec *r, const char *key, struct rn_error *err)
{
	char path[4096];
	struct str file = rec_text(r, key, &rq->arena);
	if (!file.ptr || !path_join(path, sizeof(path), rq->file.folder, file))
		return rn_fail(err, RN_ECONFIG, "%s: path too long", key);
	rec_add_cstr(&rq->text, key, path);
	return 0;
}

static int add_record(void *ctx, const struct rec *r, struct rn_error *err)
{
	struct request *rq = ctx;
	struct str owner = rec_is(r, "interface") ? rec_id(r) : rec_get(r, "interface");
	if (!(rec_is(r, "interface") || rec_is(r, "peer")) || !str_is(owner, rq->name))
		return 0;
	char kind[REC_KEY_MAX + 1], key[REC_KEY_MAX + 1];
	(void)str_copy(kind, sizeof(kind), rec_kind(r));
	rec_begin(&rq->text, kind, STR(""));
	buf_add(&rq->text, rec_id(r)); /* canonical already, once checked */
	int code = 0;
	for (size_t i = 1; i < r->n && !code; i++) {
		(void)str_copy(key, sizeof(key), r->f[i].key);
		if (str_ends(r->f[i].key, STR("_key_file")))
			code = add_file(rq, r, key, err);
		else
			rec_add_raw(&rq->text, key, r->f[i].value);
	}
	rec_end(&rq->text);
	return code;
}

int find_config(struct config_file *f, const char *file, struct rn_error *err)
{
	bool is_stdin = strcmp(file, "-") == 0;
	char *whole = realpath(is_stdin ? "." : file, NULL);
	if (!whole)
		return rn_fail_errno(err, RN_ENOINPUT, "%s", file);
	struct str s = str_from(whole);
	bool fits = is_stdin ? str_copy(f->folder, sizeof(f->folder), s)
			     : str_copy(f->path, sizeof(f->path), s) &&
				       path_dir(f->folder, sizeof(f->folder), whole);
	free(whole);
	return fits ? 0 : rn_fail(err, RN_ECONFIG, "%s: path too long", file);
}

static int change(struct cli *c, const char *name, const char *verb)
{
	const struct change_options *o = c->opts;
	const char *file = o->file ? o->file : "-";
	struct request rq = {.name = name};
	buf_init(&rq.text, REQUEST_MAX);
	arena_init(&rq.arena, REQUEST_MAX);
	rec_begin(&rq.text, "request", str_from(verb));
	rec_end(&rq.text);
	int code = find_config(&rq.file, file, &c->err);
	if (!code)
		code = rec_config_read(file, add_record, &rq, &c->err);
	if (!code && rq.text.failed)
		code = rn_fail(&c->err, RN_ECONFIG, "%s: too long", file);
	if (!code)
		code = ask_tunnel(c, name, buf_str(&rq.text), NULL, NULL);
	arena_free(&rq.arena);
	buf_free(&rq.text);
	return code;
}

int run_set(struct cli *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], "set");
}

int run_sync(struct cli *c, int argc, char **argv)
{
	(void)argc;
	return change(c, argv[0], "sync");
}

int run_check(struct cli *c, int argc, char **argv)
{
	const struct change_options *o = c->opts;
	const char *file = o->file ? o->file : "-";
	struct config_file found = {0};
	struct wg_config config;
	(void)argc;
	wg_config_init(&config);
	int code = check_name(argv[0], &c->err);
	if (!code)
		code = find_config(&found, file, &c->err);
	struct wg_config_reader reader = {.config = &config, .name = argv[0], .folder = found.folder};
	if (!code)
		code = rec_config_read(file, wg_config_record, &reader, &c->err);
	if (!code && !reader.interfaces)
		code = rn_fail(&c->err, RN_ECONFIG, "%s: no interface=%s record", file, argv[0]);
	wg_config_free(&config);
	return code;
}
