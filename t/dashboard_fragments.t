# The dashboard is joined from fragments, one for each store: a write makes new
# the fragment of its store and no other.
#
# A lie shows which fragments were read anew: the sums of all stores are
# changed without the journal, which alone tells the cache of changes by hand.

use strict;
use warnings;

use lib 't/inc';
use JSON::PP qw(decode_json);
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $path = '/api/v1/dashboard/';

my $nginx = MagasinCache->start(workers => 2);
my $mark  = 0;

# Restore the tables, and wait until the cache knows: an answer with the mark,
# which is in the same transaction, is a hit only after the poll that saw it.
sub fixture {
    $mark++;
    MagasinTest::reset(@_,
        "UPDATE magasin SET adresse = 'mark $mark.' WHERE id = 1");
    MagasinNginx::wait_for(sub {
        my $answer = $nginx->fetch('/api/v1/stores/1/');
        return $answer->{state} eq 'HIT'
            && $answer->{content} =~ /mark $mark\./;
    }) or die "the fixture is not seen\n";
    honest($nginx->direct($path));
    return;
}

# All stores seem to have sold for so much more.
sub lie {
    my ($more) = @_;
    return MagasinTest::sql(
        'INSERT INTO cumul_vente (magasin_id, produit_id, quantite, total,'
            . " recente, premiere) SELECT id, -$more, 0, $more, 0, -$more"
            . ' FROM magasin');
}

# The stores whose objects have the lie, by their place in the list.
my %Honest;

sub liars {
    my ($answer, $lie) = @_;
    my $place = 0;
    my @liars;
    for my $store (@{ decode_json($answer->{content}) }) {
        $place++;
        push @liars, $place
            if $store->{chiffre_affaires} - $Honest{$place} >= $lie - 0.001;
    }
    return "@liars";
}

sub honest {
    my ($answer) = @_;
    my $place = 0;
    $Honest{ ++$place } = $_->{chiffre_affaires}
        for @{ decode_json($answer->{content}) };
    return;
}

# changed(WHAT, STORES, WRITE): the stores that are read anew after a write.
# A node whose poll is late uses no entry at all, so there are some attempts.
sub changed {
    my ($what, $wanted, $write) = @_;

    my ($answer, $liars);
    for my $attempt (1 .. 10) {
        fixture();
        next unless $nginx->fill($path);
        lie(5000);
        $write->();
        MagasinNginx::wait_for(sub {
            $answer = $nginx->fetch($path);
            return $answer->{state} eq 'MISS';
        }) or last;
        $liars = liars($answer, 5000);
        last if $liars eq $wanted;
    }
    is($liars, $wanted, "$what: read anew");
    is($nginx->fetch($path)->{content}, $answer->{content},
        "$what: and cached");
    return;
}

sub api {
    my ($method, $at, $body) = @_;
    my $answer = $nginx->fetch("/api/v1/$at",
        method  => $method,
        headers => {
            Authorization  => $MagasinCache::Token,
            'Content-Type' => 'application/json',
        },
        content => $body);
    die "$method $at: $answer->{status} $answer->{content}\n"
        if $answer->{status} >= 300;
    return;
}

changed('a sale', '2', sub {
    api('POST', 'sales/',
        '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}');
});
changed('stock', '3', sub {
    my ($produit) = MagasinTest::sql('SELECT min(produit_id) FROM stock_local'
        . ' WHERE magasin_id = 3');
    api('POST', "stores/3/stock/$produit/adjust/", '{"delta":1,"motif":"x"}');
});
changed('a name', '1 2 3 4 5', sub {
    api('PATCH', 'products/1/', '{"nom":"Autre nom"}');
});

changed('a product with the name of another one', '1 2 3 4 5', sub {
    my ($nom) = MagasinTest::sql('SELECT nom FROM produit WHERE id = 1');
    api('POST', 'products/', qq({"nom":"$nom","categorie":"x","prix":"1"}));
});

# By hand the poller finds it, and other stores are left alone, too.

sub by_hand {
    my ($what, $wanted, @statements) = @_;
    return changed($what, $wanted, sub { MagasinTest::sql(@statements) });
}

by_hand('the name of a store', '4',
    q{UPDATE magasin SET nom = 'Autre' WHERE id = 4});
by_hand('a product by psql with the name of another one', '1 2 3 4 5',
    'INSERT INTO produit (nom, categorie, prix)'
        . " SELECT nom, 'x', 1 FROM produit WHERE id = 1");
by_hand('stock by psql', '1',
    'UPDATE stock_local SET quantite = quantite + 1 WHERE magasin_id = 1');
by_hand('a sale by psql', '5', 'INSERT INTO vente (magasin_id, total) VALUES'
    . ' (5, 0)');

# Products with equal names are looked for once, and again after a name has come
# or gone: the lie makes two names equal without the journal.

fixture();
ok($nginx->fill($path), 'who has a name of others is cached');
MagasinTest::sql('ALTER TABLE produit DISABLE TRIGGER journal_fait',
    'UPDATE produit SET nom = (SELECT nom FROM produit WHERE id = 1)'
        . ' WHERE id = 2',
    'ALTER TABLE produit ENABLE ALWAYS TRIGGER journal_fait');
api('POST', 'sales/', '{"magasin":1,"lignes":[{"produit":1,"quantite":2},'
    . '{"produit":2,"quantite":2}]}');
isnt($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'equal names are not looked for again after a sale');
api('PATCH', 'products/5/', '{"nom":"Autre nom"}');
is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'but after another name has come');
api('PATCH', 'products/2/', '{"nom":"Encore un nom"}');
is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'and after one has gone');

# Who asks for a new answer gets new fragments, and they serve the others.

fixture();
ok($nginx->fill($path), 'cached');
lie(5000);
is(liars($nginx->fetch($path, headers => { 'Cache-Control' => 'no-cache' }),
        5000), '1 2 3 4 5', 'no-cache: all are read anew');
is(liars($nginx->fetch($path), 5000), '1 2 3 4 5', '... for others, too');

# detail=true has fragments of its own.

fixture();
my $plain  = $nginx->fetch($path)->{content};
my $detail = $nginx->fetch("$path?detail=true")->{content};
api('POST', 'sales/', '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}');
for my $form ('', '?detail=true') {
    is($nginx->fetch("$path$form")->{content},
        $nginx->direct("$path$form")->{content}, "joined as read: $form");
}
like($detail, qr/"meilleures_ventes":/, 'with details');
unlike($plain, qr/"meilleures_ventes":/, 'without details');

# A fragment ends with its window, and the answer that it is part of with it.

fixture(
    'INSERT INTO vente (id, magasin_id, date_vente, total) VALUES'
        . " (901, 4, now() - interval '168 hours' + interval '6 seconds', 1)",
    'INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)'
        . ' VALUES (901, 1, 1, 1)');
like($nginx->fetch($path)->{content},
    qr/"Magasin Sud"[^}]*"tendances":"Clavier/, 'in the window');
api('POST', 'sales/', '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}');
like($nginx->fetch($path)->{content},
    qr/"Magasin Sud"[^}]*"tendances":"Clavier/, 'joined');
ok(MagasinNginx::wait_for(sub {
    return $nginx->fetch($path)->{content}
        =~ /"Magasin Sud"[^}]*"tendances":""/;
}), 'out of the window');

# Stores come and go, more of them than one list has.

fixture("INSERT INTO magasin (id, nom, adresse) SELECT i, 'M' || i, 'x'"
    . ' FROM generate_series(101, 1720) i');
is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'many stores');
api('POST', 'sales/', '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}');
is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'many stores, joined');
MagasinTest::sql('DELETE FROM magasin WHERE id IN (101, 1350, 1720)');
ok(MagasinNginx::wait_for(sub {
    return $nginx->fetch($path)->{content} !~ /"M1350"/;
}), 'three are deleted');
is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
    'some are gone');

MagasinTest::reset();
done_testing();
