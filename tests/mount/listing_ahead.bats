#!/usr/bin/env bats
# The next answer of a listing of the past is made while the kernel takes in the one before; and is not given when the store has
# changed meanwhile.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	pitr_prepare
	seq 1 1500 | sed 's/.*/{"id":"&","customer":"c&"}/' | pitr import --table orders --key id - 2>/dev/null
	seq 1 500 | sed 's/.*/{"who":"\&","id":"&"}/' | pitr import --table events --key who,id - 2>/dev/null
}

setup() {
	pitr_setup
}

teardown() {
	cd /
	pitr_teardown
}

# counted KIND: since the last count_messages but one.
counted() {
	jq ".$1 // 0" "$WORK/since"
}

# list_slowly DIRECTORY COMMAND...: its names, of which the first are asked for before the command runs, and the others afterwards.
list_slowly() {
	perl -e 'opendir(my $d, shift) or die; my @names = (scalar readdir $d); system(@ARGV) == 0 or die; push @names, readdir $d;
		print map { "$_\n" } grep { !/^\./ } @names' "$@"
}

@test "what a listing asks for next is made ahead" {
	pitr_mount -o "ro,count_file=$WORK/counts"
	ls -d "$MNT"/orders/@seq-1500 >/dev/null
	count_messages
	ls -l "$MNT"/orders/@seq-1500 | awk 'NR > 1 { print $NF }' | sort -n | diff - <(seq -f %g.json 1 1500)
	count_messages
	cat "$WORK/since"
	[ "$(counted READDIRPLUS)" -gt 5 ]
	# On a busy machine another thread may be asked before it is made.
	[ "$(counted AHEAD)" -gt 0 ]
}

@test "an answer made before a commit is not given after it" {
	echo '{"id":"new"}' >"$WORK/new.json"
	pitr_mount -o "count_file=$WORK/counts"
	ls -d "$MNT"/orders/@seq-1500 >/dev/null
	count_messages
	list_slowly "$MNT/orders/@seq-1500" "$PITR" --store "$STORE" put orders "$WORK/new.json" | sort -n | diff - <(seq -f %g.json 1 1500)
	count_messages
	cat "$WORK/since"
	[ "$(counted AHEAD)" -le $(($(counted READDIRPLUS) - 2)) ]
}

@test "listings under way at once do not get each other's answers" {
	local table pids=()
	pitr_mount -o ro
	for table in orders/@seq-1500 orders/@seq-1499 orders/@seq-1498 orders/@seq-1497 orders/@seq-1496 orders/@seq-1495; do
		list_slowly "$MNT/$table" sleep 0.3 >"$WORK/${table#*@}" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for table in 1500 1499 1498 1497 1496 1495; do
		sort -n "$WORK/seq-$table" | diff - <(seq -f %g.json 1 $table)
	done
}
