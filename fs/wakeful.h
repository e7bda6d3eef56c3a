/* Keeps idle processors awake while requests come in.
 *
 * A request is answered in a few microseconds, but a processor that sleeps is woken twice for it: the one that answers, and the
 * one of who asked. That takes 5 us on a quiet machine and 50 us and more on a virtual one, and is then most of what a
 * request costs. Under a steady stream of requests the kernel is therefore asked for processors that wake at once (PM QoS:
 * /dev/cpu_dma_latency, which only root may open by default), until the stream ends. Without that right nothing is done. */
#ifndef PITR_FS_WAKEFUL_H
#define PITR_FS_WAKEFUL_H

#include <stdint.h>

#define WAKEFUL_DEVICE "/dev/cpu_dma_latency"
#define WAKEFUL_TICK_MS 10  /* how often wakeful_tick is to be called */
#define WAKEFUL_REQUESTS 20 /* a tick with so many is part of a stream */
#define WAKEFUL_TICKS 10    /* so many without, and it has ended */

/* One thread's own. */
struct wakeful {
	const char *device; /* NULL: nothing is done */
	int fd;             /* of the device while processors are kept awake; -1: they are not */
	int ticks;          /* since the last that was part of a stream, up to WAKEFUL_TICKS + 1 */
	uint64_t requests;  /* there were at the last tick */
};

void wakeful_begin(struct wakeful *wakeful, const char *device);
/* `requests`: how many there have been by now. */
void wakeful_tick(struct wakeful *wakeful, uint64_t requests);
/* Processors may sleep again. */
void wakeful_end(struct wakeful *wakeful);

#endif
