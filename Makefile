# `make demo` and `make test` set up everything they need; see README.md.
PY := .venv/bin/python
.PHONY: setup demo test lint bench lock clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml deploy/setup.sh
	deploy/setup.sh

demo: setup
	.venv/bin/starflock demo

test: setup
	deploy/test.sh

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup
	$(PY) -m benchmarks

lock:
	uv pip compile --python-version 3.11 --universal --generate-hashes --no-header --no-emit-index-url --all-extras pyproject.toml -o requirements.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --extra postgresql --extra notify --extra vault -c requirements.lock pyproject.toml -o deploy/runtime.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements.lock deploy/build.in -o deploy/build.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url tests/support/ironic.in -o tests/support/ironic.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url tests/support/ansible.in -o tests/support/ansible.lock
	uv pip compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url tests/support/nova.in -o tests/support/nova.lock
	uv pip compile --no-deps --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url tests/support/helm.in -o tests/support/helm.lock
	uv pip compile --no-deps --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url tests/support/openbao.in -o tests/support/openbao.lock

clean:
	rm -rf .venv .cache
