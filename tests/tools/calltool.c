/* SPDX-License-Identifier: ISC */
/*
 * A front of one call, to try a keeper with.
 *
 *	calltool [-c] [-t] [-a ADDRESS] SOCKET PERSON WORD... | '{"call": ...}'
 *	calltool -k SOCKET		whose keys the keeper sends at first
 *	calltool -r TYPE SOCKET [HEX]	a frame of any kind
 *
 * -c is for control.sock, -t asks for plain text.  Words that read standard
 * input (submit) get it.  News and the answer go to standard output; the exit
 * status is the answer's; 99: the keeper hung up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/common/calls.h"
#include "ca/common/messages.h"
#include "lib/base/file.h"
#include "lib/proc/frame.h"
#include "lib/proc/socket.h"

#define HUNG_UP    99
#define PATIENT_MS 60000

static int
fail(const struct err *e)
{
	fprintf(stderr, "calltool: %s\n", e->msg);
	return HUNG_UP;
}

static int
open_chan(const char *path, struct chan **out, struct err *e)
{
	int fd, r;

	if ((r = socket_connect(path, &fd, e)) != 0)
		return r;
	if ((r = chan_new(fd, out, e)) != 0)
		close(fd);
	return r;
}

static int
make_call(const char *person, const char *address, bool text, const char *json,
    struct buf *b, struct err *e)
{
	int r;

	if ((r = buf_put_cstring(b, person)) != 0 ||
	    (r = buf_put_cstring(b, "SHA256:calltool")) != 0 ||
	    (r = buf_put_cstring(b, address)) != 0 ||
	    (r = buf_put_u8(b, text ? FORM_TEXT : FORM_JSON)) != 0 ||
	    (r = buf_put_cstring(b, json)) != 0)
		return err_set(e, r, "call: %s", err_text(r));
	return 0;
}

static int
read_words(char **argv, struct str *out, struct err *e)
{
	struct str words = STR_INIT;
	const struct call_row *row;
	char *in = NULL;
	size_t n = 0;
	int r = 0;

	for (int i = 0; argv[i] != NULL; i++)
		str_addf(&words, "%s%s", i > 0 ? " " : "", argv[i]);
	if (words.p[0] == '{') {
		str_addn(out, words.p, words.n);
		goto out;
	}
	row = call_of_words(&ca_calls, words.p);
	if (row != NULL && row->input)
		r = file_read("-", CALL_MAX, &in, &n, e);
	if (r == 0)
		r = call_from_words(&ca_calls, words.p, slice_of(in, n), out,
		    e);
out:
	free(in);
	str_clear(&words);
	return r;
}

/* The exit status, or HUNG_UP. */
static int
hear(struct chan *c, struct err *e)
{
	struct frame f;
	int r;

	while ((r = chan_wait(c, PATIENT_MS, &f, e)) == 0) {
		struct view v = view_slice(f.payload);
		struct slice body;
		uint8_t status = 0;

		if (f.type != MSG_RESULT && f.type != MSG_EVENT &&
		    f.type != MSG_STATUS_IS)
			continue;
		if ((f.type != MSG_EVENT &&
			(r = view_get_u8(&v, &status)) != 0) ||
		    (r = view_get_string(&v, &body)) != 0 ||
		    (r = view_end(&v)) != 0) {
			(void)err_set(e, r, "an answer that cannot be read");
			return fail(e);
		}
		fwrite(body.p, 1, body.n, stdout);
		if (body.n > 0 && body.p[body.n - 1] != '\n')
			putchar('\n');
		fflush(stdout);
		if (f.type != MSG_EVENT)
			return status;
	}
	return fail(e);
}

static int
hear_keys(struct chan *c, struct err *e)
{
	struct frame f;
	int r;

	while ((r = chan_wait(c, PATIENT_MS, &f, e)) == 0) {
		struct view v = view_slice(f.payload);
		struct slice key, who;
		uint8_t first, last;

		if (f.type != MSG_KEYS)
			continue;
		if (view_get_u8(&v, &first) != 0 || view_get_u8(&v, &last) != 0)
			break;
		while (v.n > 0) {
			if (view_get_string(&v, &key) != 0 || key.n != 32 ||
			    view_get_string(&v, &who) != 0)
				return HUNG_UP;
			printf("%.*s ", (int)who.n, (const char *)who.p);
			for (size_t i = 0; i < key.n; i++)
				printf("%02x", key.p[i]);
			putchar('\n');
		}
		if (last)
			return 0;
	}
	return fail(e);
}

static int
send_raw(struct chan *c, uint16_t type, const char *hex, struct err *e)
{
	uint8_t bytes[4096];
	size_t n = hex != NULL ? strlen(hex) / 2 : 0;
	int r;

	if (n > sizeof(bytes) || (n > 0 && hex_decode(hex, 2 * n, bytes, n)))
		return HUNG_UP;
	r = chan_send(c, type, 1, slice_of(bytes, n), e);
	return r != 0 ? fail(e) : hear(c, e);
}

int
main(int argc, char **argv)
{
	const char *address = "127.0.0.1", *raw = NULL;
	bool control = false, text = false, keys = false;
	struct str json = STR_INIT;
	struct chan *c = NULL;
	struct buf *b = NULL;
	struct err e = {0};
	uint64_t type = 0;
	int o, status = HUNG_UP;

	while ((o = getopt(argc, argv, "+cta:kr:")) != -1) {
		control |= o == 'c';
		text |= o == 't';
		keys |= o == 'k';
		if (o == 'a')
			address = optarg;
		if (o == 'r')
			raw = optarg;
	}
	argv += optind;
	if (argv[0] == NULL || open_chan(argv[0], &c, &e) != 0)
		return fail(&e);
	if (keys) {
		status = hear_keys(c, &e);
	} else if (raw != NULL) {
		status = parse_u64(raw, 0, UINT16_MAX, &type) != 0
		    ? HUNG_UP
		    : send_raw(c, (uint16_t)type, argv[1], &e);
	} else if (argv[1] == NULL || argv[2] == NULL) {
		fprintf(stderr, "calltool: expected SOCKET PERSON WORD...\n");
	} else if (buf_new(&b, CALL_MAX + 1024) != 0 ||
	    read_words(argv + 2, &json, &e) != 0 ||
	    make_call(argv[1], address, text, json.p, b, &e) != 0 ||
	    chan_send(c, control ? MSG_STATUS : MSG_CALL, 1, buf_slice(b),
		&e) != 0) {
		status = fail(&e);
	} else {
		status = hear(c, &e);
	}
	buf_free(b);
	str_clear(&json);
	chan_free(c);
	return status;
}
