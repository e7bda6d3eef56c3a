#!/usr/bin/env bats
# `pitr verify`: beside a running mount, on damaged copies, and against seals. tests/unit/test_verify.c damages every kind of record.

bats_require_minimum_version 1.5.0
load ../support/mount

setup_file() {
	pitr_prepare
	printf '{"id":"%d","name":"a name to be found %d"}\n' 1 1 2 2 3 3 | pitr import --table orders --key id:S -
	printf '{"pk":"x","sk":%d,"n":1}\n' {1..5} | pitr import --table visits --key pk:S,sk:N -
}

setup() {
	pitr_setup_store
	cd "$WORK" || return
}

teardown() {
	pitr_teardown
}

# damage OLD NEW: in every place of the data file.
damage() {
	LC_ALL=C sed -i "s/$1/$2/g" "$STORE/data.mdb"
}

@test "a sound store is sound, also while it is mounted and written to" {
	run --separate-stderr -0 pitr verify
	[[ $output == *"2 tables, 10 changes,"*"sound" ]]
	pitr_mount
	echo '{"id":"9","n":1}' >"$MNT/orders/9.json"
	sync "$MNT/orders"
	run --separate-stderr -0 pitr verify orders
	[[ $output == "1 table, 4 changes,"*"sound" ]]
	run --separate-stderr -0 pitr verify --quiet
	[ -z "$output" ]
}

@test "damage is told with the file it concerns" {
	damage 'a name to be found 2' 'a name to be lost  2'
	run --separate-stderr -1 pitr verify
	[[ $output == *"orders/2.json: versions: "* ]]
	run --separate-stderr -1 pitr verify --json
	[ "$(jq -rs 'map(.file // empty) | unique | join(" ")' <<<"$output")" = orders/2.json ]
	[ "$(jq -s 'last | .isSound' <<<"$output")" = false ]
	run --separate-stderr -0 pitr verify visits
	run --separate-stderr -1 pitr verify --quiet orders
	[ -z "$output" ]
}

# In every leaf page of the data file, values with this text are said to be 2 GB long.
damage_pages() {
	TEXT=$1 perl -0777 -pi -e 'for (my $page = 8192; $page < length; $page += 4096) {
		next unless unpack("v", substr($_, $page + 10, 2)) == 2;
		for (my $at = 16; $at < unpack("v", substr($_, $page + 12, 2)); $at += 2) {
			my $node = $page + unpack("v", substr($_, $page + $at, 2));
			next if $node + 8 > length;
			my $size = unpack("v", substr($_, $node, 2)) + 8 + unpack("v", substr($_, $node + 6, 2));
			substr($_, $node + 2, 2) = "\xff\x7f" if index(substr($_, $node, $size), $ENV{TEXT}) >= 0;
		}
	}' "$STORE/data.mdb"
}

@test "damage to the pages that records stand in is no crash" {
	damage_pages 'a name to be found 2'
	run --separate-stderr -1 pitr verify
	# shellcheck disable=SC2154
	[[ $stderr == *"its own structure is damaged"* ]]
}

@test "what was sealed is there, or is missed" {
	cp "$STORE/data.mdb" older.mdb
	echo '{"id":"4"}' >four.json
	pitr put orders/4.json four.json
	pitr seal >sealed.json
	pitr rm orders/4.json
	run --separate-stderr -0 pitr verify --against sealed.json
	[[ $output == *"orders: sealed up to change 4: 4 changes are there unaltered"* ]]
	pitr verify --json --against - <sealed.json | jq -se 'map(select(.sealed == "orders"))[0].present == 4'
	cp older.mdb "$STORE/data.mdb"
	run --separate-stderr -0 pitr verify
	run --separate-stderr -1 pitr verify --against sealed.json
	[[ $output == *"orders: seal: "*"fewer changes"* ]]
}

@test "what cannot be verified is said" {
	run -1 pitr verify nosuch
	pitr --store "$WORK/empty" init
	pitr --store "$WORK/empty" verify
	run -2 pitr verify orders visits
	echo '{}' >other.json
	run -1 pitr verify --against other.json
	[[ $output == *"other.json is no seal that can be used:"* ]]
	run -1 pitr verify --against absent.json
}
