/* SPDX-License-Identifier: ISC */
#include "tests/unit/fakesshd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

const char fakesshd_main[] = "# Debian's\n"
			     "\n"
			     "Include /etc/ssh/sshd_config.d/*.conf\n"
			     "KbdInteractiveAuthentication no\n"
			     "UsePAM yes\n"
			     "Subsystem sftp /usr/lib/openssh/sftp-server\n";

static const struct {
	const char *key, *value;
} defaults[] = {
    {"allowtcpforwarding", "yes"},
    {"authenticationmethods", "any"},
    {"authorizedprincipalscommand", "none"},
    {"authorizedprincipalsfile", "none"},
    {"banner", "none"},
    {"casignaturealgorithms", "ssh-ed25519,rsa-sha2-512"},
    {"ciphers", "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"},
    {"forcecommand", "none"},
    {"kbdinteractiveauthentication", "yes"},
    {"maxauthtries", "6"},
    {"passwordauthentication", "yes"},
    {"permitrootlogin", "without-password"},
    {"port", "22"},
    {"pubkeyacceptedalgorithms",
	"ssh-ed25519-cert-v01@openssh.com,ssh-ed25519"},
    {"pubkeyauthentication", "yes"},
    {"revokedkeys", "none"},
    {"strictmodes", "yes"},
    {"trustedusercakeys", "none"},
    {"usepam", "no"},
};

static const char *const adding[] = {"acceptenv", "allowgroups", "allowusers",
    "denygroups", "denyusers", "hostcertificate", "port", "subsystem"};

static const struct {
	const char *user, *groups, *passwd;
} accounts[] = {
    {"root", "root", "root:x:0:0:root:/root:/bin/bash\n"},
    {"nobody", "nogroup",
	"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    {"alice", "alice\nops", "alice:x:1000:1000::/home/alice:/bin/bash\n"},
    {"sam", "sam\nsftponly", "sam:x:1001:1001::/home/sam:/bin/bash\n"},
};
#define N_ACCOUNTS (sizeof(accounts) / sizeof(accounts[0]))

static const char groups[] = "root:x:0:\nnogroup:x:65534:\nalice:x:1000:\n"
			     "ops:x:1100:alice\nsam:x:1001:\n"
			     "sftponly:x:1101:sam\nempty:x:1102:\n";

/* What has been read so far: lines "g key value" or "m key value". */
struct reading {
	struct fakehost *f;
	struct strs lines;
	const char *user;
	bool in_match, on;
	char wrong[128];
};

static bool
adds(const char *key)
{
	for (size_t i = 0; i < sizeof(adding) / sizeof(adding[0]); i++)
		if (strcmp(adding[i], key) == 0)
			return true;
	return false;
}

static const char *
groups_of(const char *user)
{
	for (size_t i = 0; i < N_ACCOUNTS; i++)
		if (strcmp(accounts[i].user, user) == 0)
			return accounts[i].groups;
	return NULL;
}

static bool
match(const struct reading *rd, const char *what, const char *who)
{
	const char *g = groups_of(rd->user);

	if (strcasecmp(what, "all") == 0)
		return true;
	if (strcasecmp(what, "User") == 0)
		return strcmp(who, rd->user) == 0;
	if (strcasecmp(what, "Group") == 0)
		return g != NULL && strstr(g, who) != NULL;
	return false; /* nobody of ours comes from anywhere special */
}

static void read_config(struct reading *rd, const char *path);

static void
include(struct reading *rd, const char *pattern)
{
	bool ours = strstr(pattern, "00-writ*") != NULL;
	bool in_match = rd->in_match, on = rd->on;
	struct strs names = {0};
	char path[256];

	(void)!host_list(fakehost_host(rd->f), "/etc/ssh/sshd_config.d", &names,
	    NULL);
	for (size_t i = 0; i < names.n; i++) {
		if (strstr(names.v[i], ".conf") == NULL ||
		    (ours && strncmp(names.v[i], "00-writ", 7) != 0))
			continue;
		(void)snprintf(path, sizeof(path), "/etc/ssh/sshd_config.d/%s",
		    names.v[i]);
		read_config(rd, path);
		rd->in_match = in_match;
		rd->on = on;
	}
	strs_clear(&names);
}

static void
keep(struct reading *rd, char *key, const char *value)
{
	struct str s = STR_INIT;

	for (char *c = key; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 32;
	if (strcmp(key, "broken") == 0)
		(void)snprintf(rd->wrong, sizeof(rd->wrong),
		    "Bad configuration option: broken");
	/* As many lines as values, where they add. */
	while (adds(key) && strcmp(key, "subsystem") != 0 && *value != '\0') {
		size_t n = strcspn(value, " ");

		str_reset(&s);
		str_addf(&s, "%c %s %.*s", rd->in_match ? 'm' : 'g', key,
		    (int)n, value);
		assert_int_equal(strs_add(&rd->lines, s.p), 0);
		value += n + strspn(value + n, " ");
	}
	if (*value != '\0') {
		str_reset(&s);
		str_addf(&s, "%c %s %s", rd->in_match ? 'm' : 'g', key, value);
		assert_int_equal(strs_add(&rd->lines, s.p), 0);
	}
	str_clear(&s);
}

static void
read_config(struct reading *rd, const char *path)
{
	const char *text = fakehost_text(rd->f, path);
	char *copy = strdup(text != NULL ? text : ""), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		char *key = line + strspn(line, " \t"), *value;

		if (*key == '#' || *key == '\0')
			continue;
		value = key + strcspn(key, " \t");
		if (*value != '\0')
			*value++ = '\0';
		value += strspn(value, " \t");
		if (strcasecmp(key, "Match") == 0) {
			char what[64] = "", who[64] = "";

			(void)sscanf(value, "%63s %63s", what, who);
			rd->in_match = true;
			rd->on = match(rd, what, who);
		} else if (strcasecmp(key, "Include") == 0) {
			include(rd, value);
		} else if (!rd->in_match || rd->on) {
			keep(rd, key, value);
		}
	}
	free(copy);
}

/* Lines of one key and kind to out; how many. */
static size_t
print_key(const struct reading *rd, char kind, const char *key, struct str *out)
{
	size_t n = 0, len = strlen(key);

	for (size_t i = 0; i < rd->lines.n; i++) {
		const char *l = rd->lines.v[i];

		if (l[0] != kind || strncmp(l + 2, key, len) != 0 ||
		    l[2 + len] != ' ' || (n > 0 && !adds(key)))
			continue;
		str_addf(out, "%s\n", l + 2);
		n++;
	}
	return n;
}

static void
dump(const struct reading *rd, struct str *out)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (print_key(rd, 'm', defaults[i].key, out) == 0 &&
		    print_key(rd, 'g', defaults[i].key, out) == 0)
			str_addf(out, "%s %s\n", defaults[i].key,
			    defaults[i].value);
	for (size_t i = 0; i < sizeof(adding) / sizeof(adding[0]); i++)
		if (strcmp(adding[i], "port") != 0 &&
		    print_key(rd, 'm', adding[i], out) == 0)
			(void)print_key(rd, 'g', adding[i], out);
}

static void
sshd(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct reading rd = {.f = f, .user = ""};
	const char *at = strstr(command, "user=");
	char user[64] = "";

	(void)in;
	(void)arg;
	if (strcmp(command, "sshd -?") == 0) {
		a->status = 1;
		str_add(&a->err_text,
		    "unknown option -- ?\nOpenSSH_9.2p1 Debian-2\nusage\n");
		return;
	}
	if (at != NULL)
		(void)sscanf(at + 5, "%63[^,]", user);
	rd.user = user;
	/* What it is started with goes first. */
	for (at = strstr(command, " -o "); at != NULL;
	     at = strstr(at, " -o ")) {
		char key[64] = "", value[64] = "";

		at += 4;
		(void)sscanf(at, "%63[^=]=%63s", key, value);
		keep(&rd, key, value);
	}
	read_config(&rd, "/etc/ssh/sshd_config");
	if (rd.wrong[0] != '\0') {
		a->status = 255;
		str_addf(&a->err_text, "%s\r\nterminating, 1 bad\r\n",
		    rd.wrong);
	} else if (strncmp(command, "sshd -T", 7) == 0) {
		dump(&rd, &a->out);
	}
	strs_clear(&rd.lines);
}

static void
id(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	const char *user = strrchr(command, ' ') + 1;
	const char *g = groups_of(user);

	(void)f;
	(void)in;
	(void)arg;
	assert_int_equal(strncmp(command, "id -Gnz -- ", 11), 0);
	if (g == NULL) {
		a->status = 1;
		return;
	}
	/* -z: each ends with a NUL. */
	for (const char *p = g; *p != '\0';) {
		size_t n = strcspn(p, "\n");

		str_addn(&a->out, p, n);
		str_addc(&a->out, '\0');
		p += n + (p[n] == '\n');
	}
}

static void
getent_group(const char *name, struct fakehost_answer *a)
{
	size_t len = strlen(name);

	if (len == 0)
		str_add(&a->out, groups);
	for (const char *p = groups; len > 0 && *p != '\0';) {
		size_t n = strcspn(p, "\n");

		if (strncmp(p, name, len) == 0 && p[len] == ':')
			str_addn(&a->out, p, n + 1);
		p += n + (p[n] == '\n');
	}
}

static void
getent(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	char database[16] = "", name[64] = "";

	(void)f;
	(void)in;
	(void)arg;
	(void)sscanf(command, "getent %15s %63s", database, name);
	if (strcmp(database, "group") == 0)
		getent_group(name, a);
	else
		for (size_t i = 0; i < N_ACCOUNTS; i++)
			if (name[0] == '\0' ||
			    strcmp(accounts[i].user, name) == 0)
				str_add(&a->out, accounts[i].passwd);
	if (a->out.n == 0)
		a->status = 2;
}

void
fakesshd_install(struct fakehost *f)
{
	fakehost_file(f, "/etc/ssh/sshd_config", 0644, fakesshd_main);
	fakehost_dir(f, "/etc/ssh/sshd_config.d", 0755);
	fakehost_dir(f, "/run/sshd", 0755);
	fakehost_dir(f, "/run/systemd/system", 0755);
	fakehost_file(f, "/bin/bash", 0755, "");
	fakehost_on(f, "sshd", sshd, NULL);
	fakehost_on(f, "id", id, NULL);
	fakehost_on(f, "getent", getent, NULL);
	fakehost_command(f, "ssh -Q cipher", 0,
	    "aes256-gcm@openssh.com\nchacha20-poly1305@openssh.com\n", "");
	fakehost_command(f, "systemctl is-active --quiet ssh.socket", 3, "",
	    "");
	fakehost_command(f, "systemctl is-active --quiet ssh.service", 0, "",
	    "");
	fakehost_command(f, "systemctl reload ssh.service", 0, "", "");
}
