# What a store needs (besoins_magasin, besoin_produit): with what is held, which
# is looked for only where something is.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $All = "SELECT string_agg(produit || ':' || disponible, ' ' ORDER BY produit)"
    . ' FROM besoins_magasin(1)';
my $Each = "SELECT string_agg(p.id || ':' || b.disponible, ' ' ORDER BY p.id)"
    . ' FROM produit p CROSS JOIN LATERAL besoin_produit(1, p.id, p.categorie) b';

# counted(STATEMENT): what it returns, and how often it looks for what is held.
# A session of its own: another one still has the counts of before.
sub counted {
    my ($statement) = @_;
    return MagasinTest::psql('--single-transaction', map { ('-c', $_) }
        "SET LOCAL track_functions = 'all'", $statement,
        'SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE'
            . " funcname IN ('stock_retenu', 'retenu_vivant')");
}

MagasinTest::reset(
    'UPDATE stock_local SET quantite = 9 WHERE magasin_id = 1',
    q{INSERT INTO seuil_categorie VALUES (1, '', 5, 20)},
    q{SELECT reservation_creer(1, ARRAY[4, 7], ARRAY[3, 6], 900, NULL, 'a')});

is(MagasinTest::sql('SELECT count(*) > 5 FROM stock_local WHERE magasin_id = 1'),
    't', 'a store with some products');
is(counted($All), "7:3\n2", 'all needs: two looks, of two products that are held');
is(counted($Each), "7:3\n2", 'of each product: the same');

# By adjustments there can be fewer than are held.
MagasinTest::sql('UPDATE stock_local SET quantite = 2 WHERE magasin_id = 1'
    . ' AND produit_id IN (4, 7)');
is(MagasinTest::sql($All), '4:0 7:0', 'fewer than are held: none');
is(MagasinTest::sql($Each), '4:0 7:0', 'of each product, too');

# What is over holds nothing.
MagasinTest::sql('SET LOCAL session_replication_role = replica',
    q{UPDATE reservation_ligne SET expire_le = now() - interval '1 minute'});
is(MagasinTest::sql($All), '4:2 7:2', 'and what is over holds none');

MagasinTest::reset();
done_testing();
