#include "http/fcgi_record.h"

#include <assert.h>

#define VERSION   1
#define RESPONDER 1
#define KEEP_CONN 1
#define UNKNOWN_ROLE 3

static unsigned
u16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

void
gate_init(struct gate *g)
{
	*g = (struct gate){ .phase = GATE_IDLE };
	buf_init(&g->params, GATE_PARAMS_MAX);
}

void
gate_free(struct gate *g)
{
	buf_free(&g->params);
}

void
gate_next(struct gate *g)
{
	g->phase = GATE_IDLE;
	buf_clear(&g->params);
}

void
gate_put_header(unsigned char out[GATE_HEADER], enum gate_type type, unsigned id, size_t content, size_t padding)
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
static enum gate_event
manage(struct gate *g)
{
	unsigned type = g->header[1];

	memset(g->reply, 0, sizeof(g->reply));
	if (type == GATE_TYPE_GET_VALUES) {
		gate_put_header(g->reply, GATE_TYPE_GET_VALUES_RESULT, 0, 0, GATE_HEADER);
	} else {
		gate_put_header(g->reply, GATE_TYPE_UNKNOWN, 0, 8, 0);
		g->reply[GATE_HEADER] = (unsigned char)type;
	}
	return GATE_REPLY;
}

/* FastCGI 5.5: the only record of this request's answer; then the connection is closed. */
static enum gate_event
refuse_role(struct gate *g)
{
	memset(g->reply, 0, sizeof(g->reply));
	gate_put_header(g->reply, GATE_TYPE_END_REQUEST, g->id, GATE_HEADER, 0);
	g->reply[GATE_HEADER + 4] = UNKNOWN_ROLE;
	g->phase = GATE_REFUSED;
	return GATE_REPLY;
}

/* FastCGI 3.3: an abort may cross with the answer, and is ignored then. */
static bool
is_late_abort(const struct gate *g)
{
	return g->header[1] == GATE_TYPE_ABORT_REQUEST && u16(g->header + 4) == 0 &&
	    (g->phase == GATE_IDLE || u16(g->header + 2) != g->id);
}

/* Whether a record with this header may come now. */
static bool
header_is_sound(const struct gate *g)
{
	unsigned type = g->header[1], id = u16(g->header + 2);
	size_t length = u16(g->header + 4);

	if (g->header[0] != VERSION)
		return false;
	if (id == 0 || is_late_abort(g))
		return true;
	switch (g->phase) {
	case GATE_IDLE:
		return type == GATE_TYPE_BEGIN_REQUEST && length == sizeof(g->body);
	case GATE_PARAMS:
		return type == GATE_TYPE_PARAMS && id == g->id && g->params.n + length <= GATE_PARAMS_MAX;
	case GATE_STDIN:
		return type == GATE_TYPE_STDIN && id == g->id;
	case GATE_ENDED:
	case GATE_REFUSED:
		break;
	}
	return false;
}

/* The record is all here. */
static enum gate_event
end_record(struct gate *g)
{
	g->in_record = false;
	g->header_n = 0;
	if (u16(g->header + 2) == 0)
		return manage(g);
	if (is_late_abort(g))
		return GATE_NEED;
	switch (g->phase) {
	case GATE_IDLE:
		g->id = u16(g->header + 2);
		g->keep = (g->body[2] & KEEP_CONN) != 0;
		g->phase = GATE_PARAMS;
		return u16(g->body) == RESPONDER ? GATE_NEED : refuse_role(g);
	case GATE_PARAMS:
		if (u16(g->header + 4) > 0)
			return buf_ok(&g->params) ? GATE_NEED : GATE_BROKEN;
		g->phase = GATE_STDIN;
		return pairs_are_sound(buf_str(&g->params)) ? GATE_BEGIN : GATE_BROKEN;
	case GATE_STDIN:
		if (u16(g->header + 4) > 0)
			return GATE_NEED;
		g->phase = GATE_ENDED;
		return GATE_END;
	case GATE_ENDED:
	case GATE_REFUSED:
		break;
	}
	return GATE_BROKEN;
}

static struct str
take(struct str *in, size_t n)
{
	struct str taken = str_first(*in, n);

	*in = str_skip(*in, taken.n);
	return taken;
}

/* Content of the current record; an event only where it is the body's. */
static enum gate_event
take_content(struct gate *g, struct str *in)
{
	struct str piece = take(in, g->content_left);

	g->content_left -= piece.n;
	if (u16(g->header + 2) == 0)
		return GATE_NEED;
	if (g->phase == GATE_IDLE) {
		memcpy(g->body + g->body_n, piece.p, piece.n);
		g->body_n += piece.n;
	} else if (g->phase == GATE_PARAMS) {
		buf_puts(&g->params, piece);
	} else {
		g->content = piece;
		return GATE_CONTENT;
	}
	return GATE_NEED;
}

static enum gate_event
take_header(struct gate *g, struct str *in)
{
	struct str piece = take(in, GATE_HEADER - g->header_n);

	memcpy(g->header + g->header_n, piece.p, piece.n);
	g->header_n += piece.n;
	if (g->header_n < GATE_HEADER)
		return GATE_NEED;
	g->content_left = u16(g->header + 4);
	g->padding_left = g->header[6];
	g->body_n = 0;
	g->in_record = true;
	return header_is_sound(g) ? GATE_NEED : GATE_BROKEN;
}

enum gate_event
gate_feed(struct gate *g, struct str *in)
{
	if (g->phase == GATE_REFUSED)
		return GATE_BROKEN;
	while (in->n > 0 || (g->in_record && g->content_left + g->padding_left == 0)) {
		enum gate_event event = GATE_NEED;

		if (!g->in_record && g->phase == GATE_ENDED)
			break;
		if (!g->in_record)
			event = take_header(g, in);
		else if (g->content_left > 0)
			event = take_content(g, in);
		else if (g->padding_left > 0)
			g->padding_left -= take(in, g->padding_left).n;
		else
			event = end_record(g);
		if (event != GATE_NEED)
			return event;
	}
	return GATE_NEED;
}
