#!/usr/bin/env bats
# Seals: what pitr seal prints. Nothing is mounted here.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup_store
	cd "$WORK" || return
	printf '%s\n' '{"id":"1","n":1}' '{"id":"2","n":2}' >items
	pitr create-table --table-name orders --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
	pitr put orders items
}

teardown() {
	pitr_teardown
}

# The digest of a seal's tables, worked out without pitr.
digest_of() {
	jq -r '.Tables[] | "\(.TableId) \(.SequenceNumber) \(.Head) \(.Items) \(.Time // "-") \(.Table)"' "$1" | sha256sum | cut -c-64
}

@test "a seal is one document with the head of every table's chain" {
	pitr seal >seal.json
	[ "$(jq -c '[.Seal, [.Tables[].Table], [.Tables[] | .SequenceNumber]]' seal.json)" = \
		'["pitrfs 1",["the catalogue","orders"],[1,2]]' ]
	[ "$(jq -r .Digest seal.json)" = "$(digest_of seal.json)" ]
	[ "$(jq -r '.Tables[1].Items' seal.json)" = 2 ]
}

@test "what is sealed changes with every change, and with nothing else" {
	pitr seal >before
	pitr seal >again
	[ "$(jq -c '[.Tables, .Digest]' before)" = "$(jq -c '[.Tables, .Digest]' again)" ]
	pitr put orders items
	pitr seal >again
	[ "$(jq -c .Digest before)" = "$(jq -c .Digest again)" ]
	echo '{"id":"2","n":3}' | pitr put orders -
	pitr seal >after
	[ "$(jq -c .Digest before)" != "$(jq -c .Digest after)" ]
	[ "$(jq -c '.Tables[0]' before)" = "$(jq -c '.Tables[0]' after)" ]
}

@test "a seal in a file is never written over" {
	pitr seal -o seal.json 2>said
	grep -Fq "digest of 2 tables: $(jq -r .Digest seal.json)" said
	cp seal.json copy
	run -1 --separate-stderr pitr seal -o seal.json
	# shellcheck disable=SC2154
	[[ $stderr == *"seal.json could not be made: File exists"* ]]
	cmp seal.json copy
	run -2 pitr seal orders
}
