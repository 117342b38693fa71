# PATCH /api/v1/products/{id}/, and If-Match with PATCH and PUT.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

$MagasinTest::Messages{boolean} = 'Doit être un booléen valide.';

our $product  = '/api/v1/products/3/';
our $body     = MagasinTest::product_body(%MagasinTest::Product);
our $missing  = qr{\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "status":404,"error":"Not\ Found",
    "message":"Produit\ avec\ ID\ 3\ introuvable\.",
    "path":"/api/v1/products/3/"\}\z}x;
our $refused  = q({"detail":"La condition de la requête n'est pas remplie."});
our $archived = q{UPDATE produit SET archive_le = '2026-01-01' WHERE id = 3};

# The entity tag of product 3, with these fields changed (undef: null).
sub etag {
    my (%change) = @_;
    my %field = (
        (map { $_ => $MagasinTest::Product{$_} =~ s/^"|"$//gr }
            keys %MagasinTest::Product),
        %change,
    );
    return MagasinTest::product_etag(
        @field{qw(nom categorie prix description)});
}

our $etag = etag();

# For the lines of `puts`: product 3 after a change.
sub show {
    my (%change) = @_;
    return MagasinTest::product_body(%MagasinTest::Product, %change);
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::puts();

# `puts` with `--- patch` are PATCHes.
MagasinTest::each_block(sub {
    my ($block) = @_;
    return unless defined scalar $block->patch;
    s/^PUT /PATCH / for @{ $block->request };
    return;
});

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: each field alone, all of them, and none
--- patch
--- puts
{} ->
{"nom":"Tapis"} -> nom="Tapis"
{"categorie":"Bureau"} -> categorie="Bureau"
{"prix":"21.5"} -> prix="21.50"
{"description":"Antidérapant"} -> description="Antidérapant"
{"description":"d","prix":1,"categorie":"c","nom":"n"} -> nom="n" categorie="c" prix="1.00" description="d"
{"nom":"a","nom":"b"} -> nom="b"
{"n\u006fm":"d"} -> nom="d"
 ->
--- no_error_log
[error]


=== TEST 2: values are those of PUT
--- patch
--- puts
{"nom":12} -> nom="12"
{"nom":1.10} -> nom="1.1"
{"nom":"  a  b  "} -> nom="a  b"
{"nom":"😀\ud83d\ude00\"\\\u0001"} -> nom="😀😀\"\\\u0001"
{"description":""} -> description=""
{"description":" a\nb "} -> description="a\nb"
{"description":1e16} -> description="1e+16"
{"prix":"٤٢"} -> prix="42.00"
{"prix":" +5. "} -> prix="5.00"
{"prix":99999999.99} -> prix="99999999.99"
{"prix":"1_000"} -> prix="1000.00"
{"prix":0} -> prix="0.00"


=== TEST 3: and so are the messages
--- patch
--- puts
{"nom":null} -> nom null
{"categorie":null} -> categorie null
{"prix":null} -> prix null
{"description":null} -> description null
{"nom":""} -> nom blank
{"categorie":"\u00a0"} -> categorie blank
{"prix":""} -> prix number
{"nom":true,"categorie":[],"prix":{},"description":false} -> nom string, categorie string, prix number, description string
{"nom":"\u0000\ud800"} -> nom nul U+D800
{"prix":"1.234"} -> prix fraction
{"prix":"100000000"} -> prix whole
{"prix":"12345678901"} -> prix digits
{"prix":-1} -> prix negative
{"prix":"NaN"} -> prix number
{"description":null,"prix":"x","categorie":"","nom":[]} -> nom string, categorie blank, prix number, description null
{} ->


=== TEST 4: but unknown members are refused
--- patch
--- puts
{"truc":1} -> truc unknown
{"nom":"x","truc":null} -> truc unknown
{"id":3} -> id unknown
{"quantite_stock":7} -> quantite_stock unknown
{"archive_le":null} -> archive_le unknown
{"Nom":"x","NOM":null} -> Nom unknown, NOM unknown
{"b":[{}],"a":{},"nom":null,"archive":7} -> nom null, archive boolean, b unknown, a unknown
{} ->


=== TEST 5: archive is true or false
--- patch
--- puts
{"archive":false} ->
{"archive":null} -> archive null
{"archive":1} -> archive boolean
{"archive":0} -> archive boolean
{"archive":"oui"} -> archive boolean
{"archive":"True"} -> archive boolean
{"archive":""} -> archive boolean
{"archive":[]} -> archive boolean
{"archive":{}} -> archive boolean
{"archive":[true]} -> archive boolean
{"archive":"\ud800"} -> archive boolean
{"archive":"true\u0000"} -> archive boolean
{"prix":-1,"archive":2,"x":3} -> prix negative, archive boolean, x unknown
{} ->


=== TEST 6: forms
--- patch
--- more_headers eval: $MagasinTest::Form
--- puts
nom=a+b -> nom="a b"
nom=x&nom= ->
prix=%2B5 -> prix="5.00"
description= -> description=""
archive=false ->
archive= ->
truc=1 -> truc unknown
nom=%20&archive=x&truc=1 -> nom blank, archive boolean, truc unknown
nom=caf%C3%A9&archive=false -> nom="café"
--- no_error_log
[error]


=== TEST 7: archive=true in a form archives
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\narchive=true", "GET $::product", "PATCH $::product\narchive=false", "GET $::product"]
--- more_headers eval: $MagasinTest::Form
--- error_code eval: [200, 404, 200, 200]
--- response_body eval
[$::body, $::missing, $::body, $::body]


=== TEST 8: multipart
--- init
MagasinTest::reset();
--- request eval
[map { "PATCH $::product\n" . CORE::join('', map {"--B\r\nContent-Disposition: form-data; $_\r\n"} @$_) . "--B--\r\n" }
    ["name=\"nom\"\r\n\r\na", "name=\"archive\"\r\n\r\nfalse"],
    ["name=\"archive\"; filename=\"f\"\r\n\r\ntrue"],
    ["name=\"truc\"; filename=\"f\"\r\n\r\ntrue"]]
--- more_headers eval
"$MagasinTest::Token\nContent-Type: multipart/form-data; boundary=B"
--- error_code eval: [200, 400, 400]
--- response_body eval
[main::show(nom => '"a"'), MagasinTest::error_body('archive boolean'),
 MagasinTest::error_body('truc unknown')]


=== TEST 9: bodies that are none, and types of media
--- init
MagasinTest::reset();
--- request eval
[map {"PATCH $::product\n$_"} 'null', '[]', '"a"', '{', '{"nom":"x",}', '<a/>']
--- more_headers eval
[($MagasinTest::Json) x 5, "$MagasinTest::Token\nContent-Type: application/xml"]
--- error_code eval: [(400) x 5, 415]
--- response_body eval
['{"non_field_errors":["No data provided"]}',
 map({qq({"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu $_."]})} qw(list str)),
 ($MagasinTest::ParseError) x 2,
 qq({"detail":"Type de média «\xc2\xa0application/xml\xc2\xa0» non supporté."})]


=== TEST 10: the headers of the answer
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"prix":"7.5"}', "GET $::product"]
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[(main::show(prix => '"7.50"')) x 2]
--- response_headers eval
my $etag = main::etag(prix => '7.50');
["Content-Type: application/json\nAllow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS\nCache-Control: no-store\nETag: $etag\n! Location\n! WWW-Authenticate",
 "Allow: GET, PUT, HEAD, OPTIONS\nCache-Control: no-cache\nETag: $etag"]


=== TEST 11: archived and brought back
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"archive":true}', "GET $::product",
 "PUT $::product\n{}", "DELETE $::product", "GET ${main::product}availability/",
 "PATCH $::product\n{}", "PATCH $::product\n" . '{"prix":1}',
 "PATCH $::product\n" . '{"archive":true}', "HEAD $::product",
 "GET /api/v1/stores/1/stock/3/", "GET /api/v1/products/?q=tapis",
 "PATCH $::product\n" . '{"archive":false}', "GET $::product",
 "GET ${main::product}availability/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, (404) x 8, 200, 200, 200, 200, 200]
--- response_body eval
my $place = qr/"message":"Produit avec ID 3 introuvable\."/;
[$::body, $::missing, $::missing, $::missing, $place, ($::missing) x 3, '',
 '{"magasin":1,"produit":3,"quantite":15,"disponible":15}', '{"next":null,"results":[]}',
 $::body, $::body, qr/^\{"produit":3,/]


=== TEST 12: with other fields at once
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"archive":true,"nom":"Vieux tapis"}',
 "PATCH $::product\n" . '{"archive":false,"prix":"5"}', "GET $::product",
 "PATCH $::product\n" . '{"archive":false,"archive":true}', "GET $::product"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 200, 200, 404]
--- response_body eval
my @new = (nom => '"Vieux tapis"', prix => '"5.00"');
[main::show(nom => '"Vieux tapis"'), (main::show(@new)) x 3, $::missing]


=== TEST 13: fields are checked before the product is looked for
--- init
MagasinTest::reset($::archived);
--- request eval
[map({"PATCH $_\n" . '{"prix":-1}'} $::product, '/api/v1/products/999/',
    '/api/v1/products/99999999999999999999/'),
 map({"PATCH $_\n" . '{"archive":false}'} '/api/v1/products/999/',
    '/api/v1/products/99999999999999999999/', '/api/v1/products/000/')]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [400, 400, 400, 404, 404, 404]
--- response_body eval
[(MagasinTest::error_body('prix negative')) x 3,
 qr/"message":"Produit avec ID 999 introuvable\.","path":"\/api\/v1\/products\/999\/"/,
 qr/"message":"Produit avec ID 99999999999999999999 introuvable\."/,
 qr/"message":"Produit avec ID 0 introuvable\.","path":"\/api\/v1\/products\/0\/"/]


=== TEST 14: 401 and 406 before all
--- request eval
[("PATCH $::product\n{broken") x 3]
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/xml\nAuthorization: Token wrong",
 "$MagasinTest::Json\nAccept: text/html"]
--- error_code eval: [401, 401, 406]
--- response_headers eval
[("WWW-Authenticate: Token\nAllow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS") x 2, "! WWW-Authenticate"]


=== TEST 15: If-Match with PATCH
--- init
MagasinTest::reset();
--- request eval
[("PATCH $::product\n{}") x 21]
--- more_headers eval
my ($a, $b) = ('"0123456789abcdef0123456789abcdef"', '"15"');
(my $cut = $::etag) =~ s/.{3}"$/"/;
[map {"$MagasinTest::Json\nIf-Match: $_"}
    $::etag, '*', "$a, $::etag", "$::etag,$a", "$a ,$b,  $::etag ,",
    qq("a,b", $::etag), qq("é", $::etag), qq("W/", $::etag), "W/$a, $::etag",
    $a, "W/$::etag", uc $::etag, $::etag =~ s/"//gr, $cut, '""', ',',
    "$::etag W/$::etag" =~ s/^\S+ //r, "W/$::etag, $b", qq("*"),
    "$a, $b", qq("x)]
--- error_code eval
[(200) x 9, (412) x 12]
--- response_body eval
[($::body) x 9, ($::refused) x 12]
--- response_headers eval
[("ETag: $::etag\nCache-Control: no-store") x 9,
 ("! ETag\nCache-Control: no-store\nContent-Type: application/json\nAllow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS") x 12]
--- no_error_log
[error]


=== TEST 16: If-Match with PUT
--- init
MagasinTest::reset();
--- request eval
[(map {"PUT $::product\n" . qq({"prix":"$_"})} 1, 2, 3, 5), "GET $::product",
 "PUT $::product\n" . '{"truc":1}']
--- more_headers eval
my $now = main::etag(prix => '1.00');
[map({"$MagasinTest::Json\nIf-Match: $_"} $::etag, $::etag, "W/$now", '*'),
 "X: y", "$MagasinTest::Json\nIf-Match: *"]
--- error_code eval: [200, 412, 412, 200, 200, 200]
--- response_body eval
[main::show(prix => '"1.00"'), $::refused, $::refused, (main::show(prix => '"5.00"')) x 3]
--- response_headers eval
[("! ETag\nCache-Control: no-store\nAllow: GET, PUT, HEAD, OPTIONS") x 4,
 "ETag: " . main::etag(prix => '5.00'), '! ETag']


=== TEST 17: every change is another ETag, and is refused with the old one
--- init
MagasinTest::reset();
--- request eval
[map({"PATCH $::product\n$_"} '{"nom":"n"}', '{"categorie":"c"}',
    '{"prix":"20.00"}', '{"description":""}', '{"description":"null"}',
    '{"nom":"x"}')]
--- more_headers eval
my @state = map { { @$_ } } [], [nom => 'n'], [nom => 'n', categorie => 'c'],
    [nom => 'n', categorie => 'c', prix => '20.00'],
    [nom => 'n', categorie => 'c', prix => '20.00', description => ''],
    [nom => 'n', categorie => 'c', prix => '20.00', description => ''];
[map {"$MagasinTest::Json\nIf-Match: " . main::etag(%$_)} @state]
--- error_code eval: [200, 200, 200, 200, 200, 412]
--- response_headers eval
my @new = (nom => 'n', categorie => 'c', prix => '20.00');
["ETag: " . main::etag(nom => 'n'), "ETag: " . main::etag(nom => 'n', categorie => 'c'),
 "ETag: " . main::etag(@new), "ETag: " . main::etag(@new, description => ''),
 "ETag: " . main::etag(@new, description => 'null'), "! ETag"]


=== TEST 18: "" and null are two
--- init
MagasinTest::reset('UPDATE produit SET description = NULL WHERE id = 3');
--- request eval
["GET $::product", "PATCH $::product\n" . '{"description":""}', "GET $::product",
 "PATCH $::product\n{}"]
--- more_headers eval
my ($null, $empty) = (main::etag(description => undef), main::etag(description => ''));
["If-None-Match: $empty", "$MagasinTest::Json\nIf-Match: $null",
 "If-None-Match: $null", "$MagasinTest::Json\nIf-Match: $null"]
--- error_code eval: [200, 200, 200, 412]
--- response_headers eval
my ($null, $empty) = (main::etag(description => undef), main::etag(description => ''));
["ETag: $null", "ETag: $empty", "ETag: $empty", "! ETag"]


=== TEST 19: fields do not run into each other
--- init
MagasinTest::reset(
    q{UPDATE produit SET nom = 'ab', categorie = 'c' WHERE id = 3},
    q{UPDATE produit SET nom = 'a', categorie = 'bc', prix = 19.99,
             description = (SELECT description FROM produit WHERE id = 3)
       WHERE id = 2});
--- request eval
["PATCH $::product\n{}", "PATCH /api/v1/products/2/\n{}"]
--- more_headers eval
("$MagasinTest::Json\nIf-Match: " . main::etag(nom => 'ab', categorie => 'c'))
--- error_code eval: [200, 412]


=== TEST 20: text that is more than ASCII has one ETag everywhere
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"nom":"é😀\u001f","categorie":"a\u001e\"\\\\","description":"x\u2028\ny"}',
 "GET $::product", "PATCH $::product\n{}", "PUT $::product\n{}", "GET $::product"]
--- more_headers eval
my $new = main::etag(nom => "é😀", categorie => "a\x1e\"\\", description => "x\xe2\x80\xa8\ny");
[$MagasinTest::Json, "X: y", ("$MagasinTest::Json\nIf-Match: $new") x 2, "If-None-Match: $new"]
--- error_code eval: [200, 200, 200, 200, 304]


=== TEST 21: If-None-Match takes the ETag of PATCH
--- init
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"prix":"3"}', "GET $::product", "HEAD $::product",
 "PATCH $::product\n" . '{"prix":"3"}']
--- more_headers eval
my $new = main::etag(prix => '3.00');
[$MagasinTest::Json, ("If-None-Match: $new") x 2, "$MagasinTest::Json\nIf-None-Match: *"]
--- error_code eval: [200, 304, 304, 412]
--- response_headers eval
[("ETag: " . main::etag(prix => '3.00')) x 3, "! ETag"]


=== TEST 22: a condition on an archived product
--- init
MagasinTest::reset($::archived);
--- request eval
["PATCH $::product\n{}", "PATCH $::product\n" . '{"archive":true}',
 "PUT $::product\n{}", "PATCH $::product\n" . '{"archive":false}',
 "PATCH $::product\n" . '{"archive":false}', "GET $::product"]
--- more_headers eval
[("$MagasinTest::Json\nIf-Match: *") x 3, "$MagasinTest::Json\nIf-Match: \"15\"",
 "$MagasinTest::Json\nIf-Match: $::etag", "X: y"]
--- error_code eval: [404, 404, 404, 412, 200, 200]
--- response_body eval
[($::missing) x 3, $::refused, $::body, $::body]


=== TEST 23: a condition on what is not there
--- request eval
[map {"$_ /api/v1/products/999/\n{}"} qw(PUT PATCH)]
--- more_headers eval
"$MagasinTest::Json\nIf-Match: *"
--- error_code eval: [404, 404]


=== TEST 24: 400 comes before 412
--- init
MagasinTest::reset();
--- request eval
[map {"$_ $::product\n" . '{"prix":-1}'} qw(PUT PATCH)]
--- more_headers eval
qq($MagasinTest::Json\nIf-Match: "x")
--- error_code eval: [400, 400]
--- response_body eval
[(MagasinTest::error_body('prix negative')) x 2]


=== TEST 25: many tags; nginx itself takes no second header of this name
--- init
MagasinTest::reset();
--- request eval
[map {"$_ $::product"} 'PATCH', 'PATCH', 'PATCH', 'PUT', 'DELETE', 'GET']
--- more_headers eval
my @tags = map {qq("$_")} 1 .. 900;
[map {"$MagasinTest::Token\nIf-Match: $_"} CORE::join(',', @tags, $::etag),
    CORE::join(',', @tags), (qq("x"\nIf-Match: $::etag)) x 4]
--- error_code eval: [200, 412, (400) x 4]
--- response_body eval
[$::body, $::refused, ('{"detail":"Requête non valide."}') x 4]


=== TEST 26: one who waits for another's change of the product
--- init
MagasinTest::reset();
my $held = MagasinTest::hold('UPDATE produit SET prix = 1 WHERE id = 3');
print {$held} "SELECT pg_sleep(0.3);\nCOMMIT;\n";
$main::held = $held;
--- request eval
["PATCH $::product\n" . '{"nom":"n"}']
--- more_headers eval
["$MagasinTest::Json\nIf-Match: $::etag"]
--- error_code eval: [412]
--- response_body eval: [$::refused]


=== TEST 27: who waits without a condition has none that fails
--- init
close $main::held;
MagasinTest::reset();
my $held = MagasinTest::hold('UPDATE produit SET archive_le = now() WHERE id = 3');
print {$held} "SELECT pg_sleep(0.3);\nCOMMIT;\n";
$main::held = $held;
--- request eval
["PATCH $::product\n" . '{"nom":"n"}']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [404]
--- response_body eval: [$::missing]


=== TEST 28: the same for one that is deleted meanwhile
--- init
close $main::held;
MagasinTest::reset();
my $held = MagasinTest::hold('DELETE FROM stock_local WHERE produit_id = 3',
    'DELETE FROM stock_central WHERE produit_id = 3',
    'DELETE FROM produit WHERE id = 3');
print {$held} "SELECT pg_sleep(0.3);\nCOMMIT;\n";
$main::held = $held;
--- request eval
["PATCH $::product\n" . '{"nom":"n"}']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [404]
--- response_body eval: [$::missing]


=== TEST 29: what the journal knows of it
--- init
close $main::held;
MagasinTest::reset();
--- request eval
["PATCH $::product\n" . '{"prix":"20"}', "PATCH $::product\n" . '{"archive":true}',
 "PATCH $::product\n" . '{"archive":false}', "PUT $::product\n" . '{"nom":"n"}',
 "GET /api/v1/journal/?produit=3&ordering=-id&limit=4"]
--- more_headers eval: $MagasinTest::Json
--- response_body_filters eval
sub { CORE::join ' ', $_[0] =~ /"(produit_\w+|demo|produit\/\d+)"/g }
--- response_body eval
[('') x 4, CORE::join ' ', map {"$_ demo produit/3"}
    qw(produit_modification produit_restauration produit_archivage produit_modification)]


=== TEST 30: HTTP/2
--- http2
--- request eval
"PATCH $::product\n" . '{"prix":"33.00"}'
--- more_headers eval: $MagasinTest::Json
--- response_body_like: "prix":"33\.00"
