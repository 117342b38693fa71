# GET /api/v1/sales/: order, filters, instants, and pages found by key.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MIME::Base64 qw(encode_base64url);

# The sales of the fixture at instants that are the same every day.  Newest
# first they are 5 4 3 6 2 1: the last three are of one instant.
our @days = (
    map {"UPDATE vente SET date_vente = '$_->[1]' WHERE id = $_->[0]"}
        [ 1, '2026-03-01 10:00:00Z' ], [ 2, '2026-03-01 10:00:00Z' ],
        [ 3, '2026-03-02 00:00:00Z' ], [ 4, '2026-03-02 00:00:00.000001Z' ],
        [ 5, '2026-03-03 12:30:00Z' ], [ 6, '2026-03-01 10:00:00Z' ]
);

# More of them: (id, store, instant).
sub add {
    return map {"INSERT INTO vente (id, magasin_id, date_vente, total)"
        . " VALUES ($_->[0], $_->[1], '$_->[2]', 1.50)"} @_;
}

# Of a list its ids, and whether there is a next page; the link to that is
# kept for the next block.
our $next = '';

sub ids {
    my ($body) = @_;
    my ($link) = $body =~ /^\{"next":("[^"]*"|null),"results":\[.*\]\}$/s
        or return $body;
    $next = $link =~ m{^"http://localhost(/.*)"$} ? $1 : '';
    my @ids = $body =~ /\{"id":(\d+),/g;
    return CORE::join ' ', @ids, $link eq 'null' ? '.' : '>';
}

# "<next>" is the link of the last list; "<cursor:TEXT>" a cursor made by hand
# of keys with "|" between, and "_" for a blank.
MagasinTest::each_block(sub {
    my ($block) = @_;
    for my $section (qw(gets request response_headers)) {
        my $text = $block->$section;
        next if !defined $text || ref $text;
        $text =~ s/<next>/$next/g;
        $text =~ s/<cursor:(.*?)>/encode_base64url($1 =~ tr{|_}{\x1f }r)/ge;
        $block->set_value($section, $text);
    }
    return;
});

# `--- broken`: the cursor of the last link, damaged in many ways.
MagasinTest::each_block(sub {
    my ($block) = @_;
    return unless defined scalar $block->broken;

    my ($whole) = $next =~ /cursor=([^&]+)/ or die "no cursor\n";
    my @broken = ("${whole}A", "${whole}AAAA");
    push @broken, substr($whole, 0, -$_), substr($whole, $_) for 1 .. 8;
    for my $at (0, 5, 10, length($whole) - 3) {
        my $other = $whole;
        substr($other, $at, 1) = substr($whole, $at, 1) eq 'M' ? 'N' : 'M';
        push @broken, $other;
    }

    $block->set_value('request',
        [ map {"GET /api/v1/sales/?limit=1&cursor=$_"} @broken ]);
    $block->set_value('error_code', [ (400) x @broken ]);
    $block->set_value('response_body',
        [ (MagasinTest::error_body('cursor cursor')) x @broken ]);
    return;
});

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset(@days);
run_tests();

MagasinTest::reset();

__DATA__

=== TEST 1: the list, newest first
--- gets
/api/v1/sales/ -> 200 {"next":null,"results":[{"id":5,"magasin":2,"date_vente":"2026-03-03T12:30:00.000000Z","total":"9.20"},{"id":4,"magasin":2,"date_vente":"2026-03-02T00:00:00.000001Z","total":"8.99"},{"id":3,"magasin":1,"date_vente":"2026-03-02T00:00:00.000000Z","total":"2550.00"},{"id":6,"magasin":3,"date_vente":"2026-03-01T10:00:00.000000Z","total":"99999999.99"},{"id":2,"magasin":1,"date_vente":"2026-03-01T10:00:00.000000Z","total":"172.45"},{"id":1,"magasin":1,"date_vente":"2026-03-01T10:00:00.000000Z","total":"301.95"}]}
HEAD /api/v1/sales/ -> 200
--- response_headers eval
[("Content-Type: application/json\nAllow: GET, POST, HEAD, OPTIONS\nCache-Control: no-cache\n! Link") x 2]
--- no_error_log
[error]


=== TEST 2: filters
--- response_body_filters: ids
--- gets
/api/v1/sales/?magasin=1 -> 200 3 2 1 .
/api/v1/sales/?magasin=3 -> 200 6 .
/api/v1/sales/?magasin=4 -> 200 .
/api/v1/sales/?magasin=99 -> 200 .
/api/v1/sales/?magasin=9223372036854775807 -> 200 .
/api/v1/sales/?magasin=01 -> 200 3 2 1 .
/api/v1/sales/?magasin=2&magasin=1 -> 200 3 2 1 .
/api/v1/sales/?magasin= -> 200 5 4 3 6 2 1 .
/api/v1/sales/?magasin -> 200 5 4 3 6 2 1 .
/api/v1/sales/?magasin=&depuis=&jusqu_a=&limit=&cursor= -> 200 5 4 3 6 2 1 .
/api/v1/sales/?truc=1&Produit=1&MAGASIN=2 -> 200 5 4 3 6 2 1 .
/api/v1/sales/?m%61gasin=%31 -> 200 3 2 1 .


=== TEST 3: from, included, to, excluded
--- response_body_filters: ids
--- gets
/api/v1/sales/?depuis=2026-03-02T00:00:00Z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00:00:00.000001Z -> 200 5 4 .
/api/v1/sales/?depuis=2026-03-02T00:00:00.000002Z -> 200 5 .
/api/v1/sales/?jusqu_a=2026-03-02T00:00:00Z -> 200 6 2 1 .
/api/v1/sales/?jusqu_a=2026-03-02T00:00:00.000001Z -> 200 3 6 2 1 .
/api/v1/sales/?jusqu_a=2026-03-02T00:00:00.000002Z -> 200 4 3 6 2 1 .
/api/v1/sales/?depuis=2026-03-02&jusqu_a=2026-03-03 -> 200 4 3 .
/api/v1/sales/?depuis=2026-03-01&jusqu_a=2026-03-02 -> 200 6 2 1 .
/api/v1/sales/?depuis=2026-03-01&jusqu_a=2026-03-02&magasin=1 -> 200 2 1 .
/api/v1/sales/?depuis=2026-03-01T10:00:00Z&jusqu_a=2026-03-01T10:00:00Z -> 200 .
/api/v1/sales/?depuis=2026-03-03&jusqu_a=2026-03-01 -> 200 .
/api/v1/sales/?depuis=2026-03-04 -> 200 .
/api/v1/sales/?depuis=0001-01-01&jusqu_a=9999-12-31T23:59:59Z -> 200 5 4 3 6 2 1 .
/api/v1/sales/?depuis=2028-02-29 -> 200 .
/api/v1/sales/?depuis=2000-02-29 -> 200 5 4 3 6 2 1 .


=== TEST 4: one instant in many ways
--- response_body_filters: ids
--- gets
/api/v1/sales/?depuis=2026-03-02 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00:00:00.0Z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00:00:00.000000000Z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02t00:00:00z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02%2000:00:00Z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00%3A00%3A00Z -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00:00:00%2B00:00 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T00:00:00-00:00 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T02:00:00%2B02:00 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T02:00:00+02:00 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T05:45:00.000%2B05:45 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T05:45:00.000+05:45 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-01T19:00:00-05:00 -> 200 5 4 3 .
/api/v1/sales/?depuis=2026-03-02T14:00:00%2B14:00 -> 200 5 4 3 .
/api/v1/sales/?jusqu_a=2026-03-02T02:00:00.000001+02:00 -> 200 3 6 2 1 .
/api/v1/sales/?jusqu_a=2026-03-02T02:00:00.000001%2B02:00 -> 200 3 6 2 1 .


=== TEST 5: and what is none
--- gets eval
CORE::join '', map {"/api/v1/sales/?depuis=$_ -> 400 " . MagasinTest::error_body('depuis instant') . "\n/api/v1/sales/?jusqu_a=$_ -> 400 " . MagasinTest::error_body('jusqu_a instant') . "\n"}
    qw(2026-02-30 2026-02-29 2100-02-29 2026-04-31 2026-13-01 2026-00-01 2026-01-00 2026-01-32 0000-01-01 10000-01-01 26-01-01 2026-1-1 20260101 2026/01/01 01/02/2026 2026-01 2026
    2026-03-02T24:00:00Z 2026-03-02T23:60:00Z 2026-03-02T23:59:61Z 2026-03-02T00:00:00 2026-03-02%2000:00:00 2026-03-02T00:00:00.5 2026-03-02T00:00Z 2026-03-02T00Z 2026-03-02T 2026-03-02Z 2026-03-02%2B02:00 2026-03-02T00:00:00.Z
    2026-03-02T00:00:00%2B2:00 2026-03-02T00:00:00%2B0200 2026-03-02T00:00:00%2B02 2026-03-02T00:00:00%2B24:00 2026-03-02T00:00:00%2B02:60 2026-03-02T00:00:00ZZ 2026-03-02T00:00:00Zx 2026-03-02T00:00:00%20UTC
    2026-03-02T00:00:00Europe/Paris -2026-03-02 %2B2026-03-02 now today infinity -infinity epoch 1772409600 0 x %00 2026-03-02%00 2026-03-02T00:00:00Z%00 %D9%A2026-03-02 2026-03-02'), '2026-03-02T00:00:00,5Z', '2026-03-02T00:00:00.' . 0 x 100 . 'Z', 9 x 2000


=== TEST 6: parameters that are wrong
--- gets eval
CORE::join '', map { "/api/v1/sales/?$_->[0] -> 400 " . ($_->[1] =~ /^~/ ? $_->[1] : MagasinTest::error_body(split /, /, $_->[1])) . "\n" }
    ['magasin=x', 'magasin integer'], ['magasin=1.0', 'magasin integer'], ['magasin=1e3', 'magasin integer'], ['magasin=true', 'magasin integer'], ['magasin=null', 'magasin integer'], ['magasin=1,2', 'magasin integer'], ['magasin=1%00', 'magasin integer'], ['magasin=1&magasin=x', 'magasin integer'],
    ['magasin=0', '~^\{"magasin":\["[^"]+"\]\}$'], ['magasin=-1', '~^\{"magasin":\["[^"]+"\]\}$'], ['magasin=9223372036854775808', '~^\{"magasin":\["[^"]+"\]\}$'], ['magasin=' . 9 x 2000, '~^\{"magasin":\["[^"]+"\]\}$'],
    ['limit=0', 'limit min1'], ['limit=-1', 'limit min1'], ['limit=1001', 'limit max1000'], ['limit=2147483648', 'limit max1000'], ['limit=9223372036854775808', 'limit max1000'], ['limit=' . 9 x 100, 'limit max1000'], ['limit=abc', 'limit integer'], ['limit=1.5', 'limit integer'], ['limit=1e2', 'limit integer'], ['limit=0x10', 'limit integer'], ['limit=5%00', 'limit integer'], ['limit=all', 'limit integer'],
    ['cursor=x&limit=0&jusqu_a=y&depuis=z&magasin=a', 'magasin integer, depuis instant, jusqu_a instant, limit min1, cursor cursor']


=== TEST 7: limits
--- response_body_filters: ids
--- gets
/api/v1/sales/?limit=1 -> 200 5 >
/api/v1/sales/?limit=5 -> 200 5 4 3 6 2 >
/api/v1/sales/?limit=6 -> 200 5 4 3 6 2 1 .
/api/v1/sales/?limit=7 -> 200 5 4 3 6 2 1 .
/api/v1/sales/?limit=1000 -> 200 5 4 3 6 2 1 .
/api/v1/sales/?limit=003 -> 200 5 4 3 >
/api/v1/sales/?limit=9&limit=2 -> 200 5 4 >
/api/v1/sales/?limit=1&magasin=2 -> 200 5 >
/api/v1/sales/?limit=2&magasin=2 -> 200 5 4 .
--- response_headers_like eval
['Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=1>; rel="next"', 'Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=5>; rel="next"', ('Link: ') x 3,
 'Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=003>; rel="next"', 'Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=9&limit=2>; rel="next"', 'Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=1&magasin=2>; rel="next"', 'Link: ']


=== TEST 8: pages: the first
--- response_body_filters: ids
--- gets
/api/v1/sales/?limit=2 -> 200 5 4 >


=== TEST 9: the header has the same link, also for HEAD
--- request eval
['GET /api/v1/sales/?limit=2', 'HEAD /api/v1/sales/?limit=2']
--- response_headers_like eval
[('Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&limit=2>; rel="next"') x 2]


=== TEST 10: the very same
--- request
GET /api/v1/sales/?limit=2
--- response_headers
Link: <http://localhost<next>>; rel="next"


=== TEST 11: the second page, after sales came before and after it, and of the instant of its edge
--- init
MagasinTest::sql(main::add([7, 1, '2026-03-04 00:00:00Z'], [8, 1, '2026-02-01 00:00:00Z'], [9, 1, '2026-03-02 00:00:00.000001Z'], [10, 1, '2026-03-02 00:00:00Z']));
--- response_body_filters: ids
--- gets
<next> -> 200 10 3 >


=== TEST 12: the third, after a sale was added at the instant of its edge, and one was deleted
--- init
MagasinTest::sql(main::add([11, 1, '2026-03-01 10:00:00Z'], [12, 1, '2026-03-05 00:00:00Z']), 'DELETE FROM ligne_vente WHERE vente_id = 3', 'DELETE FROM vente WHERE id = 3');
--- response_body_filters: ids
--- gets
<next> -> 200 11 6 >


=== TEST 13: the fourth; asked for twice it is the same
--- response_body_filters: ids
--- gets
<next> -> 200 2 1 >
<next> -> 200 2 1 >


=== TEST 14: the last
--- response_body_filters: ids
--- gets
<next> -> 200 8 .


=== TEST 15: pages of one store between two instants, the plus not encoded
--- init: MagasinTest::reset(@main::days);
--- response_body_filters: ids
--- gets
/api/v1/sales/?jusqu_a=2026-03-02T02:00:00.000001+02:00&depuis=2026-03-01T10:00:00Z&magasin=1&limit=1&truc=%26 -> 200 3 >


=== TEST 16: the link has all of it
--- response_body_filters: ids
--- gets
<next> -> 200 2 >
--- response_headers_like eval
['Link: <http://localhost/api/v1/sales/\?cursor=[A-Za-z0-9_-]+&depuis=2026-03-01T10%3A00%3A00Z&jusqu_a=2026-03-02T02%3A00%3A00.000001(?:\+|%20|%2B)02%3A00&limit=1&magasin=1&truc=%26>; rel="next"']


=== TEST 17: its last page
--- response_body_filters: ids
--- gets
<next> -> 200 1 .


=== TEST 18: sales whose instants are all the same
--- init
MagasinTest::reset(@main::days, "UPDATE vente SET date_vente = '2026-03-01 10:00:00.5Z'");
--- response_body_filters: ids
--- gets
/api/v1/sales/?limit=4 -> 200 6 5 4 3 >


=== TEST 19: and the rest of them
--- response_body_filters: ids
--- gets
<next> -> 200 2 1 .


=== TEST 20: instants of the first and the last year there are
--- init
MagasinTest::reset(@main::days, "UPDATE vente SET date_vente = '9999-12-31 23:59:59.999999Z' WHERE id = 5", "UPDATE vente SET date_vente = '0001-01-01 00:00:00Z' WHERE id = 6");
--- response_body_filters: ids
--- gets
/api/v1/sales/?limit=5 -> 200 5 4 3 2 1 >


=== TEST 21: the first year is not lost
--- response_body_filters: ids
--- gets
<next> -> 200 6 .


=== TEST 22: a thousand and more
--- init
MagasinTest::reset(@main::days, "INSERT INTO vente (id, magasin_id, date_vente, total) SELECT 1000 + n, 4, '2026-01-01 00:00:00Z'::timestamptz - n * interval '1 second', n FROM generate_series(1, 1200) n");
--- response_body_filters: ids
--- gets eval
CORE::join "\n", '/api/v1/sales/ -> 200 5 4 3 6 2 1 ' . CORE::join(' ', 1001 .. 1044, '>'), '/api/v1/sales/?limit=1000 -> 200 5 4 3 6 2 1 ' . CORE::join(' ', 1001 .. 1994, '>')


=== TEST 23: the page after a thousand
--- response_body_filters: ids
--- gets eval
'<next> -> 200 ' . CORE::join ' ', 1995 .. 2200, '.'


=== TEST 24: cursors that were damaged, or are of another list
--- init
MagasinTest::reset(@main::days);
--- gets eval
CORE::join '', map { "/api/v1/sales/?cursor=$_ -> 400 " . MagasinTest::error_body('cursor cursor') . "\n" }
    qw(x ! !!!! AAAA ==== null 0 %00 a%00b %C3%A9 <cursor:4> <cursor:594> <cursor:|> <cursor:|4> <cursor:2026-03-02_00:00:00+00> <cursor:2026-03-02_24:00:01+00|4> <cursor:2026-03-02_00:00:00+99|4> <cursor:2026-03-02|> <cursor:x|4> <cursor:infinity|4> <cursor:now|4>
    <cursor:2026-13-02|4> <cursor:2026-02-30|4> <cursor:99999-99-99|4> <cursor:-|4> <cursor:2026-03-02|x> <cursor:2026-03-02|-1> <cursor:2026-03-02|4|5> <cursor:2026-03-02|9223372036854775808> <cursor:2026-03-02|9999999999999999999>
    <cursor:2026-03-02|99999999999999999999>), 'A' x 1025, 'A' x 3000


=== TEST 25: a real one that lost its end, or a character
--- init
MagasinTest::sql(main::add([123456, 1, '2026-03-04 00:00:00.123456Z']));
--- response_body_filters: ids
--- gets
/api/v1/sales/?limit=1 -> 200 123456 >


=== TEST 26: is refused, not taken for another
--- broken


=== TEST 27: not modified
--- init
MagasinTest::reset(@main::days);
--- request eval: [('GET /api/v1/sales/?magasin=4') x 4]
--- more_headers eval
use Digest::MD5 qw(md5_hex); my $tag = md5_hex('{"next":null,"results":[]}');
["If-None-Match: \"$tag\"", "If-None-Match: W/\"$tag\"", 'If-None-Match: *', 'If-None-Match: "x"']
--- error_code eval: [304, 304, 304, 200]
--- response_headers_like eval: [('ETag: "[0-9a-f]{32}"') x 4]


=== TEST 28: as problems
--- request eval: ['GET /api/v1/sales/?limit=0&magasin=x', 'GET /api/v1/sales/?cursor=x']
--- more_headers
Accept: application/problem+json
--- error_code eval: [400, 400]
--- response_headers eval: [('Content-Type: application/problem+json') x 2]
--- response_body_like eval
['\A\{"type":"about:blank","title":"Bad Request","status":400,"instance":"/api/v1/sales/","detail":"[^"]+","erreurs":\{"magasin":\["Un nombre entier valide est requis\."\],"limit":\["[^"]+"\]\}\}\z',
 '\A\{"type":"about:blank","title":"Bad Request","status":400,"instance":"/api/v1/sales/","detail":"[^"]+","erreurs":\{"cursor":\["Curseur non valide\."\]\}\}\z']


=== TEST 29: no sale at all
--- init
MagasinTest::reset('DELETE FROM ligne_vente', 'DELETE FROM vente');
--- gets
/api/v1/sales/ -> 200 {"next":null,"results":[]}
/api/v1/sales/?magasin=1&depuis=2026-01-01 -> 200 {"next":null,"results":[]}


=== TEST 30: a number
--- init
MagasinTest::reset(@main::days, q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('CAF', 4, true)}, q{INSERT INTO produit_code (code, produit_id, rang) VALUES ('3017620422003', 5, 1)});
--- response_body_filters: ids
--- gets
/api/v1/sales/?numero=3 -> 200 3 .
/api/v1/sales/?numero=99 -> 200 .
/api/v1/sales/?numero=3&magasin=1&total_min=2550&produit=2 -> 200 3 .
/api/v1/sales/?numero=3&magasin=2 -> 200 .
/api/v1/sales/?numero=3&total_min=2550.01 -> 200 .
/api/v1/sales/?numero=3&produit=1 -> 200 .
/api/v1/sales/?numero=3&depuis=2026-03-02T00:00:00Z -> 200 3 .
/api/v1/sales/?numero=3&jusqu_a=2026-03-02T00:00:00Z -> 200 .
/api/v1/sales/?numero= -> 200 5 4 3 6 2 1 .


=== TEST 31: a product, by its id or by a code
--- init: 1
--- response_body_filters: ids
--- gets
/api/v1/sales/?produit=4 -> 200 2 1 .
/api/v1/sales/?produit=CAF -> 200 2 1 .
/api/v1/sales/?produit=caf -> 200 .
/api/v1/sales/?produit=3017620422003 -> 200 2 .
/api/v1/sales/?produit=99 -> 200 .
/api/v1/sales/?produit=RIEN -> 200 .
/api/v1/sales/?produit=4&total_min=200 -> 200 1 .
/api/v1/sales/?produit=8&magasin=2 -> 200 5 4 .
/api/v1/sales/?produit=8&magasin=1 -> 200 .
/api/v1/sales/?produit=8&depuis=2026-03-03T00:00:00Z -> 200 5 .
/api/v1/sales/?produit=8&jusqu_a=2026-03-03T00:00:00Z -> 200 4 .


=== TEST 32: a total
--- init: 1
--- response_body_filters: ids
--- gets
/api/v1/sales/?total_min=172.45 -> 200 3 6 2 1 .
/api/v1/sales/?total_min=172.46 -> 200 3 6 1 .
/api/v1/sales/?total_min=0 -> 200 5 4 3 6 2 1 .
/api/v1/sales/?total_min=172.45&magasin=1&limit=1 -> 200 3 >
/api/v1/sales/?total_min=172.45&depuis=2026-03-02T00:00:00Z -> 200 3 .
/api/v1/sales/?total_min=172.45&jusqu_a=2026-03-02T00:00:00Z -> 200 6 2 1 .


=== TEST 33: a total that many sales have, and a product with several lines
--- init
MagasinTest::reset(@main::days, "INSERT INTO vente (id, magasin_id, date_vente, total) SELECT 1000 + n, 4, '2026-01-01 00:00:00Z'::timestamptz - n * interval '1 second', 500 FROM generate_series(1, 1200) n", 'INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire) SELECT 1000 + n, 14, 1, p FROM generate_series(1, 60) n, generate_series(1, 2) p');
--- response_body_filters: ids
--- gets eval
CORE::join "\n", '/api/v1/sales/?total_min=400 -> 200 3 6 ' . CORE::join(' ', 1001 .. 1048, '>'), '/api/v1/sales/?total_min=400&magasin=4 -> 200 ' . CORE::join(' ', 1001 .. 1050, '>'), '/api/v1/sales/?produit=14 -> 200 ' . CORE::join(' ', CORE::reverse(1011 .. 1060), '>')


=== TEST 34: the page after it
--- init: 1
--- response_body_filters: ids
--- gets eval
'<next> -> 200 ' . CORE::join(' ', CORE::reverse(1001 .. 1010), '.')


=== TEST 35: filters that are wrong
--- gets
/api/v1/sales/?numero=x&total_min=-1 -> 400 ~^\{"numero":\["[^"]+"\],"total_min":\["[^"]+"\]\}$


=== TEST 36: a code that comes to another product is not answered from before
--- init
MagasinTest::reset(@main::days, q{INSERT INTO produit_code (code, produit_id, interne) VALUES ('CAF', 4, true)});
--- response_body_filters: ids
--- gets
/api/v1/sales/?produit=CAF -> 200 2 1 .


=== TEST 37: it is not
--- init
MagasinTest::sql(q{UPDATE produit_code SET produit_id = 8 WHERE code = 'CAF'});
--- response_body_filters: ids
--- gets
/api/v1/sales/?produit=CAF -> 200 5 4 .
