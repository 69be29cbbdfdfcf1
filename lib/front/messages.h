/* SPDX-License-Identifier: ISC */
/*
 * The frames between a front and its keeper, whichever the service.
 *
 * A service's own list of frames begins with these (FRONT_MSG_LIST) and goes on
 * from MSG_SERVICE.  Payloads are SSH wire format.
 */
#ifndef LIB_FRONT_MESSAGES_H
#define LIB_FRONT_MESSAGES_H

#include <stdint.h>

#define CALL_MAX   (1024 * 1024)	/* bytes of a call's JSON */
#define RESULT_MAX (8 * 1024 * 1024)	/* bytes of an answer's */
#define GAUGES_MAX (256 * 1024)

/*
 * X(name, value, from, to, most bytes, words)
 *
 * CALL		string name of the caller (front_name_is_valid(); "": a stranger,
 *		where the service has guests, or the control socket), string
 *		fingerprint of the key he came with, string address he came from,
 *		byte form (enum call_form), string JSON object: the call.  id: the
 *		front's.
 * GONE		nothing: whoever made call id is gone; no more answers to it.
 * KEYS		byte first (a whole table begins), byte last, then per key:
 *		string SHA-256 of its blob, string name.  Whose keys may come in;
 *		a table replaces the one before once its last frame is there.
 * RESULT	byte exit status (enum cli_exit), string body.  The last of id.
 * EVENT	string body: something before the RESULT of id.
 * GAUGES	string: the keeper's metrics in Prometheus' text format.
 *
 * Whoever runs the machine asks the keeper directly, on control.sock:
 *
 * STATUS	as CALL, of nobody from nowhere.
 * STATUS_IS	as RESULT.
 */
#define FRONT_MSG_LIST(X)                                                 \
	X(CALL, 1, FRONT, KEEPER, CALL_MAX + 1024, "a caller's call")     \
	X(GONE, 2, FRONT, KEEPER, 0, "its caller is gone")                \
	X(KEYS, 3, KEEPER, FRONT, 1024 * 1024, "whose keys may come in")  \
	X(RESULT, 4, KEEPER, FRONT, RESULT_MAX + 64, "a call's answer")   \
	X(EVENT, 5, KEEPER, FRONT, RESULT_MAX + 64, "news before it")     \
	X(GAUGES, 6, KEEPER, FRONT, GAUGES_MAX, "metrics")                 \
	X(STATUS, 48, CONTROL, KEEPER, CALL_MAX + 1024, "a local call")   \
	X(STATUS_IS, 49, KEEPER, CONTROL, RESULT_MAX + 64, "its answer")

enum front_message {
#define X(name, value, from, to, most, words) MSG_##name = (value),
	FRONT_MSG_LIST(X)
#undef X
	MSG_SERVICE = 16,	/* the first of the service's own */
};

/* How a caller wants his answer. */
enum call_form {
	FORM_JSON = 0,	/* subsystem writ: an object */
	FORM_TEXT = 1,	/* exec words: plain text for a terminal */
};

#endif
