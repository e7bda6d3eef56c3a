#!/usr/bin/env bash
# What a run of the benchmarks has measured: prints it as a table, and writes it as JSON and as a chart.
#
#   report.sh LINES [JSON [SVG]]      LINES: what BENCH_RESULTS named while they ran (tests/support/bench.h). Other lines of it are
#                                     {"machine":{..}}, and {"benchmark","seconds","outcome"} for each that ran
#
# The JSON has "machine", "benchmarks" and "measures". A measure has, beside what it was told with, "value" (ours / theirs, or ours
# alone), and with a limit "of_limit" (how much of the limit is taken: 1 or less is met) and "is_met".
set -eu -o pipefail
here=$(dirname "$0")
lines=${1:?usage: report.sh LINES [JSON [SVG]]} json=${2-} svg=${3-}

document=$(jq -s '
	def measure: if .rival and .theirs != 0 then . + {value: (.ours / .theirs)} elif .rival then . + {value: null} else . + {value: .ours} end
		| if .limit == null then .
		  else . + {of_limit: (if .value == null or .value == 0 and .bound == "at least" then null
			elif .bound == "at most" then .value / .limit else .limit / .value end)}
			| . + {is_met: (.of_limit != null and .of_limit <= 1)} end;
	[.[] | select(has("measure"))] as $told
	| ["files", "copies", "core", "store", "mount"] as $first
	| {machine: ([.[] | .machine // empty] | last // {}),
	   benchmarks: [.[] | select(has("benchmark"))],
	   measures: (($first + ($told | map(.group) | unique - $first))
		| map(. as $group | $told[] | select(.group == $group) | measure))}' "$lines")
[ -z "$json" ] || printf '%s\n' "$document" >"$json"

# A line for each measure: group, measure, unit, ours, rival, theirs, value, bound, limit, share of the limit, met, counts.
rows() {
	jq -r '.measures[] | [.group, .measure, .unit, .ours, .rival // "", .theirs // "", .value // "", .bound, .limit // "",
		.of_limit // "", if has("is_met") | not then "" elif .is_met then "met" else "missed" end, .counts // ""] | @tsv' <<<"$document"
}

facts() {
	jq -r '.machine | [if .cpus then "\(.cpus) processors" else empty end, if .kernel then "Linux \(.kernel)" else empty end,
		.date // empty, if .quick then "quick: a tenth of the work" else empty end] | join(" · ")' <<<"$document"
}

rows | awk -f "$here/report_table.awk"
jq -r '
	[.measures[] | select(has("is_met"))] as $limited
	| "\($limited | map(select(.is_met)) | length) of \($limited | length) limits are met",
	  ($limited[] | select(.is_met | not) | "missed: \(.group): \(.measure)"),
	  (.benchmarks[] | select(.outcome != "ended") | "failed: \(.benchmark): \(.outcome)")' <<<"$document"
[ -z "$svg" ] || rows | awk -v facts="$(facts)" -f "$here/report_chart.awk" >"$svg"
