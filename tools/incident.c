#include "incident.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "instant.h"
#include "json.h"
#include "number.h"

#define ORDERS (INCIDENT_LISTED + INCIDENT_LATER)
#define EVENTS_PER_ORDER_MAX 4
#define LINES_MAX 3
#define MINUTE_US (60 * SECOND_US)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define STREAM_ARN "arn:aws:dynamodb:local:000000000000:table/" INCIDENT_TABLE "/stream/2025-03-01T00:00:00.000"

static const char *const first_names[] = { "Anna", "Björn", "Chloé", "David", "Élodie", "Fatma", "Günter", "Hannah",
	"Ivo", "Jürgen", "Käthe", "Łukasz", "Maeve", "Noah", "Özlem", "Søren" };
static const char *const last_names[] = { "Müller", "O'Brien", "Schäfer", "D'Angelo", "Weiß", "Novák", "Jansen",
	"García", "Lindström", "Kowalski", "Yılmaz", "Größler", "Dubois", "Hofer", "O'Neill", "Petrov" };
static const char *const streets[] = { "Aachener Straße", "Kirchgasse", "Rue de l'Église", "Hauptstraße", "Mill Lane",
	"Långgatan", "Am Mühlbach", "Via Roma" };
static const struct {
	const char *zip, *name, *country;
} cities[] = { { "50674", "Köln", "DE" }, { "80331", "München", "DE" }, { "1010", "Wien", "AT" },
	{ "8001", "Zürich", "CH" }, { "69002", "Lyon", "FR" }, { "D02", "Dublin", "IE" }, { "21119", "Malmö", "SE" },
	{ "40121", "Bologna", "IT" } };
static const struct {
	const char *sku;
	int cents;
} products[] = { { "TEE-0042", 1990 }, { "MUG-0107", 1250 }, { "CAP-0009", 2400 }, { "BAG-0311", 8995 },
	{ "PEN-0028", 345 }, { "HAT-0513", 3190 }, { "SOX-0016", 799 }, { "JKT-0202", 14900 } };
static const char *const notes[] = { "Bitte beim Nachbarn abgeben", "It's a gift, no invoice please",
	"Klingel defekt, bitte anrufen", "Don't bend!", "Für Zoë zum Geburtstag", "Leave at the porter's desk" };

enum event_kind { EVENT_PLACE, EVENT_PAY, EVENT_SHIP, EVENT_CANCEL, EVENT_REMOVE };

struct event {
	int64_t time_us;
	int order;
	enum event_kind kind;
};

/* What changes in an order; the rest follows from its number. Times are 0 until they have come. */
struct order {
	const char *status;
	int64_t placed_us, paid_us, shipped_us;
	bool is_live;
};

/* An item in DynamoDB JSON, and its size as DynamoDB counts it. */
struct image {
	struct buffer json;
	size_t size;
};

struct incident {
	struct order orders[ORDERS];
	struct event events[(size_t)ORDERS * EVENTS_PER_ORDER_MAX];
	size_t event_count;
	uint64_t random;
	struct image keys, old_image, new_image;
	struct buffer line;
};

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int64_t random_below(uint64_t *state, int64_t bound)
{
	return (int64_t)(next_random(state) % (uint64_t)bound);
}

#define PICK(array, state) ((array)[random_below((state), COUNT_OF(array))])

static void begin_member(struct image *image, const char *name)
{
	uint8_t last = image->json.size > 0 ? image->json.data[image->json.size - 1] : 0;
	if (last != '{' && last != '[')
		buffer_append_byte(&image->json, ',');
	json_append_string(&image->json, slice_of_text(name));
	buffer_append_byte(&image->json, ':');
	image->size += strlen(name);
}

static void add_text(struct image *image, const char *name, const char *text)
{
	begin_member(image, name);
	buffer_append_text(&image->json, "{\"S\":");
	json_append_string(&image->json, slice_of_text(text));
	buffer_append_byte(&image->json, '}');
	image->size += strlen(text);
}

static void add_number(struct image *image, const char *name, const char *digits)
{
	char canonical[NUMBER_TEXT_MAX + 1];
	size_t length = 0;
	begin_member(image, name);
	buffer_append_format(&image->json, "{\"N\":\"%s\"}", digits);
	if (number_canonical(slice_of_text(digits), canonical, &length, /* error= */ NULL) == 0)
		image->size += number_size_bytes(slice_of(canonical, length));
}

static void add_amount(struct image *image, const char *name, int cents)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%d.%02d", cents / 100, cents % 100);
	add_number(image, name, digits);
}

/* To the second: what a shop's own clock writes. */
static void add_time(struct image *image, const char *name, int64_t time_us)
{
	char text[INSTANT_TEXT_MAX];
	instant_format_z(time_us - time_us % SECOND_US, text, sizeof(text));
	add_text(image, name, text);
}

static void add_address(struct image *image, const char *name, uint64_t *random)
{
	char street[64];
	size_t city = (size_t)random_below(random, COUNT_OF(cities));
	const char *street_name = PICK(streets, random);
	snprintf(street, sizeof(street), "%s %d", street_name, 1 + (int)random_below(random, 120));
	begin_member(image, "address");
	buffer_append_text(&image->json, "{\"M\":{");
	add_text(image, "name", name);
	add_text(image, "street", street);
	add_text(image, "zip", cities[city].zip);
	add_text(image, "city", cities[city].name);
	add_text(image, "country", cities[city].country);
	buffer_append_text(&image->json, "}}");
	image->size += 3 + 5;
}

/* One to three lines; returns their number, and the order's total. */
static int add_lines(struct image *image, uint64_t *random, int *ret_cents)
{
	int count = 1 + (int)random_below(random, LINES_MAX);
	*ret_cents = 0;
	begin_member(image, "lines");
	buffer_append_text(&image->json, "{\"L\":[");
	for (int i = 0; i < count; i++) {
		size_t product = (size_t)random_below(random, COUNT_OF(products));
		int quantity = 1 + (int)random_below(random, 4);
		char digits[16];
		snprintf(digits, sizeof(digits), "%d", quantity);
		buffer_append_text(&image->json, i > 0 ? ",{\"M\":{" : "{\"M\":{");
		add_text(image, "sku", products[product].sku);
		add_number(image, "quantity", digits);
		add_amount(image, "price", products[product].cents);
		buffer_append_text(&image->json, "}}");
		image->size += 1 + 3 + 3;
		*ret_cents += quantity * products[product].cents;
	}
	buffer_append_text(&image->json, "]}");
	image->size += 3;
	return count;
}

static void format_number(int order, char text[16])
{
	snprintf(text, 16, "%d", INCIDENT_FIRST_NUMBER + order);
}

static void begin_image(struct image *image, int order)
{
	char number[16];
	format_number(order, number);
	buffer_clear(&image->json);
	image->size = 0;
	buffer_append_byte(&image->json, '{');
	add_text(image, INCIDENT_KEY, number);
}

/* The item of an order as it stands; what does not change is drawn again from the order's own random numbers. */
static void render(const struct order *order, int index, struct image *image)
{
	uint64_t random = (uint64_t)index + 1;
	char name[48], customer[16], email[48];
	int cents;
	const char *first_name = PICK(first_names, &random);
	snprintf(name, sizeof(name), "%s %s", first_name, PICK(last_names, &random));
	int customer_number = 10000 + (int)random_below(&random, 4000);
	snprintf(customer, sizeof(customer), "C-%d", customer_number);
	snprintf(email, sizeof(email), "c-%d@customers.example", customer_number);
	begin_image(image, index);
	add_text(image, "customer", customer);
	add_text(image, "email", email);
	add_text(image, "status", order->status);
	int lines = add_lines(image, &random, &cents);
	add_amount(image, "total", cents);
	add_text(image, "currency", "EUR");
	add_time(image, "placed_at", order->placed_us);
	if (order->paid_us)
		add_time(image, "paid_at", order->paid_us);
	if (order->shipped_us)
		add_time(image, "shipped_at", order->shipped_us);
	add_address(image, name, &random);
	if (lines < LINES_MAX && random_below(&random, 4) == 0)
		add_text(image, "notes", PICK(notes, &random));
	buffer_append_byte(&image->json, '}');
}

static void add_event(struct incident *incident, int order, enum event_kind kind, int64_t time_us)
{
	if (time_us <= INCIDENT_END_US)
		incident->events[incident->event_count++] = (struct event){ time_us, order, kind };
}

/* Orders come in evenly, each at some moment of its own slot. */
static int64_t placing_time(int order, uint64_t *random)
{
	const int64_t slot_us = (INCIDENT_LIST_US - INCIDENT_BEGIN_US) / INCIDENT_LISTED;
	const int64_t later_slot_us = (INCIDENT_END_US - INCIDENT_LIST_US) / INCIDENT_LATER;
	if (order < INCIDENT_LISTED)
		return INCIDENT_BEGIN_US + order * slot_us + 1 + random_below(random, slot_us - SECOND_US / 100);
	return INCIDENT_LIST_US + (order - INCIDENT_LISTED) * later_slot_us + 1 +
	       random_below(random, later_slot_us - SECOND_US);
}

static void plan_order(struct incident *incident, int order)
{
	uint64_t *random = &incident->random;
	int64_t time_us = placing_time(order, random);
	int64_t course = random_below(random, 100);
	add_event(incident, order, EVENT_PLACE, time_us);
	if (order == ORDERS - 1) {
		add_event(incident, order, EVENT_PAY, INCIDENT_END_US);
		return;
	}
	if (course < 3) {
		add_event(incident, order, EVENT_CANCEL, time_us + random_below(random, 60 * MINUTE_US) + MINUTE_US);
	} else if (course < 55) {
		time_us += random_below(random, 20 * MINUTE_US) + MINUTE_US;
		add_event(incident, order, EVENT_PAY, time_us);
		time_us += random_below(random, 150 * MINUTE_US) + 20 * MINUTE_US;
		if (course < 35)
			add_event(incident, order, EVENT_SHIP, time_us);
	}
}

static void plan_script(struct incident *incident)
{
	const int64_t step_us = (INCIDENT_SCRIPT_END_US - INCIDENT_SCRIPT_BEGIN_US - SECOND_US) / INCIDENT_REMOVED;
	int64_t time_us = INCIDENT_SCRIPT_BEGIN_US + SECOND_US / 4;
	for (int order = 0; order < INCIDENT_LISTED; order++) {
		if ((INCIDENT_FIRST_NUMBER + order) % 2 != 0)
			continue;
		add_event(incident, order, EVENT_REMOVE, time_us + random_below(&incident->random, step_us));
		time_us += step_us;
	}
}

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;
	if (a->time_us != b->time_us)
		return a->time_us < b->time_us ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static void plan(struct incident *incident)
{
	incident->random = 20250301;
	for (int order = 0; order < ORDERS; order++)
		plan_order(incident, order);
	plan_script(incident);
	qsort(incident->events, incident->event_count, sizeof(incident->events[0]), compare_events);
	for (size_t i = 1; i < incident->event_count; i++)
		if (incident->events[i].time_us <= incident->events[i - 1].time_us)
			incident->events[i].time_us = incident->events[i - 1].time_us + 1;
}

static void apply(struct order *order, const struct event *event)
{
	switch (event->kind) {
	case EVENT_PLACE:
		*order = (struct order){ .status = "PLACED", .placed_us = event->time_us, .is_live = true };
		break;
	case EVENT_PAY:
		order->status = "PAID";
		order->paid_us = event->time_us;
		break;
	case EVENT_SHIP:
		order->status = "SHIPPED";
		order->shipped_us = event->time_us;
		break;
	case EVENT_CANCEL:
		order->status = "CANCELLED";
		break;
	case EVENT_REMOVE:
		order->is_live = false;
		break;
	}
}

static void append_image(struct buffer *line, const char *name, const struct image *image)
{
	buffer_append_format(line, ",\"%s\":", name);
	buffer_append_slice(line, buffer_slice(&image->json));
}

static void build_line(struct incident *incident, const struct event *event, size_t number)
{
	struct buffer *line = &incident->line;
	bool has_old = event->kind != EVENT_PLACE, has_new = event->kind != EVENT_REMOVE;
	const char *name = !has_old ? "INSERT" : has_new ? "MODIFY" : "REMOVE";
	uint64_t id_high = next_random(&incident->random), id_low = next_random(&incident->random);
	size_t size = incident->keys.size + (has_old ? incident->old_image.size : 0) +
		      (has_new ? incident->new_image.size : 0);
	buffer_clear(line);
	buffer_append_format(line,
		"{\"eventID\":\"%016llx%016llx\",\"eventName\":\"%s\",\"eventVersion\":\"1.1\","
		"\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"local\",\"dynamodb\":{"
		"\"ApproximateCreationDateTime\":%lld.%06lld",
		(unsigned long long)id_high, (unsigned long long)id_low, name, (long long)(event->time_us / SECOND_US),
		(long long)(event->time_us % SECOND_US));
	append_image(line, "Keys", &incident->keys);
	if (has_old)
		append_image(line, "OldImage", &incident->old_image);
	if (has_new)
		append_image(line, "NewImage", &incident->new_image);
	buffer_append_format(line,
		",\"SequenceNumber\":\"1000000000%011llu\",\"SizeBytes\":%zu,"
		"\"StreamViewType\":\"NEW_AND_OLD_IMAGES\"},\"eventSourceARN\":\"" STREAM_ARN "\"}\n",
		(unsigned long long)number * 1000 + (unsigned long long)random_below(&incident->random, 1000), size);
}

/* Writes one record. An event that comes after the order's removal did not happen. */
static int write_event(struct incident *incident, const struct event *event, size_t number, FILE *out)
{
	struct order *order = &incident->orders[event->order];
	if (event->kind != EVENT_PLACE && !order->is_live)
		return 0;
	begin_image(&incident->keys, event->order);
	buffer_append_byte(&incident->keys.json, '}');
	if (event->kind != EVENT_PLACE)
		render(order, event->order, &incident->old_image);
	apply(order, event);
	if (event->kind != EVENT_REMOVE)
		render(order, event->order, &incident->new_image);
	build_line(incident, event, number);
	if (buffer_error(&incident->keys.json) < 0 || buffer_error(&incident->old_image.json) < 0 ||
		buffer_error(&incident->new_image.json) < 0 || buffer_error(&incident->line) < 0)
		return -ENOMEM;
	errno = 0;
	if (fwrite(incident->line.data, 1, incident->line.size, out) != incident->line.size)
		return errno ? -errno : -EIO;
	return 0;
}

int incident_write(FILE *out)
{
	struct incident *incident = calloc(1, sizeof(*incident));
	int result = 0;
	if (!incident)
		return -ENOMEM;
	plan(incident);
	for (size_t i = 0; result == 0 && i < incident->event_count; i++)
		result = write_event(incident, &incident->events[i], i + 1, out);
	if (result == 0 && fflush(out) != 0)
		result = -errno;
	buffer_free(&incident->keys.json);
	buffer_free(&incident->old_image.json);
	buffer_free(&incident->new_image.json);
	buffer_free(&incident->line);
	free(incident);
	return result;
}
