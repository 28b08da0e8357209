/* SPDX-License-Identifier: MIT
 *
 * A config for commands that only read it: from a file of records, or from a tunnel that runs.
 */
#include "rn-wg.h"

#include "wg/config.h"

#include <unistd.h>

#define UAPI_MAX (64U << 20)

static int read_records(const char *file, const char *name, struct wg_config *config,
			struct rn_error *err)
{
	struct config_file found = {0};
	int code = find_config(&found, file, err);
	struct wg_config_reader reader = {.config = config, .name = name, .folder = found.folder};
	if (!code)
		code = rec_config_read(file, wg_config_record, &reader, err);
	if (!code && !reader.interfaces)
		code = rn_fail(err, RN_ECONFIG, "%s: no interface=%s record", file, name);
	return code;
}

/* Gets a whole answer of the UAPI socket. */
static int ask_uapi(struct cli *c, const char *name, struct buf *answer)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/wireguard/%s.sock", c->run_dir, name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return rn_fail(&c->err, RN_EUSAGE, "%s: path too long", c->run_dir);
	int fd = unix_connect(path, &c->err);
	if (fd < 0)
		return fd;
	int code = fd_write_all(fd, STR("get=1\n\n"), &c->err);
	if (!code)
		shutdown(fd, SHUT_WR);
	if (!code)
		code = fd_read_all(fd, answer, &c->err);
	close(fd);
	return code;
}

static struct wg_peer_config *find_peer(struct wg_config *config,
					const uint8_t key[static WG_KEY_LEN])
{
	for (size_t i = 0; i < config->peers.len; i++)
		if (memcmp(config->peers.ptr[i].public_key, key, WG_KEY_LEN) == 0)
			return &config->peers.ptr[i];
	return NULL;
}

/* The keys in an answer to get=1, which records do not have. */
static int take_keys(struct wg_config *config, struct str answer, struct rn_error *err)
{
	struct wg_peer_config *peer = NULL;
	struct str line, key;
	uint8_t bytes[WG_KEY_LEN];
	while (str_cut(&answer, '\n', &line) && line.len) {
		struct str value = line;
		(void)str_cut(&value, '=', &key);
		if (!str_ends(key, STR("_key")))
			continue;
		if (!value.ptr || !hex_decode(bytes, sizeof(bytes), value))
			return rn_fail(err, RN_EPROTO, "the tunnel's UAPI socket: not a key");
		if (str_is(key, "public_key")) {
			peer = find_peer(config, bytes);
		} else if (str_is(key, "private_key")) {
			config->has_private_key = true;
			memcpy(config->private_key, bytes, sizeof(bytes));
		} else if (peer && str_is(key, "preshared_key")) {
			peer->psk = arena_alloc(&config->arena, WG_KEY_LEN);
			if (!peer->psk)
				return rn_fail(err, RN_EOS, "out of memory");
			memcpy(peer->psk, bytes, sizeof(bytes));
		}
	}
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

static int read_running(struct cli *c, const char *name, bool secrets, struct wg_config *config)
{
	struct wg_config_reader reader = {.config = config, .name = name, .folder = "/"};
	int code = ask_tunnel(c, name, STR("request=show\n"), wg_config_record, &reader);
	if (code || !secrets)
		return code;
	struct buf answer;
	buf_init_secret(&answer, UAPI_MAX);
	code = ask_uapi(c, name, &answer);
	if (!code)
		code = take_keys(config, buf_str(&answer), &c->err);
	buf_free(&answer);
	return code;
}

int config_or_running(struct cli *c, const char *name, const char *file, bool secrets,
		      struct wg_config *config)
{
	return file ? read_records(file, name, config, &c->err)
		    : read_running(c, name, secrets, config);
}
