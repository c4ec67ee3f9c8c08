# The list of parts lives in tests/tools/parts; this file only gives them short names.
PARTS := unit soak lint conformance-botocore conformance-openapi moto ministack image runner act bench

.PHONY: help demo test install readme $(PARTS)

help:
	@echo 'make demo    three deploys to a pretend AWS, seconds each'
	@echo 'make test    everything below; says how long each part took'
	@echo 'make install the tools the tests need (done by each of the parts)'
	@tests/tools/parts --list
	@echo 'make readme  writes the tables of README.md anew'

demo:
	@cargo run --quiet --features sim -- demo

test:
	@tests/tools/parts

install:
	@tests/tools/install

readme:
	@UPDATE_README=1 cargo test --quiet --features sim --test readme

export N FIRST SEED

$(PARTS):
	@tests/tools/parts $@
