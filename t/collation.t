# The order of names is the API's own, and not that of the database: each read
# answers the same from a database that sorts by bytes.  The databases of the
# other suites sort in French, so that they would not notice a statement without
# COLLATE magasin_fr.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinRoutes;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $other = 'magasin_octets';

# Names and categories that bytes and French sort in different orders.
my @content = (
    (map { "UPDATE produit SET nom = '$_->[1]', categorie = '$_->[2]'"
            . " WHERE id = $_->[0]" }
        [ 1, 'Écouteurs', 'Épicerie' ], [ 2, 'eau', 'boissons' ],
        [ 3, 'Zèbre', 'Boissons' ],     [ 4, 'été', 'Épicerie' ],
        [ 5, 'Eté', 'boissons' ],       [ 6, 'zone', 'Zoo' ]),
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)
     SELECT 1, id, 7 FROM produit ON CONFLICT DO NOTHING',
    'INSERT INTO stock_central (produit_id, quantite)
     SELECT id, 7 FROM produit ON CONFLICT DO NOTHING',
    q{UPDATE magasin SET nom = 'école' WHERE id = 2},
    q{INSERT INTO produit_code (code, produit_id, interne)
      SELECT 'C-' || id, id, true FROM produit},
    q{INSERT INTO seuil_categorie
      SELECT 1, categorie, 50, 60 FROM produit GROUP BY categorie},
    @MagasinRoutes::Rows,
);

# Where a name decides about the order.
my @paths = (
    (map { MagasinRoutes::fill($_->{path}) }
        grep { $_->{path} =~ m{^/api/} && $_->{name} ne 'journal' }
        MagasinRoutes::reads()),
    (map {"/api/v1/$_"} 'products/?q=e', 'products/?categorie=boissons',
        'products/?archive=true', 'products/?id=1,2,3,4,5,6',
        'stock/central/?q=e', (map {"stock/central/?ordering=$_"}
            qw(nom -nom quantite -quantite)),
        (map { ("stores/1/stock/list/?ordering=$_",
                "stores/1/stock/list/?ordering=$_&q=e") }
            'produit__nom', '-produit__nom', 'quantite',
            '-quantite,-produit__nom'),
        (map { ("stores/1/items/?ordering=$_",
                "stores/1/items/?ordering=$_&q=e") } qw(nom -nom quantite))),
);
# In pages of two, each from the key of the one before.
push @paths, map { $_ . ($_ =~ /\?/ ? '&' : '?') . 'limit=2' }
    grep { !m{stock/list/|/(?:reports|dashboard|stock|sales)/\z} } @paths;

sub in {
    my ($database, $work) = @_;
    local $ENV{TEST_NGINX_ADMIN_DATABASE}
        = $ENV{TEST_NGINX_ADMIN_DATABASE} =~ s/\bdbname=\S+/dbname=$database/r;
    local $ENV{TEST_NGINX_DATABASE}
        = $ENV{TEST_NGINX_DATABASE} =~ s/\bdbname=\S+/dbname=$database/r;
    return $work->();
}

# All pages of all paths, without what differs from one load to the next.
sub answers {
    MagasinTest::reset(@content);
    my $nginx = MagasinNginx->start(workers => 1);
    my %answers;
    for my $start (@paths) {
        my $path = $start;
        while (defined $path) {
            my (undef, $answer) = $nginx->ask(
                "GET $path HTTP/1.0\r\nHost: localhost\r\n\r\n");
            my ($body) = $answer =~ /\r\n\r\n(.*)\z/s;
            $answers{$start} .= MagasinTest::timeless($body) . "\n";
            ($path) = $start =~ /limit=/
                ? $body =~ m{"next":"http://[^/"]*(/[^"]*)"} : undef;
        }
    }
    is($nginx->complaints, '', 'nothing in the error log');
    $nginx->stop;
    return \%answers;
}

sub names {
    return MagasinTest::sql(
        q{SELECT string_agg(nom, ',' ORDER BY nom COLLATE "default") FROM produit});
}

MagasinTest::psql('-c', "DROP DATABASE IF EXISTS $other", '-c',
    "CREATE DATABASE $other TEMPLATE template0 LOCALE_PROVIDER libc"
        . " LOCALE 'C.UTF-8'");
my $said = in($other, sub {
    qx($MagasinTest::Top/scripts/migrate.sh '$ENV{TEST_NGINX_ADMIN_DATABASE}' 2>&1);
});
is($?, 0, 'a database that sorts by bytes') or diag $said;

my ($french, $french_names) = (answers(), names());
my ($bytes, $bytes_names) = in($other, sub { (answers(), names()) });

isnt($bytes_names, $french_names, 'the content tells the two orders apart');
is($bytes->{$_}, $french->{$_}, $_) for sort keys %$french;

# A database that knows no letters but those of ASCII: the search would miss
# names, and nothing fails.

like($said, qr/^(?!.*search:)/s, 'migrate.sh has nothing against one that does');

MagasinTest::psql('-c', "DROP DATABASE IF EXISTS $other", '-c',
    "CREATE DATABASE $other TEMPLATE template0 LOCALE_PROVIDER libc"
        . " LOCALE 'C'");
my ($doctor, $status);
in($other, sub {
    $said = qx($MagasinTest::Top/scripts/migrate.sh '$ENV{TEST_NGINX_ADMIN_DATABASE}' 2>&1);
    $status = $?;
    local $ENV{DATABASE} = $ENV{TEST_NGINX_ADMIN_DATABASE};
    $doctor = qx($MagasinTest::Top/scripts/check.sh doctor 2>&1);
});
is($status, 0, 'a database with LC_CTYPE C is migrated') or diag $said;
like($said, qr/^migrate: warning: search: LC_CTYPE of the database is C: /m,
    '  with a warning');
like($doctor, qr/^search: LC_CTYPE of the database is C: .*^doctor: .*LC_CTYPE/ms,
    '  and make doctor has it');

MagasinTest::reset();
MagasinTest::psql('-c', "DROP DATABASE IF EXISTS $other");
done_testing();
