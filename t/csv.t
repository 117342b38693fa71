# Lists as CSV: Accept decides, all rows are there, and each cell is the member
# of its JSON.

use strict;
use warnings;

use lib 't/inc';
use JSON::PP;
use Test::More;
use MagasinTest;
use MagasinCache;
use MagasinRoutes;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $Json = JSON::PP->new->utf8->allow_nonref;

# Names and descriptions that a spreadsheet, or a reader of CSV, could take for
# something else.
my @Nasty = (
    '=1+1', '+33 1 23', '-2+3', '@SUM(A1)', "\tx", "\rx", "\nx", '-12', '-12.50',
    "'=1", "''-x", "'x", 'a,b', 'a"b', "a\r\nb", '"', ',', 'é,"', "\x{1F600}\x{2028}",
    '-', '-1.', '+5', '=', 'fin\\',
);

sub quoted {
    my ($text) = @_;
    utf8::encode(my $bytes = $text);
    return q{E'} . $bytes =~ s/([\\'])/\\$1/gr =~ s/\r/\\r/gr =~ s/\n/\\n/gr =~ s/\t/\\t/gr
        . q{'};
}

MagasinTest::reset(@MagasinRoutes::Rows,
    (map {
        my $id = 100 + $_;
        "INSERT INTO produit (id, nom, categorie, prix, description) VALUES"
            . " ($id, " . quoted("n $Nasty[$_]") . ", 'Divers', 1.50, " . quoted($Nasty[$_]) . ')'
    } 0 .. $#Nasty),
    "INSERT INTO produit (id, nom, categorie, prix) VALUES (99, '=2+2', '\@cat', 3)",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 1, id, id - 100 FROM produit WHERE id > 100',
    "UPDATE produit SET nom = 'Autre', prix = 9 WHERE id = 99",
    "UPDATE produit SET nom = '=2+2' WHERE id = 99",
    'UPDATE stock_local SET quantite = quantite + 2 WHERE produit_id < 4',
    'INSERT INTO seuil (magasin_id, produit_id, minimum, maximum)'
        . ' SELECT magasin_id, produit_id, 200, 300 FROM stock_local WHERE magasin_id = 1',
    "INSERT INTO retour (id, vente_id, magasin_id, motif, remise_en_stock, total)"
        . " SELECT i, 1, 1, CASE WHEN i > 2 THEN '=1+1, cassé' END, i > 1, 89.99"
        . ' FROM generate_series(1, 3) i UNION ALL SELECT 4, 1, 1, NULL, true, 15.99',
    'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite, prix_unitaire)'
        . ' SELECT r.id, l.id, l.produit_id, 1, l.prix_unitaire FROM retour r'
        . ' JOIN ligne_vente l ON l.vente_id = 1 AND l.prix_unitaire = r.total',
    "INSERT INTO comptage (id, magasin_id, categorie, aveugle, motif)"
        . " VALUES (2, 2, '\@cat', true, '-2+3')",
    'INSERT INTO comptage_ligne (comptage_id, produit_id, magasin_id, compte, present)'
        . ' SELECT 1, produit_id, 1, quantite + produit_id % 3, quantite FROM stock_local'
        . ' WHERE magasin_id = 1 AND produit_id > 100',
    'ANALYZE');

# A busy machine may take long for the order of 100,000 rows.
my $node = MagasinCache->start(zone => '8m', database => 'timeout=60s');

# ask(PATH, ACCEPT, METHOD)
sub ask {
    my ($path, $accept, $method) = @_;
    return $node->fetch($path, method => $method || 'GET',
        headers => { Accept => $accept // 'text/csv' });
}

# The records of a text, by RFC 4180.
sub records {
    my ($text) = @_;
    my (@records, @record);
    pos($text) = 0;
    while (pos($text) < length $text) {
        $text =~ /\G(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gc
            or return [ 'not CSV at ' . pos($text) . ': ' . substr($text, pos $text, 60) ];
        my $end = $3;
        push @record, defined $1 ? $1 =~ s/""/"/gr : $2;
        next if $end eq ',';
        push @records, [@record];
        @record = ();
    }
    return @records;
}

# What a cell has to be, for a value of JSON whose text is known.
sub cell {
    my ($value) = @_;
    return ''                     if !defined $value;
    return $value ? 'true' : 'false' if JSON::PP::is_bool($value);
    return $Json->canonical->encode($value) if ref $value;
    my $text = "$value";
    utf8::encode($text);
    return "'$text" if $text =~ /^'*[=+\-@\t\r\n]/ && $text !~ /^-\d+(?:\.\d+)?\z/;
    return $text;
}

# All rows of a list, page after page.
sub rows {
    my ($path) = @_;
    my @rows;
    my $next = $path . ($path =~ /\?/ ? '&' : '?') . 'limit=3';
    while (defined $next) {
        my $answer = $node->fetch($next);
        die "$next: $answer->{status}\n" if $answer->{status} != 200;
        my $page = $Json->decode($answer->{content});
        return @$page if ref $page eq 'ARRAY';
        push @rows, @{ $page->{results} };
        last if !@{ $page->{results} };
        $next = $page->{next};
        $next =~ s{^http://[^/]*}{} if defined $next;
    }
    return @rows;
}

# compare(NAME, PATH, COLUMNS): the CSV is the list.
sub compare {
    my ($name, $path, $columns) = @_;
    my $answer = ask($path);
    is($answer->{status}, 200, "$name: $path");
    is($answer->{headers}{'content-type'}, 'text/csv; charset=utf-8', '  its type');
    my ($header, @found) = records($answer->{content});
    is(join(',', @$header), $columns, '  the header');
    my @wanted = map { my $row = $_; [ map { cell($row->{$_}) } split /,/, $columns ] } rows($path);
    for my $row (@found) {
        $_ = /^[\[{]/ ? $Json->canonical->encode($Json->decode($_)) : $_ for @$row;
    }
    is_deeply(\@found, \@wanted, '  ' . @wanted . ' rows');
    return @wanted;
}

# Every list

my @lists = grep { $_->{table} } MagasinRoutes::endpoints();
cmp_ok(scalar @lists, '>', 14, 'lists: ' . @lists);

my %Page = map { $_->{name} => 1 } @lists;
my $routes = MagasinNginx::slurp("$MagasinTest::Top/ngx_http_magasin_module/ngx_http_magasin_routes.c");
while ($routes =~ /ngx_string\("(\w+)"\),\n      \.method(?:(?!\n\n).)*?\.page =/gs) {
    ok($Page{$1}, "$1 has pages, and columns");
}

# Lists that are empty without a parameter.
my %Query = (reports_sales => '?depuis=2020-01-01');
for my $list (@lists) {
    my $path = MagasinRoutes::fill($list->{path}) . ($Query{ $list->{name} } // '');
    my @rows = compare($list->{name}, $path, $list->{table});
    ok(scalar @rows, '  not empty');
    my $first = $node->fetch($path);
    my $page  = $Json->decode($first->{content});
    my ($row) = ref $page eq 'ARRAY' ? @$page : @{ $page->{results} };
    my %column = map { $_ => 1 } split /,/, $list->{table};
    is(join(' ', grep { !$column{$_} } sort keys %{ $row || {} }), '', '  all members are columns');
    like(join(',', map { ref ? @$_ : $_ } $first->{headers}{vary} // ''), qr/\bAccept\b/,
        '  Vary of the JSON');
}

# Filters and orders

for my $path ('/api/v1/products/?q=n&categorie=Divers', '/api/v1/products/?archive=true',
    '/api/v1/products/?id=4,7', '/api/v1/products/?code=123',
    '/api/v1/stores/1/items/?ordering=-quantite', '/api/v1/stores/1/items/?ordering=-nom',
    '/api/v1/stores/1/items/?q=the&sous_minimum=true',
    '/api/v1/sales/?magasin=1', '/api/v1/stock/central/?ordering=-nom',
    '/api/v1/stock/central/?q=the', '/api/v1/journal/?ordering=-id', '/api/v1/journal/?produit=4',
    '/api/v1/replenishments/?statut=en_attente', '/api/v1/receipts/?lieu=1',
    '/api/v1/reports/sales/?par=jour&groupe=produit&depuis=2020-01-01',
    '/api/v1/stores/1/stock/?produits=1,4', '/api/v1/dashboard/?detail=true',
    '/api/v1/reservations/?magasin=1',
    '/api/v1/counts/?statut=ouvert', '/api/v1/counts/?magasin=2&statut=ouvert',
    (map {"/api/v1/counts/1/lines/?etat=$_"} qw(comptes ecarts)),
    (map { "/api/v1/stores/1/stock/list/?$_" }
            'ordering=quantite', 'ordering=-quantite', 'ordering=-produit__nom',
        'ordering=quantite,-produit__nom', 'ordering=-quantite,produit__nom',
        'ordering=produit__nom,-quantite', 'ordering=-produit__nom,quantite',
        'produit__nom=th%C3%A9', 'produit__nom=the%CC%81', 'q=the', 'quantite=20'))
{
    my ($bare) = $path =~ /^([^?]*)/;
    my ($list) = grep { MagasinRoutes::fill($_->{path}) eq $bare } @lists;
    compare($list->{name}, $path, $list->{table});
}

# A piece is smaller than these lists: the rest comes by key.

MagasinTest::sql(
    "INSERT INTO produit (id, nom, categorie, prix) SELECT 10000 + i, 'Nom ' || i % 700, 'Lot', 2"
        . ' FROM generate_series(1, 5000) i',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 2, 10000 + i, i % 9 FROM generate_series(1, 5000) i',
    'INSERT INTO stock_central (produit_id, quantite)'
        . ' SELECT 10000 + i, i % 9 FROM generate_series(1, 5000) i',
    'ANALYZE');

sub ids {
    my ($path, $column) = @_;
    my ($header, @rows) = records(ask($path)->{content});
    return map { $_->[$column] } @rows;
}

sub sorted {
    my ($where, $order) = @_;
    return split /\n/, MagasinTest::sql('SELECT p.id FROM produit p JOIN stock_local s'
            . " ON s.produit_id = p.id $where ORDER BY $order");
}

my @stock = sorted('WHERE s.magasin_id = 2', 'p.id');
cmp_ok(scalar @stock, '>', 5000, 'a store with ' . @stock . ' rows');
is_deeply([ ids('/api/v1/stores/2/stock/', 0) ], \@stock, 'stock');
for my $order ([ '', 'p.nom, s.id' ], [ 'ordering=quantite', 's.quantite, s.id' ],
    [ 'ordering=-quantite,produit__nom', 's.quantite DESC, p.nom, s.id' ],
    [ 'ordering=-produit__nom,quantite', 'p.nom DESC, s.quantite, s.id' ],
    [ 'ordering=quantite,-produit__nom', 's.quantite, p.nom DESC, s.id' ])
{
    is_deeply([ ids("/api/v1/stores/2/stock/list/?$order->[0]", 1) ],
        [ sorted('WHERE s.magasin_id = 2', $order->[1]) ], "stock_list $order->[0]");
}
# An order without an index is computed once, for the ids of many pieces: with
# every filter as with none.
for my $case ([ 'quantite=4&ordering=-produit__nom', 's.quantite = 4', 'p.nom DESC, s.id' ],
    [ 'q=nom+7&ordering=-quantite', "p.nom LIKE 'Nom%7%'", 's.quantite DESC, s.id' ],
    [ 'produit__nom=om+6&ordering=quantite', "p.nom LIKE '%om 6%'", 's.quantite, s.id' ])
{
    is_deeply([ ids("/api/v1/stores/2/stock/list/?$case->[0]", 1) ],
        [ sorted("WHERE s.magasin_id = 2 AND $case->[1]", $case->[2]) ], "stock_list $case->[0]");
}
for my $case ([ 'categorie=Lot&ordering=-quantite', "p.categorie = 'Lot'", 's.quantite DESC, p.id' ],
    [ 'categorie=Lot', "p.categorie = 'Lot'", 'p.nom, p.id' ],
    [ 'q=nom+7&ordering=quantite', "p.nom LIKE 'Nom%7%'", 's.quantite, p.id' ])
{
    is_deeply([ ids("/api/v1/stores/2/items/?$case->[0]", 0) ],
        [ sorted("WHERE s.magasin_id = 2 AND $case->[1]", $case->[2]) ], "items $case->[0]");
}
for my $order ([ 'nom', 'p.nom, p.id' ], [ '-nom', 'p.nom DESC, p.id' ],
    [ 'quantite', 's.quantite, p.id' ], [ '-quantite', 's.quantite DESC, p.id' ])
{
    is_deeply([ ids("/api/v1/stores/2/items/?ordering=$order->[0]", 0) ],
        [ sorted('WHERE s.magasin_id = 2', $order->[1]) ], "items $order->[0]");
}
is_deeply([ ids('/api/v1/products/', 0) ],
    [ split /\n/, MagasinTest::sql('SELECT id FROM produit ORDER BY nom, id') ], 'products');
is_deeply([ ids('/api/v1/journal/', 0) ],
    [ split /\n/, MagasinTest::sql('SELECT id FROM journal ORDER BY xid, id') ], 'journal');

MagasinTest::sql(
    'INSERT INTO retour (id, vente_id, magasin_id, remise_en_stock, total)'
        . ' SELECT 100 + i, id, magasin_id, true, 0 FROM vente, generate_series(1, 4500) i'
        . ' WHERE id = 2',
    'INSERT INTO comptage (id, magasin_id) VALUES (3, 2)');
is_deeply([ ids('/api/v1/sales/2/returns/', 0) ],
    [ split /\n/, MagasinTest::sql('SELECT id FROM retour WHERE vente_id = 2 ORDER BY id DESC') ],
    'sale_returns');
is_deeply([ ids('/api/v1/counts/3/lines/?etat=oublis', 0) ],
    [ sorted('WHERE s.magasin_id = 2 AND s.quantite > 0', 'p.id') ], 'count_lines');

# Who gets it

sub form {
    my ($accept, $path) = @_;
    my $answer = ask($path || '/api/v1/stores/', $accept);
    return $answer->{status} unless $answer->{status} == 200;
    return $answer->{headers}{'content-type'} =~ /csv/ ? 'csv' : 'json';
}

for my $case ([ 'text/csv', 'csv' ], [ 'text/csv;q=0', 406 ], [ 'text/csv;q=0, */*', 'json' ],
    [ 'TEXT/CSV; charset=utf-8', 'csv' ], [ 'text/*', 'csv' ], [ '*/*', 'json' ],
    [ 'text/csv, application/json', 'json' ], [ 'text/csv, */*', 'csv' ],
    [ 'text/csv;q=0.5, application/json', 'json' ],
    [ 'text/csv, application/json;q=0.9', 'csv' ],
    [ 'text/csv;q=0.5, application/json;q=0.4', 'csv' ],
    [ 'text/csv;q=0.5, */*;q=0.8', 'json' ], [ 'text/csv;q=0.001', 'csv' ],
    [ 'text/csv;q=0.000', 406 ], [ 'application/json;q=0, text/csv', 'csv' ],
    [ 'text/csv, application/problem+json', 'csv' ], [ 'text/*;q=1, text/csv;q=0', 406 ],
    [ 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json' ],
    [ 'text/csvx', 406 ], [ 'text/csv;header=present;q=0.2, */*;q=0.1', 'csv' ])
{
    is(form($case->[0]), $case->[1], "Accept: $case->[0]");
}
is(form('text/csv', '/api/v1/stores/1/'), 406, 'a single resource has no CSV');
is(form('text/csv', '/api/v1/sales/999/returns/'), 404, 'nor has what is not there');

{
    my $answer = ask('/api/v1/stores/1/items/');
    is($answer->{headers}{'content-disposition'}, 'attachment; filename="items-1.csv"',
        'Content-Disposition');
    like(join(',', map { ref ? @$_ : $_ } $answer->{headers}{vary}), qr/\bAccept\b/, 'Vary');
    like($answer->{headers}{etag} // '', qr/^"\w+"$/, 'a short one has an entity tag');
    is($node->fetch('/api/v1/stores/1/items/', headers =>
        { Accept => 'text/csv', 'If-None-Match' => $answer->{headers}{etag} })->{status},
        304, '  and is not modified');
    my $head = ask('/api/v1/stores/1/items/', 'text/csv', 'HEAD');
    is_deeply({ map { $_ => $head->{headers}{$_} } qw(content-type content-length content-disposition etag) },
        { map { $_ => $answer->{headers}{$_} } qw(content-type content-length content-disposition etag) },
        'HEAD');
    $head = ask('/api/v1/stores/2/items/', 'text/csv', 'HEAD');
    is("$head->{status} $head->{headers}{'content-type'}", '200 text/csv; charset=utf-8',
        'HEAD of a long one');
    is($answer->{headers}{link}, undef, 'no Link');
}

# Errors are JSON

for my $case ([ '/api/v1/products/?limit=0', 400, 'application/json' ],
    [ '/api/v1/stores/99999999999999999999/items/', 404, 'application/json' ],
    [ '/api/v1/products/?cursor=x', 400, 'application/json' ])
{
    my $answer = ask($case->[0]);
    is("$answer->{status} $answer->{headers}{'content-type'}", "$case->[1] $case->[2]", $case->[0]);
    ok(eval { $Json->decode($answer->{content}) }, '  JSON');
    is($answer->{headers}{'content-disposition'}, undef, '  no file');
}
{
    my $answer = ask('/api/v1/products/?limit=0', 'text/csv, application/problem+json');
    is($answer->{headers}{'content-type'}, 'application/problem+json', 'a problem');
}

# A store that does not exist has no rows

is(ask('/api/v1/stores/999/stock/')->{content}, "produit_id,nom,quantite\r\n", 'no rows');
is(ask('/api/v1/stores/99999999999999999999/stock/')->{content}, "produit_id,nom,quantite\r\n",
    'an id that is out of range');
is(ask('/api/v1/stores/99999999999999999999/stock/list/')->{content},
    "id,produit,magasin,quantite,produit_nom,magasin_nom\r\n", 'stock_list: no rows');

# The JSON is that of the cache, whatever CSV was asked for

{
    my $json = $node->fetch('/api/v1/stores/')->{content};
    is(ask('/api/v1/stores/')->{state}, 'OFF', 'CSV is not cached');
    my $again = $node->fetch('/api/v1/stores/');
    is($again->{content}, $json, '  and does not take the place of the JSON');
    ok(ask('/api/v1/stores/')->{content} =~ /^id,nom/, '  nor the other way round');
}

# A cursor of JSON begins a CSV

{
    my $page = $Json->decode($node->fetch('/api/v1/products/?limit=7')->{content});
    my ($next) = $page->{next} =~ m{^http://[^/]*(.*)};
    is_deeply([ ids($next, 0) ],
        [ split /\n/, MagasinTest::sql('SELECT id FROM produit ORDER BY nom, id OFFSET 7') ],
        'after a page');
}

is($node->complaints, '', 'nothing is wrong in the log');
# More rows than one order has ids of: the order is asked for again, after the last
# of them.
MagasinTest::sql(
    "INSERT INTO produit (id, nom, categorie, prix) SELECT 200000 + i, 'Masse ' || i % 7000,"
        . " 'Masse', 2 FROM generate_series(1, 100500) i",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 3, 200000 + i, i % 997 FROM generate_series(1, 100500) i',
    'ANALYZE');
is_deeply([ ids('/api/v1/stores/3/items/?ordering=-quantite', 0) ],
    [ sorted('WHERE s.magasin_id = 3', 's.quantite DESC, p.id') ], 'items of 100,500 rows');
is_deeply([ ids('/api/v1/stores/3/stock/list/?ordering=quantite,-produit__nom', 1) ],
    [ sorted('WHERE s.magasin_id = 3', 's.quantite, p.nom DESC, s.id') ],
    'stock_list of 100,500 rows');


done_testing();
