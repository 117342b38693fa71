# From PostgreSQL 17 on, a table takes no new column while the parsed body of a
# function names its row type.  sql/before.sql, before each migration, is what
# helps.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $before = do {
    open my $file, '<', "$MagasinTest::Top/sql/before.sql" or die "open: $!\n";
    local $/;
    <$file>;
};

# In transactions that are rolled back, so that no other session sees it.

my @tables = split ' ', MagasinTest::sql(q{
    SELECT c.oid::regclass FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace
       AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY 1});
cmp_ok(scalar @tables, '>', 10, 'there are tables');
for my $table (@tables) {
    my $done = eval {
        MagasinTest::sql($before, "ALTER TABLE public.$table"
                . " ADD COLUMN essai text NOT NULL DEFAULT 'x'", 'ROLLBACK');
        1;
    };
    ok($done, "$table takes a column") or diag $@;
}

# The warning of ROLLBACK, which has ended the transaction, is not of interest.
sub within {
    my ($statement) = @_;
    return MagasinTest::sql($before, $statement, 'ROLLBACK')
        =~ s/^WARNING:.*\n?//mr =~ s/\s+\z//r;
}

# The functions say the same as before.

MagasinTest::reset();
my $say = q{SELECT magasin_corps(m), reponse_ferme(m) FROM magasin m
    UNION ALL SELECT produit_corps(p), NULL FROM produit p
    ORDER BY 1};
my ($version, $old) = (MagasinTest::sql('SHOW server_version_num'),
    MagasinTest::sql($say));
my $new = within($say);
$old =~ s/\s+\z//;
like($new, qr/"nom"/, 'the functions answer');
is($new, $old, 'and say what they said');

my $count = q{SELECT count(*) FROM pg_proc WHERE prosqlbody IS NULL
    AND oid = 'public.magasin_corps(public.magasin)'::regprocedure};
is(within($count), $version >= 170000 ? 1 : 0,
    'a body is a text where that is needed');

done_testing();
