/* SPDX-License-Identifier: ISC */
/* Text: what bytes a file may have, scalars, keys. */
#include <string.h>

#include "lib/base/str.h"
#include "lib/conf/yaml_impl.h"

/*
 * The first offset of a byte that no file may have: what text_is_clean()
 * refuses, but for tabs and line ends; n where there is none.
 */
static size_t
unclean_at(const char *p, size_t n)
{
	size_t start = 0, bad;

	for (size_t i = 0; i <= n; i++) {
		size_t len = i - start;

		if (i < n && p[i] != '\n' && p[i] != '\t')
			continue;
		if (i < n && p[i] == '\n' && len > 0 && p[i - 1] == '\r')
			len--;
		if (!text_is_clean(p + start, len, &bad))
			return start + bad;
		start = i + 1;
	}
	return n;
}

/* Before libyaml sees anything: it is not asked to judge hostile bytes. */
int
yaml_check_bytes(const char *file, struct slice text, struct conf_diags *d)
{
	struct conf_pos pos = {.file = file, .line = 1, .col = 1};
	const char *p = (const char *)text.p;
	size_t bad;

	if (text.n > YAML_BYTES_MAX) {
		conf_error(d, (struct conf_pos){.file = file},
		    "%zu bytes, expected at most %d", text.n, YAML_BYTES_MAX);
		return ERR_LIMIT;
	}
	if (text.n == 0 || (bad = unclean_at(p, text.n)) == text.n)
		return 0;
	for (size_t i = 0; i < bad; i++) {
		if (p[i] == '\n') {
			pos.line++;
			pos.col = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			pos.col++;
		}
	}
	conf_error(d, pos,
	    "control, bidirectional or invisible character "
	    "(byte 0x%02x), expected plain UTF-8 text",
	    text.p[bad]);
	return ERR_PARSE;
}

int
yaml_check_tag(struct yaml_reader *r, const yaml_char_t *tag, yaml_mark_t mark)
{
	char quoted[QUOTE_MAX];

	if (tag == NULL)
		return 0;
	conf_error(r->diags, yaml_at(r, mark),
	    "tag %s, expected a value without",
	    str_quote(quoted, (const char *)tag));
	return ERR_PARSE;
}

static int
check_text(struct yaml_reader *r, const char *p, size_t n, yaml_mark_t mark)
{
	size_t bad = unclean_at(p, n);

	if (n > YAML_SCALAR_MAX)
		return yaml_limit(r, yaml_at(r, mark), "text is too long",
		    YAML_SCALAR_MAX);
	if (bad == n)
		return 0;
	conf_error(r->diags, yaml_at(r, mark),
	    "text holds a control, bidirectional or invisible character "
	    "(byte 0x%02x), expected plain text",
	    (unsigned char)p[bad]);
	return ERR_PARSE;
}

/* No escape, no fold, no block: as many characters there as here. */
static bool
stands_as_it_is(const yaml_event_t *ev, bool plain)
{
	size_t there = ev->end_mark.index - ev->start_mark.index;

	if (ev->start_mark.line != ev->end_mark.line ||
	    ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	    ev->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
		return false;
	return there ==
	    text_length((const char *)ev->data.scalar.value,
		ev->data.scalar.length) +
	    (plain ? 0 : 2);
}

int
yaml_read_text(struct yaml_reader *r, const yaml_event_t *ev,
    struct yaml_node **out)
{
	const char *p = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct yaml_node *n;
	int res;

	if ((res = yaml_check_tag(r, ev->data.scalar.tag, ev->start_mark)) !=
		0 ||
	    (res = check_text(r, p, len, ev->start_mark)) != 0 ||
	    (res = yaml_new_node(r, YAML_TEXT, ev->start_mark, &n)) != 0)
		return res;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->exact = stands_as_it_is(ev, n->plain);
	if ((n->text = str_dupn(p, len)) == NULL)
		return ERR_NOMEM;
	n->n = len;
	*out = n;
	return 0;
}

int
yaml_read_key(struct yaml_reader *r, const yaml_event_t *ev,
    struct yaml_pair *pair)
{
	struct conf_pos pos = yaml_at(r, ev->start_mark);
	const char *p;
	size_t n;
	int res;

	if (ev->type != YAML_SCALAR_EVENT || ev->data.scalar.anchor != NULL) {
		conf_error(r->diags, pos, "%s as a key, expected text",
		    ev->type == YAML_ALIAS_EVENT        ? "alias"
			: ev->type == YAML_SCALAR_EVENT ? "anchor"
							: "list or mapping");
		return ERR_PARSE;
	}
	p = (const char *)ev->data.scalar.value;
	n = ev->data.scalar.length;
	if ((res = yaml_check_tag(r, ev->data.scalar.tag, ev->start_mark)) != 0)
		return res;
	if (n > YAML_KEY_MAX)
		return yaml_limit(r, pos, "key is too long", YAML_KEY_MAX);
	if (n == 0 || !text_is_clean(p, n, NULL)) {
		conf_error(r->diags, pos,
		    n == 0 ? "empty key, expected text"
			   : "key is not one line of plain text");
		return ERR_PARSE;
	}
	if (strcmp(p, "<<") == 0 &&
	    ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		conf_error(r->diags, pos,
		    "merge key '<<', expected the keys themselves");
		return ERR_PARSE;
	}
	if ((pair->key = str_dupn(p, n)) == NULL)
		return ERR_NOMEM;
	pair->pos = pos;
	return 0;
}
