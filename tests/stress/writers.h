/* Those who change things: each is a process that goes on until the test is over. */
#ifndef PITR_STRESS_WRITERS_H
#define PITR_STRESS_WRITERS_H

/* The owner of a share of the items changes them in all the ways programs have, through one mount and another. */
void own_by_files(unsigned owner);
/* The same by the command line. */
void own_by_commands(unsigned owner);

/* Makes and drops tables. */
void churn_tables(void);
/* Restores what was, in each way. */
void churn_restores(void);
/* Settings, retention, backups, imports, questions: one command after another. */
void churn_commands(void);

#endif
