#!/usr/bin/env bats
# What tests/bench/report.sh makes of measures: a table, a JSON document and a chart.

bats_require_minimum_version 1.5.0

setup() {
	REPORT=$BATS_TEST_DIRNAME/../bench/report.sh
	cd "$BATS_TEST_TMPDIR" || return
	cat >lines <<-'END'
		{"machine":{"cpus":2,"kernel":"6.1.0","date":"2026-01-02T03:04:05Z","quick":true}}
		{"group":"core","measure":"commits","unit":"/s","ours":8000,"rival":"LMDB","theirs":2000,"bound":"at least","limit":5,"counts":"2 gets/item"}
		{"group":"files","measure":"grep -r","unit":"us/file","ours":15,"rival":"warm ext4","theirs":10,"bound":"at most","limit":2}
		{"group":"zoo","measure":"told <only> & \"so\"","unit":"us","ours":3,"bound":"at most"}
		{"group":"mount","measure":"memory <own> & all","unit":"MiB","ours":16,"bound":"at most","limit":64}
		{"group":"mount","measure":"nothing to compare with","unit":"ms","ours":16,"rival":"an empty one","theirs":0,"bound":"at most","limit":1.5}
		{"benchmark":"files","seconds":12.5,"outcome":"ended"}
		{"benchmark":"bench_x","seconds":1,"outcome":"exit status 3"}
	END
}

@test "the table tells each measure beside its rival and limit, group by group, and what was missed and failed" {
	run -0 "$REPORT" lines
	[ "$(sed 's/  */ /g' <<<"$output")" = "$(
		cat <<-'END'
			measure ours rival ratio limit met? counts
			-- files
			grep -r 15 us/file warm ext4 10 1.50 <= 2 met
			-- core
			commits 8000 /s LMDB 2000 4 >= 5 MISSED 2 gets/item
			-- mount
			memory <own> & all 16 MiB <= 64 met
			nothing to compare with 16 ms an empty one 0 <= 1.5 MISSED
			-- zoo
			told <only> & "so" 3 us
			2 of 4 limits are met
			missed: core: commits
			missed: mount: nothing to compare with
			failed: bench_x: exit status 3
		END
	)" ]
}

@test "the JSON document has the machine, the benchmarks, and of each measure how much of its limit it takes" {
	"$REPORT" lines results.json
	run -0 jq -c '[.machine.cpus, (.benchmarks | length), (.measures[] | [.measure, .value, .of_limit, .is_met])]' results.json
	[ "$output" = '[2,2,["grep -r",1.5,0.75,true],["commits",4,1.25,false],["memory <own> & all",16,0.25,true],["nothing to compare with",null,null,false],["told <only> & \"so\"",3,null,null]]' ]
}

@test "the chart is well-formed, has a bar for each limit, and tells met from missed in words and by pattern" {
	"$REPORT" lines results.json results.svg
	[ "$(grep -c 'class="bar-met"' results.svg)" -eq 2 ]
	[ "$(grep -c 'class="bar-missed"' results.svg)" -eq 1 ]
	[ "$(grep -c '>missed: ' results.svg)" -eq 2 ]
	grep -q 'fill: url(#hatched)' results.svg
	grep -q '>memory &lt;own&gt; &amp; all<' results.svg
	grep -q '2 processors · Linux 6.1.0 · 2026-01-02' results.svg
	[ "$(head -c 4 results.svg)$(tail -n 1 results.svg)" = '<svg</svg>' ]
	if command -v xmllint >/dev/null; then xmllint --noout results.svg; fi
}

@test "a run that measured nothing is told, and a line that is none is refused" {
	echo '{"benchmark":"files","seconds":1,"outcome":"exit status 1"}' >empty
	run -0 "$REPORT" empty results.json results.svg
	[ "$output" = $'0 of 0 limits are met\nfailed: files: exit status 1' ]
	[ "$(tail -n 1 results.svg)" = '</svg>' ]
	echo '{"group":' >broken
	run ! "$REPORT" broken
}
