/* SPDX-License-Identifier: EPL-2.0 */
#include "http/fcgi_record.h"

#include <assert.h>

#define VERSION      1
#define RESPONDER    1
#define KEEP_CONN    1
#define UNKNOWN_ROLE 3

static unsigned
u16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

void
fcgi_record_init(struct fcgi_record *g)
{
	*g = (struct fcgi_record){ .phase = FCGI_RECORD_IDLE };
	buf_init(&g->params, FCGI_RECORD_PARAMS_MAX);
}

void
fcgi_record_free(struct fcgi_record *g)
{
	buf_free(&g->params);
}

void
fcgi_record_next(struct fcgi_record *g)
{
	g->phase = FCGI_RECORD_IDLE;
	buf_clear(&g->params);
}

void
fcgi_record_put_header(
    unsigned char out[FCGI_RECORD_HEADER], enum fcgi_record_type type, unsigned id, size_t content, size_t padding)
{
	assert(content <= 0xffff && padding <= 0xff);
	out[0] = VERSION;
	out[1] = (unsigned char)type;
	out[2] = (unsigned char)(id >> 8);
	out[3] = (unsigned char)id;
	out[4] = (unsigned char)(content >> 8);
	out[5] = (unsigned char)content;
	out[6] = (unsigned char)padding;
	out[7] = 0;
}

/* One length of a name-value pair (FastCGI 3.4); false where the bytes end before it does. */
static bool
pair_length(struct str *s, size_t *n)
{
	const unsigned char *p = (const unsigned char *)s->p;

	if (s->n > 0 && p[0] < 0x80) {
		*n = p[0];
		*s = str_skip(*s, 1);
		return true;
	}
	if (s->n < 4)
		return false;
	*n = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	*s = str_skip(*s, 4);
	return true;
}

/* Whether every pair lies within the parameters, names hold no '=' and nothing holds a NUL: libfcgi makes C strings. */
static bool
pairs_are_sound(struct str s)
{
	while (s.n > 0) {
		size_t name, value;

		if (!pair_length(&s, &name) || !pair_length(&s, &value) || name > s.n || value > s.n - name)
			return false;
		if (memchr(s.p, '=', name) != NULL || memchr(s.p, '\0', name + value) != NULL)
			return false;
		s = str_skip(s, name + value);
	}
	return true;
}

/* A management record (id 0): an empty result, or that its type is unknown (FastCGI 4.1, 4.2). */
static enum fcgi_record_event
manage(struct fcgi_record *g)
{
	unsigned type = g->header[1];

	memset(g->reply, 0, sizeof(g->reply));
	if (type == FCGI_GET_VALUES) {
		fcgi_record_put_header(g->reply, FCGI_GET_VALUES_RESULT, 0, 0, FCGI_RECORD_HEADER);
	} else {
		fcgi_record_put_header(g->reply, FCGI_UNKNOWN_TYPE, 0, 8, 0);
		g->reply[FCGI_RECORD_HEADER] = (unsigned char)type;
	}
	return FCGI_RECORD_REPLY;
}

/* FastCGI 5.5: the only record of this request's answer; then the connection is closed. */
static enum fcgi_record_event
refuse_role(struct fcgi_record *g)
{
	memset(g->reply, 0, sizeof(g->reply));
	fcgi_record_put_header(g->reply, FCGI_END_REQUEST, g->id, FCGI_RECORD_HEADER, 0);
	g->reply[FCGI_RECORD_HEADER + 4] = UNKNOWN_ROLE;
	g->phase = FCGI_RECORD_REFUSED;
	return FCGI_RECORD_REPLY;
}

/* FastCGI 3.3: an abort may cross with the answer, and is ignored then. */
static bool
is_late_abort(const struct fcgi_record *g)
{
	return g->header[1] == FCGI_ABORT_REQUEST && u16(g->header + 4) == 0 &&
	    (g->phase == FCGI_RECORD_IDLE || u16(g->header + 2) != g->id);
}

/* Whether a record with this header may come now. */
static bool
header_is_sound(const struct fcgi_record *g)
{
	unsigned type = g->header[1], id = u16(g->header + 2);
	size_t length = u16(g->header + 4);

	if (g->header[0] != VERSION)
		return false;
	if (id == 0 || is_late_abort(g))
		return true;
	switch (g->phase) {
	case FCGI_RECORD_IDLE:
		return type == FCGI_BEGIN_REQUEST && length == sizeof(g->body);
	case FCGI_RECORD_PARAMS:
		return type == FCGI_PARAMS && id == g->id && g->params.n + length <= FCGI_RECORD_PARAMS_MAX;
	case FCGI_RECORD_STDIN:
		return type == FCGI_STDIN && id == g->id;
	case FCGI_RECORD_ENDED:
	case FCGI_RECORD_REFUSED:
		break;
	}
	return false;
}

/* The record is all here. */
static enum fcgi_record_event
end_record(struct fcgi_record *g)
{
	g->in_record = false;
	g->header_n = 0;
	if (u16(g->header + 2) == 0)
		return manage(g);
	if (is_late_abort(g))
		return FCGI_RECORD_NEED;
	switch (g->phase) {
	case FCGI_RECORD_IDLE:
		g->id = u16(g->header + 2);
		g->keep = (g->body[2] & KEEP_CONN) != 0;
		g->phase = FCGI_RECORD_PARAMS;
		return u16(g->body) == RESPONDER ? FCGI_RECORD_NEED : refuse_role(g);
	case FCGI_RECORD_PARAMS:
		if (u16(g->header + 4) > 0)
			return buf_ok(&g->params) ? FCGI_RECORD_NEED : FCGI_RECORD_BROKEN;
		g->phase = FCGI_RECORD_STDIN;
		return pairs_are_sound(buf_str(&g->params)) ? FCGI_RECORD_BEGIN : FCGI_RECORD_BROKEN;
	case FCGI_RECORD_STDIN:
		if (u16(g->header + 4) > 0)
			return FCGI_RECORD_NEED;
		g->phase = FCGI_RECORD_ENDED;
		return FCGI_RECORD_END;
	case FCGI_RECORD_ENDED:
	case FCGI_RECORD_REFUSED:
		break;
	}
	return FCGI_RECORD_BROKEN;
}

static struct str
take_bytes(struct str *in, size_t n)
{
	struct str taken = str_first(*in, n);

	*in = str_skip(*in, taken.n);
	return taken;
}

/* Content of the current record; an event only where it is the body's. */
static enum fcgi_record_event
take_record_content(struct fcgi_record *g, struct str *in)
{
	struct str piece = take_bytes(in, g->content_left);

	g->content_left -= piece.n;
	if (u16(g->header + 2) == 0)
		return FCGI_RECORD_NEED;
	if (g->phase == FCGI_RECORD_IDLE) {
		memcpy(g->body + g->body_n, piece.p, piece.n);
		g->body_n += piece.n;
	} else if (g->phase == FCGI_RECORD_PARAMS) {
		buf_puts(&g->params, piece);
	} else {
		g->content = piece;
		return FCGI_RECORD_CONTENT;
	}
	return FCGI_RECORD_NEED;
}

static enum fcgi_record_event
take_header(struct fcgi_record *g, struct str *in)
{
	struct str piece = take_bytes(in, FCGI_RECORD_HEADER - g->header_n);

	memcpy(g->header + g->header_n, piece.p, piece.n);
	g->header_n += piece.n;
	if (g->header_n < FCGI_RECORD_HEADER)
		return FCGI_RECORD_NEED;
	g->content_left = u16(g->header + 4);
	g->padding_left = g->header[6];
	g->body_n = 0;
	g->in_record = true;
	return header_is_sound(g) ? FCGI_RECORD_NEED : FCGI_RECORD_BROKEN;
}

enum fcgi_record_event
fcgi_record_feed(struct fcgi_record *g, struct str *in)
{
	if (g->phase == FCGI_RECORD_REFUSED)
		return FCGI_RECORD_BROKEN;
	while (in->n > 0 || (g->in_record && g->content_left + g->padding_left == 0)) {
		enum fcgi_record_event event = FCGI_RECORD_NEED;

		if (!g->in_record && g->phase == FCGI_RECORD_ENDED)
			break;
		if (!g->in_record)
			event = take_header(g, in);
		else if (g->content_left > 0)
			event = take_record_content(g, in);
		else if (g->padding_left > 0)
			g->padding_left -= take_bytes(in, g->padding_left).n;
		else
			event = end_record(g);
		if (event != FCGI_RECORD_NEED)
			return event;
	}
	return FCGI_RECORD_NEED;
}
