#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { prefix_bytes = 5, number_bytes = 4, received_at_once = 1 << 16, kept_bytes = 1 << 18, most_body = INT32_MAX };

/* Room for `count` more bytes, at the end. */
static unsigned char *reserve(struct bytes *bytes, size_t count)
{
	size_t needed = bytes->length + count;
	if (needed > bytes->capacity) {
		size_t capacity = bytes->capacity * 2 > needed ? bytes->capacity * 2 : needed;
		unsigned char *data = realloc(bytes->data, capacity);
		if (data == NULL)
			_exit(ENOMEM);
		bytes->data = data;
		bytes->capacity = capacity;
	}
	return bytes->data + bytes->length;
}

/* What one large job took does not stay with the server. */
static void empty(struct bytes *bytes)
{
	bytes->length = 0;
	if (bytes->capacity > kept_bytes) {
		free(bytes->data);
		*bytes = (struct bytes){0};
	}
}

uint32_t number_at(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_number(unsigned char *at, uint32_t number)
{
	for (int byte = 0; byte < number_bytes; byte++)
		at[byte] = (unsigned char)(number >> 8 * byte);
}

static void put_prefix(unsigned char *at, enum kind_out kind, size_t length)
{
	at[0] = (unsigned char)kind;
	put_number(at + 1, (uint32_t)length);
}

static void forget_last(struct link *link)
{
	struct bytes *received = &link->received;
	received->length -= link->given_out;
	if (received->length == 0)
		empty(received);
	else
		memmove(received->data, received->data + link->given_out, received->length);
	link->given_out = 0;
}

int receive(struct link *link, struct frame *frame)
{
	struct bytes *received = &link->received;
	forget_last(link);
	for (;;) {
		size_t missing = received_at_once;
		if (received->length >= prefix_bytes) {
			/* More than any runner sends; with 32 bits the sum could be too small. */
			if (number_at(received->data + 1) > most_body)
				return 0;
			size_t end = prefix_bytes + (size_t)number_at(received->data + 1);
			if (received->length >= end) {
				link->given_out = end;
				*frame = (struct frame){
					.kind = received->data[0],
					.body = received->data + prefix_bytes,
					.length = end - prefix_bytes,
				};
				return 1;
			}
			if (end - received->length > missing)
				missing = end - received->length;
		}
		ssize_t length = read(link->fd, reserve(received, missing), missing);
		if (length <= 0)
			return 0;
		received->length += (size_t)length;
	}
}

int has_next(const struct link *link)
{
	size_t left = link->received.length - link->given_out;
	return left >= prefix_bytes && left - prefix_bytes >= number_at(link->received.data + link->given_out + 1);
}

void tell(struct link *link, enum kind_out kind, const uint32_t *numbers, size_t count)
{
	size_t length = count * number_bytes;
	unsigned char *at = reserve(&link->told, prefix_bytes + length);
	put_prefix(at, kind, length);
	for (size_t index = 0; index < count; index++)
		put_number(at + prefix_bytes + index * number_bytes, numbers[index]);
	link->told.length += prefix_bytes + length;
}

void tell_number(struct link *link, enum kind_out kind, uint32_t number)
{
	tell(link, kind, &number, 1);
}

void tell_first(struct link *link, enum kind_out kind, uint32_t number)
{
	enum { length = prefix_bytes + number_bytes };
	reserve(&link->told, length);
	memmove(link->told.data + length, link->told.data, link->told.length);
	put_prefix(link->told.data, kind, number_bytes);
	put_number(link->told.data + prefix_bytes, number);
	link->told.length += length;
}

ssize_t tell_read(struct link *link, enum kind_out kind, int fd, size_t piece)
{
	unsigned char *at = reserve(&link->told, prefix_bytes + piece);
	ssize_t length = read(fd, at + prefix_bytes, piece);
	if (length > 0) {
		put_prefix(at, kind, (size_t)length);
		link->told.length += prefix_bytes + (size_t)length;
	}
	return length;
}

int send_told(struct link *link)
{
	for (size_t sent = 0; sent < link->told.length;) {
		ssize_t length = send(link->fd, link->told.data + sent, link->told.length - sent, MSG_NOSIGNAL);
		if (length < 0)
			return 0;
		sent += (size_t)length;
	}
	empty(&link->told);
	return 1;
}
