/* SPDX-License-Identifier: ISC */
/*
 * fstab: units of systemd that are stronger than it.  What stands in
 * /etc/systemd/system for a mount point, a unit or drop-ins, is what the next
 * boot mounts; the line of fstab is passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/words.h"

#define UNITS     "/etc/systemd/system/"
#define GENERATED "# /run/systemd/generator/"

/* As systemd-escape(1) -p: "/var/lib-a" is var-lib\x2da.mount. */
int
fstab_unit_name(const char *path, struct str *out)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";

	path += path[0] == '/';
	if (*path == '\0')
		str_addc(out, '-');
	for (const char *c = path; *c != '\0'; c++)
		if (*c == '/')
			str_addc(out, '-');
		else if (strchr(plain, *c) != NULL && (*c != '.' || c > path))
			str_addc(out, *c);
		else
			str_addf(out, "\\x%02x", (unsigned)(uint8_t)*c);
	str_add(out, ".mount");
	return str_check(out);
}

/* What systemctl cat prints: each file below its name, in the order in which
 * they count. */
static int
read_cat(const char *text, struct fstab_boot *out)
{
	static const char key[] = "Options=";
	struct slice rest = slice_str(text), line, file = {0}, options = {0};
	struct slice by = {0};

	while (state_next_line(&rest, &line)) {
		if (line.n > 3 && memcmp(line.p, "# /", 3) == 0) {
			file = line;
			if (by.n == 0)
				by = file;
		} else if (line.n >= strlen(key) &&
		    memcmp(line.p, key, strlen(key)) == 0) {
			by = file;
			options = (struct slice){
			    line.p + strlen(key), line.n - strlen(key)};
		}
	}
	if (by.n >= strlen(GENERATED) &&
	    memcmp(by.p, GENERATED, strlen(GENERATED)) == 0)
		return 0;
	out->options = str_dupn(options.n > 0 ? options.p : (const uint8_t *)"",
	    options.n);
	/* One that is masked has no file. */
	if (by.n > 2 && (out->by = str_dupn(by.p + 2, by.n - 2)) == NULL)
		return ERR_NOMEM;
	return out->options != NULL ? 0 : ERR_NOMEM;
}

int
fstab_boot_look(struct host *h, const char *path, struct fstab_boot *out,
    struct err *e)
{
	struct str name = STR_INIT, unit = STR_INIT;
	struct child_result res = {0};
	int r, there;

	if (fstab_unit_name(path, &name) != 0) {
		r = err_nomem(e);
		goto out;
	}
	str_addf(&unit, UNITS "%s", name.p);
	there =
	    str_check(&unit) == 0 ? host_exists(h, unit.p, e) : err_nomem(e);
	str_add(&unit, ".d");
	if (there == 0)
		there = str_check(&unit) == 0 ? host_exists(h, unit.p, e)
					      : err_nomem(e);
	r = there < 0 ? there : 0;
	if (there == 1) {
		const char *argv[] = {"systemctl", "cat", "--", name.p, NULL};

		/* Of a directory without a unit there is nothing to be told. */
		r = host_run(h, argv, (struct slice){0}, &res, e);
		if (r == 0 && res.status == 0 && read_cat(res.out, out) != 0)
			r = err_nomem(e);
	}
out:
	child_result_clear(&res);
	str_clear(&name);
	str_clear(&unit);
	return r;
}

int
fstab_boot_sign(struct host *h, const char *path, struct str *out,
    struct err *e)
{
	struct str unit = STR_INIT;
	int r;

	str_add(&unit, UNITS);
	if (fstab_unit_name(path, &unit) != 0)
		r = err_nomem(e);
	else
		r = state_sign_path(h, unit.p, out, e);
	str_add(&unit, ".d");
	if (r == 0)
		r = str_check(&unit) == 0 ? state_sign_path(h, unit.p, out, e)
					  : err_nomem(e);
	str_clear(&unit);
	return r;
}

void
fstab_boot_clear(struct fstab_boot *b)
{
	free(b->by);
	free(b->options);
	*b = (struct fstab_boot){0};
}
