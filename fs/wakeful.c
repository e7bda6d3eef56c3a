#include "wakeful.h"

#include <fcntl.h>
#include <unistd.h>

/* The request holds as long as the file is open. */
static void hold(struct wakeful *wakeful)
{
	const int32_t latency_us = 0;

	wakeful->fd = open(wakeful->device, O_WRONLY | O_CLOEXEC);
	if (wakeful->fd >= 0 && write(wakeful->fd, &latency_us, sizeof(latency_us)) != (ssize_t)sizeof(latency_us))
		wakeful_end(wakeful);
	if (wakeful->fd < 0)
		wakeful->device = NULL; /* not ours to ask for, now or later */
}

void wakeful_begin(struct wakeful *wakeful, const char *device)
{
	*wakeful = (struct wakeful){ .device = device, .fd = -1 };
}

void wakeful_tick(struct wakeful *wakeful, uint64_t requests)
{
	if (requests - wakeful->requests >= WAKEFUL_REQUESTS)
		wakeful->ticks = 0;
	else if (wakeful->ticks <= WAKEFUL_TICKS)
		wakeful->ticks++;
	wakeful->requests = requests;
	if (wakeful->ticks == 0 && wakeful->fd < 0 && wakeful->device != NULL)
		hold(wakeful);
	else if (wakeful->ticks > WAKEFUL_TICKS)
		wakeful_end(wakeful);
}

void wakeful_end(struct wakeful *wakeful)
{
	if (wakeful->fd >= 0)
		close(wakeful->fd);
	wakeful->fd = -1;
}
