# Magasin: build, run and test.  "make help" lists the targets.
#
# Variables that a person sets:
#   PORT, ADDRESS, RUN_DIR, WORKERS, CACHE, NAMES, PROXIES, METRICS_PORT,
#   METRICS_ADDRESS, DEMO_TOKEN
#                                    of the instance (scripts/instance.sh)
#   ID, SCOPES, MAGASINS, EXPIRE     of a token (scripts/token.sh)
#   FROM                             the Django database to import
#   KIND, FILE, MODE, TOKEN, BASE_URL
#                                    of import-csv (scripts/import_csv.sh)
#   DATABASE                         the database to check, a libpq conninfo
#                                    (default: the instance of RUN_DIR)
#   LINES, STORES, PRODUCTS, SEED    of demo-scale (scripts/demo_scale.sh)
#   NGINX_SRC                        an nginx source tree to build against
#   NGINX_CONFIGURE                  what to configure that tree with, besides
#                                    --with-compat
#   NGINX_BINARY                     the nginx to run the module in
#   TESTS                            the suites to run (default t/*.t)
#   PART                             1/2: every second one of them (test.sh)
#   MEMORY                           0: on the disk, and not in memory (test.sh)
#   TEST_NGINX_LIB                   of test-nginx: where Test/Nginx/Socket.pm is
#   NGINX_TESTS, FILES               of test-nginx-own: nginx's suites, which
#   PROMETHEUS_PORT, GRAFANA_PORT, TARGETS
#                                    scripts/start_observability.sh
#   EXAMPLES                         of fuzz-api, how many (t/openapi/fuzz)
#   SHORT                            1: test-asan takes 27 suites,
#                                    test-concurrency takes four minutes,
#                                    test-coherence about 100, fuzz 120,
#                                    test-slow 40, test-ha five faults
#                                    instead of eleven; test-clients takes two
#                                    generators instead of six,
#                                    test-systems Debian 13 alone
#   SECONDS                          of test-concurrency, how long its storm
#                                    lasts (default 200; 8 with SHORT=1)
#   STORM                            1: of test-concurrency the storm alone,
#                                    without planted bugs
#   COUNT                            of test-stops, how often (default 200);
#                                    of mutants, how many (default 20)
#   SEED, BOUND                      of mutants: which, and the most seconds of
#                                    the suites of each (default 300)
#   KEEP                             1: coverage adds to the last run
#   MINUTES                          of fuzz (default 30)
#   OTHER                            of bench-instructions: a module or a tree
#   MAX_P95_MS                       of load-test and of test-slow
#   MAX_FIRST_LOAD_MS                of test-web
#   SCALE                            1: test-web measures a large retailer's pages
#   MODE, RUNNER                     the load test (scripts/run_tests.sh)
#   NODES, BALANCER_WORKERS          of the cluster (scripts/cluster.sh)
#   HA_NET                           of ha (scripts/ha.sh)

SHELL = /bin/bash
.SHELLFLAGS = -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL = help

# The Node.js of scripts/modules.sh, where there is no other one.
export PATH := $(PATH):$(CURDIR)/web/node/bin

export PORT ADDRESS RUN_DIR WORKERS CACHE NGINX_BINARY FROM DATABASE TESTS
export TEST_NGINX_LIB NGINX_TESTS FILES
export NAMES PROXIES METRICS_PORT METRICS_ADDRESS DEMO_TOKEN PART MEMORY
export ID SCOPES MAGASINS EXPIRE
export KEEP LINES STORES PRODUCTS SEED EXAMPLES NODES BALANCER_WORKERS
export HA_NET

.PHONY: help
help: # List the targets
	@awk -F ':[^#]*# ' '/^[a-z-]+:[^#]*# / { printf "%-19s %s\n", $$1, $$2 }' \
	    $(firstword $(MAKEFILE_LIST))


# Running

.PHONY: run start stop status import-django demo-scale packages-%
.PHONY: start-observability stop-observability

run: packages-run build web openapi # In the foreground; Ctrl-C stops it
	@exec scripts/instance.sh up

start: packages-run build web openapi # In the background; returns when ready
	@scripts/instance.sh start

stop: # Stop the instance of RUN_DIR
	@scripts/instance.sh stop

status: # Show what runs in RUN_DIR
	@scripts/instance.sh status

start-observability: packages-prometheus # Prometheus, and Grafana if installed
	@scripts/start_observability.sh

stop-observability: # Stop Prometheus and Grafana
	@scripts/start_observability.sh stop

.PHONY: cluster cluster-stop cluster-status
cluster: packages-run build # Three nodes behind a balancer, in the background
	@scripts/cluster.sh start

cluster-stop: # Stop the cluster
	@scripts/cluster.sh stop

cluster-status: # Show what runs of the cluster
	@scripts/cluster.sh status

.PHONY: ha ha-stop ha-status
ha: packages-run packages-ha build # Seven machines of which any may die; needs root
	@scripts/ha.sh start

ha-stop: # Stop them
	@scripts/ha.sh stop

ha-status: # Show the state of each
	@scripts/ha.sh status

.PHONY: token
token: # Make a token, print its line: ID=caisse-12 SCOPES=ventes,prix
	@scripts/token.sh "$${ID:-}" "$${SCOPES:-}" "$${MAGASINS:-}" \
	    "$${EXPIRE:-}"

import-django: packages-run # Replace the content: FROM=<libpq URI of Django's>
	@scripts/import_django.sh "$${FROM:-}"

.PHONY: import-csv
import-csv: packages-run # Post rows as a batch: KIND=products|stock FILE=prix.csv TOKEN=...
	@scripts/import_csv.sh "$(KIND)" "$(FILE)" "$(or $(MODE),all)"

demo-scale: packages-run packages-scale # A large demonstration: LINES=<number>
	@scripts/demo_scale.sh

packages-%:
	@scripts/packages.sh $*


# Data that PostgreSQL stores twice.  A database in use can be checked.

.PHONY: check-ledger check-rollups rebuild-rollups check-counters
.PHONY: rebuild-counters

check-ledger: packages-run # Compare the journal with the stock
	@scripts/check.sh ledger

check-rollups: packages-run # Compare the sums of the reports with the sales
	@scripts/check.sh rollups

.PHONY: archive-journal
archive-journal: packages-run # Write old rows of the journal to files: BEFORE=2026-01-01
	@scripts/archive_journal.sh $(BEFORE)

.PHONY: doctor
doctor: packages-run # Put sequences right, print what collations need
	@scripts/check.sh doctor

rebuild-rollups: packages-run # Compute these sums again, from the sales
	@scripts/check.sh rebuild-rollups

check-counters: packages-run # Compare the counts of lists and metrics with the rows
	@scripts/check.sh counters

rebuild-counters: packages-run # Compute these counts again
	@scripts/check.sh rebuild-counters


# Building.  nginx's own configure and make do it, in build/NAME; both work in
# a directory of links to nginx's sources, since configure writes where it
# stands.  Relative paths keep the directory's name out of the module.

module = ngx_http_magasin_module.so
nginx_src = $(or $(NGINX_SRC),/usr/share/nginx/src)

# nginx is free of warnings but for parameters that a callback must have.
warnings = -Wall -Wextra -Wno-unused-parameter -Werror
hardening = -g -O2 -fstack-protector-strong -Wformat \
	-Werror=format-security -D_FORTIFY_SOURCE=2 -fPIC
# A request goes through many small functions of many files: inlined, they take
# a thirtieth less instructions for an answer from the cache.  Calls of nginx and
# of the C library go without a jump table, since all are bound at the start.
optimization = -flto=auto -fno-semantic-interposition -fno-plt
# Undefined behaviour ends in a trap, which AddressSanitizer reports with its
# stack: UBSan's own reports go astray, since nginx clears the environment
# before the library looks there for where to write.
sanitizers = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fsanitize-undefined-trap-on-error -fPIC

# Without optimization, so that each line and branch has a counter of its own.
coverage = -g -O0 --coverage -fPIC

.PHONY: build build-asan build-coverage build-fuzz
build: packages-run # The module, against nginx-dev or NGINX_SRC
	@scripts/build.sh build/nginx "$(nginx_src)" \
	    "$(hardening) $(optimization)" \
	    "-Wl,-z,relro -Wl,-z,now -fPIC $(optimization)" "$(warnings)"
	@# By a rename: a running nginx has the old file mapped.
	@cmp -s build/nginx/objs/$(module) build/$(module) || { \
	    cp build/nginx/objs/$(module) build/$(module).new && \
	    mv build/$(module).new build/$(module); }

build-asan: packages-run # The module under AddressSanitizer and UBSan
	@scripts/build.sh build/asan "$(nginx_src)" \
	    "$(sanitizers)" "-fsanitize=address -fPIC" "$(warnings)"

build-coverage: packages-run packages-coverage # The module with counters of gcov
	@scripts/build.sh build/coverage "$(nginx_src)" \
	    "$(coverage)" "--coverage -fPIC" "$(warnings)"

build-fuzz: packages-run packages-fuzzing build-asan # The fuzzers: build/fuzz
	@t/fuzz/build.sh "$(nginx_src)"


# What a browser gets

.PHONY: web web-all openapi
web: packages-run # The pages, in build/web, with npm's packages
	@scripts/web.sh

web-all:
	@scripts/web.sh all

openapi: packages-run # /openapi.json and /swagger/, in build/openapi
	@scripts/openapi.sh


# Packages of Debian, in build/deb, for the nginx of this machine

.PHONY: deb test-deb test-containers
deb: packages-run packages-deb build web openapi # Build Debian packages
	@rm -rf build/deb
	@debian/rules clean >/dev/null
	@debian/rules binary >build/deb.log 2>&1 || { cat build/deb.log; exit 1; }
	@debian/rules clean >/dev/null
	@ls build/deb/*.deb

test-deb: packages-systems packages-lintian deb # Install, upgrade, remove, purge them in a root
	@t/deb/run

test-containers: packages-systems packages-containers
test-containers: # Build the images, bring compose.yaml up; needs root
	@t/containers/run


# A release of the commit that is checked out, in build/release

.PHONY: release test-release
release: deb # Source, packages, SBOM and sums, in build/release
	@scripts/release.sh

test-release: packages-run packages-release # Make a release in clones
	@t/release/run


# Checking

.PHONY: test-nginx test-nginx-own
.PHONY: test test-asan test-concurrency test-coherence test-cluster test-ha
.PHONY: test-web test-openapi test-clients test-contributing test-plants
.PHONY: test-load test-observability test-stops test-systems
.PHONY: screenshots fuzz-api load-test compare lint bench bench-abuse
.PHONY: bench-shop bench-stream bench-instructions bench-scale fuzz fuzz-selftest test-slow
test: packages-run packages-test build # Every suite, on its own servers
	@scripts/test.sh

test-nginx: packages-run packages-test packages-test-nginx build
test-nginx: # Under the real Test::Nginx: TEST_NGINX_LIB=<its lib/>
	@scripts/test_nginx.sh

test-nginx-own: packages-run packages-test build
test-nginx-own: # nginx's own suites, with the module: NGINX_TESTS=<nginx-tests>
	@scripts/test_nginx_own.sh

test-asan: packages-run packages-test build-asan # With sanitizers; SHORT=1
	@scripts/test.sh --asan

.PHONY: coverage
coverage: packages-run packages-test build-coverage # Lines and branches that the suites run: TESTS
	@scripts/coverage.sh

.PHONY: mutants mutants-plants weekly
mutants: packages-run packages-test packages-mutants # Faults that no suite sees: COUNT=20, SEED, BOUND
	@t/mutants/run $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) \
	    $(if $(BOUND),--bound $(BOUND))

mutants-plants: packages-run packages-test packages-mutants
mutants-plants: # Faults whose end is known
	@t/mutants/run --plants

# Too long for each change.  The mutants are chosen by the week.
weekly: # The sanitizers, coverage, mutants
	@$(MAKE) --no-print-directory test-asan
	@$(MAKE) --no-print-directory coverage
	@$(MAKE) --no-print-directory mutants-plants
	@$(MAKE) --no-print-directory mutants SEED=$(or $(SEED),$(shell date +%G%V))

test-concurrency: packages-run packages-test build # Clients, faults; SHORT=1
	@t/concurrency/run $(if $(SHORT),--short) $(if $(STORM),--storm)

test-coherence: packages-run packages-test build # Find stale data; SHORT=1
	@t/coherence/run $(if $(SHORT),--short)

test-cluster: packages-run packages-test build # Kill nodes behind a balancer
	@t/cluster/run

test-ha: packages-run packages-test packages-ha build # Break them; SHORT=1
	@t/ha/run $(if $(SHORT),--short)

load-test: packages-run packages-load build # Simulated users: MODE=quick
	@scripts/run_tests.sh $(or $(MODE),quick)

test-load: # Test the load tests and their runner
	@scripts/modules.sh all
	@npm ci --prefix scripts --no-audit --no-fund --loglevel=error
	@node --test t/load/runner.test.js t/load/scripts.test.js \
	    t/load/planted.test.js

compare: packages-run packages-load build # One node, three, caches: results
	@scripts/compare.sh

test-openapi: packages-run packages-openapi build openapi
test-openapi: # Compare the OpenAPI document with the server
	@scripts/modules.sh all
	@node t/openapi/lint.mjs build/openapi/openapi.json web/openapi/*.json
	@t/openapi/run

test-clients: packages-run packages-clients build openapi
test-clients: # Generate clients of the document, and use them; SHORT=1
	@t/clients/run $(if $(SHORT),--short)

test-plants: packages-run packages-plants # Do planted bugs fit the sources?
	@scripts/modules.sh
	@t/plants/run

test-contributing: packages-run packages-test build
test-contributing: # Follow the steps of CONTRIBUTING.md in a copy
	@t/contributing/run

test-stops: packages-run packages-test build # End make run 200 times; COUNT
	@t/stops/run $(COUNT)

test-systems: packages-systems # In minimal Debian 12 and 13; SHORT=1: 13
	@t/systems/run $(if $(SHORT),--short)

test-observability: packages-run packages-observability build
test-observability: # Test alerts and dashboards
	@scripts/modules.sh all
	@t/observability/run

fuzz-api: packages-run packages-fuzz build openapi
fuzz-api: # Send requests generated from the document, one minute
	@t/openapi/fuzz

fuzz: packages-test build-fuzz # Hostile bytes: MINUTES=30; SHORT=1
	@t/fuzz/run $(if $(SHORT),--short,--minutes $(or $(MINUTES),30))

fuzz-selftest: build-fuzz # Check that fuzz finds planted bugs
	@t/fuzz/run --selftest

test-slow: packages-run packages-test build # Many slow clients; SHORT=1
	@t/slow/run $(if $(SHORT),--short)

test-web: packages-run packages-web build web-all openapi
test-web: # The pages in browsers; SCALE=1: at 100,000 products, with figures
	@scripts/test_web.sh $(if $(SCALE),scale)

screenshots: packages-run packages-web build web-all # The pictures of docs/
	@scripts/test_web.sh screenshots

lint: packages-run packages-lint build web-all # Style and static analysis
	@scripts/lint.sh

bench: packages-run packages-bench build # Compare with pgbench and nginx itself
	@bench/run
	@bench/cache
	@bench/batch
	@bench/open

bench-stream: packages-run packages-bench build # Many who listen to the journal
	@bench/stream

bench-abuse: packages-run packages-bench build # Cost of the worst requests
	@bench/abuse

bench-shop: packages-run packages-bench build # Cost of each call of the shop
	@bench/shop

bench-instructions: packages-run packages-instructions build
bench-instructions: # Instructions by request; OTHER=<module or tree> compares
	@bench/instructions $(OTHER)

bench-scale: packages-run packages-bench build # Effect of size; takes minutes
	@bench/run --scale
	@bench/lists


# Tidying up

.PHONY: clean distclean
clean: # Remove build/
	@rm -rf build

distclean: clean # Remove build/, all instances, npm's packages
	@for part in test concurrency coherence fuzz slow contributing/test \
	    bench/100k bench/10k bench/1m bench/10m bench/stores \
	    bench/products bench ci/test \
	    ci/concurrency ci/coherence ci/openapi ci/clients \
	    ci/contributing/test ci/fuzz ci/slow ci/web ci/observability \
	    openapi clients web observability \
	    load ci/load ci; do \
	    directory="$${RUN_DIR:-run}/$$part"; \
	    [ ! -d "$$directory" ] || \
	        RUN_DIR="$$directory" scripts/instance.sh remove; \
	done
	@scripts/start_observability.sh remove
	@for part in . load cluster-test ci/cluster-test; do \
	    directory="$${RUN_DIR:-run}/$$part"; \
	    [ ! -d "$$directory/cluster" ] || \
	        RUN_DIR="$$directory" scripts/cluster.sh remove; \
	done
	@for part in . ha-test; do \
	    directory="$${RUN_DIR:-run}/$$part"; \
	    [ ! -e "$$directory/ha" ] || \
	        RUN_DIR="$$directory" scripts/ha.sh remove; \
	done
	@scripts/instance.sh remove
	@rm -rf web/node_modules web/node "$${RUN_DIR:-run}"/{systems,containers} \
	    "$${RUN_DIR:-run}"/ci/{systems,containers}
