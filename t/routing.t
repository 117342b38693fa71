# Which path is what: routes, redirects, methods, negotiation.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinRoutes;

our $product = '/api/v1/products/1/';

# The paths of THE table: those of stores with the ids 2 and 4, others with 1.
sub path {
    my ($path) = @_;
    return MagasinRoutes::fill($path,
        id => $path =~ m{/stores/} ? 2 : 1, produit => 4);
}

our @paths   = MagasinRoutes::paths();
our @reads   = map { path($_->{path}) } MagasinRoutes::reads();
our @slashed = grep {m{/\z}} @paths;
our %allow   = map { $_ => 'Allow: ' . MagasinRoutes::allow($_) } @paths;
our %whole   = map { $_ => 'Allow: ' . MagasinRoutes::allow($_, 1) } @paths;

# How answers begin; of what is not here, JSON is enough.
our %begins = (
    '/api/v1/reports/'       => '~^\[\{"magasin":"Magasin Centre-Ville",',
    '/api/v1/dashboard/'     => '~^\[\{"magasin":"Magasin Centre-Ville",',
    '/api/v1/stores/'        =>
        '~^\{"next":null,"results":\[\{"id":1,"nom":"Magasin Centre-Ville",',
    '/api/v1/stores/{id}/'   => '~^\{"id":2,"nom":"Magasin Nord",',
    '/api/v1/stores/{id}/stock/'      => '~^\[\{"produit_id":1,',
    '/api/v1/stores/{id}/stock/list/' => '~^\{"count":5,',
    '/api/v1/stores/{id}/stock/{produit}/' =>
        '{"magasin":2,"produit":4,"quantite":22,"disponible":22}',
    '/api/v1/stock/central/' => '~^\{"next":null,"results":\[\{"produit":1,',
    '/api/v1/products/'      => '~^\{"next":null,"results":\[\{"id":13,',
    '/api/v1/products/{id}/' => '~^\{"nom":"Clavier mécanique",',
    '/api/v1/products/{id}/availability/' => '~^\{"produit":1,',
    '/api/v1/sales/'         => '~^\{"next":null,"results":\[\{"id":1,',
    '/api/v1/sales/{id}/'    => '~^\{"id":1,',
    '/api/v1/replenishments/' => '~^\{"next":null,"results":',
    '/api/v1/replenishments/{id}/' => '~^\{"id":1,',
    '/api/v1/journal/'       => '~^\{"next":"http',
    '/healthz'               => '{"status":"ok"}',
    '/readyz'                =>
        '{"status":"ok","database":"ok","cache":"off","writes":"ok","collations":"ok"}',
);

our $answers = join "\n", map {
    path($_->{path}) . ' -> 200 ' . ($begins{ $_->{path} } // '~^[\[{]')
} MagasinRoutes::reads();

# What OPTIONS calls them; of what is not here, a name is enough.  A query
# makes no difference.
our %names = (
    '/api/v1/reports/'       => 'Rapport Ventes Api',
    '/api/v1/dashboard/'     => 'Performance Magasins Api',
    '/api/v1/stores/'        => 'Magasins',
    '/api/v1/stores/{id}/'   => 'Magasin',
    '/api/v1/stores/{id}/stock/'      => 'Stock Magasin Api',
    '/api/v1/stores/{id}/stock/list/' => 'Stock Magasin List Api',
    '/api/v1/stock/central/' => 'Stock Central',
    '/api/v1/products/'      => 'Produits',
    '/api/v1/products/{id}/' => 'Produit Update Api',
    '/api/v1/sales/'         => 'Ventes',
    '/api/v1/sales/{id}/'    => 'Vente',
    '/api/v1/journal/'       => 'Journal',
);
our %queries = (
    '/api/v1/stores/{id}/stock/list/' => '?page=0&quantite=x',
    '/api/v1/products/'               => '?cursor=x',
    '/api/v1/journal/'                => '?limit=x',
);

# A route that is gone is not passed over.
for my $path (keys %begins, keys %names, keys %queries) {
    die "$path is no route\n" if !grep { $_ eq $path } @paths;
}

our $descriptions = join "\n", map {
    'OPTIONS ' . MagasinRoutes::fill($_, id => 999, produit => 999)
        . ($queries{$_} // '') . ' -> 200 ~^\{"name":"'
        . ($names{$_} // '[^"]+') . '","description":"",'
        . '"renders":\["application/json"\],'
        . '"parses":\["application/json","application/x-www-form-urlencoded",'
        . '"multipart/form-data"\]\}\z'
} @paths;

# The methods that a path has not.
our @refused = map {
    my $path = $_;
    my %has  = map { $_ => 1 } MagasinRoutes::methods($path, 1);
    $has{HEAD} = $has{GET};
    map { [ $_, $path ] } grep { !$has{$_} }
        qw(GET HEAD POST PUT PATCH DELETE PROPFIND FOO);
} @paths;
our $refusals = join "\n", map {
    my ($method, $path) = @$_;
    "$method " . path($path) . ' -> 405' . ($method eq 'HEAD' ? ''
        : qq( {"detail":"Méthode «·$method·» non autorisée."}));
} @refused;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset(@MagasinRoutes::Rows);
run_tests();

__DATA__

=== TEST 1: every route answers
--- gets eval: $::answers
--- response_headers eval
[map {"Content-Type: application/json\n$::allow{$_->{path}}"}
    MagasinRoutes::reads()]
--- no_error_log
[error]


=== TEST 2: HEAD is GET without the body
--- request eval
[map { ("GET $_", "HEAD $_") }
    @::reads, '/api/v1/products/999/', '/api/v1/nothing/']
--- error_code eval
[((200) x (2 * @::reads)), (404) x 4]
--- response_body eval
[(qr/./s, '') x (@::reads + 2)]
--- response_headers eval
[("Content-Type: application/json") x (2 * @::reads + 4)]
--- response_headers_like eval
[("Content-Length: \\d+") x (2 * @::reads + 4)]


=== TEST 3: a path without its slash is a redirect to the one with it
--- request eval
[
    'GET /api/v1/products/999', 'GET /api/v1/products/007?x=1&x',
    'GET /api/v1/stores/1/stock/list?page=2&produit__nom=%C3%A9+%zz',
    'GET /api/v1/reports?', 'GET /%61pi/v1/stores/%31/stock',
    'GET /api/v1/reports?format=xml',
    'GET /api/v1/stores/1/stock/2?x', 'HEAD /api/v1/products?q=a&q',
    'GET /api/v1/journal?cursor=x',
    map { my $path = main::path($_) =~ s{/\z}{}r; ("GET $path", "HEAD $path") }
        @::slashed
]
--- more_headers
Accept: text/html
--- error_code eval
[(301) x (9 + 2 * @::slashed)]
--- response_body eval
[('') x (9 + 2 * @::slashed)]
--- response_headers eval
[
    "Location: /api/v1/products/999/",
    "Location: /api/v1/products/007/?x=1&x",
    "Location: /api/v1/stores/1/stock/list/?page=2&produit__nom=%C3%A9+%zz",
    "Location: /api/v1/reports/",
    "Location: /api/v1/stores/1/stock/",
    "Location: /api/v1/reports/?format=xml",
    "Location: /api/v1/stores/1/stock/2/?x",
    "Location: /api/v1/products/?q=a&q",
    "Location: /api/v1/journal/?cursor=x",
    map { ('Location: ' . main::path($_) . "\n! Allow") x 2 } @::slashed
]


=== TEST 4: but not for other methods
--- gets
POST /api/v1/reports -> 404 {"detail":"Pas trouvé."}
PUT /api/v1/products/1 -> 404 {"detail":"Pas trouvé."}
OPTIONS /api/v1/dashboard -> 404 {"detail":"Pas trouvé."}
DELETE /api/v1/stores/1/stock -> 404 {"detail":"Pas trouvé."}
DELETE /api/v1/products/1 -> 404 {"detail":"Pas trouvé."}
PATCH /api/v1/products/1 -> 404 {"detail":"Pas trouvé."}
POST /api/v1/sales -> 404 {"detail":"Pas trouvé."}


=== TEST 5: what is no route is 404, in JSON, without Allow
--- gets
/api/v1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/report/ -> 404 {"detail":"Pas trouvé."}
/api/v1/reports// -> 404 {"detail":"Pas trouvé."}
//api/v1/reports/ -> 404 {"detail":"Pas trouvé."}
/api//v1/reports/ -> 404 {"detail":"Pas trouvé."}
/api/v1/reports/x -> 404 {"detail":"Pas trouvé."}
/api/v1/Reports/ -> 404 {"detail":"Pas trouvé."}
/API/v1/reports/ -> 404 {"detail":"Pas trouvé."}
/api/v1/reports;x/ -> 404 {"detail":"Pas trouvé."}
/api/v1/store/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stores/x/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stores/1/stock/x/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stores/1/stock/1/1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stores//stock/1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stock/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stock/central/1/2/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products//availability/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/{id}/ -> 404 {"detail":"Pas trouvé."}
/api/v1/journal/1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/sales/x/ -> 404 {"detail":"Pas trouvé."}
/api/v1/replenishments/approve/ -> 404 {"detail":"Pas trouvé."}
/api/v1/stores/1/stock/lists/ -> 404 {"detail":"Pas trouvé."}
/api/v1/product/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/abc/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/abc -> 404 {"detail":"Pas trouvé."}
/api/v1/products/-1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/+1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1.0/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1_0/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1%20/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/%D9%A1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1%0A/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1%0A -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1/1/ -> 404 {"detail":"Pas trouvé."}
/api/v1/products/%FF/ -> 404 {"detail":"Pas trouvé."}
/elsewhere -> 404 {"detail":"Pas trouvé."}
/healthz/ -> 404 {"detail":"Pas trouvé."}
--- response_headers eval
[("Content-Type: application/json\n! Allow") x 37]


=== TEST 6: the decoded path counts
--- gets
/api/v1/products/%31/ -> 200 ~^\{"nom":"Clavier
/%61pi/v1/products/%30%31/ -> 200 ~^\{"nom":"Clavier
/api%2Fv1%2Fproducts%2F1%2F -> 200 ~^\{"nom":"Clavier
/api/v1/products/1%2F -> 200 ~^\{"nom":"Clavier
/api/v1/products/1/?/ -> 200 ~^\{"nom":"Clavier
/api/v1/products/1%3Fx/ -> 404


=== TEST 7: ids are digits, any number of them
--- gets
/api/v1/products/001/ -> 200 ~^\{"nom":"Clavier
/api/v1/products/0/ -> 404 ~"message":"Produit avec ID 0 introuvable.","path":"/api/v1/products/0/"
/api/v1/products/00/ -> 404 ~"message":"Produit avec ID 0 introuvable.","path":"/api/v1/products/0/"
/api/v1/products/00999/ -> 404 ~"message":"Produit avec ID 999 introuvable.","path":"/api/v1/products/999/"
/api/v1/products/2147483648/ -> 404 ~Produit avec ID 2147483648 introuvable
/api/v1/products/9223372036854775807/ -> 404 ~Produit avec ID 9223372036854775807 introuvable
/api/v1/products/9223372036854775808/ -> 404 ~Produit avec ID 9223372036854775808 introuvable
/api/v1/products/99999999999999999999999999999999/ -> 404 ~Produit avec ID 99999999999999999999999999999999 introuvable
/api/v1/stores/9223372036854775807/stock/ -> 200 []
/api/v1/stores/9223372036854775808/stock/ -> 200 []
/api/v1/stores/99999999999999999999/stock/list/ -> 200 {"count":0,"next":null,"previous":null,"results":[]}
/api/v1/stores/0002/stock/ -> 200 ~^\[\{"produit_id":1,
/api/v1/stores/0002/ -> 200 ~^\{"id":2,
/api/v1/stores/002/stock/04/ -> 200 {"magasin":2,"produit":4,"quantite":22,"disponible":22}
/api/v1/stores/0/ -> 404 ~Magasin avec ID 0 introuvable
/api/v1/stores/9223372036854775808/ -> 404 ~Magasin avec ID 9223372036854775808 introuvable
/api/v1/products/0001/availability/ -> 200 ~^\{"produit":1,
/api/v1/products/99999999999999999999/availability/ -> 404 ~Produit avec ID 99999999999999999999 introuvable
/api/v1/sales/99999999999999999999/ -> 404 ~Vente avec ID 99999999999999999999 introuvable
/api/v1/replenishments/99999999999999999999/ -> 404 ~Demande avec ID 99999999999999999999 introuvable
--- no_error_log
[error]


=== TEST 8: 405 names the method and what is allowed
--- gets eval: $::refusals
--- response_headers eval
[map {"$::allow{$_->[1]}\nContent-Type: application/json"} @::refused]


=== TEST 9: a refused method does not look at its body
--- request eval
["POST /api/v1/reports/\n{broken", "POST /api/v1/products/1/\n{broken"]
--- more_headers
Content-Type: application/nothing
--- error_code eval
[405, 405]


=== TEST 10: OPTIONS describes
--- gets eval: $::descriptions
--- response_headers eval
[map { $::whole{$_} } @::paths]


=== TEST 11: format= is json or nothing, before everything else
--- gets
/api/v1/reports/?format=json -> 200
/api/v1/reports/?format= -> 200
/api/v1/reports/?Format=xml -> 200
/api/v1/reports/?format=xml&format=json -> 200
/api/v1/reports/?format=xml -> 404 {"detail":"Pas trouvé."}
/api/v1/reports/?format=JSON -> 404 {"detail":"Pas trouvé."}
/api/v1/reports/?form%61t=api -> 404 {"detail":"Pas trouvé."}
/api/v1/products/1/?format=json&format=html -> 404 {"detail":"Pas trouvé."}
OPTIONS /api/v1/products/1/?format=html -> 404 {"detail":"Pas trouvé."}
POST /api/v1/products/1/?format=html -> 404 {"detail":"Pas trouvé."}
PUT /api/v1/products/1/?format=html -> 404 {"detail":"Pas trouvé."}
DELETE /api/v1/products/1/?format=html -> 404 {"detail":"Pas trouvé."}
POST /api/v1/sales/?format=html -> 404 {"detail":"Pas trouvé."}
/api/v1/products/?format=html -> 404 {"detail":"Pas trouvé."}
/api/v1/stores/1/?format=json -> 200


=== TEST 12: format= comes before Accept
--- gets
/api/v1/reports/?format=xml -> 404 {"detail":"Pas trouvé."}
/api/v1/reports/?format=json -> 406 {"detail":"L'en-tête « Accept » n'a pas pu être satisfaite."}
--- more_headers
Accept: text/html


=== TEST 13: what Accept takes
--- request eval
[('GET /healthz') x 14]
--- more_headers eval
[map {"Accept: $_"}
    'application/json', 'APPLICATION/Json', '*/*', 'application/*', '*/json',
    'application/json; charset=utf-8', 'application/json;q=0', '*/*;;',
    'text/html, application/json', 'text/html;q=1,*/*;q=0.1',
    'application/json ; version=2', ' application/json ,', ',,*/*',
    "text/html\nAccept: application/json"]
--- error_code eval
[(200) x 14]


=== TEST 14: what it does not take
--- request eval
[('GET /api/v1/products/1/') x 13]
--- more_headers eval
[(map {"Accept: $_"}
    'text/html', '*', 'application', 'application / json', 'text/*',
    'application/vnd.api+json', 'application/jsonx', '*/*/*',
    'application/json/xml', 'appli*/json', 'xapplication/json', ','),
 'Accept:']
--- error_code eval
[(406) x 13]
--- response_body eval
[(q({"detail":"L'en-tête « Accept » n'a pas pu être satisfaite."})) x 13]
--- response_headers eval
[("Allow: GET, PUT, HEAD, OPTIONS\nContent-Type: application/json") x 13]


=== TEST 15: 406 comes before 405 and 401, and for OPTIONS and HEAD too
--- gets
POST /api/v1/reports/ -> 406
PUT /api/v1/products/1/ -> 406
PATCH /api/v1/products/1/ -> 406
DELETE /api/v1/products/1/ -> 406
POST /api/v1/sales/ -> 406
/api/v1/products/ -> 406
/api/v1/stores/1/ -> 406
OPTIONS /api/v1/products/1/ -> 406
HEAD /api/v1/products/1/ -> 406
/api/v1/products/999/ -> 406
/api/v1/nothing/ -> 404
--- more_headers
Accept: text/html


=== TEST 16: no Accept at all
--- raw_request eval
"GET /api/v1/products/1/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- response_body_like: ^\{"nom":"Clavier mécanique"


=== TEST 17: a query of a hundred pairs, and of one more
--- request eval
["GET /api/v1/stores/2/stock/list/?" . ('&a' x 100),
 "GET /api/v1/stores/2/stock/list/?" . ('&a' x 101)]
--- error_code eval
[200, 400]
--- response_body eval
[qr/^\{"count":5,/, qr/^\{"detail":"[^"]+"\}$/]


=== TEST 18: the body of a GET is of no interest
--- request eval
["GET /api/v1/products/1/\n{broken", "GET /api/v1/stores/2/stock/\n" . 'x' x 100000]
--- more_headers
Content-Type: application/json
--- error_code eval
[200, 200]


=== TEST 19: a location may be narrow, and elsewhere the module is silent
--- config
location = /api/v1/reports/ { magasin; }
location / { return 200 "other\n"; }
--- request eval
['GET /api/v1/reports/', 'GET /api/v1/dashboard/']
--- response_body eval
[qr/^\[/, "other\n"]


=== TEST 20: on the path of a product Allow is the reference's, or whole
--- request eval
["GET $::product", "HEAD $::product", "PUT $::product\n{}",
 "PUT $::product", "PATCH $::product\n{}", "PATCH $::product",
 "DELETE $::product", "OPTIONS $::product", "POST $::product",
 "GET /api/v1/products/999/", "DELETE /api/v1/products/999/"]
--- more_headers eval
[("X: y") x 2, $MagasinTest::Json, "X: y", $MagasinTest::Json, ("X: y") x 6]
--- error_code eval
[200, 200, 200, 401, 200, 401, 401, 200, 405, 404, 401]
--- response_headers eval
my ($old, $new) = map {"Allow: $_, HEAD, OPTIONS"}
    'GET, PUT', 'GET, PUT, PATCH, DELETE';
[$old, $old, $old, $old, $new, $new, $new, $new, $old, $old, $new]


=== TEST 21: the same for 406
--- request eval
[map {"$_ $::product"} qw(GET HEAD PUT PATCH DELETE OPTIONS)]
--- more_headers
Accept: text/html
--- error_code eval: [(406) x 6]
--- response_headers eval
[("Allow: GET, PUT, HEAD, OPTIONS") x 3,
 ("Allow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS") x 3]


=== TEST 22: the body of a DELETE is of no interest
--- request eval
["DELETE /api/v1/products/999/\n{broken", "DELETE /api/v1/products/999/\n" . 'x' x 100000]
--- more_headers eval
"$MagasinTest::Token\nContent-Type: application/nothing"
--- error_code eval
[404, 404]
