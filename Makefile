UV := scripts/uv
RUN := $(UV) run --quiet --locked --all-extras
.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-10gb chaos chaos-report stack stack-down stack-status stack-logs stack-env nightly wheel rebuild seed-data show-users deploy-code db-init docs

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1 /p' $(MAKEFILE_LIST) | while read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: ## map a CSV and an IDoc on an embedded server and show it (KEEP=1 leaves it running)
	@$(RUN) python scripts/demo.py $(if $(KEEP),--keep)

test: ## every test that this machine can run (TEST=path or TEST="-k word" for some)
	@$(RUN) python scripts/test.py $(TEST)

check: ## format, lint, types, floors and unit tests, in under a minute
	@$(RUN) python scripts/check.py

bench: ## measure beside peers and write bench/RESULTS*.md (SHORT=1 for a quick look without the stack, PART=engine, formats, small or stack)
	@$(RUN) python bench/run.py $(if $(SHORT),--short) $(if $(PART),--part=$(PART))

bench-10gb: ## map ten gigabytes once and write bench/RESULTS-10GB.md (50 GB of disk, half an hour)
	@$(RUN) python bench/run.py --part=10gb

stack: ## start Kafka, MinIO, Postgres, Keycloak and the four services (STACK=folder)
	@$(RUN) python -m scripts.stack up --folder $(or $(STACK),helixnet-stack)

stack-down: ## end what make stack started; the data stay
	@$(RUN) python -m scripts.stack down --folder $(or $(STACK),helixnet-stack)

stack-status: ## show each process of the stack
	@$(RUN) python -m scripts.stack status --folder $(or $(STACK),helixnet-stack)

stack-logs: ## show the end of each log of the stack
	@$(RUN) python -m scripts.stack logs --folder $(or $(STACK),helixnet-stack)

stack-env: ## print what a shell tells one more process of the stack
	@$(RUN) python -m scripts.stack env --folder $(or $(STACK),helixnet-stack)

chaos: ## kill a server under load and judge what it did (KILLS=20 SEED=random SHAPE=embedded)
	@$(RUN) python -m scripts.chaos --kills=$(or $(KILLS),20) --shape=$(or $(SHAPE),embedded) $(if $(SEED),--seed=$(SEED))

chaos-report: ## sum what all runs of `make chaos` found
	@$(RUN) python -m scripts.chaos --report

nightly: ## the property tests with many more examples, then each reader fuzzed by what code inputs reach (SECONDS=600)
	@HYPOTHESIS_PROFILE=nightly $(RUN) python scripts/test.py -m "not stack and not browser"
	@$(RUN) python -m scripts.fuzz --seconds=$(or $(SECONDS),600)

docs: ## write the generated pages of docs/ anew
	@$(RUN) python scripts/make_docs.py
	@$(RUN) python scripts/licences.py

wheel: ## build the wheel into dist/
	@$(UV) build --quiet --wheel --out-dir dist

rebuild: ## remove the environment and install it anew
	@$(UV) sync --quiet --locked --all-extras --reinstall

db-init: ## create or migrate the ledger of DATA (default ./helixnet-data)
	@$(RUN) helixnet db upgrade --data $(or $(DATA),helixnet-data)

seed-data: ## give demo contexts, flows and sample files to the server at HELIXNET_URL (default: this machine's, port 8080)
	@$(RUN) python scripts/seed_data.py

show-users: ## list the demo users with their roles and tenants
	@$(RUN) helixnet users

deploy-code: wheel ## build the wheel and install it for this user as the command `helixnet`
	@scripts/deploy
