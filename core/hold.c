#include "hold.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "instant.h"
#include "pin_state.h"

static int check_name(struct slice name, struct error *error)
{
	bool is_right = name.size >= 1 && name.size <= PIN_NAME_MAX;
	for (size_t i = 0; i < name.size && is_right; i++)
		is_right = isalnum(name.data[i]) || strchr("_.-", name.data[i]);
	if (is_right)
		return 0;
	return error_set(error, -EINVAL, "the name of a hold has 1 to %d of a-z A-Z 0-9 _ . -, not \"%.*s\"",
		PIN_NAME_MAX, name.size < PIN_NAME_MAX ? (int)name.size : PIN_NAME_MAX, (const char *)name.data);
}

int hold_find(struct store_txn *txn, struct slice name, struct pin *ret_pin)
{
	struct pin_place place = { 0 };
	int r;
	while ((r = pin_next(txn, UINT32_MAX, &place, ret_pin)) == 1)
		if (ret_pin->kind == PIN_HOLD && slice_equal(slice_of_text(ret_pin->name), name))
			return 0;
	return r < 0 ? r : -ENOENT;
}

int hold_of_table(struct store_txn *txn, uint32_t table, struct pin *ret_pin)
{
	struct pin_place place = { 0 };
	int64_t now_us = clock_now_us();
	int r;
	while ((r = pin_next(txn, table, &place, ret_pin)) == 1)
		if (ret_pin->kind == PIN_HOLD && (!ret_pin->expires_us || ret_pin->expires_us > now_us))
			return 0;
	return r < 0 ? r : -ENOENT;
}

static int check(struct batch *batch, struct slice name, const char *reason, int64_t until_us, struct error *error)
{
	struct pin other;
	int r = check_name(name, error);
	if (r)
		return r;
	if (reason && strlen(reason) > PIN_REASON_MAX)
		return error_set(error, -EINVAL, "the reason of a hold has at most %d bytes", PIN_REASON_MAX);
	if (until_us && until_us <= history_now(batch_history(batch), batch_txn(batch)))
		return error_set(error, -EINVAL, "the hold %.*s would have ended already", (int)name.size,
			(const char *)name.data);
	r = hold_find(batch_txn(batch), name, &other);
	if (!r)
		return error_set(error, -EEXIST, "there is a hold named %.*s already; release it first", (int)name.size,
			(const char *)name.data);
	return r == -ENOENT ? 0 : error_set(error, r, "look up a hold: %s", strerror(-r));
}

int hold_add(struct batch *batch, const struct table *table, const struct snapshot *snapshot, struct slice name,
	const char *reason, int64_t until_us, const struct change_context *context, struct pin *ret_pin,
	struct error *error)
{
	*ret_pin = (struct pin){ .kind = PIN_HOLD, .expires_us = until_us };
	struct store_txn *txn = batch_txn(batch);
	int r = check(batch, name, reason, until_us, error);
	if (r)
		return r;
	memcpy(ret_pin->name, name.data, name.size);
	strcpy(ret_pin->reason, reason ? reason : "");
	r = snapshot ? pin_set_state(batch, table, snapshot, ret_pin)
		     : pin_set_window(batch, table, history_now(batch_history(batch), txn), ret_pin);
	if (!r)
		r = pin_set_author(txn, context->author, ret_pin);
	if (!r)
		r = pin_add(txn, ret_pin);
	batch_note(batch);
	return r ? pin_failed(r, "hold a state", table, error) : 0;
}

int hold_release(struct batch *batch, struct slice name, struct pin *ret_pin, struct error *error)
{
	int r = hold_find(batch_txn(batch), name, ret_pin);
	if (r == -ENOENT)
		return error_set(error, r, "there is no hold named %.*s; pitr hold list shows them",
			name.size < PIN_NAME_MAX ? (int)name.size : PIN_NAME_MAX, (const char *)name.data);
	if (!r)
		r = pin_remove(batch_txn(batch), ret_pin);
	batch_note(batch);
	return r ? error_set(error, r, "release the hold %s: %s", ret_pin->name, strerror(-r)) : 0;
}
