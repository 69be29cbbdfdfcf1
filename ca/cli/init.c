/* SPDX-License-Identifier: ISC */
/*
 * writ init: a deployment in a minute.  Makes keys, config and a first policy;
 * signs nothing and fixes no realm, so that everything may still be edited.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/cli/init_policy.h"
#include "lib/base/file.h"
#include "lib/ssh/lint.h"

/* The five authorities, which directory holds the private key, and whether a
 * log's. */
static const struct authority_kind {
	const char *name;
	const char *dir; /* below DIR */
	const char *what;
} kinds[] = {
    {"user_ca", ".", "signs user certificates"},
    {"host_ca", ".", "signs host certificates"},
    {"ca_log", ".", "signs the log's checkpoints"},
    {"emergency_ca", "emergency", "signs when this machine cannot"},
    {"emergency_log", "emergency", "signs the emergency log"},
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct init {
	const struct cli_args *a;
	const char *dir;
	char pass[PASSPHRASE_MAX];
	size_t pass_len;
	bool has_pass;
	struct key *keys[N_KINDS];
	char *home; /* of the log: what writ.yaml says */
};

/* --- keys ------------------------------------------------------------------
 */

static int
ask_passphrase(struct init *in, struct err *e)
{
	char again[PASSPHRASE_MAX];
	size_t n = 0;
	int r = 0;

	if (!cli_flag(in->a, "passphrase"))
		return 0;
	if (cli_ask_passphrase(NULL, "Passphrase for the authorities' keys",
		in->pass, sizeof(in->pass), &in->pass_len) != 0 ||
	    in->pass_len == 0)
		return err_set(e, ERR_DENIED, "no passphrase was given");
	if (cli_ask_passphrase(NULL, "The same passphrase again", again,
		sizeof(again), &n) != 0 ||
	    n != in->pass_len || !mem_equal_ct(again, in->pass, n))
		r = err_set(e, ERR_DENIED, "the two passphrases differ");
	mem_wipe(again, sizeof(again));
	in->has_pass = true;
	return r;
}

static int
make_keys(struct init *in, struct err *e)
{
	const char *adopt = cli_get(in->a, "user-ca");
	int r = 0;

	for (size_t i = 0; i < N_KINDS && r == 0; i++) {
		if (i == 0 && adopt != NULL) {
			r = key_load_file(adopt, &cli_passphrase, &in->keys[i],
			    e);
			if (r == 0 &&
			    (r = lint_ca(key_public(in->keys[i]), e)) != 0)
				err_prefix(e, "--user-ca %s", adopt);
		} else {
			r = key_generate(PUBKEY_ED25519, &in->keys[i], e);
		}
	}
	return r;
}

/* --- writing ---------------------------------------------------------------
 */

static int put(const struct init *in, mode_t mode, struct slice text,
    struct err *e, const char *fmt, ...) PRINTF_LIKE(5, 6);

static int
put(const struct init *in, mode_t mode, struct slice text, struct err *e,
    const char *fmt, ...)
{
	char *path = NULL;
	struct str rel = STR_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	str_vaddf(&rel, fmt, ap);
	va_end(ap);
	if (str_check(&rel) != 0 || path_join(in->dir, rel.p, &path) != 0)
		r = err_nomem(e);
	else
		r = file_write(path, text.p, text.n, mode, FILE_NEW, e);
	free(path);
	str_clear(&rel);
	return r;
}

static int
put_key(const struct init *in, size_t i, struct err *e)
{
	struct str text = STR_INIT, pub = STR_INIT;
	int r;

	r = key_encode_openssh(in->keys[i], kinds[i].name,
	    in->has_pass ? in->pass : NULL, in->pass_len, &text, e);
	if (r == 0)
		r = put(in, 0600, slice_of(text.p, text.n), e, "%s/keys/%s",
		    kinds[i].dir, kinds[i].name);
	pubkey_add_line(&pub, key_public(in->keys[i]), kinds[i].name);
	str_addc(&pub, '\n');
	if (r == 0)
		r = put(in, 0644, slice_of(pub.p, pub.n), e,
		    "policy/authorities/%s.pub", kinds[i].name);
	str_clear(&text);
	str_clear(&pub);
	return r;
}

/*
 * The service's SSH host key: who connects believes no transport, so it is no
 * authority, and since nobody is there when a service starts it has no
 * passphrase.
 */
static int
put_transport_key(const struct init *in, struct err *e)
{
	struct str text = STR_INIT, pub = STR_INIT;
	struct key *key = NULL;
	int r;

	if ((r = key_generate(PUBKEY_ED25519, &key, e)) == 0 &&
	    (r = key_encode_openssh(key, "transport", NULL, 0, &text, e)) == 0)
		r = put(in, 0600, slice_of(text.p, text.n), e,
		    "keys/transport");
	/* A master has its line in master.yaml. */
	if (r == 0) {
		pubkey_add_line(&pub, key_public(key), "transport");
		str_addc(&pub, '\n');
		r = put(in, 0644, slice_of(pub.p, pub.n), e,
		    "keys/transport.pub");
	}
	str_clear(&text);
	str_clear(&pub);
	key_free(key);
	return r;
}

static char *
dup_or_null(const char *s)
{
	return s != NULL ? str_dup(s) : NULL;
}

static int
put_config(const struct init *in, struct err *e)
{
	const char *retention = cli_get(in->a, "retention");
	struct config c;
	struct str text = STR_INIT;
	int r = 0;

	config_init(&c);
	if (retention != NULL &&
	    span_parse(retention, &c.home.retention) != 0) {
		r = err_set(e, ERR_USAGE,
		    "--retention wants a span such as 400d");
		goto out;
	}
	c.home.log = str_dup(in->home);
	c.log_name = str_dup("ca_log");
	c.user_ca = str_dup("user_ca");
	c.host_ca = str_dup("host_ca");
	c.home.endpoint = dup_or_null(cli_get(in->a, "endpoint"));
	c.home.region = dup_or_null(cli_get(in->a, "region"));
	if (c.home.log == NULL || c.log_name == NULL || c.user_ca == NULL ||
	    c.host_ca == NULL ||
	    strs_dup(cli_all(in->a, "copy"), &c.home.copies) != 0 ||
	    config_encode(&c, &text) != 0) {
		r = err_nomem(e);
		goto out;
	}
	r = put(in, 0644, slice_of(text.p, text.n), e, "writ.yaml");
out:
	str_clear(&text);
	config_clear(&c);
	return r;
}

static int
put_emergency_config(const struct init *in, struct err *e)
{
	static const char text[] =
	    "# For a stick in a safe: writ sign -C THIS-DIRECTORY works "
	    "without "
	    "a network,\n# under the last policy that was published while it "
	    "was here.\n"
	    "log: \"dir:log\"\nlog_name: emergency_log\nuser_ca: "
	    "emergency_ca\n";

	return put(in, 0644, slice_str(text), e, "emergency/writ.yaml");
}

/* A fleet that gives nothing to anybody: right as it stands. */
static int
put_fleet(const struct init *in, struct err *e)
{
	static const char fleet[] =
	    "# How hosts behave, and where their masters are: "
	    "writ-fleet(5).\n"
	    "hosts:\n"
	    "  interval: 30m           # a highstate at least this often\n"
	    "  splay: 10m              # spread over this long\n"
	    "  confirm_within: 60s     # else a change to a way in undoes "
	    "itself\n"
	    "  on_drift: repair        # or report\n"
	    "# masters:\n"
	    "#   - {address: \"master.example.com:2023\", key: master_1}\n"
	    "# roles:\n"
	    "#   web: [\"web-*.example.com\"]\n";
	static const char top[] =
	    "# Which host gets what: every entry that matches adds to its "
	    "states.\n"
	    "states: []\n"
	    "# - match: \"*\"\n"
	    "#   apply: [ssh]          # states/ssh.yaml\n"
	    "# pillar:                 # matched by id and role alone\n"
	    "# - match: \"role == 'web'\"\n"
	    "#   use: [web]            # pillar/web.yaml\n";
	int r;

	if ((r = put(in, 0644, slice_str(fleet), e, "fleet/fleet.yaml")) != 0)
		return r;
	return put(in, 0644, slice_str(top), e, "fleet/top.yaml");
}

static int
make_dirs(const struct init *in, struct err *e)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {{"keys", 0700}, {"policy/people", 0755},
	    {"policy/authorities", 0755}, {"fleet/states", 0755},
	    {"fleet/pillar", 0755}, {"signer", 0700}, {"log", 0755},
	    {"emergency/keys", 0700}, {"emergency/signer", 0700},
	    {"emergency/log", 0755}};
	int r = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && r == 0; i++) {
		char *path = NULL;

		if (path_join(in->dir, dirs[i].name, &path) != 0)
			return err_nomem(e);
		r = file_mkdirs(path, 0755, e);
		if (r == 0 && chmod(path, dirs[i].mode) != 0)
			r = err_sys(e, "%s", path);
		free(path);
	}
	return r;
}

/* A log that is a directory of somebody else's, or a bucket that cannot hold a
 * log, is found out now and not at the first certificate. */
static int
probe_log(struct init *in, struct err *e)
{
	struct blob_config bc = {.endpoint = cli_get(in->a, "endpoint"),
	    .region = cli_get(in->a, "region"),
	    .retention_secs = LOG_RETENTION,
	    .partial_secs = LOG_PARTIAL};
	const char *log = cli_get(in->a, "log");
	struct blob_store *s = NULL;
	int r;

	if (log == NULL)
		log = "dir:log";
	if (strncmp(log, "s3://", 5) != 0 && strncmp(log, "dir:", 4) != 0)
		return err_set(e, ERR_USAGE,
		    "--log wants dir:PATH or s3://BUCKET/PREFIX");
	if ((in->home = str_dup(log)) == NULL)
		return err_nomem(e);
	if (strncmp(log, "s3://", 5) != 0)
		return 0;
	if ((r = blob_open(log, &bc, &s, e)) == 0)
		r = blob_probe(s, e);
	blob_close(s);
	return r;
}

static int
check_absent(const struct init *in, struct err *e)
{
	static const char *const names[] = {"writ.yaml", "keys", "policy",
	    "bundle", "fleet", "signer", "log", "emergency"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = NULL;
		bool there;

		if (path_join(in->dir, names[i], &path) != 0)
			return err_nomem(e);
		there = file_exists(path);
		free(path);
		if (there)
			return err_set(e, ERR_EXISTS,
			    "%s/%s is there already; nothing was changed",
			    in->dir, names[i]);
	}
	return 0;
}

static void
print_minutes(const struct init *in)
{
	printf("%s is made.  For the minutes, the authorities' keys:\n\n",
	    in->dir);
	for (size_t i = 0; i < N_KINDS; i++) {
		char fp[FINGERPRINT_MAX];

		pubkey_fingerprint(key_public(in->keys[i]), fp);
		printf("  %-14s %s  %s\n", kinds[i].name, fp, kinds[i].what);
	}
	printf("\nNothing is signed yet.  Edit %s/policy, then each officer:\n"
	       "  writ policy sign -C %s -i KEY\n"
	       "Then move %s/emergency to a stick, and the stick to a safe.\n",
	    in->dir, in->dir, in->dir);
}

static int
run_init(struct cli_args *a, struct err *e)
{
	struct init in = {.a = a, .dir = cli_operand(a, 0)};
	struct strs officers = {0};
	struct str root = STR_INIT, ca = STR_INIT;
	int r;

	if ((r = check_absent(&in, e)) != 0 ||
	    (r = init_root_yaml(in.a, &officers, &root, e)) != 0)
		goto out;
	init_ca_yaml(&officers, &ca);
	if ((r = probe_log(&in, e)) != 0 || (r = ask_passphrase(&in, e)) != 0 ||
	    (r = make_keys(&in, e)) != 0 || (r = make_dirs(&in, e)) != 0)
		goto out;
	if ((r = put(&in, 0644, slice_of(root.p, root.n), e,
		 "policy/root.yaml")) != 0 ||
	    (r = put(&in, 0644, slice_of(ca.p, ca.n), e, "policy/ca.yaml")) !=
		0)
		goto out;
	for (size_t i = 0; i < N_KINDS && r == 0; i++)
		r = put_key(&in, i, e);
	if (r == 0)
		r = put_transport_key(&in, e);
	if (r == 0)
		r = put_emergency_config(&in, e);
	if (r == 0)
		r = put_fleet(&in, e);
	/* Last: without it DIR is no deployment. */
	if (r == 0)
		r = put_config(&in, e);
	if (r == 0)
		print_minutes(&in);
out:
	for (size_t i = 0; i < N_KINDS; i++)
		key_free(in.keys[i]);
	mem_wipe(in.pass, sizeof(in.pass));
	free(in.home);
	strs_clear(&officers);
	str_clear(&root);
	str_clear(&ca);
	return r;
}

static const struct cli_option options[] = {
    {0, "officer", "PERSON=KEY.pub", "who signs policy; may be repeated"},
    {0, "operator", "PERSON=KEY.pub", "who signs the fleet's states"},
    {0, "user-ca", "KEY", "adopt this CA key, OpenSSH or PEM"},
    {0, "log", "dir:PATH|s3://B/P", "where the log is (default dir:log)"},
    {0, "copy", "s3://B/P", "a copy of the log; may be repeated"},
    {0, "retention", "SPAN", "lock of what a bucket holds (400d)"},
    {0, "endpoint", "URL", "of an S3 server that is not AWS"},
    {0, "region", "REGION", "of the bucket"},
    {0, "single-officer", NULL, "one officer is enough"},
    {0, "passphrase", NULL, "encrypt the authorities' keys"},
};

const struct cli_command cmd_init = {.name = "init",
    .operands = "DIR",
    .summary = "make a deployment",
    CLI_OPTIONS(options),
    .min_operands = 1,
    .max_operands = 1,
    .run = run_init};
