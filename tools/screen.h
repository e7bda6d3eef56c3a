/* Output for a person at a terminal: paged and coloured as git's is. Where stdout is no terminal nothing of it happens.
 *
 * The pager is PITR_PAGER, else PAGER, else less, when there is one; `cat` or an empty text is none. LESS is FRX unless it is set. Talk goes
 * through the pager too. A command whose pager is left early ends at once, and quietly. */
#ifndef PITR_TOOLS_SCREEN_H
#define PITR_TOOLS_SCREEN_H

#include <stdbool.h>

struct tool;

/* Called by verbs with much to show, before they print and before they open the store. */
void screen_begin(const struct tool *tool);
/* Called once, when everything is written: waits until the pager has ended. The exit status: `status`, or STATUS_FAILED when the pager
 * could not be run. */
int screen_end(int status);

bool screen_is_paged(void);
/* As many characters as fit in a line; 80 where nobody says. */
int screen_columns(void);

enum screen_role {
	SCREEN_PLAIN, /* back to normal */
	SCREEN_HEADER,
	SCREEN_CHANGE, /* the line a change begins with */
	SCREEN_ADDED,
	SCREEN_REMOVED,
	SCREEN_CHANGED,
	SCREEN_PLACE, /* where in an item, and which stretch of it */
	SCREEN_DIM,
	SCREEN_MATCH,
};
/* What turns the terminal to that colour; "" when there are no colours. */
const char *screen_color(enum screen_role role);

#endif
