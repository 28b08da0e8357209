/* SPDX-License-Identifier: MIT */
#include "rn-wg.h"

#include "wg/wg.h"

#include <sys/stat.h>

/* Not through stdio, whose buffer nobody wipes. */
static int print_key(struct cli *c, uint8_t key[static WG_KEY_LEN])
{
	char text[BASE64_SIZE(WG_KEY_LEN) + 1];
	base64_encode(text, key, WG_KEY_LEN, BASE64_STD);
	size_t len = strlen(text);
	text[len++] = '\n';
	int code = fd_write_all(1, str_make(text, len), &c->err);
	secret_wipe(text, sizeof(text));
	secret_wipe(key, WG_KEY_LEN);
	return code;
}

static void warn_if_readable(void)
{
	struct stat st;
	if (fstat(1, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
		log_write(LOG_WARN, "others can read the file that this key goes to: use umask 077");
}

int run_genkey(struct cli *c, int argc, char **argv)
{
	uint8_t key[WG_KEY_LEN];
	(void)argc, (void)argv;
	warn_if_readable();
	wg_key_generate(key);
	return print_key(c, key);
}

int run_genpsk(struct cli *c, int argc, char **argv)
{
	uint8_t key[WG_KEY_LEN];
	(void)argc, (void)argv;
	warn_if_readable();
	random_bytes(key, sizeof(key));
	return print_key(c, key);
}

int run_pubkey(struct cli *c, int argc, char **argv)
{
	uint8_t key[WG_KEY_LEN] = {0}, public_key[WG_KEY_LEN];
	struct buf in;
	(void)argc, (void)argv;
	buf_init_secret(&in, 256);
	int code = fd_read_all(0, &in, &c->err);
	struct str text = buf_str(&in);
	while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
		text.len--;
	if (!code && !base64_decode(key, sizeof(key), text, BASE64_STD))
		code = rn_fail(&c->err, RN_EDATA, "standard input is not a private key in base64");
	buf_free(&in);
	if (!code) {
		wg_key_public(public_key, key);
		code = print_key(c, public_key);
	}
	secret_wipe(key, sizeof(key));
	return code;
}
