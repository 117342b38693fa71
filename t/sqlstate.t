# Errors of the database, as statuses.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

# A PUT of product 3 raises this.
sub raising {
    my ($sqlstate) = @_;
    MagasinTest::sql(
        'CREATE OR REPLACE FUNCTION t_raise() RETURNS trigger LANGUAGE plpgsql'
            . " AS \$\$ BEGIN RAISE EXCEPTION 'raised'"
            . " USING ERRCODE = '$sqlstate'; END \$\$",
        'CREATE OR REPLACE TRIGGER t_raise BEFORE UPDATE ON produit'
            . ' FOR EACH ROW WHEN (old.id = 3) EXECUTE FUNCTION t_raise()',
    );
    return;
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults('timeout=4s');

MagasinTest::reset();
run_tests();
MagasinTest::sql('DROP FUNCTION t_raise() CASCADE');
MagasinTest::reset();

__DATA__

=== TEST 1: a constraint that is a rule of the API
--- init
main::raising("23514', CONSTRAINT = 'produit_prix_positif");
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 409
--- response_body chomp
{"detail":"La demande est en conflit avec l'état actuel."}
--- no_error_log
[error]


=== TEST 1a: a constraint that is not is the database's own fault
--- init
main::raising("23514', CONSTRAINT = 'produit_prix_rond");
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 500
--- response_body chomp
{"detail":"Erreur interne du serveur."}
--- error_log
magasin: "product_update" failed with SQLSTATE 23514: raised


=== TEST 2: a serialization failure: worth another try
--- init: main::raising('40001')
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 503
--- response_headers
Retry-After: 1


=== TEST 3: a lock that was not to be had
--- init: main::raising('55P03')
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 503


=== TEST 4: out of range
--- init: main::raising('22003')
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 400
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 5: what nobody expects is in the log, and not in the answer
--- init: main::raising('P0001')
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 500
--- response_body chomp
{"detail":"Erreur interne du serveur."}
--- error_log
magasin: "product_update" failed with SQLSTATE P0001: raised


=== TEST 6: an error does not harm its neighbours
--- init: main::raising('P0001')
--- pipelined_requests eval
["GET /api/v1/products/1/", "GET /api/v1/products/3/", "GET /api/v1/products/2/"]
--- error_code eval: [200, 200, 200]


=== TEST 7: a statement that takes too long
--- init
MagasinTest::sql("CREATE OR REPLACE FUNCTION t_raise() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_sleep(30); RETURN new; END \$\$");
--- request
PUT /api/v1/products/3/
{"prix":"1.00"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 504
--- response_body chomp
{"detail":"Le délai de réponse est dépassé."}


=== TEST 8: and it has changed nothing
--- request
GET /api/v1/products/3/
--- response_body_like: "prix":"19\.99"


=== TEST 9: statements that are prepared
--- init
MagasinTest::sql('DROP TRIGGER t_raise ON produit');
--- request eval
["GET /api/v1/stores/1/stock/", "GET /api/v1/stores/1/stock/1/"]
--- error_code eval: [200, 200]


=== TEST 10: a column changes its type: they are prepared anew
--- init
MagasinTest::sql('ALTER TABLE stock_central ALTER COLUMN quantite TYPE bigint');
--- request eval
["GET /api/v1/stock/central/", "GET /api/v1/products/1/availability/"]
--- error_code eval: [200, 200]


=== TEST 11: and back
--- init
MagasinTest::sql('ALTER TABLE stock_central ALTER COLUMN quantite TYPE integer');
--- request eval
["GET /api/v1/stock/central/", "GET /api/v1/products/1/availability/"]
--- error_code eval: [200, 200]


=== TEST 12: what a function raises is told in the same way
--- init
MagasinTest::sql(
    "CREATE OR REPLACE FUNCTION t_raise() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = NEW.categorie; END \$\$",
    'CREATE TRIGGER t_raise BEFORE INSERT ON produit FOR EACH ROW EXECUTE FUNCTION t_raise()');
--- request eval
[map { qq(POST /api/v1/products/\n{"nom":"n","prix":1,"categorie":"$_"}) }
    qw(23514 40P01 55P03 22003 25006 57014 P0001)]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [500, 503, 503, 400, 503, 504, 500]
--- response_body_like eval
[('\A\{"detail":"[^"]+"\}\z') x 7]
--- error_log
magasin: "product_create" failed with SQLSTATE P0001: raised


=== TEST 13: what fails at the commit was no success
--- init
MagasinTest::sql(
    'DROP TRIGGER t_raise ON produit',
    'CREATE CONSTRAINT TRIGGER t_raise AFTER INSERT ON produit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION t_raise()');
--- request eval
[map({ qq(POST /api/v1/products/\n{"nom":"commit","prix":1,"categorie":"$_"}) }
    qw(23514 40P01 P0001 23514)),
 'GET /api/v1/products/?q=commit', 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [500, 503, 500, 500, 200, 200]
--- response_body_like eval
[('\A\{"detail":"[^"]+"\}\z') x 4, '"results":\[\]', '^\{"nom"']
--- error_log
magasin: "product_create" failed with SQLSTATE P0001: raised
