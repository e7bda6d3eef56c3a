# For the scripts of tests/bench: measures in one form (bench.h says what the members mean), times and medians.
# shellcheck shell=bash

# bench_tell GROUP MEASURE UNIT OURS BOUND LIMIT [RIVAL THEIRS [COUNTS]]: BOUND is 'at most' or 'at least'; LIMIT 0: none.
bench_tell() {
	local group=$1 measure=$2 unit=$3 ours=$4 bound=$5 limit=$6 rival=${7-} theirs=${8-} counts=${9-}
	awk -v measure="$measure" -v unit="$unit" -v ours="$ours" -v bound="$bound" -v limit="$limit" -v rival="$rival" \
		-v theirs="$theirs" -v counts="$counts" 'BEGIN {
		printf "%-52s %11.2f %-8s", measure, ours, unit
		if (rival != "") printf " %s %.2f, ratio %.2f", rival, theirs, ours / theirs
		if (limit > 0) printf " (%s %g)", bound, limit
		print counts == "" ? "" : "  " counts
	}'
	[ -n "${BENCH_RESULTS-}" ] || return 0
	jq -cn --arg group "$group" --arg measure "$measure" --arg unit "$unit" --argjson ours "$ours" --arg bound "$bound" \
		--argjson limit "$limit" --arg rival "$rival" --argjson theirs "${theirs:-0}" --arg counts "$counts" '
		{group: $group, measure: $measure, unit: $unit, ours: $ours}
		+ (if $rival == "" then {} else {rival: $rival, theirs: $theirs} end) + {bound: $bound}
		+ (if $limit == 0 then {} else {limit: $limit} end) + (if $counts == "" then {} else {counts: $counts} end)' \
		>>"$BENCH_RESULTS"
}

# bench_time FILE COMMAND...: appends the microseconds it took to FILE.
bench_time() {
	local results=$1 start=${EPOCHREALTIME/[.,]/} status=0
	shift
	"$@" || status=$?
	echo $((${EPOCHREALTIME/[.,]/} - start)) >>"$results"
	return $status
}

# bench_median FILE: the median of its numbers.
bench_median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

bench_is_quick() {
	[ "${QUICK-}" = 1 ]
}
