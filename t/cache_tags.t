# THE matrix: each kind of write against each kind of read.  What a write has
# changed is new at once, on every worker; what it has not changed is still
# answered from the cache.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;
use MagasinRoutes;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Reads by short names: p4 is product 4, q1.4 its quantity in store 1, a4 its
# availability, f4 its sheet, s1 and l1 the stock of store 1 and its list, i1 its
# items, o1 its stock at an instant, t1 its thresholds and t1.4 those of product
# 4, v1 a sale, vr1 its returns, vm1 the sales of store 1, c4 product 4 in the
# central stock, d1 a request, r1 a receipt, x1 a transfer, h1 a reservation, k1
# a stock-take.
our %Reads = (
    reports => 'reports/', dashboard => 'dashboard/',
    periodes => 'reports/sales/?depuis=2026-01-01&groupe=categorie',
    stores  => 'stores/',  central   => 'stock/central/',
    products => 'products/', search  => 'products/?q=chocolat',
    drinks   => 'products/?categorie=Boissons',
    archived => 'products/?archive=true',
    sales    => 'sales/', requests => 'replenishments/',
    waiting  => 'replenishments/?statut=en_attente',
    (map { ("m$_" => "stores/$_/", "s$_" => "stores/$_/stock/",
            "l$_" => "stores/$_/stock/list/",
            "vm$_" => "sales/?magasin=$_", "i$_" => "stores/$_/items/",
            "t$_" => "stores/$_/thresholds/") } 1, 2),
    't1.4' => 'stores/1/stock/4/thresholds/',
    't2.9' => 'stores/2/stock/9/thresholds/',
    (map { ("p$_" => "products/$_/", "a$_" => "products/$_/availability/",
            "f$_" => "products/$_/sheet/") } 4, 9, 15),
    code => 'products/?code=0',
    'q1.4' => 'stores/1/stock/4/', 'q1.9' => 'stores/1/stock/9/',
    'q2.4' => 'stores/2/stock/4/', 'q1.15' => 'stores/1/stock/15/',
    'c4' => 'stock/central/4/', 'c9' => 'stock/central/9/',
    (map { ("v$_" => "sales/$_/", "vr$_" => "sales/$_/returns/") } 1, 2, 4),
    (map { ("o$_" => "stores/$_/stock/?au=9999-01-01T00:00:00Z") } 1, 2),
    (map { ("d$_" => "replenishments/$_/") } 1 .. 3),
    receipts => 'receipts/', moves => 'transfers/', holds => 'reservations/',
    counts => 'counts/',
    (map { ("r$_" => "receipts/$_/", "x$_" => "transfers/$_/",
            "h$_" => "reservations/$_/", "k$_" => "counts/$_/") } 1, 2),
);
$_ = "/api/v1/$_" for values %Reads;

# What is cached belongs in the matrix.
if (my @missing = MagasinRoutes::missing([ values %Reads ],
        MagasinRoutes::cached())) {
    fail('the matrix has all reads with tags');
    diag "%Reads has none of '@missing'";
    done_testing();
    exit 1;
}
pass('the matrix has all reads with tags');
is(join(' ', MagasinRoutes::missing([ values %Reads ],
        MagasinRoutes::cached(),
        { name => 'planted', path => '/api/v1/products/{id}/planted/' })),
    'planted', 'planted: a read that the matrix has not is named');

# Nothing here writes to store 5 or product 13.
my $canary   = '/api/v1/stores/5/';
my $marker   = '/api/v1/products/13/';
my @marked   = qw(products search drinks archived code i1 i2 periodes);
my @lists    = @marked;
my @names    = qw(reports periodes dashboard s1 s2 l1 l2 o1 o2 central);
my @named    = (@lists, @names);
my @central  = qw(central c4 c9);

# What is new of a hold.
sub held {
    my ($store, $product) = @_;
    return ("a$product", "q$store.$product", "s$store", "l$store",
        $store < 3 ? ("i$store", "o$store") : ());
}

# What a sale, an adjustment, a move from the central stock makes new.
sub quantity {
    my ($store, $product) = @_;
    return ("a$product", "q$store.$product", "s$store", "l$store",
        $store < 3 ? ("i$store", "o$store") : (), 'reports', 'periodes', 'dashboard');
}

MagasinTest::reset();

my $nginx = MagasinCache->start(workers => 2, zone => '8m');
my @clients = $nginx->clients;
my $turn    = 0;

sub get {
    my ($name) = @_;
    my $path = $Reads{$name} // $name;
    return $nginx->request($clients[ $turn++ % @clients ], $path);
}

my @setup = (
    "INSERT INTO demande_reapprovisionnement (id, magasin_id, produit_id,"
        . " quantite) VALUES (1, 1, 4, 5), (2, 2, 8, 3), (3, 1, 9, 100000)",
    "SELECT setval('demande_reapprovisionnement_id_seq', 3)",
    'INSERT INTO reception (id, magasin_id, fournisseur, reference)'
        . " VALUES (1, 1, 'f', 'r'), (2, NULL, 'f', 'r')",
    'INSERT INTO reception_ligne (reception_id, produit_id, quantite)'
        . ' VALUES (1, 4, 1), (2, 9, 1)',
    "SELECT setval('reception_id_seq', 2)",
    'INSERT INTO transfert (id, magasin_id, vers_id)'
        . ' VALUES (1, NULL, 1), (2, 1, 2)',
    'INSERT INTO transfert_ligne (transfert_id, produit_id, vers_id, quantite)'
        . ' VALUES (1, 4, 1, 2), (2, 9, 2, 3)',
    "SELECT setval('transfert_id_seq', 2)",
    'INSERT INTO reservation (id, magasin_id, expire_le, total)'
        . " SELECT n, 1, now() + interval '1 day', 1 FROM generate_series(1, 2) n",
    'INSERT INTO reservation_ligne (reservation_id, produit_id, magasin_id,'
        . ' expire_le, quantite, prix_unitaire) SELECT id, 4, 1, expire_le, 1,'
        . ' 1 FROM reservation',
    'UPDATE stock_local SET retenu = 2 WHERE magasin_id = 1 AND produit_id = 4',
    "SELECT setval('reservation_id_seq', 2)",
    'INSERT INTO comptage (id, magasin_id) VALUES (1, 1), (2, NULL)',
    'INSERT INTO comptage_ligne (comptage_id, produit_id, magasin_id, compte,'
        . ' present) VALUES (1, 4, 1, 29, 30), (2, 9, NULL, 1, 1)',
    "SELECT setval('comptage_id_seq', 2)",
);

# All of it cached, but for what is not there.
sub fill {
    MagasinNginx::wait_for(sub {
        my $all = 1;
        for my $name ($canary, $marker, keys %Reads) {
            my $answer = get($name);
            $all = 0
                if $answer->{state} ne 'HIT' && $answer->{status} == 200;
        }
        return $all;
    }) or die "not everything can be cached\n";
    return;
}

# The tables as they were, and nothing of that to come by a poll any more.
sub prepare {
    my (@statements) = @_;

    MagasinTest::reset(@setup) if $nginx->direct($canary)->{status} != 200;
    $nginx->fill($canary) or die "no hit\n";
    MagasinTest::reset(@setup, @statements);
    MagasinNginx::wait_for(sub { $nginx->state($canary) ne 'HIT' })
        or die "the reset is not seen\n";
    return;
}

# Which of these are not answered from the cache, though they are there; undef
# when the cache stood still meanwhile, since the machine was too busy for the
# poller.  It may have stood still between two looks, too: so who finds more
# than it expects tries again, and what was not invalidated in vain is not
# there the next time.
my $again = 5;

sub missed {
    my (@names) = @_;

    return if get($canary)->{state} ne 'HIT';
    my %answer = map { $_ => get($_) } @names;
    return if get($canary)->{state} ne 'HIT';

    return join ' ', sort grep {
        $answer{$_}{state} ne 'HIT' && $answer{$_}{status} == 200
    } @names;
}

# Which are answered otherwise than without the cache.
sub wrong {
    return join ' ', sort grep {
        my $direct = $nginx->direct($Reads{$_});
        MagasinCache::visible(get($_)) ne MagasinCache::visible($direct);
    } keys %Reads;
}

# A change of product 13 by hand: when it is seen, so was all before it.  False
# when the cache stood still.
my $prix = 100;

sub mark {
    my (@statements) = @_;

    $prix++;
    MagasinTest::psql(map { ('-c', $_) } @statements,
        "UPDATE produit SET prix = $prix WHERE id = 13");
    return 1;
}

sub marked {
    my $seen;
    MagasinNginx::wait_for(sub {
        my @before = map { get($_) } $canary, $marker, $canary;
        return 0 if $before[1]{content} !~ /"prix":"$prix.00"/;
        $seen = $before[0]{state} eq 'HIT' && $before[2]{state} eq 'HIT';
        return 1;
    }) or die "the poller does not see $prix\n";
    return $seen;
}

# What is in the first set and not in the second one.
sub more {
    my ($found, $wanted) = @_;
    my %wanted = map { $_ => 1 } split ' ', $wanted;
    return grep { !$wanted{$_} } split ' ', $found;
}

sub set {
    my (@names) = @_;
    my %set = map { $_ => 1 } @names;
    return join ' ', sort keys %set;
}

sub without {
    my (@names) = @_;
    my %left = map { $_ => 1 } keys %Reads;
    delete @left{@names};
    return sort keys %left;
}

# Writes by the API, one after the other: [NAME, STATUS, NEW, METHOD, PATH,
# BODY, HEADERS].  Right after each NEW, and nothing else, is asked for anew.
# When the polls come by what they have left, that does not go a second time;
# of UNKNOWN the API does not know that it is touched.
sub writes {
    my ($unknown, @writes) = @_;
    my (@seen, $twice);
    my $left = $again;

ATTEMPT:
    for (1 .. 40) {
        prepare();
        @seen  = ();
        $twice = undef;

        for my $write (@writes) {
            my ($name, $status, $new, $method, $path, $body, $headers)
                = @$write;

            fill();
            my $answer = $nginx->request($clients[ $turn++ % @clients ],
                "/api/v1/$path", method => $method, headers => $headers,
                (defined $body ? (content => $body) : ()));

            my $missed = missed(keys %Reads);
            my $wrong  = wrong();
            push @seen, [ $answer, $missed, $wrong ];
            last ATTEMPT if $wrong ne '';
            next ATTEMPT if !defined $missed
                || more($missed, set(@$new)) && $left-- > 0;
        }

        fill();
        mark();
        next if !marked();
        $twice = missed(without(@marked, @$unknown));
        last if defined $twice && ($twice eq '' || $left-- <= 0);
    }

    for my $i (0 .. $#seen) {
        my ($name, $status, $new) = @{ $writes[$i] };
        my ($answer, $missed, $wrong) = @{ $seen[$i] };

        is($answer->{status}, $status, "$name: $status")
            or diag $answer->{content};
        is($answer->{state}, '', "$name: no word about the cache");
        is($wrong,  '', "$name: no answer of before");
        is($missed, set(@$new), "$name: what is new");
    }
    is($twice, '', 'the poller does not come a second time');
    return;
}

# The stores that a product was deleted from are known to the journal alone.

writes([qw(s1 l1 o1 s2 l2 o2)],
    [ 'PUT of a price', 200, [ 'p4', 'f4', 't1.4', 'a4', @lists ],
        PUT => 'products/4/', '{"prix":"1.00"}' ],
    [ 'PUT of a name', 200, [ 'p4', 'f4', 't1.4', 'a4', @named ],
        PUT => 'products/4/', '{"nom":"Chocolat au caf\u00e9"}' ],
    [ 'PUT of the name that it has', 200, [ 'p4', 'f4', 't1.4', 'a4', @lists ],
        PUT => 'products/4/',
        '{"nom":"Chocolat au caf\u00e9","prix":"2.00"}' ],
    [ 'PATCH of a name', 200, [ 'p9', 'f9', 't2.9', 'a9', @named ],
        PATCH => 'products/9/', '{"nom":"Chocolat blanc"}' ],
    [ 'PUT of a category', 200, [ 'p4', 'f4', 't1.4', 'a4', @lists ],
        PUT => 'products/4/', '{"categorie":"Confiserie"}' ],
    [ 'PATCH of a description', 200, [ 'p9', 'f9', 't2.9', 'a9', @lists ],
        PATCH => 'products/9/', '{"description":"neuf"}' ],
    [ 'PATCH of a code', 200, [ 'p4', 'f4', 't1.4', 'a4', @lists ],
        PATCH => 'products/4/', '{"code":"C"}' ],
    [ 'PATCH that archives', 200, [ 'f4', 't1.4', @lists ],
        PATCH => 'products/4/', '{"archive":true}' ],
    [ 'PATCH that brings back', 200, [ 'p4', 'f4', 't1.4', 'a4', @lists ],
        PATCH => 'products/4/', '{"archive":false}' ],
    [ 'POST of a product', 201, \@lists,
        POST => 'products/',
        '{"nom":"Chocolat","categorie":"Boissons","prix":"1.00"}' ],
    [ 'DELETE that archives', 204,
        [ 'f4', 't1.4', 'q1.4', 'q2.4', @named, @central ],
        DELETE => 'products/4/' ],
    [ 'DELETE', 204, [ @named, @central ], DELETE => 'products/15/' ],
);

writes([],
    [ 'a sale', 201, [ 'sales', 'vm1', quantity(1, 4) ],
        POST => 'sales/',
        '{"magasin":1,"lignes":[{"produit":4,"quantite":2}]}' ],
    [ 'a sale of two', 201,
        [ 'sales', 'vm1', quantity(1, 4), quantity(1, 9) ],
        POST => 'sales/', '{"magasin":1,"lignes":['
            . '{"produit":9,"quantite":2},{"produit":4,"quantite":1},'
            . '{"produit":9,"quantite":1}]}' ],
    [ 'a sale of all that is there', 201,
        [ 'sales', 'vm2', quantity(2, 4) ],
        POST => 'sales/',
        '{"magasin":2,"lignes":[{"produit":4,"quantite":22}]}' ],
    [ 'a return', 201,
        [ 'v1', 'vr1', 'sales', 'vm1', quantity(1, 4) ],
        POST => 'sales/1/returns/', '{"lignes":[{"produit":4,"quantite":1}],'
            . '"remise_en_stock":true}' ],
    [ 'one that is written off', 201,
        [ 'v1', 'vr1', 'sales', 'vm1', quantity(1, 4) ],
        POST => 'sales/1/returns/', '{"lignes":[{"produit":4,"quantite":1}],'
            . '"remise_en_stock":false}' ],
    [ 'one of too much', 409, [],
        POST => 'sales/1/returns/', '{"lignes":[{"produit":4,"quantite":1}],'
            . '"remise_en_stock":false}' ],
    [ 'a difference', 200, [ quantity(1, 4) ],
        POST => 'stores/1/stock/4/adjust/', '{"delta":-3}' ],
    [ 'a count', 200, [ quantity(2, 4) ],
        POST => 'stores/2/stock/4/adjust/', '{"quantite":7,"attendu":0}' ],
    [ 'a count that changes nothing', 200, [ quantity(2, 4) ],
        POST => 'stores/2/stock/4/adjust/', '{"quantite":7,"attendu":7}' ],
    [ 'of what was never there', 200,
        [qw(a9 s2 l2 o2 i2 reports periodes dashboard)],
        POST => 'stores/2/stock/9/adjust/', '{"delta":1}' ],
    [ 'a request', 201, [ 'requests', 'waiting', 'i1', 'i2' ],
        POST => 'replenishments/', '{"magasin":1,"produit":4,"quantite":2}' ],
    [ 'its approval', 200,
        [ 'd1', 'requests', 'waiting', 'i2', @central, quantity(1, 4) ],
        POST => 'replenishments/1/approve/' ],
    [ 'its refusal', 200, [ 'd2', 'requests', 'waiting', 'i1', 'i2' ],
        POST => 'replenishments/2/reject/' ],
    [ 'a difference in the central stock', 200, [ 'a4', @central ],
        POST => 'stock/central/4/adjust/', '{"delta":-3}' ],
    [ 'an approval without stock', 409,
        [ 'd3', 'requests', 'waiting', 'i1', 'i2' ],
        POST => 'replenishments/3/approve/' ],
);

writes([],
    [ 'a store', 201, [qw(stores a4 a9 a15 reports periodes dashboard)],
        POST => 'stores/', '{"nom":"a","adresse":"b"}' ],
    [ 'PATCH of a store', 200,
        [qw(m1 t1 t1.4 stores s1 l1 o1 i1 a4 a9 a15 reports periodes dashboard)],
        PATCH => 'stores/1/', '{"ouvert":false}' ],
    [ 'thresholds', 200, [qw(t1 t1.4 i1)],
        PUT => 'stores/1/stock/4/thresholds/', '{"minimum":1,"maximum":2}' ],
    [ 'thresholds of a store', 200, [qw(t2 t2.9 i2)],
        PUT => 'stores/2/thresholds/',
        '{"lignes":[{"categorie":null,"minimum":1}]}' ],
);

writes([],
    [ 'a change of a request', 200, [ 'd1', 'requests', 'waiting', 'i1', 'i2' ],
        PATCH => 'replenishments/1/', '{"quantite":4}' ],
    [ 'decisions', 200,
        [ 'd1', 'd2', 'd3', 'requests', 'waiting', 'i2', @central,
            quantity(1, 4) ],
        POST => 'replenishments/decisions/',
        '{"approuver":[1,3],"refuser":[2]}' ],
    [ 'decisions on what was decided', 200, [],
        POST => 'replenishments/decisions/', '{"approuver":[1,3]}' ],
);

writes([],
    [ 'its withdrawal', 200, [ 'd2', 'requests', 'waiting', 'i1', 'i2' ],
        POST => 'replenishments/2/cancel/' ],
    [ 'a receipt', 201, [ 'receipts', quantity(1, 4), quantity(1, 9) ],
        POST => 'receipts/', '{"lieu":1,"fournisseur":"f","reference":"r",'
            . '"lignes":[{"produit":4,"quantite":2},{"produit":9,"quantite":1}]}' ],
    [ 'a receipt of the centre', 201, [ 'receipts', 'a4', @central ],
        POST => 'receipts/', '{"lieu":null,"fournisseur":"f","reference":"r",'
            . '"lignes":[{"produit":4,"quantite":2}]}' ],
    [ 'its cancellation', 200, [ 'r2', 'receipts', 'a9', @central ],
        POST => 'receipts/2/cancel/' ],
    [ 'that of a store', 200, [ 'r1', 'receipts', quantity(1, 4) ],
        POST => 'receipts/1/cancel/' ],
    [ 'once more', 409, [], POST => 'receipts/1/cancel/' ],
    [ 'a transfer', 201, [ 'moves', 'i2', quantity(1, 4) ],
        POST => 'transfers/',
        '{"de":1,"vers":2,"lignes":[{"produit":4,"quantite":2}]}' ],
    [ 'one from the centre', 201, [ 'moves', 'i1', 'i2', 'a4', @central ],
        POST => 'transfers/',
        '{"de":null,"vers":2,"lignes":[{"produit":4,"quantite":2}]}' ],
    [ 'its arrival', 200, [ 'x1', 'moves', 'i2', quantity(1, 4) ],
        POST => 'transfers/1/receive/', '{"lignes":[{"produit":4,"quantite":1}]}' ],
    [ 'it comes back', 200, [ 'x2', 'moves', 'i2', quantity(1, 9) ],
        POST => 'transfers/2/cancel/' ],
    [ 'a reservation', 201, [ 'holds', held(1, 4), held(1, 9) ],
        POST => 'reservations/', '{"magasin":1,"lignes":['
            . '{"produit":4,"quantite":1},{"produit":9,"quantite":1}]}' ],
    [ 'its claim', 201, [ 'holds', 'h1', 'sales', 'vm1', quantity(1, 4) ],
        POST => 'reservations/1/claim/' ],
    [ 'its release', 200, [ 'holds', 'h2', held(1, 4) ],
        POST => 'reservations/2/release/' ],
    [ 'once more', 409, [], POST => 'reservations/2/claim/' ],
);

writes([],
    [ 'a stock-take', 201, ['counts'], POST => 'counts/', '{"lieu":2}' ],
    [ 'a line of it', 200, [ 'k1', 'counts' ], POST => 'counts/1/lines/',
        '{"lignes":[{"produit":9,"quantite":25}]}' ],
    [ 'its close', 200, [ 'k1', 'counts', quantity(1, 4), quantity(1, 9) ],
        POST => 'counts/1/close/' ],
    [ 'a cancellation', 200, [ 'k2', 'counts' ], POST => 'counts/2/cancel/' ],
);

writes([],
    [ 'a line that is as it was', 200, [ 'k2', 'counts' ],
        POST => 'counts/2/lines/', '{"lignes":[{"produit":9,"quantite":400}]}' ],
    [ 'a close that moves nothing', 200, [ 'k2', 'counts' ],
        POST => 'counts/2/close/' ],
);

# What is refused changes nothing.

writes([],
    [ 'a product that is not there', 404, [], PUT => 'products/99/',
        '{"prix":"1.00"}' ],
    [ 'a sale without stock', 409, [], POST => 'sales/',
        '{"magasin":2,"lignes":[{"produit":4,"quantite":1000}]}' ],
    [ 'another ETag', 412, [], PUT => 'products/4/', '{"prix":"1.00"}',
        { 'If-Match' => '"x"' } ],
    [ 'a negative price', 400, [], PUT => 'products/4/',
        '{"prix":"-1.00"}' ],
    [ 'no token', 401, [], PUT => 'products/4/', '{"prix":"1.00"}',
        { Authorization => 'Token x' } ],
    [ 'a count that is another', 409, [],
        POST => 'stores/1/stock/4/adjust/', '{"quantite":1,"attendu":2}' ],
    [ 'a store that is not there', 404, [],
        POST => 'stores/9/stock/4/adjust/', '{"delta":1}' ],
    [ 'a request that is not there', 404, [],
        POST => 'replenishments/99/approve/' ],
);

# A write with a key, and again.  The answer is of the first time, and what has
# changed since is not shown as it was then.
{
    my %option = (
        method  => 'POST',
        headers => { 'Idempotency-Key' => "tags-$$-" . time },
        content => '{"delta":-3}',
    );
    prepare();
    my $path  = '/api/v1/stores/1/stock/4/adjust/';
    my $first = $nginx->fetch($path, %option);
    is($first->{content}, '{"magasin":1,"produit":4,"quantite":27,"disponible":25}',
        'a key: done');
    like(get('q1.4')->{content}, qr/"quantite":27/, 'a key: and to be seen');
    $nginx->fetch($path, method => 'POST', content => '{"delta":7}');
    like(get('q1.4')->{content}, qr/"quantite":34/, 'a key: another');
    my $again = $nginx->fetch($path, %option);
    is($again->{content}, $first->{content}, 'a key: the answer of before');
    like(get('q1.4')->{content}, qr/"quantite":34/, 'a key: once');
    is(wrong(), '', 'a key: all is right');
}

# By hand.  by_hand(NAME, NEW, CHANGE, STATEMENTS): within a second NEW, and
# nothing else, is new; with undef it may be anything.  CHANGE is SQL, or a
# sub.  It starts from what was left before, or with the statements from the
# beginning.
sub by_hand {
    my ($name, $new, $change, @statements) = @_;
    my ($missed, $late, $wrong, $seen);
    my $left = $again;

    for my $attempt (1 .. 40) {
        prepare(@statements) if @statements || $attempt > 1;
        fill();

        my $direct = sub {
            return MagasinCache::content($nginx->direct($Reads{ $_[0] }));
        };
        my %before = map { $_ => $direct->($_) } keys %Reads;

        ref $change ? $change->() : mark($change);

        my $start = time;
        my @stale = grep { $before{$_} ne $direct->($_) } keys %Reads;
        $seen = grep { my $name = $_; !grep { $name eq $_ } @marked } @stale;

        # An answer of before counts from when it was asked for.

        $late = 0;
        while (@stale && time < $start + $MagasinNginx::Patience) {
            @stale = grep {
                my $asked = time;
                my $old   = MagasinCache::content(get($_)) eq $before{$_};
                $late = $asked - $start if $old;
                $old;
            } @stale;
        }

        $missed = '';
        if (defined $new) {
            my %new = map { $_ => 1 } @$new, @marked;
            $missed = marked() ? missed(grep { !$new{$_} } keys %Reads)
                               : undef;
        }
        $wrong = wrong();
        last if $wrong ne '' || $late >= 1;
        last if defined $missed && ($missed eq '' || $left-- <= 0);
    }

    cmp_ok($late, '<', 1, "$name: new within a second");
    cmp_ok($seen, '>', 0, "$name: something has changed")
        if !defined $new || @$new;
    is($missed, '', "$name: the rest stays");
    is($wrong,  '', "$name: no answer of before");
    return;
}

prepare();

by_hand('UPDATE of a price', [qw(p4 f4 t1.4 a4)],
    'UPDATE produit SET prix = 1 WHERE id = 4');
by_hand('INSERT of a threshold', [qw(t1 t1.4 i1)],
    'INSERT INTO seuil VALUES (1, 4, 5, 6)');
by_hand('INSERT of a code', [ 'p4', 'f4', 't1.4', 'a4' ],
    q{INSERT INTO produit_code (code, produit_id, interne)
      VALUES ('C', 4, true)});
by_hand('UPDATE of a name', [ 'p4', 'f4', 't1.4', 'a4', @names ],
    "UPDATE produit SET nom = 'Chocolat chaud' WHERE id = 4");
by_hand('UPDATE of a store',
    [qw(m1 t1 t1.4 stores s1 l1 o1 i1 a4 a9 a15 reports periodes dashboard)],
    "UPDATE magasin SET nom = 'Magasin Un' WHERE id = 1");
by_hand('UPDATE of a stock', [ quantity(1, 4) ],
    'UPDATE stock_local SET quantite = 3 WHERE magasin_id = 1'
        . ' AND produit_id = 4');
by_hand('UPDATE that moves a stock', [ quantity(2, 4), quantity(3, 4) ],
    'UPDATE stock_local SET magasin_id = 3 WHERE magasin_id = 2'
        . ' AND produit_id = 4');
by_hand('UPDATE of the central stock', [ 'a4', @central ],
    'UPDATE stock_central SET quantite = 1 WHERE produit_id = 4');
by_hand('UPDATE of a request', [qw(d1 requests waiting)],
    'UPDATE demande_reapprovisionnement SET quantite = 1 WHERE id = 1');
by_hand('UPDATE of a receipt', [qw(r1 receipts)],
    "UPDATE reception SET reference = 'x' WHERE id = 1");
by_hand('UPDATE of a line of it', [qw(r1 receipts)],
    'UPDATE reception_ligne SET quantite = 9 WHERE reception_id = 1');
by_hand('UPDATE of a transfer', [qw(x1 moves i1 i2)],
    "UPDATE transfert SET expedie_par = 'x' WHERE id = 1");
by_hand('DELETE of a line of it', [qw(x1 moves i1 i2)],
    'DELETE FROM transfert_ligne WHERE transfert_id = 1');
by_hand('UPDATE of a reservation', undef,
    "UPDATE reservation SET reference = 'x' WHERE id = 1");
by_hand('UPDATE of a line of it', undef,
    'UPDATE reservation_ligne SET quantite = 2 WHERE reservation_id = 1');
by_hand('UPDATE of a stock-take', [qw(k1 counts)],
    "UPDATE comptage SET motif = 'x' WHERE id = 1");
by_hand('UPDATE of a sale', [qw(v1 vr1 sales vm1 reports periodes dashboard)],
    'UPDATE vente SET total = 1 WHERE id = 1');
by_hand('UPDATE of a line', [qw(v1 vr1 sales vm1 reports periodes dashboard)],
    'UPDATE ligne_vente SET quantite = 9 WHERE id = 1');
by_hand('UPDATE of a line\'s sale', [qw(v1 vr1 v2 vr2 sales vm1 reports periodes dashboard)],
    'UPDATE ligne_vente SET vente_id = 2 WHERE id = 1');
by_hand('UPDATE of a line\'s product', [qw(v1 vr1 sales vm1 reports periodes dashboard)],
    'UPDATE ligne_vente SET produit_id = 9 WHERE id = 2');
by_hand('INSERT of a return', [qw(v2 vr2 sales vm1 reports periodes dashboard)],
    'INSERT INTO retour (id, vente_id, magasin_id, remise_en_stock, total)'
        . ' VALUES (9, 2, 1, false, 1)');
by_hand('INSERT of its line', [qw(v2 vr2 sales vm1 reports periodes dashboard)],
    'INSERT INTO retour_ligne (retour_id, ligne_id, produit_id, quantite,'
        . ' prix_unitaire) VALUES (9, 4, 5, 1, 18.50)');
by_hand('DELETE of both', [qw(v2 vr2 sales vm1 reports periodes dashboard)],
    'DELETE FROM retour_ligne; DELETE FROM retour');
by_hand('INSERT of a sale', [qw(sales vm2 reports periodes dashboard)],
    'INSERT INTO vente (magasin_id, total) VALUES (2, 5)');
by_hand('INSERT of a stock', [qw(a9 s2 l2 o2 reports periodes dashboard)],
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' VALUES (2, 9, 3)');
by_hand('INSERT of a store', [qw(stores a4 a9 a15 reports periodes dashboard)],
    "INSERT INTO magasin (nom, adresse) VALUES ('Six', 'Six')");
by_hand('DELETE of a sale', [qw(v1 vr1 sales vm1 reports periodes dashboard)],
    'DELETE FROM ligne_vente WHERE vente_id = 1;'
        . ' DELETE FROM vente WHERE id = 1');
by_hand('DELETE of a request', [qw(d1 requests waiting)],
    'DELETE FROM demande_reapprovisionnement WHERE id = 1');
by_hand('DELETE of a stock', [ quantity(1, 9) ],
    'DELETE FROM stock_local WHERE magasin_id = 1 AND produit_id = 9');

# Transactions

by_hand('savepoints', [qw(p4 f4 t1.4 a4)],
    'BEGIN; SAVEPOINT a; UPDATE produit SET prix = 2 WHERE id = 4;'
        . ' RELEASE a; SAVEPOINT b; UPDATE produit SET prix = 2 WHERE id = 9;'
        . ' ROLLBACK TO b; COMMIT');
by_hand('ROLLBACK', [],
    'BEGIN; UPDATE produit SET prix = 3 WHERE id = 4; ROLLBACK');
by_hand('a transaction that commits after younger ones', 
    [qw(p4 f4 t1.4 a4 p9 f9 t2.9 a9)],
    sub {
        my $held = MagasinTest::hold(
            'UPDATE produit SET prix = 4 WHERE id = 4');

        # Younger ones, and polls that see them.

        for (1, 2) {
            mark("UPDATE produit SET prix = $prix WHERE id = 9");
            marked();
        }
        get($_) for keys %Reads;
        MagasinTest::release($held, 'COMMIT');
        mark();
    });

# What says so little that all of it may be another.

by_hand('a sale of another store', undef,
    'UPDATE vente SET magasin_id = 2 WHERE id = 1', 'SELECT');
by_hand('another id of a request', undef,
    'UPDATE demande_reapprovisionnement SET id = 77 WHERE id = 1', 'SELECT');
by_hand('another id of a product', undef,
    'UPDATE produit SET id = 77 WHERE id = 15',
    'DELETE FROM stock_local WHERE produit_id = 15',
    'DELETE FROM stock_central WHERE produit_id = 15');
by_hand('another id of a store', undef,
    'UPDATE magasin SET id = 77 WHERE id = 2',
    'DELETE FROM stock_local WHERE magasin_id = 2',
    'DELETE FROM demande_reapprovisionnement WHERE magasin_id = 2',
    'DELETE FROM transfert_ligne WHERE transfert_id = 2',
    'DELETE FROM transfert WHERE id = 2',
    'DELETE FROM ligne_vente WHERE vente_id IN (4, 5)',
    'DELETE FROM vente WHERE magasin_id = 2');
by_hand('DELETE of a product',
    [ 'p15', 'f15', 'a15', 'q1.15', @names, @central ],
    'DELETE FROM stock_local WHERE produit_id = 15;'
        . ' DELETE FROM stock_central WHERE produit_id = 15;'
        . ' DELETE FROM produit WHERE id = 15', 'SELECT');
by_hand('three thousand products', undef,
    'INSERT INTO produit (nom, categorie, prix)'
        . " SELECT 'Chocolat ' || n, 'Lot', 1 FROM generate_series(1, 3000) n;"
        . " UPDATE produit SET nom = nom || '.'");
by_hand('TRUNCATE of the stock',
    [ (grep {/^[qslah]\d/} keys %Reads), qw(reports periodes dashboard) ],
    'TRUNCATE stock_local', 'SELECT');
by_hand('TRUNCATE', undef, 'TRUNCATE demande_reapprovisionnement');

# A store may have the number 0, which is not the central stock's.

{
    MagasinTest::sql($_) for
        "INSERT INTO magasin (id, nom, adresse) VALUES (0, 'Un', 'Un')",
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' VALUES (0, 1, 5)';
    my @paths = map {"/api/v1/stores/0/stock/$_"} '', '1/', 'list/';

    MagasinNginx::wait_for(
        sub { $nginx->fetch($paths[1])->{status} == 200 });
    $nginx->fill(@paths);
    is($nginx->fetch("$paths[1]adjust/", method => 'POST',
            content => '{"delta":1}')->{status}, 200, 'store 0: a write');
    like($nginx->fetch($_)->{content}, qr/"quantite":6/,
        "$_: seen") for @paths;

    $nginx->fill(@paths);
    MagasinTest::sql('UPDATE stock_local SET quantite = 7'
            . ' WHERE magasin_id = 0');
    cmp_ok($nginx->late($_, sub { $_[0]{content} =~ /"quantite":7/ }), '<', 1,
        "$_: by hand, seen within a second") for @paths;
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
unlike($nginx->log, qr/\[(?:error|warn)\]/, 'nor anything else');

MagasinTest::reset();
done_testing();
