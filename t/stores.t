# GET /api/v1/stores/, /stores/{id}/ and /stores/{id}/stock/{produit}/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Compress::Zlib qw(crc32);
use MIME::Base64 qw(decode_base64url encode_base64url);

# A cursor as the list gives it out: a checksum of the list's name and of the
# last row's key, and this key.
sub cursor {
    my (@keys) = @_;
    my $keys = CORE::join "\x1f", @keys;
    return encode_base64url(pack('N', crc32("stores$keys")) . $keys);
}

sub key { return substr decode_base64url($_[0]), 4 }

# "NEXT; ID ID ...": what a list of stores is made of, in short, where the
# cursor is shown as "<KEY>".
sub ids {
    my ($body) = @_;
    return $body if $body =~ /"\w+":\["/;
    my ($next) = $body =~ m{\A\{"next":(?:"http://localhost([^"]+)"
        |null),"results":\[}x
        or return "no list: $body";
    $next =~ s/cursor=([\w-]+)/'cursor=<' . key($1) . '>'/e
        if defined $next;
    return CORE::join '; ', $next // 'null',
        CORE::join(' ', $body =~ /"id":(\d+)/g) || ();
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

# "<KEY>" in a request is the cursor of this key.
MagasinTest::each_block(sub {
    my ($block) = @_;
    my $requests = $block->request;
    return unless ref $requests eq 'ARRAY';
    s/<(\w+)>/cursor($1)/ge for @$requests;
    return;
});

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: all of them, by id
--- request
GET /api/v1/stores/
--- response_body chomp
{"next":null,"results":[{"id":1,"nom":"Magasin Centre-Ville","adresse":"123 Rue Principale","ouvert":true,"fuseau":"Europe/Paris"},{"id":2,"nom":"Magasin Nord","adresse":"456 Boulevard Nord","ouvert":true,"fuseau":"Europe/Paris"},{"id":3,"nom":"Magasin Est","adresse":"789 Avenue Est","ouvert":true,"fuseau":"Europe/Paris"},{"id":4,"nom":"Magasin Sud","adresse":"321 Chemin Sud","ouvert":true,"fuseau":"Europe/Paris"},{"id":5,"nom":"Magasin Ouest","adresse":"654 Route Ouest","ouvert":true,"fuseau":"Europe/Paris"}]}
--- response_headers
Content-Type: application/json
Allow: GET, POST, HEAD, OPTIONS
Cache-Control: no-cache
! Link
--- response_headers_like
ETag: "[0-9a-f]{32}"
--- no_error_log
[error]


=== TEST 2: one of them
--- gets
/api/v1/stores/1/ -> 200 {"id":1,"nom":"Magasin Centre-Ville","adresse":"123 Rue Principale","ouvert":true,"fuseau":"Europe/Paris"}
/api/v1/stores/0005/ -> 200 {"id":5,"nom":"Magasin Ouest","adresse":"654 Route Ouest","ouvert":true,"fuseau":"Europe/Paris"}
/api/v1/stores/9/ -> 404 ~\A\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ","status":404,"error":"Not Found","message":"Magasin avec ID 9 introuvable\.","path":"/api/v1/stores/9/"\}\z
/api/v1/stores/0/ -> 404 ~"message":"Magasin avec ID 0 introuvable\.","path":"/api/v1/stores/0/"
/api/v1/stores/9223372036854775807/ -> 404 ~Magasin avec ID 9223372036854775807 introuvable
/api/v1/stores/9223372036854775808/ -> 404 ~Magasin avec ID 9223372036854775808 introuvable
/api/v1/stores/99999999999999999999999/ -> 404 ~Magasin avec ID 99999999999999999999999 introuvable
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, PATCH, HEAD, OPTIONS\nCache-Control: no-cache") x 2,
 ("Content-Type: application/json\nAllow: GET, PATCH, HEAD, OPTIONS\nCache-Control: no-store\n! ETag") x 5]


=== TEST 3: closed stores, and names with every character
--- init
MagasinTest::reset(
    'UPDATE magasin SET ouvert = false WHERE id = 2',
    q{UPDATE magasin SET nom = E'"É\\\\/<\t😀', adresse = E'a\nb' WHERE id = 3});
--- gets
/api/v1/stores/2/ -> 200 {"id":2,"nom":"Magasin Nord","adresse":"456 Boulevard Nord","ouvert":false,"fuseau":"Europe/Paris"}
/api/v1/stores/3/ -> 200 {"id":3,"nom":"\"É\\/<\t😀","adresse":"a\nb","ouvert":true,"fuseau":"Europe/Paris"}
/api/v1/stores/ -> 200 ~\{"id":2,"nom":"Magasin Nord","adresse":"456 Boulevard Nord","ouvert":false,"fuseau":"Europe/Paris"\},\{"id":3,"nom":"\\"É


=== TEST 4: pages
--- init
MagasinTest::reset();
--- response_body_filters: ids
--- gets
/api/v1/stores/?limit=2 -> 200 /api/v1/stores/?cursor=<2>&limit=2; 1 2
/api/v1/stores/?cursor=<2>&limit=2 -> 200 /api/v1/stores/?cursor=<4>&limit=2; 3 4
/api/v1/stores/?cursor=<4>&limit=2 -> 200 null; 5
/api/v1/stores/?cursor=<5>&limit=2 -> 200 null
/api/v1/stores/?limit=5 -> 200 null; 1 2 3 4 5
/api/v1/stores/?limit=4 -> 200 /api/v1/stores/?cursor=<4>&limit=4; 1 2 3 4
/api/v1/stores/?limit=1000 -> 200 null; 1 2 3 4 5
/api/v1/stores/?limit=1 -> 200 /api/v1/stores/?cursor=<1>&limit=1; 1
/api/v1/stores/?limit=&cursor= -> 200 null; 1 2 3 4 5
/api/v1/stores/?z=1&a=%C3%A9+b&limit=4&a= -> 200 /api/v1/stores/?a=%C3%A9+b&a=&cursor=<4>&limit=4&z=1; 1 2 3 4
/api/v1/stores/?page=9&nom=x&ordering=-id -> 200 null; 1 2 3 4 5
/api/v1/stores/?limit=2&limit=3 -> 200 /api/v1/stores/?cursor=<3>&limit=2&limit=3; 1 2 3
/%61pi/v1/stores/?limit=1 -> 200 /api/v1/stores/?cursor=<1>&limit=1; 1


=== TEST 5: the same link in a header, for HEAD too
--- request eval
["GET /api/v1/stores/?limit=2", "HEAD /api/v1/stores/?limit=2",
 "GET /api/v1/stores/?limit=5", "HEAD /api/v1/stores/"]
--- more_headers
Host: Example.COM:8080
--- response_headers eval
[('Link: <http://Example.COM:8080/api/v1/stores/?cursor=' . main::cursor(2) . '&limit=2>; rel="next"') x 2,
 ("! Link") x 2]
--- response_body eval
[qr{^\{"next":"http://Example\.COM:8080/api/v1/stores/\?cursor=@{[main::cursor(2)]}&limit=2","results":\[\{"id":1,},
 '', qr/^\{"next":null,/, '']


=== TEST 6: fifty without a limit
--- init
MagasinTest::reset(
    q{INSERT INTO magasin (id, nom, adresse)
      SELECT n, 'M', 'a' FROM generate_series(6, 51) n});
--- response_body_filters eval
sub { my $text = main::ids($_[0]); $text =~ s/; (\d+) .* (\d+)$/; $1-$2/; $text }
--- gets
/api/v1/stores/ -> 200 /api/v1/stores/?cursor=<50>; 1-50
/api/v1/stores/?cursor=<50> -> 200 null; 51
/api/v1/stores/?limit=51 -> 200 null; 1-51


=== TEST 7: limits that are none
--- gets
/api/v1/stores/?limit=0 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/stores/?limit=-1 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/stores/?limit=1001 -> 400 {"limit":["Assurez-vous que cette valeur est inférieure ou égale à 1000."]}
/api/v1/stores/?limit=99999999999999999999 -> 400 {"limit":["Assurez-vous que cette valeur est inférieure ou égale à 1000."]}
/api/v1/stores/?limit=-99999999999999999999 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/stores/?limit=x -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=2.0 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=1e3 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=true -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=1_0 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=%00 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=5%00 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=%D9%A4 -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/stores/?limit=x&cursor=! -> 400 {"limit":["Un nombre entier valide est requis."],"cursor":["Curseur non valide."]}


=== TEST 8: cursors that were damaged
--- request eval
my $cursor = main::cursor(2);
my @damaged = ('!', 'a', '=', '%00', '%20', '+', '%FF', '%C3%A9', 'MQ', 'Mg',
    map({"$cursor$_"} '!', '%00', '=', '==', '=x', '%20', '+', 'A', 'AAAA', $cursor),
    map({"$_$cursor"} '%20', '+', 'AAAA'), lc $cursor, scalar reverse($cursor),
    map({ substr $cursor, 0, $_ } 1 .. length($cursor) - 1),
    map({ my $one = $cursor; substr($one, $_, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/; $one }
        0 .. length($cursor) - 1));
$main::damaged = @damaged;
[map {"GET /api/v1/stores/?cursor=$_"} @damaged]
--- error_code eval: [(400) x $main::damaged]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x $main::damaged]
--- no_error_log
[error]


=== TEST 9: keys that are none, with the right checksum
--- request eval
[map {"GET /api/v1/stores/?cursor=" . main::cursor($_)} '', 'x', '-1', '+1', '1.0',
    ' 1', '1 ', "1\0", "1\x1f2", '1e3', '9223372036854775808', '9' x 19, '9' x 20,
    'é', "\xd9\xa1"]
--- error_code eval: [(400) x 15]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x 15]
--- no_error_log
[error]


=== TEST 10: cursors that another list gives out
--- request eval
[map { "GET /api/v1/stores/?cursor="
    . main::encode_base64url(pack('N', main::crc32("${_}2")) . '2') }
    qw(stock_central products replenishments store), '']
--- error_code eval: [(400) x 5]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x 5]


=== TEST 11: the largest id is one
--- request eval
["GET /api/v1/stores/?cursor=" . main::cursor('9223372036854775807')]
--- response_body eval
['{"next":null,"results":[]}']


=== TEST 12: cursors of any length
--- request eval
[map {"GET /api/v1/stores/?cursor=$_"} 'A' x 1024, 'A' x 1025, 'MTEx' x 300]
--- error_code eval: [400, 400, 400]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x 3]


=== TEST 13: what a store has of one product
--- init
MagasinTest::reset();
--- gets
/api/v1/stores/1/stock/3/ -> 200 {"magasin":1,"produit":3,"quantite":15,"disponible":15}
/api/v1/stores/2/stock/1/ -> 200 {"magasin":2,"produit":1,"quantite":0,"disponible":0}
/api/v1/stores/2/stock/3/ -> 404 ~\A\{"timestamp":"[^"]+","status":404,"error":"Not Found","message":"[^"]+ 3 introuvable\.","path":"/api/v1/stores/2/stock/3/"\}\z
/api/v1/stores/9/stock/3/ -> 404 ~"path":"/api/v1/stores/9/stock/3/"
/api/v1/stores/1/stock/99/ -> 404 ~"path":"/api/v1/stores/1/stock/99/"
/api/v1/stores/1/stock/99999999999999999999/ -> 404 ~ 99999999999999999999 introuvable
/api/v1/stores/99999999999999999999/stock/3/ -> 404 ~"status":404
/api/v1/stores/1/stock/0/ -> 404 ~"status":404
--- response_headers eval
["ETag: \"15-15\"\nCache-Control: no-cache", "ETag: \"0-0\"\nCache-Control: no-cache",
 ("! ETag\nCache-Control: no-store") x 6]


=== TEST 14: it follows the stock
--- init
MagasinTest::reset(
    'UPDATE stock_local SET quantite = 2147483647 WHERE id = 3',
    q{UPDATE produit SET archive_le = now() WHERE id = 3});
--- gets
/api/v1/stores/1/stock/3/ -> 200 {"magasin":1,"produit":3,"quantite":2147483647,"disponible":2147483647}
--- response_headers eval
['ETag: "2147483647-2147483647"']


=== TEST 15: methods, tokens and Accept as everywhere
--- init
MagasinTest::reset();
--- request eval
["GET /api/v1/stores/", "PUT /api/v1/stores/\n{}", "DELETE /api/v1/stores/1/",
 "PUT /api/v1/stores/1/stock/1/\n{}", "OPTIONS /api/v1/stores/1/",
 "GET /api/v1/stores/1/?format=xml"]
--- more_headers
Authorization: Token wrong
--- error_code eval: [200, 405, 405, 405, 200, 404]
