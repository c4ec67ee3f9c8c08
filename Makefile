# The list of parts lives in tests/tools/parts; this file only gives them short names.
PARTS := unit lint conformance-botocore conformance-openapi moto ministack image runner act bench

.PHONY: help demo test install $(PARTS)

help:
	@echo 'make demo    three deploys to a pretend AWS, seconds each'
	@echo 'make test    everything below; says how long each part took'
	@echo 'make install the tools the tests need (done by each of the parts)'
	@tests/tools/parts --list

demo:
	@cargo run --quiet --features sim -- demo

test:
	@tests/tools/parts

install:
	@tests/tools/install

$(PARTS):
	@tests/tools/parts $@
