# GET /api/v1/stock/central/

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
    return encode_base64url(pack('N', crc32("stock_central$keys")) . $keys);
}

sub key { return substr decode_base64url($_[0]), 4 }

# "NEXT; PRODUCT:QUANTITY ...", in short, with the cursor as "<KEY>".
sub rows {
    my ($body) = @_;
    return $body if $body =~ /"\w+":\["/;
    my ($next) = $body =~ m{\A\{"next":
        (?:"http://localhost/api/v1/stock/central/([^"]+)"|null),"results":\[}x
        or return "no list: $body";
    $next =~ s/cursor=([\w-]+)/'cursor=<' . key($1) . '>'/e
        if defined $next;
    my @rows;
    push @rows, "$1:$2"
        while $body =~ /"produit":(\d+),"nom":"[^"]+","quantite":(\d+)\}/g;
    return CORE::join '; ', $next // 'null', "@rows" || ();
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

=== TEST 1: by product
--- request
GET /api/v1/stock/central/?limit=2
--- response_body eval
'{"next":"http://localhost/api/v1/stock/central/?cursor=' . main::cursor(2) . '&limit=2","results":[{"produit":1,"nom":"Clavier mécanique","quantite":200},{"produit":2,"nom":"Souris optique","quantite":300}]}'
--- response_headers eval
"Content-Type: application/json
Allow: GET, HEAD, OPTIONS
Cache-Control: no-cache
Link: <http://localhost/api/v1/stock/central/?cursor=@{[main::cursor(2)]}&limit=2>; rel=\"next\""
--- response_headers_like
ETag: "[0-9a-f]{32}"


=== TEST 2: pages
--- response_body_filters: rows
--- gets
/api/v1/stock/central/ -> 200 null; 1:200 2:300 3:150 4:400 5:300 6:250 7:180 8:350 9:400 10:120 11:80 12:150 13:500 14:200 15:100
/api/v1/stock/central/?limit=8 -> 200 ?cursor=<8>&limit=8; 1:200 2:300 3:150 4:400 5:300 6:250 7:180 8:350
/api/v1/stock/central/?cursor=<8>&limit=8 -> 200 null; 9:400 10:120 11:80 12:150 13:500 14:200 15:100
/api/v1/stock/central/?cursor=<15> -> 200 null
/api/v1/stock/central/?produit=3&magasin=x -> 200 null; 1:200 2:300 3:150 4:400 5:300 6:250 7:180 8:350 9:400 10:120 11:80 12:150 13:500 14:200 15:100


=== TEST 3: none, archived, and not there
--- init
MagasinTest::reset(
    'UPDATE stock_central SET quantite = 0 WHERE produit_id = 1',
    'DELETE FROM stock_central WHERE produit_id > 3',
    q{UPDATE produit SET archive_le = now() WHERE id = 2},
    q{UPDATE produit SET nom = 'zzz' WHERE id = 1});
--- gets
/api/v1/stock/central/ -> 200 {"next":null,"results":[{"produit":1,"nom":"zzz","quantite":0},{"produit":2,"nom":"Souris optique","quantite":300},{"produit":3,"nom":"Tapis de souris XL","quantite":150}]}


=== TEST 4: an empty one
--- init
MagasinTest::reset('DELETE FROM stock_central');
--- gets
/api/v1/stock/central/ -> 200 {"next":null,"results":[]}
HEAD /api/v1/stock/central/ -> 200


=== TEST 5: rows that come and go between pages
--- init
MagasinTest::reset('DELETE FROM stock_central WHERE produit_id IN (4, 5)',
    q{UPDATE stock_central SET quantite = 7 WHERE produit_id = 6});
--- response_body_filters: rows
--- gets
/api/v1/stock/central/?cursor=<4>&limit=1 -> 200 ?cursor=<6>&limit=1; 6:7
/api/v1/stock/central/?cursor=<5>&limit=1 -> 200 ?cursor=<6>&limit=1; 6:7


=== TEST 6: bad parameters
--- gets
/api/v1/stock/central/?limit=0 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/stock/central/?limit=1001 -> 400 {"limit":["Assurez-vous que cette valeur est inférieure ou égale à 1000."]}
/api/v1/stock/central/?cursor=<2>! -> 400 {"cursor":["Curseur non valide."]}
/api/v1/stock/central/?cursor=OTIyMzM3MjAzNjg1NDc3NTgwOA -> 400 {"cursor":["Curseur non valide."]}
POST /api/v1/stock/central/ -> 405
OPTIONS /api/v1/stock/central/ -> 200
