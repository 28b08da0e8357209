/* SPDX-License-Identifier: MIT
 *
 * rn-wg import, export, qr: configs of wg-quick(8) and of the phone apps, both ways.
 */
#include "rn-wg.h"

#include "wg/quick.h"
#include <errno.h>
#include <qrencode.h>
#include <unistd.h>

/* ---- import ------------------------------------------------------------ */

int import_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct import_options *o = opts;
	(void)err;
	switch (key) {
	case 'n':
		o->name = arg;
		return 0;
	case 'd':
		o->folder = arg;
		return 0;
	case 'i':
		o->ignore = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "wg0" of "/etc/wireguard/wg0.conf". */
static int name_of(const char *file, char *out, size_t size, struct rn_error *err)
{
	const char *slash = strrchr(file, '/');
	struct str s = str_from(slash ? slash + 1 : file);
	if (strcmp(file, "-") == 0)
		return rn_fail(err, RN_EUSAGE, "standard input has no name: say --name NAME");
	if (str_ends(s, STR(".conf")))
		s.len -= 5;
	if (!str_copy(out, size, s))
		return rn_fail(err, RN_EUSAGE, "%s: too long for a device's name: say --name NAME",
			       file);
	return 0;
}

/* What is there already is left alone if it is the same key, and else not lost. */
static int write_key(const char *folder, const char *file, const uint8_t key[static WG_KEY_LEN],
		     struct rn_error *err)
{
	uint8_t there[WG_KEY_LEN];
	char path[4096], text[BASE64_SIZE(WG_KEY_LEN) + 1];
	if (!path_join(path, sizeof(path), folder, str_from(file)))
		return rn_fail(err, RN_EUSAGE, "%s: path too long", folder);
	if (access(path, F_OK) == 0) {
		bool same = !wg_key_read(path, there, err) && secret_eq(there, key, WG_KEY_LEN);
		secret_wipe(there, sizeof(there));
		return same ? 0
			    : rn_fail(err, RN_ECANTCREAT, "%s is there already, with another key",
				      path);
	}
	base64_encode(text, key, WG_KEY_LEN, BASE64_STD);
	size_t len = strlen(text);
	text[len++] = '\n';
	int code = file_write(path, 0600, str_make(text, len), err);
	secret_wipe(text, sizeof(text));
	return code;
}

static int write_keys(const struct wg_config *config, const char *name, const char *folder,
		      struct rn_error *err)
{
	char file[128];
	int code = dir_make(folder, 0700, err);
	snprintf(file, sizeof(file), "%s.key", name);
	if (!code && config->has_private_key)
		code = write_key(folder, file, config->private_key, err);
	for (size_t i = 0; i < config->peers.len && !code; i++) {
		if (!config->peers.ptr[i].psk)
			continue;
		quick_psk_name(file, sizeof(file), name, i);
		code = write_key(folder, file, config->peers.ptr[i].psk, err);
	}
	return code;
}

static void warn_default_route(const struct wg_config *config)
{
	for (size_t i = 0; i < config->peers.len; i++)
		for (size_t j = 0; j < config->peers.ptr[i].allowed.len; j++)
			if (!config->peers.ptr[i].allowed.ptr[j].bits) {
				log_write(LOG_WARN,
					  "AllowedIPs of /0: on the host no default route "
					  "is set, unlike wg-quick does (in private mode it is)");
				return;
			}
}

/* Parses wg-quick text from FILE; the text is wiped. */
static int read_quick(const char *file, const char *ignore, struct wg_config *config,
		      struct rn_error *err)
{
	struct buf text;
	buf_init_secret(&text, QUICK_MAX);
	int code = file_read(file, &text, err);
	if (!code)
		code = quick_parse(config, buf_str(&text), strcmp(file, "-") == 0 ? "stdin" : file,
				   ignore, err);
	buf_free(&text);
	return code;
}

int run_import(struct cli *c, int argc, char **argv)
{
	const struct import_options *o = c->opts;
	const char *file = argc ? argv[0] : "-";
	char name[64];
	struct wg_config config;
	struct buf out;
	buf_init(&out, QUICK_MAX);
	wg_config_init(&config);
	int code = 0;
	if (o->name)
		(void)snprintf(name, sizeof(name), "%s", o->name);
	else
		code = name_of(file, name, sizeof(name), &c->err);
	if (!code)
		code = check_name(name, &c->err);
	if (!code)
		code = read_quick(file, o->ignore, &config, &c->err);
	if (!code)
		quick_records(&out, &config, name);
	if (!code && out.failed)
		code = rn_fail(&c->err, RN_EDATA,
			       "%s: more addresses of a peer than a record holds", file);
	if (!code)
		code = write_keys(&config, name, o->folder ? o->folder : ".", &c->err);
	if (!code)
		code = rec_out_put(&c->out, buf_str(&out), &c->err);
	if (!code)
		warn_default_route(&config);
	wg_config_free(&config);
	buf_free(&out);
	return code;
}

/* ---- export ------------------------------------------------------------ */

int export_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct export_options *o = opts;
	(void)err;
	switch (key) {
	case 'f':
		o->file = arg;
		return 0;
	case 'w':
		o->output = arg;
		return 0;
	case 's':
		o->secrets = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int run_export(struct cli *c, int argc, char **argv)
{
	const struct export_options *o = c->opts;
	bool secrets = o->secrets || o->output;
	struct wg_config config;
	struct buf text;
	(void)argc;
	wg_config_init(&config);
	buf_init_secret(&text, QUICK_MAX);
	int code = check_name(argv[0], &c->err);
	if (!code)
		code = config_or_running(c, argv[0], o->file, secrets, &config);
	if (!code)
		quick_write(&text, &config, secrets);
	if (!code && text.failed)
		code = rn_fail(&c->err, RN_EOS, "out of memory");
	if (!code && o->output)
		code = file_write(o->output, 0600, buf_str(&text), &c->err);
	else if (!code)
		code = fd_write_all(1, buf_str(&text), &c->err);
	buf_free(&text);
	wg_config_free(&config);
	return code;
}

/* ---- qr -------------------------------------------------------------------------------------- */

int qr_parse(int key, char *arg, void *opts, struct rn_error *err)
{
	struct qr_options *o = opts;
	(void)err;
	switch (key) {
	case 'f':
		o->file = arg;
		return 0;
	case 'q':
		o->quick = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

#define QUIET 4 /* light modules around a code, as ISO 18004 wants */

static bool is_light(const QRcode *qr, int x, int y)
{
	if (x < 0 || y < 0 || x >= qr->width || y >= qr->width)
		return true;
	return !(qr->data[y * qr->width + x] & 1);
}

/* Two rows of modules in a line of half blocks, the light ones drawn. On a terminal the colours are
 * set, so that light is light whatever the terminal's own are. */
static void draw(struct buf *out, const QRcode *qr, bool colours)
{
	static const char *const blocks[4] = {" ", "\u2584", "\u2580", "\u2588"};
	for (int y = -QUIET; y < qr->width + QUIET; y += 2) {
		if (colours)
			buf_add_cstr(out, "\033[40;97m");
		for (int x = -QUIET; x < qr->width + QUIET; x++)
			buf_add_cstr(out, blocks[is_light(qr, x, y) * 2 + is_light(qr, x, y + 1)]);
		if (colours)
			buf_add_cstr(out, "\033[0m");
		buf_add_byte(out, '\n');
	}
}

static int print_qr(struct str text, struct rn_error *err)
{
	struct buf out;
	QRcode *qr =
		QRcode_encodeData((int)text.len, (const unsigned char *)text.ptr, 0, QR_ECLEVEL_L);
	if (!qr && errno == ERANGE)
		return rn_fail(err, RN_EDATA,
			       "a config of %zu bytes does not fit a QR code (2953 at most)",
			       text.len);
	if (!qr)
		return rn_fail_errno(err, RN_EOS, "making the QR code");
	buf_init_secret(&out, 1 << 20);
	draw(&out, qr, cli_is_tty(1));
	secret_wipe(qr->data, (size_t)qr->width * (size_t)qr->width);
	QRcode_free(qr);
	int code = out.failed ? rn_fail(err, RN_EOS, "out of memory")
			      : fd_write_all(1, buf_str(&out), err);
	buf_free(&out);
	return code;
}

int run_qr(struct cli *c, int argc, char **argv)
{
	const struct qr_options *o = c->opts;
	struct wg_config config;
	struct buf text;
	bool quick = o->quick, records = o->file;
	if (quick == records || argc != records)
		return rn_fail(&c->err, RN_EUSAGE,
			       "say either NAME and --file RECORDS, or --quick FILE");
	wg_config_init(&config);
	buf_init_secret(&text, QUICK_MAX);
	int code = o->quick ? read_quick(o->quick, NULL, &config, &c->err)
			    : config_or_running(c, argv[0], o->file, true, &config);
	if (!code && !config.has_private_key)
		code = rn_fail(&c->err, RN_ECONFIG,
			       "the config has no private key: a phone could not use it");
	if (!code)
		quick_write(&text, &config, true);
	if (!code && text.failed)
		code = rn_fail(&c->err, RN_EOS, "out of memory");
	if (!code)
		code = print_qr(buf_str(&text), &c->err);
	buf_free(&text);
	wg_config_free(&config);
	return code;
}
