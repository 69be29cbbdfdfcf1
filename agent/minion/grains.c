/* SPDX-License-Identifier: ISC */
#include "agent/minion/grains.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "agent/states/state.h"
#include "lib/base/file.h"

struct asking {
	struct host *h;
	const char *state_dir;
	struct utsname uts;
	char *os_release; /* NULL: none */
};

/* Each answers into s; nothing said is "unknown". */
typedef void grain_fn(struct asking *a, struct str *s);

/* A file's text, NULL where it cannot be had. */
static char *
text_of(struct host *h, const char *path)
{
	char *text = NULL;
	size_t n;

	return host_read(h, path, 65536, &text, &n, NULL) == 0 ? text : NULL;
}

/* os-release(5): that in /etc first, which is a link as a rule. */
static char *
os_release_text(struct host *h)
{
	char real[HOST_PATH_MAX + 1], *text = NULL;

	if (host_resolve(h, "/etc/os-release", true, real, NULL) == 0)
		text = text_of(h, real);
	return text != NULL ? text : text_of(h, "/usr/lib/os-release");
}

/* KEY=value or KEY="value" of os-release(5), at the start of a line. */
static void
os_release(const char *text, const char *key, struct str *s)
{
	size_t n = strlen(key);
	const char *p, *end;

	for (p = text; p != NULL && *p != '\0';
	     p = *end != '\0' ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		if (end > p + 1 && (*p == '"' || *p == '\''))
			str_addn(s, p + 1, (size_t)(end - p) - 2);
		else
			str_addn(s, p, (size_t)(end - p));
		return;
	}
}

static void
ask_arch(struct asking *a, struct str *s)
{
	str_add(s, a->uts.machine);
}

static void
ask_cpus(struct asking *a, struct str *s)
{
	cpu_set_t set;

	(void)a;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		str_addf(s, "%d", CPU_COUNT(&set));
}

static void
ask_hostname(struct asking *a, struct str *s)
{
	str_add(s, a->uts.nodename);
}

static void
ask_init(struct asking *a, struct str *s)
{
	char *name;

	if (host_has_systemd(a->h, NULL) == 1) {
		str_add(s, "systemd");
	} else if ((name = text_of(a->h, "/proc/1/comm")) != NULL) {
		str_addn(s, name, strcspn(name, "\n"));
		free(name);
	}
}

static void
ask_kernel(struct asking *a, struct str *s)
{
	str_add(s, a->uts.release);
}

static void
ask_memory(struct asking *a, struct str *s)
{
	struct sysinfo i;

	(void)a;
	if (sysinfo(&i) == 0)
		str_addf(s, "%" PRIu64,
		    (uint64_t)i.totalram * i.mem_unit / (1024 * 1024));
}

static void
ask_os(struct asking *a, struct str *s)
{
	os_release(a->os_release, "ID", s);
}

static void
ask_os_codename(struct asking *a, struct str *s)
{
	os_release(a->os_release, "VERSION_CODENAME", s);
}

static void
ask_os_version(struct asking *a, struct str *s)
{
	os_release(a->os_release, "VERSION_ID", s);
}

/* "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL ..." -> "9.2p1". */
static void
ask_sshd(struct asking *a, struct str *s)
{
	static const char *const argv[] = {"ssh", "-V", NULL};
	struct child_result got = {0};
	const char *p;

	/* sshd -V leaves the p1 away; the client is of the same version, and
	 * the server depends on it. */
	if (host_run(a->h, argv, slice_str(""), &got, NULL) == 0 &&
	    (p = strstr(got.err_text, "OpenSSH_")) != NULL) {
		p += strlen("OpenSSH_");
		str_addn(s, p, strcspn(p, " ,\n"));
	}
	child_result_clear(&got);
}

static void
ask_openssh(struct asking *a, struct str *s)
{
	struct str sign = STR_INIT, fresh = STR_INIT;
	char *path = NULL, *kept = NULL;
	size_t n;

	if (state_sign_path(a->h, "/usr/sbin/sshd", &sign, NULL) != 0 ||
	    str_check(&sign) != 0 || strstr(sign.p, " absent") != NULL)
		goto out;
	if (a->state_dir != NULL &&
	    path_join(a->state_dir, "sshd-version", &path) == 0 &&
	    file_read(path, 4096, &kept, &n, NULL) == 0 &&
	    strncmp(kept, sign.p, sign.n) == 0) {
		str_add(s, kept + sign.n);
		goto out;
	}
	ask_sshd(a, s);
	str_addf(&fresh, "%s%s", sign.p, s->p);
	/* Not kept, it is asked again. */
	if (path != NULL && s->n > 0 && str_check(&fresh) == 0 &&
	    file_write(path, fresh.p, fresh.n, 0600, FILE_NOSYNC, NULL) != 0)
		(void)0;
out:
	free(kept);
	free(path);
	str_clear(&sign);
	str_clear(&fresh);
}

/* By what systemd found, else by what the firmware says. */
static void
ask_virtual(struct asking *a, struct str *s)
{
	static const struct {
		const char *vendor, *name;
	} known[] = {
	    {"QEMU", "kvm"},
	    {"VMware", "vmware"},
	    {"innotek", "oracle"},
	    {"Microsoft", "microsoft"},
	    {"Amazon EC2", "amazon"},
	    {"Google", "google"},
	    {"Xen", "xen"},
	    {"DigitalOcean", "kvm"},
	    {"Hetzner", "kvm"},
	};
	char *text;

	if ((text = text_of(a->h, "/run/systemd/container")) != NULL) {
		str_addn(s, text, strcspn(text, "\n"));
		free(text);
		return;
	}
	if ((text = text_of(a->h, "/sys/class/dmi/id/sys_vendor")) == NULL)
		return;
	for (size_t i = 0; s->n == 0 && i < sizeof(known) / sizeof(known[0]);
	     i++)
		if (strncmp(text, known[i].vendor, strlen(known[i].vendor)) ==
		    0)
			str_add(s, known[i].name);
	if (s->n == 0)
		str_add(s, "none");
	free(text);
}

static const struct {
	const char *name;
	grain_fn *ask;
} asks[] = {
    {"arch", ask_arch},
    {"cpus", ask_cpus},
    {"hostname", ask_hostname},
    {"init", ask_init},
    {"kernel", ask_kernel},
    {"memory_mb", ask_memory},
    {"openssh", ask_openssh},
    {"os", ask_os},
    {"os_codename", ask_os_codename},
    {"os_version", ask_os_version},
    {"virtual", ask_virtual},
};

int
grains_read(struct host *h, const char *state_dir, struct grains *out,
    struct err *e)
{
	struct asking a = {.h = h, .state_dir = state_dir};
	struct grains g = {0};
	struct str s = STR_INIT;
	int r = 0;

	if (uname(&a.uts) != 0)
		return err_sys(e, "uname");
	a.os_release = os_release_text(h);
	for (size_t i = 0; r == 0 && i < sizeof(asks) / sizeof(asks[0]); i++) {
		str_reset(&s);
		asks[i].ask(&a, &s);
		if ((r = str_check(&s)) == 0)
			r = grains_set(&g, asks[i].name,
			    s.n > 0 && s.n <= GRAIN_MAX &&
				    text_is_clean(s.p, s.n, NULL)
				? s.p
				: "unknown");
	}
	str_clear(&s);
	free(a.os_release);
	if (r != 0) {
		grains_clear(&g);
		return err_nomem(e);
	}
	*out = g;
	return 0;
}
