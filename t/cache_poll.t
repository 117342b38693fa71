# The poller's statement reads what changed, however the journal is made up:
# after an import nearly all of its rows are of one transaction.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

MagasinTest::reset(
    'INSERT INTO journal (type, magasin_id, produit_id, delta, quantite)'
        . " SELECT 'manuel', 1, 1, 0, 0 FROM generate_series(1, 50000)");
MagasinTest::psql('-c', 'ANALYZE journal');

open my $file, '<', 'sql/statements/cache_poll.sql' or die "cache_poll: $!\n";
my $statement = do { local $/; <$file> };
close $file;

my $now = MagasinTest::sql('SELECT pg_current_snapshot()');

# Partitions that have rows.
my $used = join '|', split /\n/, MagasinTest::sql(
    "SELECT DISTINCT substr(tableoid::regclass::text, 9) FROM journal");

for my $mode (qw(custom generic)) {
    for my $running ('', '1', '700,701,702') {
        my $snapshot = $running eq '' ? $now
            : $now =~ s/\A\d+:(\d+):.*/1:$1:$running/r;
        my $plan = MagasinTest::psql(
            '-c', "SET plan_cache_mode = force_${mode}_plan",
            '-c', "PREPARE poll AS $statement",
            '-c', "EXPLAIN (COSTS OFF) EXECUTE poll('$snapshot', 1000)");
        unlike($plan, qr/Seq Scan on journal_(?:$used)\b/,
            "$mode plan, running: " . ($running || 'none'));
        like($plan, qr/Index Scan using journal_\d+_pkey/,
            "$mode plan, running: " . ($running || 'none') . ': index');
    }
}

MagasinTest::reset();
MagasinTest::psql('-c', 'ANALYZE journal');
done_testing();
