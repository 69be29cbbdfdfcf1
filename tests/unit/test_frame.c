/* SPDX-License-Identifier: ISC */
#include "lib/proc/frame.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct err err;

/* Two ends, the second a bare socket that says what it likes. */
struct ends {
	struct chan *c;
	int raw;
};

static struct ends
ends_make(void)
{
	struct ends x = {.c = NULL, .raw = -1};
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(chan_new(fd[0], &x.c, &err), 0);
	x.raw = fd[1];
	return x;
}

static void
ends_drop(struct ends *x)
{
	chan_free(x->c);
	if (x->raw != -1)
		close(x->raw);
}

static void
say(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void
hang_up(struct ends *x)
{
	close(x->raw);
	x->raw = -1;
}

/* "abc" as type 7 for question 0x01020304, and an empty one of type 0x0102. */
static const uint8_t stream[] = {
    0, 0, 0, 9, 0, 7, 1, 2, 3, 4, 'a', 'b', 'c', 0, 0, 0, 6, 1, 2, 0, 0, 0, 0};

static void
a_frame_is_these_bytes(void **state)
{
	struct ends x = ends_make();
	uint8_t got[64];

	(void)state;
	assert_int_equal(chan_send(x.c, 7, 0x01020304, slice_str("abc"), &err),
	    0);
	assert_int_equal(chan_send(x.c, 0x0102, 0, slice_of(NULL, 0), &err), 0);
	assert_false(chan_wants_write(x.c));
	assert_int_equal(read(x.raw, got, sizeof(got)), sizeof(stream));
	assert_memory_equal(got, stream, sizeof(stream));
	ends_drop(&x);
}

static void
what_is_gathered_goes_at_once_and_has_an_end(void **state)
{
	struct ends x = ends_make();
	static uint8_t big[60000], got[200000];
	size_t n = 0;

	(void)state;
	chan_gather(x.c);
	assert_int_equal(chan_send(x.c, 7, 0x01020304, slice_str("abc"), &err),
	    0);
	assert_int_equal(chan_send(x.c, 0x0102, 0, slice_of(NULL, 0), &err), 0);
	assert_true(chan_wants_write(x.c));
	assert_int_equal(recv(x.raw, got, sizeof(got), MSG_DONTWAIT), -1);
	assert_int_equal(chan_flush(x.c, &err), 0);
	assert_false(chan_wants_write(x.c));
	assert_int_equal(read(x.raw, got, sizeof(got)), sizeof(stream));
	assert_memory_equal(got, stream, sizeof(stream));
	for (; n < 10 &&
	     recv(x.raw, got, sizeof(got), MSG_DONTWAIT | MSG_PEEK) == -1;
	     n++)
		assert_int_equal(chan_send(x.c, 7, 1,
				     slice_of(big, sizeof(big)), &err),
		    0);
	assert_in_range(n, 2, 4);
	ends_drop(&x);
}

static void
assert_stream(struct chan *c)
{
	struct frame f;

	assert_int_equal(chan_next(c, &f, &err), 0);
	assert_int_equal(f.type, 7);
	assert_int_equal(f.id, 0x01020304);
	assert_true(slice_is(f.payload, "abc"));
	assert_int_equal(chan_next(c, &f, &err), 0);
	assert_int_equal(f.type, 0x0102);
	assert_int_equal(f.id, 0);
	assert_int_equal(f.payload.n, 0);
	assert_int_equal(chan_next(c, &f, &err), CHAN_NONE);
}

static void
frames_in_pieces_of_any_size_arrive_whole(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= sizeof(stream); piece++) {
		struct ends x = ends_make();
		struct frame f;

		for (size_t at = 0; at < sizeof(stream); at += piece) {
			size_t n = sizeof(stream) - at;

			/* Nothing is taken, so both frames are there last. */
			say(x.raw, stream + at, n < piece ? n : piece);
			assert_int_equal(chan_read(x.c, &err), 0);
			if (at + piece < 13)
				assert_int_equal(chan_next(x.c, &f, &err),
				    CHAN_NONE);
		}
		assert_stream(x.c);
		ends_drop(&x);
	}
}

static void
cut_check(const uint8_t *p, size_t n, void *arg)
{
	struct ends x = ends_make();
	struct frame f;

	(void)arg;
	if (n > 0)
		say(x.raw, p, n);
	hang_up(&x);
	while (chan_read(x.c, &err) == 0)
		continue;
	if (n >= 13)
		assert_int_equal(chan_next(x.c, &f, &err), 0);
	if (chan_next(x.c, &f, &err) != CHAN_NONE)
		fail_msg("a frame came whole, %s", mutate_what());
	/* And whoever waits for the rest hears that nothing will come. */
	assert_int_equal(chan_wait(x.c, -1, &f, &err), ERR_NET);
	ends_drop(&x);
}

static void
a_stream_cut_anywhere_gives_whole_frames_alone(void **state)
{
	(void)state;
	assert_int_equal(mutate_cuts(stream, sizeof(stream), cut_check, NULL),
	    sizeof(stream));
}

static void
a_length_out_of_bounds_is_refused_for_good(void **state)
{
	static const struct {
		uint32_t n;
		int want;
	} cases[] = {
	    {0, ERR_PARSE},
	    {5, ERR_PARSE},
	    {7, CHAN_NONE},
	    {FRAME_MAX + 6, CHAN_NONE},
	    {FRAME_MAX + 7, ERR_PARSE},
	    {0x7fffffff, ERR_PARSE},
	    {0xffffffff, ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct ends x = ends_make();
		uint8_t head[FRAME_HEADER] = {(uint8_t)(cases[i].n >> 24),
		    (uint8_t)(cases[i].n >> 16), (uint8_t)(cases[i].n >> 8),
		    (uint8_t)cases[i].n, 0, 1};
		struct frame f;

		say(x.raw, head, sizeof(head));
		for (int again = 0; again < 3; again++) {
			assert_int_equal(chan_read(x.c, &err), 0);
			assert_int_equal(chan_next(x.c, &f, &err),
			    cases[i].want);
			if (again == 0 && cases[i].want == ERR_PARSE)
				say(x.raw, stream, sizeof(stream));
		}
		if (cases[i].want == ERR_PARSE)
			assert_int_equal(chan_wait(x.c, -1, &f, &err),
			    ERR_PARSE);
		ends_drop(&x);
	}
}

/* Bytes that tell their place, so that none is lost, doubled or moved. */
static uint8_t *
pattern(size_t n, unsigned salt)
{
	uint8_t *p = malloc(n > 0 ? n : 1);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 2654435761u >> 13 ^ salt);
	return p;
}

struct sender {
	struct chan *c;
	const size_t *sizes;
	size_t n;
	int r;
};

static void *
send_all(void *arg)
{
	struct sender *s = arg;

	for (size_t i = 0; i < s->n && s->r == 0; i++) {
		uint8_t *p = pattern(s->sizes[i], (unsigned)i);

		s->r = chan_send(s->c, (uint16_t)i, (uint32_t)i,
		    slice_of(p, s->sizes[i]), NULL);
		memset(p, 0, s->sizes[i]);
		free(p);
	}
	while (s->r == 0 && chan_wants_write(s->c)) {
		struct pollfd pfd = {chan_fd(s->c), POLLOUT, 0};

		(void)poll(&pfd, 1, -1);
		s->r = chan_flush(s->c, NULL);
	}
	return NULL;
}

static void
frames_of_all_sizes_pass_a_full_socket(void **state)
{
	static const size_t sizes[] = {0, 1, 16374, 16375, 100, 65526, 65536,
	    300000, 3, 262144, FRAME_MAX, 0, 5, 1000000, FRAME_MAX - 1, 7};
	struct sender s = {.sizes = sizes, .n = LEN(sizes)};
	struct chan *to = NULL;
	struct frame f;
	pthread_t t;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(chan_new(fd[0], &s.c, &err), 0);
	assert_int_equal(chan_new(fd[1], &to, &err), 0);
	assert_int_equal(pthread_create(&t, NULL, send_all, &s), 0);
	for (size_t i = 0; i < LEN(sizes); i++) {
		uint8_t *want = pattern(sizes[i], (unsigned)i);

		assert_int_equal(chan_wait(to, 30000, &f, &err), 0);
		assert_int_equal(f.type, i);
		assert_int_equal(f.id, i);
		assert_int_equal(f.payload.n, sizes[i]);
		if (memcmp(f.payload.p, want, sizes[i]) != 0)
			fail_msg("frame %zu changed on the way", i);
		free(want);
	}
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(s.r, 0);
	chan_free(s.c);
	assert_int_equal(chan_read(to, &err), CHAN_CLOSED);
	chan_free(to);
}

static void
more_than_may_wait_is_refused_and_nothing_of_it_sent(void **state)
{
	struct ends x = ends_make();
	struct chan *to = NULL;
	uint8_t *big = pattern(FRAME_MAX, 1);
	struct frame f;
	size_t queued = 0, came = 0;
	int r;

	(void)state;
	while ((r = chan_send(x.c, 1, (uint32_t)queued,
		    slice_of(big, FRAME_MAX), &err)) == 0)
		queued++;
	assert_int_equal(r, ERR_LIMIT);
	/* 64 MiB, and what the socket itself holds. */
	assert_in_range(queued, 3, 5);
	assert_int_equal(chan_send(x.c, 1, 0, slice_of(big, FRAME_MAX), &err),
	    ERR_LIMIT);
	assert_int_equal(chan_send(x.c, 2, 0, slice_str("fits"), &err), 0);
	assert_int_equal(chan_new(x.raw, &to, &err), 0);
	x.raw = -1;
	for (;;) {
		bool more;

		assert_int_equal(chan_flush(x.c, &err), 0);
		/* Once all is sent the rest comes, however slow we read. */
		more = chan_wants_write(x.c);
		r = chan_wait(to, more ? 0 : 60000, &f, NULL);
		assert_true(r == 0 || more);
		if (f.type == 2)
			break;
		came += f.payload.n == FRAME_MAX && f.id == came;
		f = (struct frame){0};
	}
	assert_int_equal(came, queued);
	free(big);
	chan_free(to);
	ends_drop(&x);
}

static void
a_payload_above_the_limit_is_refused(void **state)
{
	struct ends x = ends_make();
	uint8_t *big = pattern(FRAME_MAX + 1, 1), byte;

	(void)state;
	assert_int_equal(chan_send(x.c, 1, 0, slice_of(big, FRAME_MAX + 1),
			     &err),
	    ERR_LIMIT);
	assert_int_equal(recv(x.raw, &byte, 1, MSG_DONTWAIT), -1);
	free(big);
	ends_drop(&x);
}

/* A peer that sends and sends cannot make the queue grow without an end. */
static void
frames_not_taken_stop_the_reading(void **state)
{
	struct ends x = ends_make();
	uint8_t *p = pattern(200000, 3);
	uint8_t head[FRAME_HEADER] = {0, 3, 0x0d, 0x46, 0, 9};
	size_t sent = 0, frames = 0;
	struct frame f;
	ssize_t n;

	(void)state;
	for (int idle = 0; idle < 3;) {
		size_t at = sent % (FRAME_HEADER + 200000);

		n = at < FRAME_HEADER
		    ? send(x.raw, head + at, FRAME_HEADER - at, MSG_DONTWAIT)
		    : send(x.raw, p + at - FRAME_HEADER,
			  200000 - (at - FRAME_HEADER), MSG_DONTWAIT);
		idle = n > 0 ? 0 : idle + 1;
		sent += n > 0 ? (size_t)n : 0;
		assert_int_equal(chan_read(x.c, &err), 0);
		assert_true(sent < 4 * (size_t)FRAME_MAX);
	}
	assert_true(sent > FRAME_MAX);
	while (chan_next(x.c, &f, &err) == 0) {
		assert_int_equal(f.payload.n, 200000);
		assert_memory_equal(f.payload.p, p, 200000);
		frames++;
	}
	assert_true(frames > 80 && frames < 100);
	/* And once they are taken, the rest comes. */
	assert_int_equal(chan_wait(x.c, 0, &f, &err), 0);
	free(p);
	ends_drop(&x);
}

static void
a_peer_that_is_gone_is_told_apart(void **state)
{
	struct ends x = ends_make();
	struct frame f;

	(void)state;
	say(x.raw, stream, sizeof(stream));
	/* What he had not read when he died resets the connection. */
	assert_int_equal(chan_send(x.c, 1, 0, slice_str("unread"), &err), 0);
	hang_up(&x);
	assert_int_equal(chan_send(x.c, 1, 0, slice_str("x"), &err), ERR_NET);
	assert_int_equal(chan_send(x.c, 1, 0, slice_str("x"), &err), ERR_NET);
	assert_int_equal(chan_flush(x.c, &err), ERR_NET);
	assert_false(chan_wants_write(x.c));
	while (chan_read(x.c, &err) == 0)
		continue;
	assert_int_equal(chan_read(x.c, &err), CHAN_CLOSED);
	assert_stream(x.c);
	assert_int_equal(chan_wait(x.c, -1, &f, &err), ERR_NET);
	ends_drop(&x);
}

static void
a_wait_sends_what_is_queued(void **state)
{
	struct ends a = ends_make();
	struct chan *b = NULL;
	uint8_t *p = pattern(2000000, 5);
	struct frame f;

	(void)state;
	assert_int_equal(chan_new(a.raw, &b, &err), 0);
	a.raw = -1;
	assert_int_equal(chan_send(a.c, 1, 1, slice_of(p, 2000000), &err), 0);
	assert_true(chan_wants_write(a.c));
	/* Neither end is ever flushed but by its wait. */
	while (chan_wait(b, 0, &f, NULL) != 0)
		assert_int_equal(chan_wait(a.c, 0, &f, &err), ERR_NET);
	assert_int_equal(f.payload.n, 2000000);
	assert_memory_equal(f.payload.p, p, 2000000);
	/* An answer may lend its bytes from the question. */
	assert_int_equal(chan_send(b, 2, f.id, f.payload, &err), 0);
	assert_memory_equal(f.payload.p, p, 2000000);
	while (chan_wait(a.c, 0, &f, NULL) != 0)
		assert_int_equal(chan_wait(b, 0, &f, &err), ERR_NET);
	assert_memory_equal(f.payload.p, p, 2000000);
	free(p);
	chan_free(b);
	ends_drop(&a);
}

static void
a_wait_ends_in_time(void **state)
{
	struct ends x = ends_make();
	struct frame f;

	(void)state;
	say(x.raw, stream, 12);
	assert_int_equal(chan_wait(x.c, 1, &f, &err), ERR_NET);
	assert_string_equal(err.msg, "the peer did not answer in time");
	say(x.raw, stream + 12, 1);
	assert_int_equal(chan_wait(x.c, 1, &f, &err), 0);
	assert_true(slice_is(f.payload, "abc"));
	ends_drop(&x);
}

/* All that takes memory: an end, a frame that waits, one that is taken in. */
static int
talk(void *arg)
{
	static uint8_t big[100000];
	struct chan *c = NULL;
	struct frame f;
	int fd[2], r;

	(void)arg;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	if ((r = chan_new(fd[0], &c, NULL)) != 0) {
		close(fd[0]);
		goto out;
	}
	while ((r = chan_send(c, 1, 0, slice_of(big, sizeof(big)), NULL)) ==
		0 &&
	    !chan_wants_write(c))
		continue;
	if (r != 0)
		goto out;
	say(fd[1], big, sizeof(big) / 2);
	if ((r = chan_read(c, NULL)) == 0)
		r = chan_next(c, &f, NULL) == ERR_PARSE ? 0 : ERR_CORRUPT;
out:
	chan_free(c);
	close(fd[1]);
	return r;
}

static void
a_send_without_memory_sends_nothing(void **state)
{
	struct ends x = ends_make();
	uint8_t *p = pattern(100000, 2), *got = malloc(300000);
	size_t n = 0;
	ssize_t part;

	(void)state;
	assert_non_null(got);
	alloc_fail_nth(1);
	assert_int_equal(chan_send(x.c, 1, 0, slice_of(p, 100000), &err),
	    ERR_NOMEM);
	alloc_fail_nth(0);
	assert_int_equal(recv(x.raw, got, 1, MSG_DONTWAIT), -1);
	assert_int_equal(chan_send(x.c, 1, 0, slice_of(p, 100000), &err), 0);
	while (n < 100010) {
		part = recv(x.raw, got + n, 300000 - n, 0);
		assert_true(part > 0);
		n += (size_t)part;
		assert_int_equal(chan_flush(x.c, &err), 0);
	}
	assert_int_equal(n, 100010);
	assert_memory_equal(got + 10, p, 100000);
	free(got);
	free(p);
	ends_drop(&x);
}

static int seen;

static int
handle(void *ctx, const struct frame *f, struct err *e)
{
	(void)ctx;
	if (f->type == 3)
		return err_set(e, ERR_BUSY, "busy");
	seen++;
	return 0;
}

static void
a_frame_passes_by_its_row_alone(void **state)
{
	static const struct frame_rule rules[] = {
	    {9, 0, 3, "nine", handle},
	    {1, 1, 0, "one", handle},
	    {2, 1 | 4, 10, "two", handle},
	    {3, 0, 10, "three", handle},
	};
	static const struct {
		uint16_t type;
		size_t n;
		uint32_t permitted;
		int want;
		const char *msg;
	} cases[] = {
	    {9, 3, 0, 0, ""},
	    {9, 3, ~0u, 0, ""},
	    {9, 4, ~0u, ERR_DENIED, "frame 9 (nine) has 4 bytes, more than 3"},
	    {1, 0, 1, 0, ""},
	    {1, 0, 2, ERR_DENIED, "frame 1 (one) is not permitted now"},
	    {2, 0, 1, ERR_DENIED, "frame 2 (two) is not permitted now"},
	    {2, 0, 4, ERR_DENIED, "frame 2 (two) is not permitted now"},
	    {2, 10, 5, 0, ""},
	    {3, 1, 0, ERR_BUSY, "busy"},
	    {0, 0, ~0u, ERR_DENIED, "frame 0 is not in the table"},
	    {4, 0, ~0u, ERR_DENIED, "frame 4 is not in the table"},
	    {0x0109, 0, ~0u, ERR_DENIED, "frame 265 is not in the table"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct frame f = {cases[i].type, 1, {NULL, cases[i].n}};

		err = (struct err){0};
		seen = 0;
		assert_int_equal(frame_dispatch(rules, LEN(rules),
				     cases[i].permitted, NULL, &f, &err),
		    cases[i].want);
		assert_string_equal(err.msg, cases[i].msg);
		assert_int_equal(seen, cases[i].want == 0);
	}
}

static void
every_failing_allocation_is_told(void **state)
{
	(void)state;
	assert_true(alloc_each(talk, NULL) >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_is_these_bytes),
	    cmocka_unit_test(what_is_gathered_goes_at_once_and_has_an_end),
	    cmocka_unit_test(frames_in_pieces_of_any_size_arrive_whole),
	    cmocka_unit_test(a_stream_cut_anywhere_gives_whole_frames_alone),
	    cmocka_unit_test(a_length_out_of_bounds_is_refused_for_good),
	    cmocka_unit_test(frames_of_all_sizes_pass_a_full_socket),
	    cmocka_unit_test(
		more_than_may_wait_is_refused_and_nothing_of_it_sent),
	    cmocka_unit_test(a_payload_above_the_limit_is_refused),
	    cmocka_unit_test(frames_not_taken_stop_the_reading),
	    cmocka_unit_test(a_peer_that_is_gone_is_told_apart),
	    cmocka_unit_test(a_wait_sends_what_is_queued),
	    cmocka_unit_test(a_wait_ends_in_time),
	    cmocka_unit_test(a_send_without_memory_sends_nothing),
	    cmocka_unit_test(every_failing_allocation_is_told),
	    cmocka_unit_test(a_frame_passes_by_its_row_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
