/* Versions as verify sorts them, to be held against the log: by their change. */
#ifndef PITR_VERIFY_RECORD_H
#define PITR_VERIFY_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct verify_version {
	uint8_t seq[8], number[8], time[8], is_removal; /* big-endian */
};

static inline void verify_put_u64(uint8_t bytes[8], uint64_t value)
{
	for (int i = 8; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

static inline uint64_t verify_get_u64(const uint8_t bytes[8])
{
	uint64_t value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static inline void verify_version_write(
	struct verify_version *ret, uint64_t seq, uint64_t number, int64_t time_us, bool is_removal)
{
	verify_put_u64(ret->seq, seq);
	verify_put_u64(ret->number, number);
	verify_put_u64(ret->time, (uint64_t)time_us);
	ret->is_removal = is_removal;
}

#endif
