# The list of parts lives in tests/tools/parts; this file only gives them short names.
PARTS := unit soak lint conformance-botocore conformance-openapi moto ministack image runner act bench

.PHONY: help demo test install readme mutants $(PARTS)

help:
	@echo 'make demo    four deploys to a pretend AWS, seconds each'
	@echo 'make test    everything below; says how long each part took'
	@echo 'make install the tools the tests need (done by each of the parts)'
	@tests/tools/parts --list
	@echo 'make readme  writes the tables of README.md anew'
	@echo 'make mutants changes what decides in every small way, and shows what no test notices (an hour; ARGS=--list)'

demo:
	@cargo run --quiet --features sim -- demo

test:
	@tests/tools/parts

install:
	@tests/tools/install

readme:
	@UPDATE_README=1 cargo test --quiet --features sim --test readme

mutants:
	@tests/tools/mutants $(ARGS)

export N FIRST SEED

$(PARTS):
	@tests/tools/parts $@
