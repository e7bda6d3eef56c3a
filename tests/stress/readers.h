/* Those who look: each is a process that goes on until the test is over. What they see is held against what must be. */
#ifndef PITR_STRESS_READERS_H
#define PITR_STRESS_READERS_H

#include "tests/stress/world.h"

/* Reads an item through a mount until it is as new as it must be. False: it is not, or the mount went. */
bool look_at_item(const struct visit *visit, unsigned item, uint64_t *ret_counter);

/* All items of a table's directory, the hashes of their texts in any order added up. `path`: the directory. 0 or a negative errno;
 * -EBADMSG: something in it is not whole. */
int hash_of_state(unsigned table, const char *path, uint64_t *ret_hash);
uint64_t hash_of_item(unsigned item, uint64_t counter);

/* A live table's directory, listed and read, is what it must be. False: it is not yet. */
bool is_listed_right(const struct visit *visit, unsigned table);

/* Is this result one of a state that has left its table's window? */
bool is_forgotten(const struct instant_state *instant, int result);

void read_items(void);
void walk_tables(void);
void walk_past(void);
void read_histories(void);
void follow_changes(void);

#endif
