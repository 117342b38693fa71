# DELETE /api/v1/products/{id}/

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $token = $MagasinTest::Token;
our $etag  = MagasinTest::product_etag(map {s/^"|"$//gr}
        @MagasinTest::Product{qw(nom categorie prix description)});
our $refused = q({"detail":"La condition de la requête n'est pas remplie."});

# Products 3, 6 and 12 were never sold; 1 and 8 were.
sub missing {
    my ($id) = @_;
    return qr{\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "status":404,"error":"Not\ Found",
        "message":"Produit\ avec\ ID\ $id\ introuvable\.",
        "path":"/api/v1/products/$id/"\}\z}x;
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: one that was never sold is gone, with its stock
--- init
MagasinTest::reset();
--- request eval
["DELETE /api/v1/products/3/", "GET /api/v1/products/3/",
 "PUT /api/v1/products/3/\n{}", "PATCH /api/v1/products/3/\n" . '{"archive":false}',
 "DELETE /api/v1/products/3/", "GET /api/v1/products/3/availability/",
 "GET /api/v1/stores/1/stock/3/", "GET /api/v1/products/?q=tapis",
 "GET /api/v1/products/?q=tapis&archive=true", "GET /api/v1/stock/central/?limit=3",
 "GET /api/v1/stores/4/stock/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[204, (404) x 6, 200, 200, 200, 200]
--- response_body eval
['', (main::missing(3)) x 4, qr/"Produit avec ID 3 introuvable\."/, qr/"status":404/,
 ('{"next":null,"results":[]}') x 2, qr/"produit":2,"nom":"[^"]+","quantite":300\},\{"produit":4,/, qr/\A\[\{"produit_id":6,/]
--- no_error_log
[error]


=== TEST 2: the headers
--- init
MagasinTest::reset();
--- request
DELETE /api/v1/products/3/
--- more_headers eval: $::token
--- error_code: 204
--- response_body:
--- response_headers
Allow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS
Cache-Control: no-store
! Content-Type
! Content-Length
! Transfer-Encoding
! ETag
! Location


=== TEST 3: what the journal says: stock that went, then the product
--- init
MagasinTest::reset();
--- request eval
["DELETE /api/v1/products/3/", "GET /api/v1/journal/?produit=3&ordering=-id&limit=4"]
--- more_headers eval: $::token
--- error_code eval: [204, 200]
--- response_body_filters eval
sub {
    my @rows;
    push @rows, "$1 $2 $3 $4 $5 $6" while $_[0] =~
        /"type":"(\w+)","magasin":(\w+),"produit":3,"delta":(null|-?\d+),"quantite":(null|\d+),"acteur":"(\w+)","reference":(null|"[^"]*"),"motif":null,"details":null\}/g;
    return CORE::join "\n", sort @rows;
}
--- response_body eval
['', CORE::join "\n",
 'produit_suppression null null null demo "produit/3"',
 'suppression 1 -15 0 demo null', 'suppression 4 -24 0 demo null',
 'suppression null -150 0 demo null']


=== TEST 4: one that was sold is archived
--- init
MagasinTest::reset();
--- request eval
["DELETE /api/v1/products/1/", "GET /api/v1/products/1/",
 "DELETE /api/v1/products/1/", "PUT /api/v1/products/1/\n{}",
 "GET /api/v1/products/1/availability/",
 "GET /api/v1/products/?archive=true", "GET /api/v1/products/?q=clavier",
 "GET /api/v1/stores/1/stock/1/", "GET /api/v1/stock/central/?limit=1",
 "GET /api/v1/sales/1/", "GET /api/v1/reports/", "GET /api/v1/stores/1/stock/",
 "GET /api/v1/journal/?produit=1&ordering=-id&limit=1",
 "PATCH /api/v1/products/1/\n" . '{"archive":false}', "GET /api/v1/products/1/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[204, (404) x 4, (200) x 10]
--- response_body eval
my $product = '{"nom":"Clavier mécanique","categorie":"Informatique","prix":"89.99","description":"Clavier rétroéclairé RGB"}';
['', (main::missing(1)) x 3, qr/"Produit avec ID 1 introuvable\."/,
 qr/\A\{"next":null,"results":\[\{"id":1,"nom":"Clavier mécanique","categorie":"Informatique","prix":"89\.99","description":"Clavier rétroéclairé RGB"\}\]\}\z/,
 '{"next":null,"results":[]}', '{"magasin":1,"produit":1,"quantite":20,"disponible":20}',
 qr/"results":\[\{"produit":1,"nom":"Clavier mécanique","quantite":200\}\]/,
 qr/"lignes":\[\{"produit":1,/, qr/Clavier mécanique/, qr/Clavier mécanique/,
 qr/"type":"produit_archivage","magasin":null,"produit":1,"delta":null,"quantite":null,"acteur":"demo","reference":"produit\/1","motif":null,/,
 $product, $product]


=== TEST 5: one that was asked for is archived too, whatever was decided
--- init
MagasinTest::reset(
    'INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite)
     VALUES (1, 3, 5)',
    q{INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite,
                                               statut)
      VALUES (1, 6, 5, 'refusee')});
--- request eval
["DELETE /api/v1/products/3/", "DELETE /api/v1/products/6/", "DELETE /api/v1/products/12/",
 "GET /api/v1/products/?archive=true"]
--- more_headers eval: $::token
--- error_code eval: [204, 204, 204, 200]
--- response_body_filters eval
sub { CORE::join ' ', $_[0] =~ /"id":(\d+)/g }
--- response_body eval
['', '', '', '3 6']


=== TEST 6: archived ones are not there to be deleted
--- init
MagasinTest::reset('UPDATE produit SET archive_le = now() WHERE id IN (1, 3)');
--- request eval
[map {"DELETE /api/v1/products/$_/"} 1, 3, 999, '0', '003',
    '9223372036854775807', '9223372036854775808', '99999999999999999999']
--- more_headers eval: $::token
--- error_code eval: [(404) x 8]
--- response_body eval
[map { main::missing($_) } 1, 3, 999, 0, 3, '9223372036854775807',
    '9223372036854775808', '99999999999999999999']


=== TEST 7: 401, in its place among the checks
--- init
MagasinTest::reset();
--- request eval
["DELETE /api/v1/products/3/", "DELETE /api/v1/products/999/",
 "DELETE /api/v1/products/3/", "GET /api/v1/products/3/"]
--- more_headers eval
["X: y", "Authorization: Token wrong", "$::token\nAccept: text/html", "X: y"]
--- error_code eval: [401, 401, 406, 200]
--- response_headers eval
[("WWW-Authenticate: Token\nAllow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS") x 2,
 ("! WWW-Authenticate") x 2]


=== TEST 8: If-Match that does not hold
--- init
MagasinTest::reset();
--- request eval
[(map {"DELETE /api/v1/products/3/"} 1 .. 7), "GET /api/v1/products/3/"]
--- more_headers eval
[map({"$::token\nIf-Match: $_"} '"0123456789abcdef0123456789abcdef"',
    "W/$::etag", '"15"', $::etag =~ s/"//gr, '""', '"a", "b"',
    uc $::etag), "X: y"]
--- error_code eval: [(412) x 7, 200]
--- response_body eval
[($::refused) x 7, MagasinTest::product_body(%MagasinTest::Product)]
--- response_headers eval
[("Content-Type: application/json\nCache-Control: no-store") x 7, "ETag: $::etag"]


=== TEST 9: If-Match that holds
--- init
MagasinTest::reset(q{INSERT INTO produit (id, nom, categorie, prix, description)
    SELECT n, nom, categorie, prix, description
      FROM produit, generate_series(101, 103) n WHERE produit.id = 3});
--- request eval
[map {"DELETE /api/v1/products/$_/"} 101 .. 103, 101, 999]
--- more_headers eval
[map {"$::token\nIf-Match: $_"} $::etag, '*', qq("x", $::etag),
    '*', $::etag]
--- error_code eval: [(204) x 3, 404, 404]


=== TEST 10: If-Match for one that would be archived
--- init
MagasinTest::reset();
--- request eval
["DELETE /api/v1/products/1/", "GET /api/v1/products/1/", "DELETE /api/v1/products/1/"]
--- more_headers eval
[qq($::token\nIf-Match: "x"), "X: y", "$::token\nIf-Match: *"]
--- error_code eval: [412, 200, 204]


=== TEST 11: a sale of it that is under way is waited for, and counts
--- init
MagasinTest::reset();
my $held = MagasinTest::hold(
    'INSERT INTO vente (id, magasin_id, total) VALUES (99, 1, 19.99)',
    'INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
     VALUES (99, 3, 1, 19.99)');
print {$held} "SELECT pg_sleep(0.3);\nCOMMIT;\n";
$main::held = $held;
--- request eval
["DELETE /api/v1/products/3/", "GET /api/v1/products/3/", "GET /api/v1/products/?archive=true"]
--- more_headers eval: $::token
--- error_code eval: [204, 404, 200]
--- response_body_like eval
['\A\z', 'introuvable', '"id":3,']


=== TEST 12: two at once: the second finds nothing
--- init
close $main::held;
MagasinTest::reset();
my $held = MagasinTest::hold('DELETE FROM stock_local WHERE produit_id = 3',
    'DELETE FROM stock_central WHERE produit_id = 3',
    'DELETE FROM produit WHERE id = 3');
print {$held} "SELECT pg_sleep(0.3);\nCOMMIT;\n";
$main::held = $held;
--- request
DELETE /api/v1/products/3/
--- more_headers eval: $::token
--- error_code: 404
--- response_body eval: main::missing(3)


=== TEST 13: an Idempotency-Key is for POST, and of no interest here
--- init
close $main::held;
MagasinTest::reset();
--- request eval
[("DELETE /api/v1/products/3/") x 2]
--- more_headers eval
"$::token\nIdempotency-Key: k"
--- error_code eval: [204, 404]


=== TEST 14: a new product is deleted again
--- init
MagasinTest::reset();
--- request eval
["POST /api/v1/products/\n" . '{"nom":"n","categorie":"c","prix":1}',
 "DELETE /api/v1/products/16/", "GET /api/v1/products/16/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 204, 404]


=== TEST 15: pipelined with reads
# Test::Nginx takes what follows a 204 for its body.
--- skip_eval: 8: !defined &Test::Nginx::Server::excuse
--- init
MagasinTest::reset();
--- pipelined_requests eval
["DELETE /api/v1/products/3/", "GET /api/v1/products/3/",
 "DELETE /api/v1/products/6/", "GET /api/v1/products/12/"]
--- more_headers eval: $::token
--- error_code eval: [204, 404, 204, 200]
--- response_body_like eval
['\A\z', 'introuvable', '\A\z', '\A\{"nom":"Support']


=== TEST 16: HTTP/2
--- http2
--- request
DELETE /api/v1/products/12/
--- more_headers eval: $::token
--- error_code: 204
