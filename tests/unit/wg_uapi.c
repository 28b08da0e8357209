/* SPDX-License-Identifier: MIT
 *
 * UAPI text and config records: what is understood, and what is refused.
 */
#include "tap.h"

#include "wg/uapi.h"

#define KEY_A "0101010101010101010101010101010101010101010101010101010101010101"
#define KEY_B "0202020202020202020202020202020202020202020202020202020202020202"

static struct wg_config config;
static struct rn_error err;

static int parse(const char *text)
{
	enum uapi_operation op;
	wg_config_free(&config);
	wg_config_init(&config);
	return uapi_parse(str_from(text), &op, &config, &err);
}

static void check_set(void)
{
	TAP_OK(parse("set=1\nprivate_key=" KEY_A "\nlisten_port=7\nfwmark=0\nreplace_peers=true\n"
		     "public_key=" KEY_B "\npreshared_key=" KEY_A "\nendpoint=[fd00::1]:9\n"
		     "persistent_keepalive_interval=0\nreplace_allowed_ips=true\nallowed_ip=10.1.2.3/8\n"
		     "allowed_ip=::/0\nallowed_ip=-10.0.0.0/9\nprotocol_version=1\n"
		     "public_key=" KEY_A "\nremove=true\nupdate_only=true\n\n") == 0,
	       "every key of a set");
	TAP_OK(config.has_private_key && config.private_key[31] == 1 && config.listen_port == 7 &&
		       config.has_fwmark && !config.fwmark && config.replace_peers && !config.exact,
	       "the device's");
	TAP_OK(config.peers.len == 2, "two peers");
	const struct wg_peer_config *p = &config.peers.ptr[0];
	TAP_OK(p->psk && p->psk[0] == 1 && p->has_keepalive && !p->keepalive_s && p->replace_allowed &&
		       !strcmp(p->endpoint, "[fd00::1]:9"),
	       "the first peer's");
	TAP_OK(p->allowed.len == 2 && p->allowed.ptr[0].bits == 8 && p->allowed.ptr[0].ip[1] == 0 &&
		       p->disallowed.len == 1 && p->disallowed.ptr[0].bits == 9,
	       "its allowed IPs, without host bits");
	TAP_OK(config.peers.ptr[1].remove && config.peers.ptr[1].update_only, "the second peer's");
}

static void check_refused(void)
{
	static const char *const bad[] = {
		"", "\n\n", "set=2\n\n", "get=1\nx=1\n\n", "set=1\nlisten_port=65536\n\n",
		"set=1\nlisten_port=\n\n", "set=1\nlisten_port=-1\n\n", "set=1\nlisten_port\n\n",
		"set=1\nprivate_key=" KEY_A "0\n\n", "set=1\nprivate_key=zz\n\n",
		"set=1\nallowed_ip=10.0.0.0/8\n\n", "set=1\nremove=true\n\n",
		"set=1\npublic_key=" KEY_A "\nlisten_port=1\n\n",
		"set=1\npublic_key=" KEY_A "\nremove=false\n\n",
		"set=1\npublic_key=" KEY_A "\nprotocol_version=2\n\n",
		"set=1\npublic_key=" KEY_A "\nallowed_ip=10.0.0.0/33\n\n",
		"set=1\npublic_key=" KEY_A "\nendpoint=host.example:1\n\n",
		"set=1\npublic_key=" KEY_A "\nendpoint=10.0.0.1:0\n\n",
		"set=1\npublic_key=" KEY_A "\npersistent_keepalive_interval=65536\n\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (!TAP_OK(parse(bad[i]) == RN_EDATA, "refused"))
			printf("# %s\n", bad[i]);
	TAP_OK(parse("set=1\nprivate_key=" KEY_A "x\n\n") && !strstr(err.text, "0101"),
	       "a message never shows a key");
}

static void check_ends(void)
{
	TAP_OK(uapi_request_end(STR("get=1\n")) == 0, "incomplete");
	TAP_OK(uapi_request_end(STR("get=1\n\nget=1\n\n")) == 7, "the first of two");
}

static int read_records(const char *text)
{
	struct wg_config_reader reader = {.config = &config, .name = "wg0", .folder = "/nonexistent"};
	wg_config_free(&config);
	wg_config_init(&config);
	return rec_config_mem(str_from(text), "test", wg_config_record, &reader, &err);
}

#define PEER "peer=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE= "

static void check_records(void)
{
	TAP_OK(read_records("interface=wg0 address=10.1.0.7/24,fd00::7 listen_port=5 mtu=1280 forward=yes\n"
			    "interface=wg1 listen_port=6\n"
			    "listen=web address=0.0.0.0:80 proto=http\n" PEER
			    "interface=wg0 name=x allowed_ips=10.2.0.0/16 endpoint=gw.example:1 keepalive_s=25\n") == 0,
	       "records of several programs");
	TAP_OK(config.listen_port == 5 && config.mtu == 1280 && config.forward && config.peers.len == 1,
	       "ours are taken");
	TAP_OK(config.addresses.len == 2 && config.addresses.ptr[0].ip[3] == 7 &&
		       config.addresses.ptr[0].bits == 24 && config.addresses.ptr[1].bits == 128,
	       "addresses keep their host bits");
	TAP_OK(read_records("interface=wg0 private_key_file=wg0.key\n") == RN_ECONFIG ||
		       err.code == RN_ENOINPUT, "a key file that is missing");
	TAP_OK(strstr(err.text, "/nonexistent/wg0.key"), "is named with its folder");
	TAP_OK(read_records("interface=wg0 listen_prot=7\n") == RN_ECONFIG && strstr(err.text, "listen_port"),
	       "an unknown key is refused, the nearest named");
	TAP_OK(read_records(PEER "interface=wg0 allowed_ips=10.0.0.0/40\n") == RN_ECONFIG,
	       "a bad prefix is refused");
}

int main(void)
{
	if (!secret_init())
		return 1;
	wg_config_init(&config);
	check_set();
	check_refused();
	check_ends();
	check_records();
	wg_config_free(&config);
	return tap_done();
}
