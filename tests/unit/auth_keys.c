/* SPDX-License-Identifier: MIT */
#include "auth/auth.h"
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/rn-auth.XXXXXX";
static const char path_key[] = "sign.key", path_file[] = "file", path_sig[] = "file.minisig",
		  path_pub[] = "sign.pub";

static void test_files(void)
{
	struct auth_key *key = auth_key_make(), *again = NULL;
	struct rn_error err;
	struct stat st;

	TAP_OK(key && auth_key_save(key, path_key, &err) == 0, "a key is made and saved");
	TAP_OK(stat(path_key, &st) == 0 && (st.st_mode & 0777) == 0600 && st.st_size == 45,
	       "its file is 45 bytes and mode 0600");
	TAP_OK(auth_key_load(&again, path_key, &err) == 0 &&
		       memcmp(auth_key_public(key), auth_key_public(again), AUTH_PUB_LEN) == 0,
	       "loading gives the same public key");
	auth_key_free(again);
	TAP_OK(chmod(path_key, 0640) == 0 && auth_key_load(&again, path_key, &err) == RN_EPERM &&
		       !again,
	       "a key file that the group can read is refused");
	TAP_OK(file_write(path_key, 0600, STR("AAAA\n"), &err) == 0 &&
		       auth_key_load(&again, path_key, &err) == RN_EDATA && !again,
	       "a short key file is refused");
	TAP_OK(file_write(path_key, 0600, STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), &err) ==
			       0 &&
		       auth_key_load(&again, path_key, &err) == RN_EDATA,
	       "a key file without its line feed is refused: it may be cut off");
	TAP_OK(auth_key_load(&again, "/nonexistent/key", &err) == RN_ENOINPUT, "no file is said so");
	auth_key_free(key);
}

/* RFC 8032, section 7.1, test 1 and 2. */
static void test_vectors(void)
{
	uint8_t seed[32], want[64], pub[32], sig[64];
	struct auth_key *key;

	TAP_OK(hex_decode(seed, 32, STR("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")) &&
		       hex_decode(pub, 32, STR("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")) &&
		       hex_decode(want, 64, STR("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
						"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")),
	       "the vector of RFC 8032, 7.1, test 1");
	key = auth_key_from_seed(seed);
	auth_sign(key, sig, STR(""));
	TAP_OK(memcmp(auth_key_public(key), pub, 32) == 0 && memcmp(sig, want, 64) == 0,
	       "gives its public key and signature");
	TAP_OK(auth_verify(pub, sig, STR("")) && !auth_verify(pub, sig, STR("x")),
	       "which verifies for its message only");
	memset(pub, 0, 32);
	pub[0] = 1;
	memset(sig, 0, 64);
	sig[0] = 1;
	TAP_OK(!auth_verify(pub, sig, STR("anything")), "a key of small order verifies nothing");
	auth_key_free(key);
}


static bool run(const char *command)
{
	return system(command) == 0;
}

/* minisign(1) checks what we signed. */
static void test_minisign_reads_ours(void)
{
	struct auth_key *key = auth_key_make();
	struct minisign_pub pub, parsed;
	struct rn_error err;
	struct buf b;

	buf_init(&b, 8192);
	minisign_pub_from(&pub, auth_key_public(key));
	minisign_pub_format(&b, &pub);
	TAP_OK(minisign_pub_parse(&parsed, buf_str(&b), &err) == 0 &&
		       memcmp(&pub, &parsed, sizeof(pub)) == 0,
	       "our public key file reads back");
	TAP_OK(file_write(path_pub, 0644, buf_str(&b), &err) == 0 &&
		       file_write(path_file, 0644, STR("bundle=gw1 serial=7\n"), &err) == 0,
	       "files are written");
	buf_clear(&b);
	minisign_sign(&b, key, STR("bundle=gw1 serial=7\n"), STR("bundle=gw1 serial=7 made_at=1"));
	TAP_OK(file_write(path_sig, 0644, buf_str(&b), &err) == 0 &&
		       run("minisign -Vqm file -p sign.pub"),
	       "minisign -V accepts our signature and key file");
	TAP_OK(run("minisign -VQm file -p sign.pub | grep -qx 'bundle=gw1 serial=7 made_at=1'"),
	       "and shows the trusted comment");
	TAP_OK(file_write(path_file, 0644, STR("bundle=gw1 serial=8\n"), &err) == 0 &&
		       !run("minisign -Vqm file -p sign.pub 2>/dev/null"),
	       "and refuses another file");
	buf_clear(&b);
	minisign_sign(&b, key, STR("x"), STR("two\nlines"));
	TAP_OK(b.failed, "a comment of two lines is refused");
	auth_key_free(key);
	buf_free(&b);
}

/* And we check what minisign(1) signed. */
static void test_we_read_minisign(void)
{
	struct minisign_pub pub, other;
	struct str comment;
	struct rn_error err;
	struct buf b, sig;

	buf_init(&b, 8192);
	buf_init(&sig, 8192);
	TAP_OK(run("minisign -GfW -s sign.key -p sign.pub >/dev/null") &&
		       file_write(path_file, 0644, STR("hello\n"), &err) == 0 &&
		       run("minisign -S -s sign.key -m file -t 'who=ada n=1' >/dev/null"),
	       "minisign makes a key and a signature");
	TAP_OK(file_read(path_pub, &b, &err) == 0 && minisign_pub_parse(&pub, buf_str(&b), &err) == 0,
	       "its public key file is read");
	TAP_OK(file_read(path_sig, &sig, &err) == 0 &&
		       minisign_verify(&pub, STR("hello\n"), buf_str(&sig), &comment, &err) == 0 &&
		       str_is(comment, "who=ada n=1"),
	       "its signature is accepted, with its comment");
	TAP_OK(minisign_verify(&pub, STR("hullo\n"), buf_str(&sig), NULL, &err) == RN_EPERM,
	       "not for other bytes");
	other = pub;
	other.id[0] ^= 1;
	TAP_OK(minisign_verify(&other, STR("hello\n"), buf_str(&sig), NULL, &err) == RN_EPERM &&
		       strstr(err.text, "another key"),
	       "another key's is said to be that");
	TAP_OK(run("minisign -S -l -s sign.key -m file >/dev/null") &&
		       (buf_clear(&sig), file_read(path_sig, &sig, &err)) == 0 &&
		       minisign_verify(&pub, STR("hello\n"), buf_str(&sig), NULL, &err) == RN_EDATA,
	       "the old algorithm without prehash is refused");
	buf_free(&b);
	buf_free(&sig);
}

/* Each single-bit change of a signature file is refused, or is in the untrusted comment. */
static void test_minisign_bits(void)
{
	struct auth_key *key = auth_key_make();
	struct minisign_pub pub;
	struct rn_error err;
	struct buf b;
	size_t accepted = 0, first_line;

	buf_init(&b, 8192);
	minisign_pub_from(&pub, auth_key_public(key));
	minisign_sign(&b, key, STR("x"), STR("c"));
	first_line = (size_t)str_find(buf_str(&b), '\n');
	for (size_t i = first_line; i < b.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
			if (minisign_verify(&pub, STR("x"), buf_str(&b), NULL, &err) == 0) {
				accepted++;
				printf("# byte %zu bit %d\n", i, bit);
			}
			b.ptr[i] = (char)(b.ptr[i] ^ (1 << bit));
		}
	}
	TAP_OK(accepted == 0, "no bit behind the untrusted comment can be turned");
	for (size_t n = 0; n < b.len; n++)
		accepted += minisign_verify(&pub, STR("x"), str_slice(buf_str(&b), 0, n), NULL, &err) == 0;
	TAP_OK(accepted == 0, "no cut-off signature file is accepted");
	buf_add_byte(&b, '\n');
	TAP_OK(minisign_verify(&pub, STR("x"), buf_str(&b), NULL, &err) == RN_EDATA,
	       "nor one with something behind it");
	auth_key_free(key);
	buf_free(&b);
}

int main(void)
{
	if (!secret_init() || !mkdtemp(dir) || chdir(dir))
		return 1;
	test_files();
	test_vectors();
	test_minisign_reads_ours();
	test_we_read_minisign();
	test_minisign_bits();
	unlink(path_key);
	unlink(path_file);
	unlink(path_sig);
	unlink(path_pub);
	TAP_OK(rmdir(dir) == 0, "nothing else was left in the folder");
	return tap_done();
}
