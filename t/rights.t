# What a token may: its scopes, its stores, its last day.  Each endpoint of the
# table is asked by tokens of each scope and of each binding, in a location
# with magasin_read and in one without; an endpoint without a case fails.

use strict;
use warnings;

use lib 't/inc';
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use POSIX qw(strftime);
use Test::More;
use MagasinNginx;
use MagasinRoutes;
use MagasinTest;

my @Scopes = qw(ventes retours prix stock reapprovisionnement inventaire
    produits magasins lecture admin);

# The stores of tokens: of all, of the store that the cases name, of another
# one, and of both.
my %Bindings = (
    all   => '',
    own   => ' magasins=1',
    other => ' magasins=2',
    both  => ':magasins=2,1',
);

# endpoint => [ REQUEST, BODY, SCOPE, STORES ].  The requests name store 1.
# SCOPE is what they need: "lecture" where magasin_read is on, "any" a valid
# token, "" nothing at all.  STORES is "one" where a token of store 1 does,
# "all" where it has to be one of all stores, "none" where its stores do not
# matter.
my %Case = (
    reports              => [ 'GET reports/',                      '', 'lecture', 'all' ],
    reports_sales        => [ 'GET reports/sales/?magasin=1',      '', 'lecture', 'one' ],
    dashboard            => [ 'GET dashboard/',                    '', 'lecture', 'all' ],
    stores               => [ 'GET stores/',                       '', 'lecture', 'all' ],
    store                => [ 'GET stores/1/',                     '', 'lecture', 'one' ],
    stock                => [ 'GET stores/1/stock/',               '', 'lecture', 'one' ],
    stock_list           => [ 'GET stores/1/stock/list/',          '', 'lecture', 'one' ],
    stock_item           => [ 'GET stores/1/stock/4/',             '', 'lecture', 'one' ],
    stock_adjust         => [ 'POST stores/1/stock/4/adjust/', '{"delta":1}', 'stock', 'one' ],
    store_create         => [ 'POST stores/', '{"nom":"n","adresse":"a"}', 'magasins', 'all' ],
    store_patch          => [ 'PATCH stores/1/', '{"nom":"n"}',        'magasins', 'one' ],
    items                => [ 'GET stores/1/items/',               '', 'lecture', 'one' ],
    reorder              => [ 'GET stores/1/reorder/',             '', 'lecture', 'one' ],
    reorder_create       => [ 'POST stores/1/reorder/', '{}',      'reapprovisionnement', 'one' ],
    thresholds           => [ 'GET stores/1/thresholds/',          '', 'lecture', 'one' ],
    thresholds_put       => [ 'PUT stores/1/thresholds/', '{"lignes":[]}', 'stock', 'one' ],
    threshold            => [ 'GET stores/1/stock/4/thresholds/',  '', 'lecture', 'one' ],
    threshold_put        => [ 'PUT stores/1/stock/4/thresholds/', '{"minimum":1,"maximum":2}', 'stock', 'one' ],
    stock_central        => [ 'GET stock/central/',                '', 'lecture', 'all' ],
    stock_central_item   => [ 'GET stock/central/4/',              '', 'lecture', 'all' ],
    stock_central_adjust => [ 'POST stock/central/4/adjust/', '{"delta":1}', 'stock', 'all' ],
    products             => [ 'GET products/',                     '', 'lecture', 'none' ],
    product_create       => [ 'POST products/', '{"nom":"n","categorie":"c","prix":"1"}', 'produits', 'all' ],
    product              => [ 'GET products/4/',                   '', 'lecture', 'none' ],
    product_update       => [ 'PUT products/4/', '{"prix":"1"}',       'produits', 'all' ],
    product_patch        => [ 'PATCH products/4/', '{"prix":"1"}',     'produits', 'all' ],
    product_delete       => [ 'DELETE products/15/',               '', 'produits', 'all' ],
    products_batch       => [ 'POST products/batch/', "id,prix\n4,1\n", 'produits|prix', 'all', 'text/csv' ],
    stock_batch          => [ 'POST stock/batch/', "magasin,produit,delta\n1,4,1\n", 'stock', 'none', 'text/csv' ],
    product_sheet        => [ 'GET products/4/sheet/',             '', 'lecture', 'none' ],
    product_availability => [ 'GET products/4/availability/',      '', 'lecture', 'all' ],
    sales                => [ 'GET sales/?magasin=01',             '', 'lecture', 'one' ],
    sale_create          => [ 'POST sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}', 'ventes', 'one' ],
    sale                 => [ 'GET sales/1/',                      '', 'lecture', 'one' ],
    sale_returns         => [ 'GET sales/1/returns/',              '', 'lecture', 'one' ],
    sale_return_create   => [ 'POST sales/1/returns/', '{"lignes":[{"produit":4,"quantite":1}],"remise_en_stock":true}', 'retours', 'one' ],
    replenishments       => [ 'GET replenishments/?magasin=1',     '', 'lecture', 'one' ],
    replenishment_create => [ 'POST replenishments/', '{"magasin":"1","produit":4,"quantite":1}', 'reapprovisionnement', 'one' ],
    replenishment        => [ 'GET replenishments/1/',             '', 'lecture', 'one' ],
    replenishment_patch  => [ 'PATCH replenishments/1/', '{"quantite":4}', 'reapprovisionnement', 'one' ],
    replenishment_cancel => [ 'POST replenishments/1/cancel/',     '', 'reapprovisionnement', 'one' ],
    replenishment_decisions => [ 'POST replenishments/decisions/', '{"refuser":[1]}', 'reapprovisionnement', 'all' ],
    replenishment_approve => [ 'POST replenishments/1/approve/',   '', 'reapprovisionnement', 'all' ],
    replenishment_reject => [ 'POST replenishments/1/reject/',     '', 'reapprovisionnement', 'all' ],
    receipts             => [ 'GET receipts/?magasin=1',           '', 'lecture', 'one' ],
    receipt_create       => [ 'POST receipts/', '{"lieu":1,"fournisseur":"f","reference":"r","lignes":[{"produit":4,"quantite":1}]}', 'stock', 'one' ],
    receipt              => [ 'GET receipts/1/',                   '', 'lecture', 'one' ],
    receipt_cancel       => [ 'POST receipts/1/cancel/',           '', 'stock', 'one' ],
    transfers            => [ 'GET transfers/?magasin=1',          '', 'lecture', 'one' ],
    transfer_create      => [ 'POST transfers/', '{"de":1,"vers":3,"lignes":[{"produit":4,"quantite":1}]}', 'stock', 'one' ],
    transfer             => [ 'GET transfers/1/',                  '', 'lecture', 'one' ],
    transfer_receive     => [ 'POST transfers/1/receive/',         '', 'stock', 'one' ],
    transfer_cancel      => [ 'POST transfers/2/cancel/',          '', 'stock', 'one' ],
    reservations         => [ 'GET reservations/?magasin=1',       '', 'lecture', 'one' ],
    reservation_create   => [ 'POST reservations/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}', 'ventes', 'one' ],
    reservation          => [ 'GET reservations/1/',               '', 'lecture', 'one' ],
    reservation_claim    => [ 'POST reservations/1/claim/',        '', 'ventes', 'one' ],
    reservation_release  => [ 'POST reservations/1/release/',      '', 'ventes', 'one' ],
    counts               => [ 'GET counts/?magasin=1',             '', 'lecture', 'one' ],
    count_create         => [ 'POST counts/', '{"lieu":1}',        'stock', 'one' ],
    count                => [ 'GET counts/1/',                     '', 'lecture', 'one' ],
    count_lines          => [ 'GET counts/1/lines/',               '', 'lecture', 'one' ],
    count_add            => [ 'POST counts/1/lines/', '{"lignes":[{"produit":4,"quantite":1}]}', 'stock', 'one' ],
    count_close          => [ 'POST counts/1/close/',              '', 'inventaire', 'one' ],
    count_cancel         => [ 'POST counts/1/cancel/',             '', 'stock', 'one' ],
    journal              => [ 'GET journal/?magasin=1',            '', 'lecture', 'one' ],
    journal_stream       => [ 'GET journal/stream/?magasin=01',    '', 'lecture', 'one' ],
    me                   => [ 'GET me/',                           '', 'any', 'none' ],
    cache_flush          => [ 'POST cache/flush/',                 '', 'admin', 'all' ],
    healthz              => [ 'GET /healthz',                      '', '', 'none' ],
    readyz               => [ 'GET /readyz',                       '', '', 'none' ],
);

# Lists that do not say of which store are those of all of them.
my @Lists = ('GET sales/', 'GET replenishments/', 'GET receipts/',
    'GET transfers/', 'GET reservations/', 'GET counts/', 'GET journal/',
    'GET journal/stream/');

my %lines = (personne => '');
for my $scope (@Scopes, 'aucun') {
    $lines{"$scope-$_"} = ($scope eq 'aucun' ? '' : $scope) . $Bindings{$_}
        for keys %Bindings;
}
sub day { return strftime('%Y-%m-%d', gmtime(time + 86400 * $_[0])) }
$lines{hier} = 'lecture,stock expire=' . day(-1);
$lines{demain} = 'lecture,stock magasins=4,1 expire=' . day(1);
$lines{fini} = 'lecture expire=1970-01-01';

my $tokens = MagasinTest::tokens(%lines);
my $open   = MagasinNginx->start(workers => 1, tokens => $tokens,
    http => 'magasin_zone ouvert:8m;');
my $guarded = MagasinNginx->start(workers => 1, tokens => $tokens,
    http => 'magasin_zone garde:8m; magasin_read on;'
        . ' magasin_cache_header on;');

# One connection for a server, since there are thousands of requests.
my %connection;

# call(SERVER, TOKEN, REQUEST, BODY): status, headers and body.
sub call {
    my ($server, $token, $request, $body, $type) = @_;
    $type //= 'application/json';
    my ($method, $path) = split ' ', $request;
    $path = "/api/v1/$path" unless $path =~ m{^/};
    my $text = join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        (defined $token ? "Authorization: Token secret-$token" : ()),
        "Content-Type: $type",
        'Content-Length: ' . length $body // '', '', $body // '';

    my $socket = $connection{$server} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $server->{port});
    $socket->autoflush(1);
    print {$socket} $text;

    my $answer = '';
    while ($answer !~ /\r\n\r\n/) {
        sysread $socket, $answer, 65536, length $answer
            or die "no answer to $request: $answer\n";
    }
    my ($head, $rest) = split /\r\n\r\n/, $answer, 2;
    my $end = $head =~ /^Content-Length: (\d+)/mi
        ? sub { length $rest >= $1 }
        : $head =~ /^Transfer-Encoding: chunked/mi
        ? sub { $rest =~ /\r\n?0\r\n\r\n\z|\A0\r\n\r\n\z/ } : sub {1};

    # A stream has no end.
    if ($head =~ m{^Content-Type: text/event-stream}mi) {
        delete $connection{$server};
        return (200, $head, '');
    }
    until ($end->()) {
        sysread $socket, $rest, 65536, length $rest or last;
    }
    delete $connection{$server} if $head =~ /^Connection: close/mi;
    my ($status) = $head =~ m{\AHTTP/1\.1 (\d+)};
    return ($status, $head, $rest);
}

sub status { return (call(@_))[0] }

# wanted(CASE, SCOPE, BINDING, GUARDED): 401, 403 or 200 for anything else.
sub wanted {
    my ($case, $scope, $binding, $guarded) = @_;
    my (undef, undef, $needs, $stores) = @$case;

    return 200 if $needs eq '' || ($needs eq 'lecture' && !$guarded);
    return 401 if !defined $scope;
    return 403 if $needs ne 'any' && !grep { $_ eq $scope } split /\|/, $needs;
    return 200 if $stores eq 'none' || $binding eq 'all';
    return 403 if $stores eq 'all' || $binding eq 'other';
    return 200;
}

sub found {
    my ($status) = @_;
    return $status =~ /^40[13]$/ ? $status
        : $status =~ /^(?:20[014]|404|409)$/ ? 200 : "status $status";
}

# Holes: endpoints without a case, and cases without an endpoint.

my %endpoint = map { $_->{name} => $_ } MagasinRoutes::endpoints();
is(join(' ', grep { !$Case{$_} } sort keys %endpoint), '',
    'each endpoint of the table has a case');
is(join(' ', grep { !$endpoint{$_} } sort keys %Case), '',
    'each case is of an endpoint');

for my $name (sort keys %Case) {
    my ($method, $path) = split ' ', $Case{$name}[0];
    $path = "/api/v1/$path" unless $path =~ m{^/};
    is(join(' ', MagasinRoutes::missing([$path], $endpoint{$name} // ())), '',
        "the case of $name asks for its path");
    is($method, $endpoint{$name}{method}, "and by its method");
}

# The matrix.  First all that is refused, so that nothing has changed; a
# write that is let in may then find what it changed itself.

MagasinTest::reset(@MagasinRoutes::Rows);

my @cells;
for my $name (sort keys %Case) {
    for my $server ($open, $guarded) {
        my $on = $server == $guarded;
        push @cells, [ $name, $server, undef, wanted($Case{$name}, undef, '', $on) ];
        for my $scope (@Scopes, 'aucun') {
            push @cells, [ $name, $server, "$scope-$_",
                wanted($Case{$name}, $scope, $_, $on) ]
                for sort keys %Bindings;
        }
    }
}

my $before = MagasinTest::checksum();
for my $refused (1, 0) {
    my %wrong;
    my $n = 0;
    for my $cell (grep { ($_->[3] != 200) == $refused } @cells) {
        my ($name, $server, $token, $wanted) = @$cell;
        my $found = found(status($server, $token, @{ $Case{$name} }[ 0, 1, 4 ]));
        $n++;
        push @{ $wrong{$name} }, ($server == $guarded ? 'read on ' : '')
            . ($token // 'no token') . ": $found, not $wanted"
            if $found ne $wanted;
    }
    is(join("\n", map {"$_: @{ $wrong{$_} }"} sort keys %wrong), '',
        ($refused ? 'refused' : 'let in') . " as they should be: $n requests");
    is(MagasinTest::checksum(), $before, 'what is refused has done nothing')
        if $refused;
}
is(scalar @cells, keys(%Case) * 2 * (1 + (@Scopes + 1) * keys %Bindings),
    'no cell of the matrix is empty');

for my $list (@Lists) {
    is(status($guarded, "lecture-$_", $list, ''), $_ eq 'all' ? 200 : 403,
        "$list by a token of: $_") for sort keys %Bindings;
}

# The store is in the row alone: what the cache has of another asker does not
# open it, and is not filled by who may not see it.

MagasinTest::reset(@MagasinRoutes::Rows);
status($guarded, 'admin-all', 'POST cache/flush/', '');
for my $path ('sales/1/', 'sales/1/returns/', 'replenishments/1/', 'receipts/1/',
    'transfers/1/', 'counts/1/', 'counts/1/lines/') {
    for my $token (qw(other all other own both all other)) {
        my ($status, $head, $body)
            = call($guarded, "lecture-$token", "GET $path", '');
        is($status, $token eq 'other' ? 403 : 200, "$path, token of $token");
        unlike($body, qr/"date_/, 'nothing of it is in the refusal')
            if $token eq 'other';
        like($head, qr/^Cache-Control: private, no-cache\r?$/m,
            'it is nothing for shared caches') if $token ne 'other';
    }
}
is(status($guarded, 'lecture-other', 'GET sales/99/', ''), 404,
    'a sale that is not there is not there');

like((call($guarded, 'lecture-own', 'GET stores/1/stock/', ''))[1],
    qr/^Cache-Control: private, no-cache\r?$/m, 'a cached read is private');
like((call($open, undef, 'GET stores/1/stock/', ''))[1],
    qr/^Cache-Control: no-cache\r?$/m, 'an open read is as it was');

# The price that only the scope "prix" may name is asked for in the body, and
# so is the store: a store of others is 403, whatever else is wrong.
is(status($open, 'ventes-own', 'POST sales/',
    '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}'), 403,
    'a sale in a store of others');
is(status($open, 'ventes-own', 'POST sales/',
    '{"magasin":99,"lignes":[{"produit":4,"quantite":1}]}'), 403,
    'a sale in a store that is not there');
is(status($open, 'ventes-own', 'POST sales/', '{"lignes":[]}'), 400,
    'a body that cannot be read says nothing of a store');
is(status($open, 'stock-own', 'POST stores/001/stock/4/adjust/',
    '{"delta":1}'), 200, 'zeros before an id are not another store');
is(status($open, 'stock-own', 'POST stores/99999999999999999999/stock/4/adjust/',
    '{"delta":1}'), 403, 'an id that no store can have');

# The last day.

my $expired = "Token error=\"invalid_token\", "
    . "error_description=\"The token has expired\"";
for my $token (qw(hier fini)) {
    my ($status, $head, $body) = call($open, $token,
        'POST stores/1/stock/4/adjust/', '{"delta":1}');
    is($status, 401, "$token: the last day is over");
    like($head, qr/^WWW-Authenticate: \Q$expired\E\r?$/m, 'as RFC 6750 says it');
    like($body, qr/"message":"Token d'accès expiré\."/, 'and in French');
}
is(status($guarded, 'hier', 'GET products/1/', ''), 401, 'a read, too');
is(status($open, 'hier', 'GET products/1/', ''), 200,
    'an open read takes no notice');
like((call($open, undef, 'POST stores/1/stock/4/adjust/', '{}'))[1],
    qr/^WWW-Authenticate: Token\r?$/m, 'without a token there is no error code');
is(status($open, 'demain', 'POST stores/1/stock/4/adjust/', '{"delta":1}'),
    200, 'it counts until its last day');

# GET /me/.

is((call($open, 'demain', 'GET me/', ''))[2],
    '{"nom":"demain","scopes":["lecture","stock"],"magasins":[4,1],"expire_le":"'
        . day(1) . '"}', 'who asks');
is((call($open, 'personne', 'GET me/', ''))[2],
    '{"nom":"personne","scopes":[],"magasins":null,"expire_le":null}',
    'who may nothing');
like((call($open, 'personne', 'GET me/', ''))[1],
    qr/^Cache-Control: private, no-cache\r?$/m, 'it is for nobody else');
is(status($open, undef, 'GET me/', ''), 401, 'nobody');

# make token: its line is taken, and its token is the one.

my $made = join '/', $ENV{TMPDIR} // '/tmp', "token-$$";
sub make {
    my (@arguments) = @_;
    my $command = join ' ', "$MagasinTest::Top/scripts/token.sh",
        map {"'$_'"} @arguments;
    my $line = `$command 2>$made`;
    my ($secret) = MagasinNginx::slurp($made) =~ /: ([0-9a-f]{48})$/m;
    unlink $made;
    return ($line, $secret);
}

my ($line, $secret) = make('caisse-12', 'ventes,prix', '1,4', day(1));
is($line, join(':', 'caisse-12', sha256_hex($secret), 'ventes,prix')
        . ' magasins=1,4 expire=' . day(1) . "\n", 'a line of token.sh');
is((make('a', 'ventes'))[0] =~ tr/ //, 0, 'one without options has none');
for my $wrong ([ 'a', 'ventes', '1,,4' ], [ 'a', 'ventes', '0' ],
    [ 'a', 'ventes', '', '2027-02-29' ], [ 'a', 'ventes', '', day(-1) ],
    [ 'a', 'tout' ])
{
    is((make(@$wrong))[0], '', "not made: @$wrong");
}

is($_->complaints, '', 'nothing in the error log') for $open, $guarded;

done_testing();
