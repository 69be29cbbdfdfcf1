/* SPDX-License-Identifier: ISC */
#include "lib/blob/s3_xml.h"

#include <string.h>

#define NAME_MAX_LEN  100
#define REFERENCE_MAX 10 /* "#x10ffff" */

void
s3_xml_init(struct s3_xml *x, struct slice doc)
{
	memset(x, 0, sizeof(*x));
	x->in = view_slice(doc);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
	    c == ':';
}

static bool
starts(const struct view *v, const char *s)
{
	size_t n = strlen(s);

	return v->n >= n && memcmp(v->p, s, n) == 0;
}

static void
eat(struct view *v, size_t n)
{
	v->p += n;
	v->n -= n;
}

static void
eat_blanks(struct view *v)
{
	while (v->n > 0 && is_blank(v->p[0]))
		eat(v, 1);
}

static int
eat_char(struct view *v, char c)
{
	if (v->n == 0 || v->p[0] != (uint8_t)c)
		return ERR_PARSE;
	eat(v, 1);
	return 0;
}

static int
eat_name(struct view *v, struct slice *out)
{
	size_t n = 0;

	while (n < v->n && is_name(v->p[n]))
		n++;
	if (n == 0 || n > NAME_MAX_LEN)
		return ERR_PARSE;
	*out = slice_of(v->p, n);
	eat(v, n);
	return 0;
}

static int
text_add(struct s3_xml *x, const uint8_t *p, size_t n)
{
	if (n > S3_XML_TEXT_MAX - x->text_len)
		return ERR_LIMIT;
	memcpy(x->text + x->text_len, p, n);
	x->text_len += n;
	return 0;
}

static int
text_add_code(struct s3_xml *x, uint32_t c)
{
	uint8_t u[4];
	size_t n = 0;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return ERR_PARSE;
	if (c < 0x80) {
		u[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		u[n++] = (uint8_t)(0xc0 | c >> 6);
		u[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		u[n++] = (uint8_t)(0xe0 | c >> 12);
		u[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		u[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		u[n++] = (uint8_t)(0xf0 | c >> 18);
		u[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		u[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		u[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	return text_add(x, u, n);
}

/* "#65" or "#x41" of a character reference. */
static int
reference_code(struct slice ref, uint32_t *out)
{
	uint32_t base = 10, c = 0;
	size_t i = 1;

	if (ref.n > 2 && ref.p[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (i == ref.n)
		return ERR_PARSE;
	for (; i < ref.n; i++) {
		uint8_t ch = ref.p[i];
		uint32_t d;

		if (ch >= '0' && ch <= '9')
			d = (uint32_t)(ch - '0');
		else if (base == 16 && ch >= 'a' && ch <= 'f')
			d = (uint32_t)(ch - 'a') + 10;
		else if (base == 16 && ch >= 'A' && ch <= 'F')
			d = (uint32_t)(ch - 'A') + 10;
		else
			return ERR_PARSE;
		c = c * base + d; /* REFERENCE_MAX keeps it below 2^32 */
	}
	*out = c;
	return 0;
}

static int
text_add_reference(struct s3_xml *x)
{
	static const struct {
		const char *name;
		uint8_t c;
	} names[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'},
	    {"apos", '\''}};
	struct slice ref;
	uint32_t code;
	size_t n = 1;

	while (n < x->in.n && x->in.p[n] != ';' && n <= REFERENCE_MAX)
		n++;
	if (n >= x->in.n || x->in.p[n] != ';' || n == 1)
		return ERR_PARSE;
	ref = slice_of(x->in.p + 1, n - 1);
	eat(&x->in, n + 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_is(ref, names[i].name))
			return text_add(x, &names[i].c, 1);
	if (ref.p[0] != '#' || reference_code(ref, &code) != 0)
		return ERR_PARSE;
	return text_add_code(x, code);
}

/* Text up to the next '<'. */
static int
read_text(struct s3_xml *x)
{
	int r = 0;

	while (r == 0 && x->in.n > 0 && x->in.p[0] != '<') {
		if (x->in.p[0] == '&') {
			r = text_add_reference(x);
		} else if (x->in.p[0] == '\0') {
			r = ERR_PARSE;
		} else {
			r = text_add(x, x->in.p, 1);
			eat(&x->in, 1);
		}
	}
	return r;
}

/* Pass over: name="value" or name='value'. */
static int
eat_attribute(struct view *v)
{
	struct slice name;
	uint8_t quote;
	size_t n = 0;

	if (eat_name(v, &name) != 0)
		return ERR_PARSE;
	eat_blanks(v);
	if (eat_char(v, '=') != 0)
		return ERR_PARSE;
	eat_blanks(v);
	if (v->n == 0 || (v->p[0] != '"' && v->p[0] != '\''))
		return ERR_PARSE;
	quote = v->p[0];
	eat(v, 1);
	while (n < v->n && v->p[n] != quote && v->p[n] != '<')
		n++;
	if (n == v->n || v->p[n] != quote)
		return ERR_PARSE;
	eat(v, n + 1);
	return 0;
}

static int
read_open(struct s3_xml *x)
{
	bool blank;

	if (x->depth == S3_XML_DEPTH)
		return ERR_LIMIT;
	if (eat_char(&x->in, '<') != 0 || eat_name(&x->in, &x->name) != 0)
		return ERR_PARSE;
	for (;;) {
		blank = x->in.n > 0 && is_blank(x->in.p[0]);
		eat_blanks(&x->in);
		if (starts(&x->in, "/>")) {
			eat(&x->in, 2);
			x->empty = true;
			break;
		}
		if (eat_char(&x->in, '>') == 0)
			break;
		if (!blank || eat_attribute(&x->in) != 0)
			return ERR_PARSE;
	}
	x->stack[x->depth++] = x->name;
	x->leaf = true;
	x->text_len = 0;
	x->text[0] = '\0';
	return 0;
}

static int
close_top(struct s3_xml *x)
{
	x->name = x->stack[--x->depth];
	x->empty = false;
	if (!x->leaf)
		x->text_len = 0;
	x->text[x->text_len] = '\0';
	x->leaf = false;
	return 0;
}

static int
read_close(struct s3_xml *x)
{
	struct slice name;

	eat(&x->in, 2);
	if (eat_name(&x->in, &name) != 0)
		return ERR_PARSE;
	eat_blanks(&x->in);
	if (eat_char(&x->in, '>') != 0 || x->depth == 0 ||
	    !slice_equal(name, x->stack[x->depth - 1]))
		return ERR_PARSE;
	return close_top(x);
}

/* "<?xml ... ?>", which may come first and is not looked into. */
static int
eat_declaration(struct s3_xml *x)
{
	if (!starts(&x->in, "<?xml"))
		return 0;
	while (x->in.n > 0 && !starts(&x->in, "?>"))
		eat(&x->in, 1);
	if (x->in.n == 0)
		return ERR_PARSE;
	eat(&x->in, 2);
	return 0;
}

int
s3_xml_next(struct s3_xml *x, enum s3_xml_event *out)
{
	int r;

	if (x->empty) {
		*out = S3_XML_CLOSE;
		return close_top(x);
	}
	if (x->depth == 0) {
		if (!x->started && (r = eat_declaration(x)) != 0)
			return r;
		eat_blanks(&x->in);
		if (x->started) {
			*out = S3_XML_END;
			return view_end(&x->in);
		}
		x->started = true;
		*out = S3_XML_OPEN;
		return read_open(x);
	}
	/* Blanks between elements end up here too, and are dropped. */
	if (!x->leaf)
		x->text_len = 0;
	if ((r = read_text(x)) != 0)
		return r;
	if (!x->leaf)
		for (size_t i = 0; i < x->text_len; i++)
			if (!is_blank((uint8_t)x->text[i]))
				return ERR_PARSE;
	if (starts(&x->in, "</")) {
		*out = S3_XML_CLOSE;
		return read_close(x);
	}
	for (size_t i = 0; i < x->text_len; i++)
		if (!is_blank((uint8_t)x->text[i]))
			return ERR_PARSE;
	*out = S3_XML_OPEN;
	return read_open(x);
}

int
s3_xml_find(struct slice doc, const char *name, char *out, size_t n)
{
	enum s3_xml_event ev = S3_XML_OPEN;
	struct s3_xml x;
	bool found = false, leaf = false;
	int r;

	s3_xml_init(&x, doc);
	while (ev != S3_XML_END) {
		if ((r = s3_xml_next(&x, &ev)) != 0)
			return r;
		if (ev == S3_XML_CLOSE && leaf && !found &&
		    slice_is(x.name, name)) {
			if (x.text_len >= n || strlen(x.text) != x.text_len)
				return ERR_LIMIT;
			memcpy(out, x.text, x.text_len + 1);
			found = true;
		}
		leaf = ev == S3_XML_OPEN;
	}
	return found ? 0 : ERR_NOTFOUND;
}

bool
s3_xml_is(struct slice doc, const char *root)
{
	enum s3_xml_event ev;
	struct s3_xml x;

	s3_xml_init(&x, doc);
	return s3_xml_next(&x, &ev) == 0 && slice_is(x.name, root);
}
