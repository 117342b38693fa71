# GET and POST /api/v1/products/

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use Compress::Zlib qw(crc32);
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64url encode_base64url);

our $list = '/api/v1/products/';

# A cursor as the list gives it out: a checksum of the list's name and of the
# last row's key, and this key.
sub cursor {
    my (@keys) = @_;
    my $keys = CORE::join "\x1f", @keys;
    return encode_base64url(pack('N', crc32("products$keys")) . $keys);
}

sub key { return substr decode_base64url($_[0]), 4 }

sub etag {
    return MagasinTest::product_etag(@_);
}

# "NEXT; ID ID ...", in short, where the cursor is shown as what it holds.
sub ids {
    my ($body) = @_;
    return $body if $body =~ /^\{"\w+":\["/;
    my ($next) = $body =~ m{\A\{"next":
        (?:"http://localhost/api/v1/products/([^"]+)"|null),"results":\[}x
        or return "no list: $body";
    if (defined $next) {
        $next =~ s/cursor=([\w-]+)/'<' . key($1) . '>'/e;
        $next =~ s/\x1f/|/;
    }
    return CORE::join '; ', $next // 'null',
        CORE::join(' ', $body =~ /"id":(\d+)/g) || ();
}

# Follows "next" from the first page to the last, `limit` rows at a time.
sub walk {
    my ($limit, @order) = @_;
    my ($path, @seen) = "$list?limit=$limit";
    while (defined $path && @seen <= @order) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => server_port_for_client()) or die "connect: $!\n";
        print {$socket} "GET $path HTTP/1.0\r\nHost: localhost\r\n\r\n";
        my $answer = do { local $/; <$socket> };
        push @seen, $answer =~ /"id":(\d+)/g;
        ($path) = $answer =~ m{\{"next":"http://localhost([^"]+)"};
    }
    return Test::More::is("@seen", "@order",
        "$limit at a time, nothing is repeated or left out");
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

# `--- posts` is a table of POSTs, each on a line:
#
#     BODY -> nom required, autre unknown      400 with these messages
#     BODY -> 201 nom="a" prix="1.00" ...      201; what is not named is null
#     BODY -> 415                              this status, body not looked at
MagasinTest::each_block(sub {
    my ($block) = @_;

    my $table = $block->posts;
    return unless defined $table;

    my (@requests, @codes, @bodies, @headers);
    my $id = 15;

    for my $line (grep {/\S/} split /\n/, $table) {
        my ($body, $expected) = $line =~ /^(.*?)\s*->\s*(.*?)\s*$/
            or die "bad line in posts: $line\n";

        push @requests, "POST $main::list\n$body";

        if ($expected =~ s/^201 //) {
            my %field = (id => ++$id,
                (map { $_ => 'null' } qw(nom categorie prix)), description => '""');
            $field{$1} = $2
                while $expected =~ /\G(\w+)=("(?:[^"\\]|\\.)*"|null)\s*/gc;
            die "bad expectation: $line\n"
                if (pos $expected || 0) != length $expected;

            push @codes,  201;
            push @bodies, '{' . CORE::join(',', map {qq("$_":$field{$_})}
                qw(id nom categorie prix description)) . '}';
            push @headers, "Location: /api/v1/products/$id/\n"
                . 'Cache-Control: no-store';

        } elsif ($expected =~ /^\d{3}$/) {
            push @codes,   $expected;
            push @bodies,  qr/\A\{.*\}\z/s;
            push @headers, "! Location\n! ETag";

        } else {
            push @codes,   400;
            push @bodies,  MagasinTest::error_body(split /\s*,\s*/, $expected);
            push @headers, "! Location\n! ETag";
        }
    }

    $block->set_value('request',          \@requests);
    $block->set_value('error_code',       \@codes);
    $block->set_value('response_body',    \@bodies);
    $block->set_value('response_headers', \@headers);
    $block->set_value('more_headers',     $MagasinTest::Json)
        unless defined scalar $block->more_headers;
    $block->set_value('init', 'MagasinTest::reset();')
        unless defined scalar $block->init;
    return;
});

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: all of them, in French order
--- request
GET /api/v1/products/
--- response_body_filters: ids
--- response_body chomp
null; 13 5 4 14 9 8 1 10 2 12 3 7 15 6 11
--- response_headers
Content-Type: application/json
Allow: GET, POST, HEAD, OPTIONS
Cache-Control: no-cache
! Link
--- response_headers_like
ETag: "[0-9a-f]{32}"
--- no_error_log
[error]


=== TEST 2: what a row has
--- init
MagasinTest::reset('UPDATE produit SET description = NULL WHERE id = 5',
    q{UPDATE produit SET nom = E'C"\\\\/<\t😀', description = '' WHERE id = 13});
--- gets
/api/v1/products/?categorie=Boissons&limit=2 -> 200 ~^\{"next":"http://localhost/api/v1/products/\?categorie=Boissons&cursor=[\w-]+&limit=2","results":\[\{"id":5,"nom":"Café Espresso Intenso","categorie":"Boissons","prix":"18.50","description":null\},\{"id":4,"nom":"Café Premium Bio","categorie":"Boissons","prix":"15.99","description":"Café arabica de qualité supérieure"\}\]\}\z
/api/v1/products/?limit=1 -> 200 ~"results":\[\{"id":13,"nom":"C\\"\\\\/<\\t😀","categorie":"Accessoire","prix":"12.99","description":""\}\]\}\z


=== TEST 3: accents, case, and equal names
--- init
MagasinTest::reset(
    'UPDATE produit SET archive_le = now()',
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, 'eau', 'c', 1), (102, 'été', 'c', 1), (103, 'Eau', 'c', 1),
      (104, 'Été', 'c', 1), (105, 'etage', 'c', 1), (106, 'étage', 'c', 1),
      (107, 'zoo', 'c', 1), (108, 'œuf', 'c', 1), (109, 'oeuf', 'c', 1),
      (110, 'Œuf', 'c', 1), (111, '10', 'c', 1), (112, '9', 'c', 1),
      (113, 'eau', 'c', 1), (114, '_', 'c', 1), (115, 'ete', 'c', 1),
      (116, 'cote', 'c', 1), (117, 'coté', 'c', 1), (118, 'côte', 'c', 1),
      (119, 'côté', 'c', 1), (120, 'eau', 'c', 1)});
--- response_body_filters: ids
--- gets
/api/v1/products/ -> 200 null; 114 111 112 116 117 118 119 101 113 120 103 105 106 115 102 104 109 108 110 107


=== TEST 4: pages
--- init
MagasinTest::reset();
--- response_body_filters: ids
--- request eval
["GET $::list?limit=7",
 "GET $::list?limit=8&cursor=" . main::cursor('Clavier mécanique', 1),
 "GET $::list?limit=7&cursor=" . main::cursor('Thé Rooibos Vanille', 15),
 "GET $::list?cursor=" . main::cursor('Webcam HD 1080p', 11),
 "GET $::list?limit=15", "GET $::list?limit=14",
 "GET $::list?limit=1000&cursor=", "GET $::list?q=&categorie=&archive=&limit=",
 "GET $::list?page=2&ordering=-nom&nom=x"]
--- response_body eval
['?<Clavier mécanique|1>&limit=7; 13 5 4 14 9 8 1',
 'null; 10 2 12 3 7 15 6 11', 'null; 6 11', 'null', 'null; 13 5 4 14 9 8 1 10 2 12 3 7 15 6 11',
 '?<Thé Vert Sencha|6>&limit=14; 13 5 4 14 9 8 1 10 2 12 3 7 15 6',
 ('null; 13 5 4 14 9 8 1 10 2 12 3 7 15 6 11') x 3]


=== TEST 5: the link keeps the query, and is a header too
--- request eval
["GET $::list?z=1&q=%C3%A9+&limit=1&a=%26", "HEAD $::list?z=1&q=%C3%A9+&limit=1&a=%26"]
--- response_headers eval
my $next = "http://localhost$::list?a=%26&cursor="
    . main::cursor('Câble USB-C 2m', 13) . '&limit=1&q=%C3%A9+&z=1';
[(qq(Link: <$next>; rel="next")) x 2]
--- response_body eval
my $next = "http://localhost$::list?a=%26&cursor="
    . main::cursor('Câble USB-C 2m', 13) . '&limit=1&q=%C3%A9+&z=1';
[qr/^\{"next":"\Q$next\E","results":\[\{"id":13,/, '']


=== TEST 6: pages through names of every kind
--- init
MagasinTest::reset(
    'UPDATE produit SET archive_le = now()',
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, E'a\x1fb', 'c', 1), (102, E'a\x1f7', 'c', 1),
      (103, E'a\x1f', 'c', 1), (104, E'\x1fa', 'c', 1),
      (105, E'a\n\t"\\\\', 'c', 1), (106, '😀', 'c', 1),
      (107, 'a''b', 'c', 1), (108, '   x', 'c', 1),
      (9223372036854775807, E'a\x1fb', 'c', 1)},
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT 200 + n, repeat('é', 100), 'c', 1 FROM generate_series(1, 5) n},
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT 300 + n, 'égal', 'c', 1 FROM generate_series(1, 5) n});
my @order = split ' ', MagasinTest::sql(
    q{SELECT string_agg(id::text, ' ' ORDER BY nom, id) FROM produit
       WHERE archive_le IS NULL});
main::walk($_, @order) for 1, 2, 7, 1000;
--- request
GET /api/v1/products/
--- response_body_filters: ids
--- response_body eval
qr/\Anull; [\d ]+\z/


=== TEST 7: rows inserted between two pages
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, 'Aa', 'c', 1), (102, 'Clavier mécanique', 'c', 1),
      (103, 'Clb', 'c', 1), (104, 'Zz', 'c', 1)},
    'DELETE FROM stock_local WHERE produit_id = 1',
    'DELETE FROM stock_central WHERE produit_id = 1',
    'DELETE FROM ligne_vente WHERE produit_id = 1',
    'DELETE FROM produit WHERE id = 1');
--- response_body_filters: ids
--- request eval
["GET $::list?limit=3&cursor=" . main::cursor('Clavier mécanique', 1),
 "GET $::list?limit=3&cursor=" . main::cursor('Clavier mécanique', 102)]
--- response_body eval
['?<Écouteurs Bluetooth|10>&limit=3; 102 103 10',
 '?<Souris optique|2>&limit=3; 103 10 2']


=== TEST 8: q, without regard to case and accents
--- init
MagasinTest::reset();
--- response_body_filters: ids
--- gets
/api/v1/products/?q=cafe -> 200 null; 5 4
/api/v1/products/?q=CAF%C3%89 -> 200 null; 5 4
/api/v1/products/?q=caf%C3%A9+e -> 200 null; 5 4
/api/v1/products/?q=ecouteurs -> 200 null; 10
/api/v1/products/?q=%C3%89COUTEURS -> 200 null; 10
/api/v1/products/?q=the -> 200 null; 7 15 6
/api/v1/products/?q=+th%C3%A9+ -> 200 null; 7 15 6
/api/v1/products/?q=th%C3%AB%20v -> 200 null; 15 6
/api/v1/products/?q=cable -> 200 null; 13
/api/v1/products/?q=c -> 200 null; 13 5 4 14 9 8 1 10 12 6 11
/api/v1/products/?q=80 -> 200 null; 11
/api/v1/products/?q=-c -> 200 null; 13
/api/v1/products/?q=zz -> 200 null
/api/v1/products/?q=a&q=xl -> 200 null; 3
/api/v1/products/?q=xl&q= -> 200 null; 13 5 4 14 9 8 1 10 2 12 3 7 15 6 11
/api/v1/products/?Q=xl -> 200 null; 13 5 4 14 9 8 1 10 2 12 3 7 15 6 11
/api/v1/products/?q=the&categorie=Boissons&limit=2 -> 200 ?categorie=Boissons&<Thé Rooibos Vanille|15>&limit=2&q=the; 7 15
/api/v1/products/?q=the&categorie=Accessoire -> 200 null


=== TEST 9: q has no characters that are special
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, E'a_b', 'c', 1), (102, E'a\\\\b', 'c', 1), (103, 'axb', 'c', 1),
      (104, 'un % de', 'c', 1), (105, '😀 rire', 'c', 1),
      (106, 'dix "pouces"', 'c', 1), (107, E'x\n\u00e0y', 'c', 1)});
--- response_body_filters: ids
--- gets
/api/v1/products/?q=%25 -> 200 null; 8 104
/api/v1/products/?q=n%20%25%20d -> 200 null; 104
/api/v1/products/?q=_ -> 200 null; 101
/api/v1/products/?q=a_b -> 200 null; 101
/api/v1/products/?q=%5C -> 200 null; 102
/api/v1/products/?q=a%5Cb -> 200 null; 102
/api/v1/products/?q=%5C_ -> 200 null
/api/v1/products/?q=%5C%25 -> 200 null
/api/v1/products/?q=%5C%5C -> 200 null
/api/v1/products/?q=' -> 200 null; 12
/api/v1/products/?q=d'%C3%A9cran -> 200 null; 12
/api/v1/products/?q=%22 -> 200 null; 106
/api/v1/products/?q='%20OR%20'1'='1 -> 200 null
/api/v1/products/?q=%F0%9F%98%80 -> 200 null; 105
/api/v1/products/?q=%F0%9F%98%81 -> 200 null
/api/v1/products/?q=x%0Aay -> 200 null; 107
/api/v1/products/?q=%E9 -> 200 null
/api/v1/products/?q=%ED%A0%80 -> 200 null
/api/v1/products/?q=(a%7C%5Bb%5D%2B)*%3F%5E$. -> 200 null
--- no_error_log
[error]


=== TEST 10: letters that fold to more than one
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, 'Œuf dur', 'c', 1), (102, 'oeuf mou', 'c', 1),
      (103, 'Straße', 'c', 1), (104, 'Þing', 'c', 1)});
--- response_body_filters: ids
--- gets
/api/v1/products/?q=oeuf -> 200 null; 101 102
/api/v1/products/?q=%C5%93UF -> 200 null; 101 102
/api/v1/products/?q=strasse -> 200 null; 103
/api/v1/products/?q=STRA%C3%9FE -> 200 null; 103


=== TEST 11: bad parameters, all of them told
--- request eval
[map {"GET $::list?$_"} 'q=%00', 'q=a%00b', 'q=' . 'a' x 101,
 'q=' . '%C3%A9' x 100, 'categorie=%00', 'categorie=' . 'a' x 101,
 'archive=oui', 'archive=1', 'archive=True', 'archive=null', 'archive=true%00',
 'q=%00&categorie=%00&archive=x&limit=0&cursor=!',
 'q=%00' . 'a' x 101]
--- error_code eval: [400, 400, 400, 200, (400) x 9]
--- response_body eval
my $nul  = '"Le caractère nul n’est pas autorisé."';
my $long = qq("Assurez-vous que ce champ comporte au plus 100\xc2\xa0caractères.");
my $bool = '"Doit être un booléen valide."';
[qq({"q":[$nul]}), qq({"q":[$nul]}), qq({"q":[$long]}),
 '{"next":null,"results":[]}', qq({"categorie":[$nul]}),
 qq({"categorie":[$long]}), (qq({"archive":[$bool]})) x 5,
 qq({"q":[$nul],"categorie":[$nul],"archive":[$bool],"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."],"cursor":["Curseur non valide."]}),
 qq({"q":[$long,$nul]})]


=== TEST 12: categorie is the whole of it, to the letter
--- init
MagasinTest::reset(
    q{UPDATE produit SET categorie = 'Thé & café %' WHERE id IN (6, 7)});
--- response_body_filters: ids
--- gets
/api/v1/products/?categorie=Boissons -> 200 null; 5 4 15
/api/v1/products/?categorie=Boisson -> 200 null
/api/v1/products/?categorie=boissons -> 200 null
/api/v1/products/?categorie=Th%C3%A9+%26+caf%C3%A9+%25 -> 200 null; 7 6
/api/v1/products/?categorie=The+%26+caf%C3%A9+%25 -> 200 null
/api/v1/products/?categorie=%25 -> 200 null
/api/v1/products/?categorie=Boissons&categorie=Confiserie -> 200 null; 9 8


=== TEST 13: archive
--- init
MagasinTest::reset(
    'UPDATE produit SET archive_le = now() WHERE id IN (5, 6, 9)');
--- response_body_filters: ids
--- gets
/api/v1/products/ -> 200 null; 13 4 14 8 1 10 2 12 3 7 15 11
/api/v1/products/?archive=false -> 200 null; 13 4 14 8 1 10 2 12 3 7 15 11
/api/v1/products/?archive=true -> 200 null; 5 9 6
/api/v1/products/?archive=true&limit=1 -> 200 ?archive=true&<Café Espresso Intenso|5>&limit=1; 5
/api/v1/products/?archive=true&q=th -> 200 null; 6
/api/v1/products/?archive=true&categorie=Confiserie -> 200 null; 9
/api/v1/products/?q=cafe -> 200 null; 4
/api/v1/products/?archive=true&archive=false&q=choco -> 200 null; 8


=== TEST 14: cursors that were damaged
--- init
MagasinTest::reset();
--- request eval
my $cursor = main::cursor('Écouteurs Bluetooth', 10);
my @damaged = ('!', 'a', '%00', '+', map({"$cursor$_"} '!', '=', '=x', '%20', 'AAAA', $cursor),
    uc $cursor, main::encode_base64url("Aa\x1f1"),
    map({ substr $cursor, 0, $_ } 1 .. length($cursor) - 1),
    map({ my $one = $cursor; substr($one, $_, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/; $one }
        0 .. length($cursor) - 1));
$main::damaged = @damaged;
[map {"GET $::list?cursor=$_"} @damaged]
--- error_code eval: [(400) x $main::damaged]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x $main::damaged]
--- no_error_log
[error]


=== TEST 15: keys that are none, with the right checksum
--- request eval
[map {"GET $::list?cursor=" . main::cursor(@$_)}
    ['Aa', ''], ['Aa', 'x'], ['Aa', -1], ['Aa', '1.5'], ['Aa', ' 1'], ['', 1],
    ['Aa', '9223372036854775808'], ['Aa', '9' x 19], ['Aa', '9' x 20], ["A\0a", 1],
    ['Aa', "1\0"], ["A\xffa", 1], ["A\xc3", 1], ["\xed\xa0\x80", 1], ['Aa'], ['1'],
    ["\x1f"], ['a' x 800, 1]]
--- error_code eval: [(400) x 18]
--- response_body eval
[('{"cursor":["Curseur non valide."]}') x 18]
--- no_error_log
[error]


=== TEST 16: cursors may name what is not there
--- response_body_filters: ids
--- request eval
[map {"GET $::list?limit=1&cursor=" . main::cursor(@$_)}
    ['Aa', 1], ['Écouteurs', 0], ['Écouteurs Bluetooth', '0009'],
    ["Écouteurs Bluetooth", '9223372036854775807'], ["\x1f", 1],
    ["a\x1fb", 1], ['%', 1], ["'", 1], ['zzz', 1]]
--- response_body_like eval
['; 13$', '; 10$', '; 10$', '; 2$', '; 13$', '; 13$', '; 13$', '; 13$', '^null$']


=== TEST 17: a limit
--- gets
/api/v1/products/?limit=0 -> 400 {"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
/api/v1/products/?limit=1001 -> 400 {"limit":["Assurez-vous que cette valeur est inférieure ou égale à 1000."]}
/api/v1/products/?limit=x -> 400 {"limit":["Un nombre entier valide est requis."]}
/api/v1/products/?limit=2.0 -> 400 {"limit":["Un nombre entier valide est requis."]}


=== TEST 18: fifty without one, a thousand with one
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT n, 'A' || lpad(n::text, 5, '0'), 'masse', 1
        FROM generate_series(1001, 2100) n});
--- response_body_filters eval
sub { my $text = main::ids($_[0]); $text =~ s/; (\d+) .* (\d+)$/; $1-$2/; $text }
--- request eval
["GET $::list?categorie=masse", "GET $::list?categorie=masse&limit=1000",
 "GET $::list?q=a0&limit=1000",
 "GET $::list?categorie=masse&limit=1000&cursor=" . main::cursor('A02000', 2000)]
--- response_body eval
['?categorie=masse&<A01050|1050>; 1001-1050',
 '?categorie=masse&<A02000|2000>&limit=1000; 1001-2000',
 '?<A02000|2000>&limit=1000&q=a0; 1001-2000', 'null; 2001-2100']


=== TEST 19: a new product
--- init
MagasinTest::reset();
--- request eval
["POST $::list\n" . '{"nom":"Lampe","categorie":"Bureau","prix":"12.5","description":"LED"}',
 "GET /api/v1/products/16/", "GET $::list?q=lampe", "GET /api/v1/products/16/availability/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 200, 200, 200]
--- response_body eval
['{"id":16,"nom":"Lampe","categorie":"Bureau","prix":"12.50","description":"LED"}',
 '{"nom":"Lampe","categorie":"Bureau","prix":"12.50","description":"LED"}',
 '{"next":null,"results":[{"id":16,"nom":"Lampe","categorie":"Bureau","prix":"12.50","description":"LED"}]}',
 '{"produit":16,"nom":"Lampe","central":0,"magasins":[]}']
--- response_headers eval
my $etag = main::etag('Lampe', 'Bureau', '12.50', 'LED');
["Location: /api/v1/products/16/\nETag: $etag\nContent-Type: application/json\nAllow: GET, POST, HEAD, OPTIONS\nCache-Control: no-store",
 "ETag: $etag", "! Location", "! Location"]


=== TEST 20: without a description, with an empty one
--- request eval
["POST $::list\n" . '{"nom":"a","categorie":"b","prix":1}', "GET /api/v1/products/17/",
 "POST $::list\n" . '{"nom":"a","categorie":"b","prix":1,"description":" "}', "GET /api/v1/products/18/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 200, 201, 200]
--- response_headers eval
[("ETag: " . main::etag('a', 'b', '1.00', '')) x 4]
--- response_body_like eval
[('"description":""\}$') x 4]


=== TEST 21: what a body has to have, and must not have
--- posts
{} -> nom required, categorie required, prix required
{"nom":"a"} -> categorie required, prix required
{"prix":1} -> nom required, categorie required
{"categorie":"c","prix":1,"nom":"n"} -> 201 nom="n" categorie="c" prix="1.00"
{"nom":"n","categorie":"c","prix":1,"truc":1} -> truc unknown
{"nom":"n","categorie":"c","prix":1,"id":99} -> id unknown
{"nom":"n","categorie":"c","prix":1,"archive":false} -> archive unknown
{"nom":"n","categorie":"c","prix":1,"quantite_stock":1} -> quantite_stock unknown
{"nom":"n","categorie":"c","prix":1,"Nom":"x","NOM":null} -> Nom unknown, NOM unknown
{"b":1,"a":{"c":[]},"nom":null} -> nom null, categorie required, prix required, b unknown, a unknown
{"nom":"a","nom":"b","categorie":"c","prix":2} -> 201 nom="b" categorie="c" prix="2.00"


=== TEST 22: the messages of PUT
--- posts
{"nom":null,"categorie":null,"prix":null,"description":null} -> nom null, categorie null, prix null, description null
{"nom":"","categorie":" ","prix":"","description":""} -> nom blank, categorie blank, prix number
{"nom":true,"categorie":[],"prix":{},"description":false} -> nom string, categorie string, prix number, description string
{"nom":"\u0000","categorie":"\ud800","prix":-1,"description":"\udfff"} -> nom nul, categorie U+D800, prix negative, description U+DFFF
{"nom":"a","categorie":"b","prix":"1.234"} -> prix fraction
{"nom":"a","categorie":"b","prix":"100000000"} -> prix whole
{"nom":"a","categorie":"b","prix":"12345678901"} -> prix digits
{"nom":"a","categorie":"b","prix":"NaN"} -> prix number
{"nom":"a","categorie":"b","prix":"-0.01"} -> prix negative
{"nom":1.10,"categorie":0,"prix":"+5.","description":1e16} -> 201 nom="1.1" categorie="0" prix="5.00" description="1e+16"
{"nom":" é ","categorie":"\u00a0x","prix":"٤٢","description":" a\nb "} -> 201 nom="é" categorie="x" prix="42.00" description="a\nb"
{"nom":"😀","categorie":"'; DROP TABLE produit; --","prix":"99999999.99","description":"\"\\\u0001"} -> 201 nom="😀" categorie="'; DROP TABLE produit; --" prix="99999999.99" description="\"\\\u0001"
{"nom":"a","categorie":"b","prix":"-0"} -> 201 nom="a" categorie="b" prix="0.00"


=== TEST 23: escapes of the new product's text are those of GET
--- init
MagasinTest::reset();
--- request eval
["POST $::list\n" . '{"nom":"\u007f\/<\b\f\n\r\t\u001fx","categorie":"\ufeff\u00e9\ud83d\ude00","prix":1}',
 "GET $::list?limit=1", 'GET /api/v1/products/16/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 200, 200]
--- response_body eval
my $body = qq("nom":"\x7f/<\\b\\f\\n\\r\\t\\u001fx","categorie":"\xef\xbb\xbf\xc3\xa9\xf0\x9f\x98\x80","prix":"1.00","description":"");
[qq({"id":16,$body}), qr/"results":\[\{"id":\d+,/, qq({$body})]


=== TEST 24: lengths
--- init
MagasinTest::reset();
--- request eval
[map { "POST $::list\n" . $_ }
    '{"nom":"' . 'é' x 100 . '","categorie":"' . '😀' x 100 . '","prix":1}',
    '{"nom":"' . 'é' x 101 . '","categorie":"' . '😀' x 101 . '","prix":1}',
    '{"nom":"a","categorie":"b","prix":1,"description":"' . 'd' x 10000 . '"}']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 400, 201]
--- response_body eval
[qr/"id":16,/, MagasinTest::error_body('nom long', 'categorie long'),
 qr/"id":17,"nom":"a","categorie":"b","prix":"1.00","description":"d{10000}"\}\z/]


=== TEST 25: bodies that are no object, or no JSON
--- init
MagasinTest::reset();
--- request eval
[map {"POST $::list\n$_"} 'null', '1', '"a"', 'true', '[]', '[{"nom":"x"}]',
    '{', '{"nom":"x",}', '{}{}', "{\"nom\":\"\xff\"}", '[' x 10000]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [(400) x 11]
--- response_body eval
['{"non_field_errors":["No data provided"]}',
 map({qq({"non_field_errors":["Donnée non valide. Attendait un dictionnaire, a reçu $_."]})}
    qw(int str bool list list)),
 ($MagasinTest::ParseError) x 5]


=== TEST 26: no body
--- request
POST /api/v1/products/
--- more_headers eval: $MagasinTest::Json
--- error_code: 400
--- response_body eval
MagasinTest::error_body('nom required', 'categorie required', 'prix required')


=== TEST 27: forms
--- more_headers eval: $MagasinTest::Form
--- posts
nom=a+b&categorie=caf%C3%A9&prix=3.5 -> 201 nom="a b" categorie="café" prix="3.50"
nom=a&categorie=b&prix=1&description= -> 201 nom="a" categorie="b" prix="1.00" description=""
nom=a&categorie=b&prix=1&description -> 201 nom="a" categorie="b" prix="1.00" description=""
nom=x&nom=y&categorie=b&prix=1 -> 201 nom="y" categorie="b" prix="1.00"
nom=&categorie=b&prix=1 -> nom required
nom=%20&categorie=%00&prix=abc -> nom blank, categorie nul, prix number
nom=a&categorie=b&prix=1&truc=2 -> truc unknown
nom=a&categorie=b&prix=1&truc=2&truc=3 -> truc unknown
nom=a&categorie=b&prix=1&id= -> id unknown
{x} -> nom required, categorie required, prix required, {x} unknown


=== TEST 28: multipart
--- init
MagasinTest::reset();
--- request eval
[map { "POST $::list\n" . CORE::join('', map {"--B\r\nContent-Disposition: form-data; $_\r\n"} @$_) . "--B--\r\n" }
    ["name=\"nom\"\r\n\r\na", "name=\"categorie\"\r\n\r\né", "name=\"prix\"\r\n\r\n1"],
    ["name=\"nom\"; filename=\"f\"\r\n\r\na", "name=\"prix\"\r\n\r\n1"],
    ["name=\"nom\"\r\n\r\na", "name=\"categorie\"\r\n\r\nb", "name=\"prix\"\r\n\r\n1",
     "name=\"truc\"\r\n\r\na", "name=\"image\"; filename=\"f\"\r\n\r\na"]]
--- more_headers eval
"$MagasinTest::Token\nContent-Type: multipart/form-data; boundary=B"
--- error_code eval: [201, 400, 400]
--- response_body eval
['{"id":16,"nom":"a","categorie":"é","prix":"1.00","description":""}',
 MagasinTest::error_body('nom string', 'categorie required'),
 MagasinTest::error_body('truc unknown', 'image unknown')]


=== TEST 29: types of media
--- init
MagasinTest::reset();
--- request eval
[("POST $::list\n" . '{"nom":"a","categorie":"b","prix":1}') x 4]
--- more_headers eval
[map {"$MagasinTest::Token\nContent-Type: $_"}
    'application/xml', 'text/plain', 'application/JSON; charset=utf-8', 'x']
--- error_code eval: [415, 415, 201, 415]
--- response_body_like eval
['^\{"detail":"Type de média «\xc2\xa0application/xml\xc2\xa0» non supporté\."\}$',
 '^\{"detail":', '^\{"id":16,', '^\{"detail":']


=== TEST 30: names of unknown members are JSON whatever they are
--- init
MagasinTest::reset();
--- request eval
[map { "POST $::list\n" . qq({"nom":"a","categorie":"b","prix":1,"$_":1}) }
    'é\"\\\\\n', '', '\u2028', '😀', '\u0000', '\ud800', 'a' x 5000]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [(400) x 7]
--- response_body_filters eval
sub {
    require JSON::PP;
    my $error = eval { JSON::PP->new->utf8->decode($_[0]) } or return "no JSON: $_[0]";
    return CORE::join ' ', scalar(keys %$error), map {@$_} values %$error;
}
--- response_body eval
[('1 Champ inconnu.') x 7]


=== TEST 31: 401, 403, and their place among the checks
--- init
MagasinTest::reset();
--- request eval
[map {"POST $::list\n$_"} '{}', '{broken', '{}', '{broken']
--- more_headers eval
["Content-Type: application/json", "Content-Type: application/xml",
 "Content-Type: application/json\nAuthorization: Token wrong",
 "Content-Type: application/json\nAuthorization: Token token-430\nAccept: text/html"]
--- error_code eval: [401, 401, 401, 406]
--- response_body_like eval
[('^\{"timestamp":"[^"]+","status":401,"error":"Unauthorized","message":"Token d\'accès invalide ou manquant\.","path":"/api/v1/products/"\}$') x 3,
 '^\{"detail":']
--- response_headers eval
[("WWW-Authenticate: Token\nAllow: GET, POST, HEAD, OPTIONS\nCache-Control: no-store") x 3, "! WWW-Authenticate"]


=== TEST 32: what came of all this in the journal
--- init
MagasinTest::reset();
--- request eval
["POST $::list\n" . '{"nom":"a","categorie":"b","prix":1}',
 "POST $::list\n" . '{"nom":"","categorie":"b","prix":1}',
 'GET /api/v1/journal/?ordering=-id&limit=1', 'GET /api/v1/journal/?ordering=-id&produit=16&limit=1']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [201, 400, 200, 200]
--- response_body_like eval
['', '', ('"results":\[\{"id":\d+,"instant":"[^"]+","type":"produit_creation","magasin":null,"produit":16,"delta":null,"quantite":null,"acteur":"demo","reference":"produit/16","motif":null,"details":null\}\]\}$') x 2]


=== TEST 33: HTTP/2
--- http2
--- request eval
"GET $::list?limit=1"
--- response_body_filters: ids
--- response_body chomp
?<a|16>&limit=1; 16
