/* SPDX-License-Identifier: EPL-2.0 */
#include "http/fcgi_record.h"

#include <assert.h>

#define VERSION      1
#define KEEP_CONN    1
#define UNKNOWN_ROLE 3

static unsigned
u16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

void
fcgi_record_init(struct fcgi_record *r)
{
	*r = (struct fcgi_record){ .state = FCGI_RECORD_IDLE };
	buf_init(&r->params, FCGI_RECORD_PARAMS_MAX);
}

void
fcgi_record_free(struct fcgi_record *r)
{
	buf_free(&r->params);
}

void
fcgi_record_next(struct fcgi_record *r)
{
	r->state = FCGI_RECORD_IDLE;
	buf_clear(&r->params);
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

/* Whether every pair lies within the parameters, no name has a '=' and nothing a NUL: libfcgi makes "NAME=value" of it. */
static bool
pairs_are_valid(struct str s)
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
manage(struct fcgi_record *r)
{
	unsigned type = r->header[1];

	memset(r->reply, 0, sizeof(r->reply));
	if (type == FCGI_GET_VALUES) {
		fcgi_record_put_header(r->reply, FCGI_GET_VALUES_RESULT, 0, 0, FCGI_RECORD_HEADER);
	} else {
		fcgi_record_put_header(r->reply, FCGI_UNKNOWN_TYPE, 0, 8, 0);
		r->reply[FCGI_RECORD_HEADER] = (unsigned char)type;
	}
	return FCGI_RECORD_REPLY;
}

static bool
role_is_served(unsigned role)
{
	return role == FCGI_ROLE_RESPONDER || role == FCGI_ROLE_AUTHORIZER;
}

/* FastCGI 5.5: this record is the whole answer; then the connection is closed. */
static enum fcgi_record_event
refuse_role(struct fcgi_record *r)
{
	memset(r->reply, 0, sizeof(r->reply));
	fcgi_record_put_header(r->reply, FCGI_END_REQUEST, r->id, FCGI_RECORD_HEADER, 0);
	r->reply[FCGI_RECORD_HEADER + 4] = UNKNOWN_ROLE;
	r->state = FCGI_RECORD_REFUSED;
	return FCGI_RECORD_REPLY;
}

/* FastCGI 3.3: an abort may arrive after the answer was sent, and is ignored then. */
static bool
is_late_abort(const struct fcgi_record *r)
{
	return r->header[1] == FCGI_ABORT_REQUEST && u16(r->header + 4) == 0 &&
	    (r->state == FCGI_RECORD_IDLE || u16(r->header + 2) != r->id);
}

/* Whether a record with this header is allowed in this state. */
static bool
header_is_valid(const struct fcgi_record *r)
{
	unsigned type = r->header[1], id = u16(r->header + 2);
	size_t length = u16(r->header + 4);

	if (r->header[0] != VERSION)
		return false;
	if (id == 0 || is_late_abort(r))
		return true;
	switch (r->state) {
	case FCGI_RECORD_IDLE:
		return type == FCGI_BEGIN_REQUEST && length == sizeof(r->body);
	case FCGI_RECORD_PARAMS:
		return type == FCGI_PARAMS && id == r->id && r->params.n + length <= FCGI_RECORD_PARAMS_MAX;
	case FCGI_RECORD_STDIN:
		return type == FCGI_STDIN && id == r->id;
	case FCGI_RECORD_ENDED:
	case FCGI_RECORD_REFUSED:
		break;
	}
	return false;
}

/* The record is complete. */
static enum fcgi_record_event
end_record(struct fcgi_record *r)
{
	r->in_record = false;
	r->header_n = 0;
	if (u16(r->header + 2) == 0)
		return manage(r);
	if (is_late_abort(r))
		return FCGI_RECORD_NEED;
	switch (r->state) {
	case FCGI_RECORD_IDLE:
		r->id = u16(r->header + 2);
		r->keep = (r->body[2] & KEEP_CONN) != 0;
		r->state = FCGI_RECORD_PARAMS;
		r->role = u16(r->body);
		return role_is_served(r->role) ? FCGI_RECORD_NEED : refuse_role(r);
	case FCGI_RECORD_PARAMS:
		if (u16(r->header + 4) > 0)
			return buf_ok(&r->params) ? FCGI_RECORD_NEED : FCGI_RECORD_BROKEN;
		r->state = FCGI_RECORD_STDIN;
		return pairs_are_valid(buf_str(&r->params)) ? FCGI_RECORD_BEGIN : FCGI_RECORD_BROKEN;
	case FCGI_RECORD_STDIN:
		if (u16(r->header + 4) > 0)
			return FCGI_RECORD_NEED;
		r->state = FCGI_RECORD_ENDED;
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

/* Takes content of the current record; an event only for content of STDIN. */
static enum fcgi_record_event
take_record_content(struct fcgi_record *r, struct str *in)
{
	struct str piece = take_bytes(in, r->content_left);

	r->content_left -= piece.n;
	if (u16(r->header + 2) == 0)
		return FCGI_RECORD_NEED;
	if (r->state == FCGI_RECORD_IDLE) {
		memcpy(r->body + r->body_n, piece.p, piece.n);
		r->body_n += piece.n;
	} else if (r->state == FCGI_RECORD_PARAMS) {
		buf_puts(&r->params, piece);
	} else {
		r->content = piece;
		return FCGI_RECORD_CONTENT;
	}
	return FCGI_RECORD_NEED;
}

static enum fcgi_record_event
take_header(struct fcgi_record *r, struct str *in)
{
	struct str piece = take_bytes(in, FCGI_RECORD_HEADER - r->header_n);

	memcpy(r->header + r->header_n, piece.p, piece.n);
	r->header_n += piece.n;
	if (r->header_n < FCGI_RECORD_HEADER)
		return FCGI_RECORD_NEED;
	r->content_left = u16(r->header + 4);
	r->padding_left = r->header[6];
	r->body_n = 0;
	r->in_record = true;
	return header_is_valid(r) ? FCGI_RECORD_NEED : FCGI_RECORD_BROKEN;
}

enum fcgi_record_event
fcgi_record_feed(struct fcgi_record *r, struct str *in)
{
	if (r->state == FCGI_RECORD_REFUSED)
		return FCGI_RECORD_BROKEN;
	if (r->state == FCGI_RECORD_STDIN && r->role == FCGI_ROLE_AUTHORIZER) {
		r->state = FCGI_RECORD_ENDED;
		return FCGI_RECORD_END;
	}
	while (in->n > 0 || (r->in_record && r->content_left + r->padding_left == 0)) {
		enum fcgi_record_event event = FCGI_RECORD_NEED;

		if (!r->in_record && r->state == FCGI_RECORD_ENDED)
			break;
		if (!r->in_record)
			event = take_header(r, in);
		else if (r->content_left > 0)
			event = take_record_content(r, in);
		else if (r->padding_left > 0)
			r->padding_left -= take_bytes(in, r->padding_left).n;
		else
			event = end_record(r);
		if (event != FCGI_RECORD_NEED)
			return event;
	}
	return FCGI_RECORD_NEED;
}
