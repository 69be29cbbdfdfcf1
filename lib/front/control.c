/* SPDX-License-Identifier: ISC */
#include "lib/front/control.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

/* A CALL of nobody, from nowhere: whoever may connect here is on the machine. */
static int
encode(const char *name, enum call_form form, struct buf **out)
{
	struct str json = STR_INIT;
	struct buf *b = NULL;
	struct jw w;
	int r;

	jw_init(&w, &json, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", name);
	jw_end(&w, '}');
	if ((r = str_check(&json)) == 0 &&
	    (r = buf_new(&b, CALL_MAX + 1024)) == 0 &&
	    (r = buf_put_cstring(b, "")) == 0 &&
	    (r = buf_put_cstring(b, "")) == 0 &&
	    (r = buf_put_cstring(b, "")) == 0 &&
	    (r = buf_put_u8(b, (uint8_t)form)) == 0 &&
	    (r = buf_put_string(b, json.p, json.n)) == 0) {
		*out = b;
		b = NULL;
	}
	buf_free(b);
	str_clear(&json);
	return r;
}

static int
decode(const struct frame *f, int *status, struct str *out, struct err *e)
{
	struct view v = view_slice(f->payload);
	struct slice body;
	uint8_t s;

	if (f->type != MSG_STATUS_IS || view_get_u8(&v, &s) != 0 ||
	    view_get_string(&v, &body) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "the keeper's answer is none");
	*status = s;
	if (body.n > 0)
		str_addn(out, (const char *)body.p, body.n);
	return str_check(out) == 0 ? 0 : err_nomem(e);
}

static int
converse(int fd, struct slice question, int *status, struct str *out,
    struct err *e)
{
	struct chan *c = NULL;
	struct frame f;
	int r;

	if ((r = chan_new(fd, &c, e)) != 0) {
		close(fd);
		return r;
	}
	if ((r = chan_send(c, MSG_STATUS, 1, question, e)) == 0 &&
	    (r = chan_wait(c, CONTROL_MS, &f, e)) == 0)
		r = decode(&f, status, out, e);
	chan_free(c);
	return r;
}

int
control_call(const char *runtime, const char *name, enum call_form form,
    int *status, struct str *out, struct err *e)
{
	struct buf *question = NULL;
	char *path = NULL;
	int fd, r;

	if (path_join(runtime, "control.sock", &path) != 0 ||
	    encode(name, form, &question) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = socket_connect(path, &fd, e)) == 0)
		r = converse(fd, buf_slice(question), status, out, e);
out:
	buf_free(question);
	free(path);
	return r;
}
