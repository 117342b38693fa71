# GET /api/v1/stores/{id}/stock/{produit}/ and POST .../adjust/: a difference,
# or a count that says what it expected to find.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;

$ENV{TEST_NGINX_TOKENS} = MagasinTest::tokens(
    stock => 'stock',
    autre => 'produits,prix,ventes,reapprovisionnement,admin',
    rien  => '',
);

our $stock = MagasinTest::as('stock');

# `--- bodies` is a table of bodies for one product of a store, each on a line:
#
#     {"delta":0} -> delta zero
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->bodies;
    return unless defined $table;

    my $calls = '';
    for my $line (grep {/\S/} split /\n/, $table) {
        my ($sent, $errors) = $line =~ /^(.*?)\s*->\s+(.*?)\s*$/
            or die "bad line in bodies: $line\n";
        $calls .= "POST /api/v1/stores/1/stock/1/adjust/ $sent -> 400 "
            . ($errors =~ /^[~{]/ ? "$errors\n" : "!$errors\n");
    }
    $block->set_value('calls',     $calls);
    $block->set_value('unchanged', '');
    return;
});

sub post { return "POST /api/v1/stores/1/stock/1/adjust/\n$_[0]" }

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::calls(more_headers => $stock);
MagasinTest::databases();

run_tests();

MagasinTest::reset();

__DATA__

=== TEST 1: the stock of a product
--- calls
GET /api/v1/stores/1/stock/1/ -> 200 {"magasin":1,"produit":1,"quantite":20,"disponible":20}
GET /api/v1/stores/2/stock/1/ -> 200 {"magasin":2,"produit":1,"quantite":0,"disponible":0}
GET /api/v1/stores/01/stock/013/ -> 200 {"magasin":1,"produit":13,"quantite":42,"disponible":42}
HEAD /api/v1/stores/1/stock/1/ -> 200
OPTIONS /api/v1/stores/1/stock/1/ -> 200 ~^\{"name":"Stock Produit",
POST /api/v1/stores/1/stock/1/ {"delta":1} -> 405 {"detail":"Méthode «·POST·» non autorisée."}
PUT /api/v1/stores/1/stock/1/ {"quantite":1} -> 405
GET /api/v1/stores/1/stock/1 -> 301
--- response_headers eval
["Content-Type: application/json\nETag: \"20-20\"\nCache-Control: no-cache\nAllow: GET, HEAD, OPTIONS", 'ETag: "0-0"', 'ETag: "42-42"', "ETag: \"20-20\"\nContent-Length: 55", ('Allow: GET, HEAD, OPTIONS') x 3, 'Location: /api/v1/stores/1/stock/1/']
--- no_error_log
[error]


=== TEST 2: what a store never had, and stores and products that are not there
--- calls
GET /api/v1/stores/2/stock/2/ -> 404 ~^\{"timestamp":"T","status":404,"error":"Not Found","message":"[^"]+","path":"/api/v1/stores/2/stock/2/"\}$
GET /api/v1/stores/99/stock/1/ -> 404 ~"path":"/api/v1/stores/99/stock/1/"\}$
GET /api/v1/stores/1/stock/99/ -> 404 ~"path":"/api/v1/stores/1/stock/99/"\}$
GET /api/v1/stores/0/stock/0/ -> 404 ~"status":404
GET /api/v1/stores/9223372036854775808/stock/1/ -> 404 ~"status":404,.*9223372036854775808
GET /api/v1/stores/1/stock/99999999999999999999999/ -> 404 ~"status":404,.*99999999999999999999999
GET /api/v1/stores/1/stock/-1/ -> 404 {"detail":"Pas trouvé."}
GET /api/v1/stores/1/stock/x/ -> 404 {"detail":"Pas trouvé."}
GET /api/v1/stores/1/stock/1/2/ -> 404 {"detail":"Pas trouvé."}
GET /api/v1/stores/1/stock/list/ -> 200 ~^\{"count":15,


=== TEST 3: the quantities are the entity tag
--- init: MagasinTest::reset();
--- request eval: [("GET /api/v1/stores/1/stock/1/") x 7, "HEAD /api/v1/stores/1/stock/1/"]
--- more_headers eval
['If-None-Match: "20-20"', 'If-None-Match: W/"20-20"', 'If-None-Match: "19-19", "20-20"', 'If-None-Match: *', 'If-None-Match: "2-2"', 'If-None-Match: "200-200"', 'If-None-Match: 20-20', 'If-None-Match: "20-20"']
--- error_code eval: [304, 304, 304, 304, 200, 200, 200, 304]
--- response_headers eval: [('ETag: "20-20"') x 8]


=== TEST 4: differences
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"delta":-3,"motif":"casse"} -> 200 {"magasin":1,"produit":1,"quantite":17,"disponible":17}
POST /api/v1/stores/1/stock/1/adjust/ {"delta":5} -> 200 {"magasin":1,"produit":1,"quantite":22,"disponible":22}
POST /api/v1/stores/1/stock/1/adjust/ {"delta":"-2"} -> 200 {"magasin":1,"produit":1,"quantite":20,"disponible":20}
POST /api/v1/stores/1/stock/1/adjust/ {"delta":-20,"motif":""} -> 200 {"magasin":1,"produit":1,"quantite":0,"disponible":0}
POST /api/v1/stores/1/stock/1/adjust/ {"delta":1,"delta":2,"motif":"retour d'un \"client\"\n<é😀>"} -> 200 {"magasin":1,"produit":1,"quantite":2,"disponible":2}
GET /api/v1/stores/1/stock/1/ -> 200 {"magasin":1,"produit":1,"quantite":2,"disponible":2}
--- response_headers eval
["Content-Type: application/json\nETag: \"17-17\"\nCache-Control: no-store\nAllow: POST, OPTIONS\n! Location", 'ETag: "22-22"', 'ETag: "20-20"', 'ETag: "0-0"', 'ETag: "2-2"', 'ETag: "2-2"']
--- database
SELECT type, magasin_id, produit_id, delta, quantite, acteur, reference, to_json(motif), details FROM journal WHERE acteur = 'stock' ORDER BY id DESC LIMIT 5 -> ajustement|1|1|2|2|stock||"retour d'un \"client\"\n<é😀>"| ajustement|1|1|-20|0|stock||| ajustement|1|1|-2|20|stock||| ajustement|1|1|5|22|stock||| ajustement|1|1|-3|17|stock||"casse"|
SELECT count(*) FROM stock_local -> 35
SELECT sum(delta) FROM journal WHERE magasin_id = 1 AND produit_id = 1 AND xid >= (SELECT xid FROM journal WHERE acteur = 'stock' ORDER BY id DESC OFFSET 4 LIMIT 1) -> -18


=== TEST 5: counts
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":12,"attendu":20} -> 200 {"magasin":1,"produit":1,"quantite":12,"disponible":12}
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":15,"attendu":20,"motif":"inventaire"} -> 409 {"detail":"Le stock a changé·: 20 attendus, 12 présents.","attendu":20,"quantite":12}
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":12,"attendu":12} -> 200 {"magasin":1,"produit":1,"quantite":12,"disponible":12}
POST /api/v1/stores/1/stock/1/adjust/ {"attendu":"12","quantite":"0","motif":"inventaire"} -> 200 {"magasin":1,"produit":1,"quantite":0,"disponible":0}
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":2147483647,"attendu":0} -> 200 {"magasin":1,"produit":1,"quantite":2147483647,"disponible":2147483647}
--- response_headers eval
['ETag: "12-12"', 'Cache-Control: no-store', 'ETag: "12-12"', 'ETag: "0-0"', 'ETag: "2147483647-2147483647"']
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 2147483647
SELECT type, delta, quantite, motif FROM journal WHERE acteur = 'stock' AND delta <> 0 ORDER BY id DESC LIMIT 3 -> ajustement|2147483647|2147483647| ajustement|-12|0|inventaire ajustement|-8|12|


=== TEST 6: not below 0, nor above what there can be
--- init
MagasinTest::reset('UPDATE stock_local SET quantite = 2147483647 WHERE id = 2');
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"delta":-21} -> 409 {"detail":"Stock insuffisant·: Clavier mécanique (demandé 21, disponible 20).","produits":[{"produit":1,"nom":"Clavier mécanique","demande":21,"disponible":20}]}
POST /api/v1/stores/1/stock/1/adjust/ {"delta":-2147483647} -> 409 ~"demande":2147483647,"disponible":20
POST /api/v1/stores/2/stock/1/adjust/ {"delta":-1} -> 409 ~"demande":1,"disponible":0
POST /api/v1/stores/1/stock/2/adjust/ {"delta":1} -> 409 ~^\{"detail":"[^"]*2147483647[^"]*"\}$
POST /api/v1/stores/1/stock/1/adjust/ {"delta":2147483647} -> 409 ~^\{"detail":"[^"]*2147483647[^"]*"\}$
--- unchanged


=== TEST 7: a product that the store never had counts as 0
--- calls
POST /api/v1/stores/2/stock/2/adjust/ {"delta":7,"motif":"don"} -> 200 {"magasin":2,"produit":2,"quantite":7,"disponible":7}
POST /api/v1/stores/3/stock/3/adjust/ {"quantite":5,"attendu":0} -> 200 {"magasin":3,"produit":3,"quantite":5,"disponible":5}
POST /api/v1/stores/3/stock/4/adjust/ {"quantite":0,"attendu":0} -> 200 {"magasin":3,"produit":4,"quantite":0,"disponible":0}
GET /api/v1/stores/2/stock/2/ -> 200 {"magasin":2,"produit":2,"quantite":7,"disponible":7}
--- database
SELECT magasin_id, produit_id, quantite FROM stock_local WHERE id > 35 AND quantite > 0 ORDER BY id -> 2|2|7 3|3|5
SELECT type, magasin_id, produit_id, sum(delta), max(motif) FROM journal WHERE acteur = 'stock' AND ((magasin_id = 2 AND produit_id = 2) OR (magasin_id = 3 AND produit_id = 3)) AND instant > now() - interval '1 minute' GROUP BY 1, 2, 3 ORDER BY 2 -> ajustement|2|2|7|don ajustement|3|3|5|


=== TEST 8: and stays away when nothing is done to it
--- calls
POST /api/v1/stores/2/stock/2/adjust/ {"delta":-1} -> 409 {"detail":"Stock insuffisant·: Souris optique (demandé 1, disponible 0).","produits":[{"produit":2,"nom":"Souris optique","demande":1,"disponible":0}]}
POST /api/v1/stores/2/stock/2/adjust/ {"quantite":4,"attendu":3} -> 409 {"detail":"Le stock a changé·: 3 attendus, 0 présents.","attendu":3,"quantite":0}
--- unchanged


=== TEST 9: also when a condition is not met
--- init: MagasinTest::reset();
--- request eval: ["POST /api/v1/stores/2/stock/2/adjust/\n{\"delta\":3}", "POST /api/v1/stores/2/stock/2/adjust/\n{\"quantite\":3,\"attendu\":0}"]
--- more_headers eval: qq($::stock\nIf-Match: "4")
--- error_code eval: [412, 412]
--- unchanged


=== TEST 10: stores and products that are not there
--- calls
POST /api/v1/stores/99/stock/1/adjust/ {"delta":1} -> 404 Magasin avec ID 99 introuvable.
POST /api/v1/stores/1/stock/99/adjust/ {"delta":1} -> 404 Produit avec ID 99 introuvable.
POST /api/v1/stores/99/stock/99/adjust/ {"delta":1} -> 404 ~^\{"timestamp":"T","status":404,
POST /api/v1/stores/0/stock/1/adjust/ {"delta":1} -> 404 Magasin avec ID 0 introuvable.
POST /api/v1/stores/9223372036854775807/stock/1/adjust/ {"delta":1} -> 404 Magasin avec ID 9223372036854775807 introuvable.
POST /api/v1/stores/9223372036854775808/stock/1/adjust/ {"delta":1} -> 404 Magasin avec ID 9223372036854775808 introuvable.
POST /api/v1/stores/1/stock/18446744073709551617/adjust/ {"delta":1} -> 404 Produit avec ID 18446744073709551617 introuvable.
POST /api/v1/stores/99/stock/1/adjust/ {"delta":0} -> 400 !delta zero
POST /api/v1/stores/x/stock/1/adjust/ {"delta":1} -> 404 {"detail":"Pas trouvé."}
POST /api/v1/stores/1/stock/1/adjust {"delta":1} -> 404 {"detail":"Pas trouvé."}
--- unchanged


=== TEST 11: the path of a 404 is the one that was asked for
--- calls
POST /api/v1/stores/099/stock/01/adjust/ {"delta":1} -> 404 Magasin avec ID 99 introuvable.
POST /api/v1/stores/01/stock/099/adjust/ {"delta":1} -> 404 Produit avec ID 99 introuvable.
--- unchanged


=== TEST 12: one of the two, and all of it
--- bodies
{} -> ~^\{"delta":\["Ce champ est obligatoire\."\]\}$
-> ~^\{"delta":\["Ce champ est obligatoire\."\]\}$
{"motif":"x"} -> ~^\{"delta":\["Ce champ est obligatoire\."\]\}$
{"quantite":12} -> attendu required
{"attendu":12} -> quantite required
{"delta":1,"quantite":12,"attendu":20} -> ~^\{"delta":\["[^"]+"\]\}$
{"delta":1,"quantite":12} -> ~^\{"delta":\["[^"]+"\]\}$
{"delta":1,"attendu":20} -> ~^\{"delta":\["[^"]+"\]\}$
{"truc":1,"delta":1} -> truc unknown
{"truc":1} -> delta required, truc unknown
{"delta":1,"Motif":"x","b":[1]} -> Motif unknown, b unknown
{"delta":1,"magasin":1} -> magasin unknown
{"delta":0,"x":1} -> delta zero, x unknown
{"delta":1,"\u0000":1} -> ~^\{"[^"]+":\["Champ inconnu\."\]\}$
{"delta":1,"\udc00":1} -> ~^\{"[^"]+":\["Champ inconnu\."\]\}$
{"delta\u0000":1} -> ~"Champ inconnu\."
null -> {"non_field_errors":["No data provided"]}
[] -> {"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu list."]}
[{"delta":1}] -> ~^\{"non_field_errors"
"delta" -> ~^\{"non_field_errors"
-3 -> ~^\{"non_field_errors"
1e400 -> ~^\{"non_field_errors"
{"delta":+1} -> ~^\{"detail":"JSON parse error
{"delta":-} -> ~^\{"detail":"JSON parse error
{"delta":1 -> ~^\{"detail":"JSON parse error


=== TEST 13: a difference, of every type
--- bodies
{"delta":0} -> delta zero
{"delta":-0} -> delta zero
{"delta":"0"} -> delta zero
{"delta":"-0"} -> delta zero
{"delta":null} -> delta null
{"delta":true} -> delta integer
{"delta":false} -> delta integer
{"delta":""} -> delta integer
{"delta":"trois"} -> delta integer
{"delta":"2.5"} -> delta integer
{"delta":2.0} -> delta integer
{"delta":2.5} -> delta integer
{"delta":1e3} -> delta integer
{"delta":"1e3"} -> delta integer
{"delta":1e400} -> delta integer
{"delta":-1e400} -> delta integer
{"delta":[]} -> delta integer
{"delta":[1]} -> delta integer
{"delta":{}} -> delta integer
{"delta":"1\u0000"} -> delta integer
{"delta":"\u0000"} -> delta integer
{"delta":"\ud800"} -> delta integer
{"delta":"-"} -> delta integer
{"delta":"- 1"} -> delta integer
{"delta":2147483648} -> delta max2147483647
{"delta":4294967297} -> delta max2147483647
{"delta":9223372036854775807} -> delta max2147483647
{"delta":9223372036854775808} -> delta max2147483647
{"delta":18446744073709551617} -> delta max2147483647
{"delta":-2147483649} -> ~^\{"delta":\["Assurez-vous que cette valeur est supérieure ou égale à -214748364[78]\."\]\}$
{"delta":-9223372036854775808} -> ~^\{"delta":\["Assurez-vous que cette valeur est supérieure ou égale à -214748364[78]\."\]\}$
{"delta":-99999999999999999999999} -> ~^\{"delta":\["Assurez-vous que cette valeur est supérieure ou égale à -214748364[78]\."\]\}$


=== TEST 14: a count, of every type
--- bodies
{"quantite":-1,"attendu":20} -> quantite min0
{"quantite":1,"attendu":-1} -> attendu min0
{"quantite":2147483648,"attendu":20} -> quantite max2147483647
{"quantite":1,"attendu":2147483648} -> attendu max2147483647
{"quantite":9223372036854775808,"attendu":9223372036854775808} -> quantite max2147483647, attendu max2147483647
{"quantite":null,"attendu":null} -> quantite null, attendu null
{"attendu":true,"quantite":"x"} -> quantite integer, attendu integer
{"quantite":1.0,"attendu":20.0} -> quantite integer, attendu integer
{"quantite":1e400,"attendu":20} -> quantite integer
{"quantite":"","attendu":""} -> quantite integer, attendu integer
{"quantite":[],"attendu":{}} -> quantite integer, attendu integer
{"quantite":null,"attendu":20} -> quantite null
{"delta":null,"quantite":1,"attendu":20} -> delta null
{"motif":7.5e400,"attendu":-1,"quantite":-1,"delta":"x","z":0} -> ~^\{"delta":\["Un nombre entier valide est requis\."\],"quantite":\["[^"]+"\],"attendu":\["[^"]+"\],("motif":\["[^"]+"\],)?"z":\["Champ inconnu\."\]\}$


=== TEST 15: a reason, of every type
--- bodies
{"delta":1,"motif":null} -> motif null
{"delta":1,"motif":true} -> motif string
{"delta":1,"motif":[]} -> motif string
{"delta":1,"motif":{"a":1}} -> motif string
{"delta":1,"motif":"a\u0000b"} -> motif nul
{"delta":1,"motif":"\ud83d"} -> motif U+D83D
{"delta":1,"motif":"\u0000\udfff"} -> motif nul U+DFFF
{"motif":null} -> ~^\{("delta":\["Ce champ est obligatoire\."\],)?"motif":\["Ce champ ne peut être nul\."\]\}$


=== TEST 16: two hundred characters, however many bytes
--- init: MagasinTest::reset();
--- more_headers eval: $::stock
--- request eval
[map { main::post("{\"delta\":1,\"motif\":\"$_\"}") } 'é' x 200, "\xf0\x9f\x98\x80" x 200, '\ud83d\ude00' x 200, 'x' x 201, 'é' x 201, 'x' x 100_000]
--- error_code eval: [200, 200, 200, 400, 400, 400]
--- response_body_like eval
['"quantite":21,', '"quantite":22,', '"quantite":23,', ('\A' . quotemeta(MagasinTest::error_body('motif text200')) . '\z') x 3]
--- database
SELECT char_length(motif) FROM journal WHERE acteur = 'stock' ORDER BY id DESC LIMIT 3 -> 200 200 200
SELECT quantite FROM stock_local WHERE id = 1 -> 23


=== TEST 17: forms
--- init: MagasinTest::reset();
--- request eval
[main::post('delta=-3&motif=casse+%26+perte'), main::post('quantite=12&attendu=17&motif='), main::post("--b\r\nContent-Disposition: form-data; name=\"delta\"\r\n\r\n4\r\n--b--"), main::post('delta=x&truc=1'), main::post('delta=&motif=a'), main::post('delta=1&quantite='), main::post('delta=%00'), main::post('delta=1&motif=%00'),
 main::post("--b\r\nContent-Disposition: form-data; name=\"delta\"; filename=\"d\"\r\n\r\n4\r\n--b--"), main::post("--b\r\nContent-Disposition: form-data; name=\"delta\"\r\n\r\n4\r\n--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"d\"\r\n\r\n4\r\n--b--"), main::post('<delta/>')]
--- more_headers eval
my $form = "Authorization: Token secret-stock\nContent-Type: application/x-www-form-urlencoded"; my $parts = "Authorization: Token secret-stock\nContent-Type: multipart/form-data; boundary=b";
[$form, $form, $parts, ($form) x 5, $parts, $parts, "Authorization: Token secret-stock\nContent-Type: text/xml"]
--- error_code eval: [200, 200, 200, 400, 400, 200, 400, 400, 400, 400, 415]
--- response_body eval
['{"magasin":1,"produit":1,"quantite":17,"disponible":17}', '{"magasin":1,"produit":1,"quantite":12,"disponible":12}', '{"magasin":1,"produit":1,"quantite":16,"disponible":16}', MagasinTest::error_body('delta integer', 'truc unknown'), MagasinTest::error_body('delta required'), '{"magasin":1,"produit":1,"quantite":17,"disponible":17}', MagasinTest::error_body('delta integer'), MagasinTest::error_body('motif nul'),
 MagasinTest::error_body('delta integer'), MagasinTest::error_body('photo unknown'), qr/^\{"detail":"Type de média/]
--- database
SELECT delta, quantite, motif FROM journal WHERE acteur = 'stock' ORDER BY id DESC LIMIT 4 -> 1|17| 4|16| -5|12| -3|17|casse & perte


=== TEST 18: If-Match that is met
--- init: MagasinTest::reset();
--- request eval: [map { main::post('{"delta":1}') } 1 .. 7]
--- more_headers eval
[map {"$::stock\n$_"} 'If-Match: "20"', 'If-Match: *', 'If-Match: "20","22" , "9"', 'If-Match:"1",,"23",', 'If-Match: W/"24", "24"', 'If-Match: "x", "25"', 'If-None-Match: "0"']
--- error_code eval: [(200) x 7]
--- response_body_like eval: [map {qq("quantite":$_,)} 21 .. 27]
--- response_headers eval: [map {qq(ETag: "$_-$_")} 21 .. 27]


=== TEST 19: If-Match that is not
--- init: MagasinTest::reset();
--- request eval: [map { main::post('{"delta":1}') } 1 .. 12]
--- more_headers eval
[map {"$::stock\nIf-Match: $_"} '"19"', '"2"', '"200"', '"020"', 'W/"20"', '20', '"19", "21"', '""', '"a"', '"19,20,21"', "'20'", '"1234567890123456789012345678901234567890"']
--- error_code eval: [(412) x 12]
--- response_body_like eval: [('\A\{"detail":"Le stock a changé\xc2\xa0: il en reste 20\.","quantite":20\}\z') x 12]
--- response_headers eval: [("Content-Type: application/json\nCache-Control: no-store") x 12]
--- unchanged


=== TEST 20: the condition comes before the count, and after 400 and 404
--- init: MagasinTest::reset();
--- request eval: [main::post('{"quantite":1,"attendu":5}'), main::post('{"delta":-21}'), main::post('{"delta":0}'), "POST /api/v1/stores/1/stock/99/adjust/\n{\"delta\":1}"]
--- more_headers eval: qq($::stock\nIf-Match: "5")
--- error_code eval: [412, 412, 400, 404]
--- unchanged


=== TEST 21: who may
--- init: MagasinTest::reset();
--- request eval: [(main::post('{"delta":1}')) x 4, main::post('{bad'), "POST /api/v1/stores/99/stock/1/adjust/\n{}"]
--- more_headers eval: ['Content-Type: application/json', MagasinTest::as('inconnu'), MagasinTest::as('autre'), MagasinTest::as('rien'), 'Content-Type: application/json', MagasinTest::as('rien')]
--- error_code eval: [401, 401, 403, 403, 401, 403]
--- response_body_like eval
[('\A\{"timestamp":"[^"]+","status":401,"error":"Unauthorized","message":"Token d\'accès invalide ou manquant\.","path":"/api/v1/stores/1/stock/1/adjust/"\}\z') x 2, ('\A\{"detail":"Vous n\'avez pas la permission d\'effectuer cette action\."\}\z') x 2, '"status":401', '"detail"']
--- unchanged


=== TEST 22: methods
--- calls
GET /api/v1/stores/1/stock/1/adjust/ -> 405 {"detail":"Méthode «·GET·» non autorisée."}
HEAD /api/v1/stores/1/stock/1/adjust/ -> 405
PUT /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 405
DELETE /api/v1/stores/1/stock/1/adjust/ -> 405
OPTIONS /api/v1/stores/1/stock/1/adjust/ -> 200 ~^\{"name":"Ajustement Stock",
--- response_headers eval: [('Allow: POST, OPTIONS') x 5]
--- unchanged


=== TEST 23: errors as problems
--- init: MagasinTest::reset();
--- request eval: [main::post('{"delta":-21}'), main::post('{"delta":1}'), main::post('{"quantite":1,"attendu":3}'), main::post('{"delta":0,"x":1}'), "POST /api/v1/stores/99/stock/1/adjust/\n{\"delta\":1}", "GET /api/v1/stores/1/stock/99/", "GET /api/v1/stores/1/stock/1/adjust/", main::post('x')]
--- more_headers eval
my $as = "$::stock\nAccept: application/problem+json"; [$as, "$as\nIf-Match: \"3\"", ($as) x 6]
--- error_code eval: [409, 412, 409, 400, 404, 404, 405, 400]
--- response_headers eval: [('Content-Type: application/problem+json') x 8]
--- response_body_like eval
my $p = sub { my ($title, $status, $rest, $path) = @_; $path //= '/api/v1/stores/1/stock/1/adjust/'; qr(\A\{"type":"about:blank","title":"\Q$title\E","status":$status,"instance":"\Q$path\E","detail":"$rest\}\z) };
[$p->('Conflict', 409, 'Stock insuffisant[^"]+","produits":\[\{"produit":1,"nom":"Clavier mécanique","demande":21,"disponible":20\}\]'), $p->('Precondition Failed', 412, 'Le stock a changé[^"]+","quantite":20'), $p->('Conflict', 409, 'Le stock a changé[^"]+","attendu":3,"quantite":20'),
 $p->('Bad Request', 400, '[^"]+","erreurs":\{"delta":\["Cette valeur ne peut être 0\."\],"x":\["Champ inconnu\."\]\}'), $p->('Not Found', 404, 'Magasin avec ID 99 introuvable\."', '/api/v1/stores/99/stock/1/adjust/'), $p->('Not Found', 404, '[^"]+"', '/api/v1/stores/1/stock/99/'), $p->('Method Not Allowed', 405, '[^"]+"'), $p->('Bad Request', 400, 'JSON parse error - .+"')]
--- unchanged


=== TEST 24: a reason stays with its own adjustment
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"delta":1,"motif":"don"} -> 200
POST /api/v1/stores/1/stock/1/adjust/ {"delta":1} -> 200
POST /api/v1/stores/1/stock/1/adjust/ {"delta":1,"motif":"   "} -> 200
--- database
SELECT coalesce(motif, '-') FROM journal WHERE acteur = 'stock' ORDER BY id DESC LIMIT 3 -> - - don


=== TEST 25: a count waits for a sale that is under way, and is not the last word
--- init
MagasinTest::reset();
$main::held = MagasinTest::hold('UPDATE stock_local SET quantite = quantite - 1 WHERE id = 1');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":12,"attendu":20} -> 409 {"detail":"Le stock a changé·: 20 attendus, 19 présents.","attendu":20,"quantite":19}
--- database
SELECT quantite FROM stock_local WHERE id = 1 -> 19


=== TEST 26: a product that the store never had, while another one brings it
--- init
close $main::held; MagasinTest::reset();
$main::held = MagasinTest::hold('INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (2, 2, 6)');
print {$main::held} "SELECT pg_sleep(0.3); COMMIT;\n";
--- timeout: 10s
--- calls
POST /api/v1/stores/2/stock/2/adjust/ {"delta":3} -> 200 {"magasin":2,"produit":2,"quantite":9,"disponible":9}
--- database
SELECT quantite FROM stock_local WHERE magasin_id = 2 AND produit_id = 2 -> 9


=== TEST 27: a closed store and an archived product can be counted
--- init
close $main::held; MagasinTest::reset('UPDATE magasin SET ouvert = false WHERE id = 1', 'UPDATE produit SET archive_le = now() WHERE id = 1');
--- calls
POST /api/v1/stores/1/stock/1/adjust/ {"quantite":1,"attendu":20} -> 200 {"magasin":1,"produit":1,"quantite":1,"disponible":1}
GET /api/v1/stores/1/stock/1/ -> 200 {"magasin":1,"produit":1,"quantite":1,"disponible":1}
