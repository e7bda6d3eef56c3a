#include "bench.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROGRESS_US 2e6

static double clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

double bench_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

double bench_cpu_us(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

double bench_median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

bool bench_is_quick(void)
{
	const char *quick = getenv("QUICK");

	return quick != NULL && strcmp(quick, "1") == 0;
}

void bench_progress(const char *what, uint64_t done, uint64_t all)
{
	static double told_us;
	double now = bench_now_us();

	if (now - told_us < PROGRESS_US)
		return;
	told_us = now;
	fprintf(stderr, "  %s: %llu of %llu\n", what, (unsigned long long)done, (unsigned long long)all);
}

static void write_result(const struct bench_measure *measure)
{
	const char *path = getenv("BENCH_RESULTS");
	FILE *file = path == NULL ? NULL : fopen(path, "a");
	cJSON *line = cJSON_CreateObject();
	char *text;

	cJSON_AddStringToObject(line, "group", measure->group);
	cJSON_AddStringToObject(line, "measure", measure->measure);
	cJSON_AddStringToObject(line, "unit", measure->unit);
	cJSON_AddNumberToObject(line, "ours", measure->ours);
	if (measure->rival != NULL) {
		cJSON_AddStringToObject(line, "rival", measure->rival);
		cJSON_AddNumberToObject(line, "theirs", measure->theirs);
	}
	cJSON_AddStringToObject(line, "bound", measure->bound == BENCH_AT_MOST ? "at most" : "at least");
	if (measure->limit > 0)
		cJSON_AddNumberToObject(line, "limit", measure->limit);
	if (measure->counts != NULL)
		cJSON_AddStringToObject(line, "counts", measure->counts);
	text = cJSON_PrintUnformatted(line);
	if (file != NULL && text != NULL)
		fprintf(file, "%s\n", text);
	if (file != NULL)
		fclose(file);
	cJSON_free(text);
	cJSON_Delete(line);
}

void bench_tell(const struct bench_measure *measure)
{
	printf("%-52s %11.2f %-8s", measure->measure, measure->ours, measure->unit);
	if (measure->rival != NULL)
		printf(" %s %.2f, ratio %.2f", measure->rival, measure->theirs, measure->ours / measure->theirs);
	if (measure->limit > 0)
		printf(" (%s %g)", measure->bound == BENCH_AT_MOST ? "at most" : "at least", measure->limit);
	printf("%s%s\n", measure->counts == NULL ? "" : "  ", measure->counts == NULL ? "" : measure->counts);
	fflush(stdout);
	write_result(measure);
}
